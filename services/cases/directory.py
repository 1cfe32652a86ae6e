"""What cases must know of organisations and people: asked of identity, with the caller's own token, each time.

Facts that decide access are read from their owner and never copied. Every question is asked before a transaction opens.
"""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from ascms.identity.v1 import identity_pb2

from kit.errors import NotFoundError
from kit.rpc.client import Backend

CASE_MANAGER, WORKFLOW_LEAD = "case_manager", "workflow_lead"


@dataclass(frozen=True, slots=True)
class Provider:
    """Who provides for a school. `region` is Stats NZ's code: its working days count."""

    id: UUID
    region: str


class Directory(Protocol):
    """Answers about organisations and people, as far as the caller may know them."""

    def find_provider(self, *, school_id: UUID, token: str) -> Provider | None:
        """The provider of the catchment in which a school lies today; None where there is none."""
        ...

    def named_provider(self, *, provider_id: UUID, token: str) -> Provider | None:
        """A provider by its id; None where that is none."""
        ...

    def school_number(self, *, school_id: UUID, token: str) -> str:
        """The number of a school, up to four digits; empty for what is no school."""
        ...

    def is_working_case_manager(self, *, person_id: UUID, token: str) -> bool:
        """Whether someone is a case manager of the caller's organisation and their access works."""
        ...

    def is_working_on_cases(self, *, person_id: UUID, token: str) -> bool:
        """Whether someone is a case manager or lead of the caller's organisation and their access works."""
        ...

    def is_school_contact(self, *, person_id: UUID, school_id: UUID, token: str) -> bool:
        """Whether someone can be the contact for a case at a school in the caller's catchment."""
        ...


class IdentityDirectory:
    """The directory that identity keeps."""

    def __init__(self, identity: Backend) -> None:
        """`identity` as from `kit.rpc.identity.backend`."""
        self._identity = identity

    def find_provider(self, *, school_id: UUID, token: str) -> Provider | None:
        """See Directory."""
        request = identity_pb2.FindProviderRequest(school_id=str(school_id))
        try:
            answer = self._identity.call("FindProvider", request, token=token)
        except NotFoundError:
            return None
        return Provider(UUID(answer.provider.organisation_id), answer.provider.region)

    def named_provider(self, *, provider_id: UUID, token: str) -> Provider | None:
        """See Directory."""
        found = self._organisation(provider_id, token)
        if found is None or found.kind != identity_pb2.ORGANISATION_KIND_PROVIDER:
            return None
        return Provider(provider_id, found.region)

    def school_number(self, *, school_id: UUID, token: str) -> str:
        """See Directory."""
        found = self._organisation(school_id, token)
        return str(found.school_number) if found else ""

    def is_working_case_manager(self, *, person_id: UUID, token: str) -> bool:
        """See Directory."""
        return self._has_working_role(person_id, {CASE_MANAGER}, token)

    def is_working_on_cases(self, *, person_id: UUID, token: str) -> bool:
        """See Directory."""
        return self._has_working_role(person_id, {CASE_MANAGER, WORKFLOW_LEAD}, token)

    def is_school_contact(self, *, person_id: UUID, school_id: UUID, token: str) -> bool:
        """See Directory."""
        request = identity_pb2.ListSchoolContactsRequest(school_id=str(school_id))
        try:
            answer = self._identity.call("ListSchoolContacts", request, token=token)
        except NotFoundError:
            return False
        return any(person.person_id == str(person_id) for person in answer.people)

    def _organisation(self, organisation_id: UUID, token: str) -> identity_pb2.Organisation | None:
        request = identity_pb2.BatchGetOrganisationsRequest(organisation_ids=[str(organisation_id)])
        answer = self._identity.call("BatchGetOrganisations", request, token=token)
        return next(iter(answer.organisations), None)

    def _has_working_role(self, person_id: UUID, roles: set[str], token: str) -> bool:
        request = identity_pb2.BatchGetPeopleRequest(person_ids=[str(person_id)])
        answer = self._identity.call("BatchGetPeople", request, token=token)
        grants = [grant for person in answer.people for grant in person.roles]
        return any(grant.role in roles and grant.works for grant in grants)
