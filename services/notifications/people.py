"""Whom to tell and where to reach them: asked of identity when it is needed, kept nowhere."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from ascms.identity.v1 import identity_pb2, invitations_pb2, passphrases_pb2

from kit.errors import NotFoundError
from kit.rpc.client import Backend
from kit.rpc.identity import ServiceTokens

PURPOSE = "send-notices"
INVITATIONS = "send-invitations"
PASSPHRASES = "send-passphrases"
_PAGE = 200


@dataclass(frozen=True, slots=True)
class Contact:
    """Where to reach a person. `language` is "en" or "mi"."""

    name: str
    email: str
    language: str


@dataclass(frozen=True, slots=True)
class Invited:
    """Who is invited, by which organisation, and the secret of their link. Never logged, never stored."""

    contact: Contact
    organisation: str
    key: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ResetLink:
    """To whom a mail about their passphrase goes, and the secret of the link in it: never logged, never stored."""

    contact: Contact
    key: str
    expires_at: datetime


@dataclass(frozen=True)
class People:
    """The people of identity. Every function raises its DomainErrors; UnavailableError while it is away."""

    identity: Backend
    tokens: ServiceTokens

    def find_contact(self, tenant_id: UUID, person_id: UUID, *, is_untrained: bool = False) -> Contact | None:
        """Where to reach someone with a working role at an organisation; None for anyone else.

        With `is_untrained` also someone whose role does not work yet.
        """
        request = identity_pb2.BatchGetContactsRequest(person_ids=[str(person_id)], with_inert_roles=is_untrained)
        answer = self.identity.call("BatchGetContacts", request, token=self.tokens.token(tenant_id, PURPOSE))
        return next((Contact(found.name, found.email, found.language) for found in answer.contacts), None)

    def region_of(self, tenant_id: UUID) -> str:
        """The region of an organisation, whose working days count there; empty for one without."""
        request = identity_pb2.BatchGetOrganisationsRequest(organisation_ids=[str(tenant_id)])
        answer = self.identity.call("BatchGetOrganisations", request, token=self.tokens.token(tenant_id, PURPOSE))
        return next((found.region for found in answer.organisations), "")

    def find_invited(self, tenant_id: UUID, link_id: UUID) -> Invited | None:
        """Who is to be sent a link; None when it has been replaced, withdrawn or used, or has expired."""
        request = invitations_pb2.GetInvitationMailRequest(link_id=str(link_id))
        try:
            mail = self.identity.call("GetInvitationMail", request, token=self.tokens.token(tenant_id, INVITATIONS))
        except NotFoundError:
            return None
        return Invited(
            contact=Contact(mail.name, mail.email, mail.language),
            organisation=mail.organisation_name,
            key=mail.key,
            expires_at=mail.expires_at.ToDatetime(tzinfo=UTC),
        )

    def find_reset_link(self, tenant_id: UUID, person_id: UUID, link_id: UUID | None) -> ResetLink | None:
        """Where to write to someone about their passphrase, with the secret of a link; None when it works no more."""
        request = passphrases_pb2.GetPassphraseMailRequest(
            person_id=str(person_id), link_id=str(link_id) if link_id is not None else ""
        )
        try:
            mail = self.identity.call("GetPassphraseMail", request, token=self.tokens.token(tenant_id, PASSPHRASES))
        except NotFoundError:
            return None
        contact = Contact(mail.name, mail.email, mail.language)
        return ResetLink(contact, mail.key, mail.expires_at.ToDatetime(tzinfo=UTC))

    def list_holders(self, tenant_id: UUID, role: str) -> list[UUID]:
        """The people of an organisation for whom a role works now."""
        holders: list[UUID] = []
        page_token = ""
        while True:
            request = identity_pb2.ListPeopleRequest(working_role=role, page_size=_PAGE, page_token=page_token)
            answer = self.identity.call("ListPeople", request, token=self.tokens.token(tenant_id, PURPOSE))
            holders += [UUID(person.person_id) for person in answer.people]
            page_token = answer.next_page_token
            if not page_token:
                return holders
