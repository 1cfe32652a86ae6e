"""Whom to tell and where to reach them: asked of identity when it is needed, kept nowhere."""

from dataclasses import dataclass
from uuid import UUID

from ascms.identity.v1 import identity_pb2

from kit.rpc.client import Backend
from kit.rpc.identity import ServiceTokens

PURPOSE = "send-notices"
_LEAD = "workflow_lead"
_PAGE = 200


@dataclass(frozen=True, slots=True)
class Contact:
    """Where to reach a person. `language` is "en" or "mi"."""

    name: str
    email: str
    language: str


@dataclass(frozen=True)
class People:
    """The people of identity. Every function raises its DomainErrors; UnavailableError while it is away."""

    identity: Backend
    tokens: ServiceTokens

    def find_contact(self, tenant_id: UUID, person_id: UUID) -> Contact | None:
        """Where to reach someone with a working role at an organisation; None for anyone else."""
        request = identity_pb2.BatchGetContactsRequest(person_ids=[str(person_id)])
        answer = self.identity.call("BatchGetContacts", request, token=self.tokens.token(tenant_id, PURPOSE))
        return next((Contact(found.name, found.email, found.language) for found in answer.contacts), None)

    def list_leads(self, tenant_id: UUID) -> list[UUID]:
        """The people of an organisation whose role as workflow lead works now."""
        leads: list[UUID] = []
        page_token = ""
        while True:
            request = identity_pb2.ListPeopleRequest(working_role=_LEAD, page_size=_PAGE, page_token=page_token)
            answer = self.identity.call("ListPeople", request, token=self.tokens.token(tenant_id, PURPOSE))
            leads += [UUID(person.person_id) for person in answer.people]
            page_token = answer.next_page_token
            if not page_token:
                return leads
