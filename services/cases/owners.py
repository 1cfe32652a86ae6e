"""Whose access works, asked outside any request: of identity, with a token of the service's own for one purpose."""

from collections.abc import Collection, Mapping
from typing import Protocol
from uuid import UUID

from ascms.identity.v1 import identity_pb2

from kit.rpc.client import Backend
from kit.rpc.identity import ServiceTokens

PURPOSE = "check-owners"
_AT_ONCE = 200


class Owners(Protocol):
    """Answers about the people of one organisation."""

    def working_roles(self, tenant_id: UUID, people: Collection[UUID]) -> Mapping[UUID, frozenset[str]]:
        """The roles of each that work now; who has none may be left out. Raises when it cannot be known."""
        ...


class IdentityOwners:
    """What identity says now."""

    def __init__(self, identity: Backend, tokens: ServiceTokens) -> None:
        """`tokens` of the service cases."""
        self._identity = identity
        self._tokens = tokens

    def working_roles(self, tenant_id: UUID, people: Collection[UUID]) -> Mapping[UUID, frozenset[str]]:
        """See Owners."""
        if not people:
            return {}
        token = self._tokens.token(tenant_id, PURPOSE)
        found: dict[UUID, frozenset[str]] = {}
        ids = sorted(map(str, people))
        for start in range(0, len(ids), _AT_ONCE):
            request = identity_pb2.BatchGetPeopleRequest(person_ids=ids[start : start + _AT_ONCE])
            for person in self._identity.call("BatchGetPeople", request, token=token).people:
                found[UUID(person.person_id)] = frozenset(grant.role for grant in person.roles if grant.works)
        return found
