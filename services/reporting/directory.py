"""Where providers are: asked of identity, with the caller's own token, each time, outside any transaction."""

from collections.abc import Collection, Mapping
from typing import Protocol
from uuid import UUID

from ascms.identity.v1 import identity_pb2

from kit.rpc.client import Backend

_MOST_IDS = 100


class Directory(Protocol):
    """Answers about organisations, as far as the caller may know them."""

    def regions(self, provider_ids: Collection[UUID], *, token: str) -> Mapping[UUID, str]:
        """Stats NZ's code of each provider's region; those without one are left out."""
        ...


class IdentityDirectory:
    """The directory that identity keeps."""

    def __init__(self, identity: Backend) -> None:
        """`identity` as from `kit.rpc.identity.backend`."""
        self._identity = identity

    def regions(self, provider_ids: Collection[UUID], *, token: str) -> Mapping[UUID, str]:
        """See Directory."""
        wanted, found = [str(each) for each in provider_ids], {}
        for start in range(0, len(wanted), _MOST_IDS):
            request = identity_pb2.BatchGetOrganisationsRequest(organisation_ids=wanted[start : start + _MOST_IDS])
            answer = self._identity.call("BatchGetOrganisations", request, token=token)
            found.update({UUID(each.organisation_id): each.region for each in answer.organisations if each.region})
        return found
