"""What the methods of every noun share, and the messages that several of them answer with."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from ascms.identity.v1 import identity_pb2 as pb
from ascms.identity.v1 import invitations_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from kit.actor import Actor
from kit.clock import local_date
from kit.paging import PageTokens
from services.identity.commands.deps import Deps
from services.identity.domain import HeldRole, Organisation, OrganisationKind
from services.identity.domain.invitations import IdentityDocument
from services.identity.tokens import TokenOffice

KINDS = {
    OrganisationKind.PROVIDER: pb.ORGANISATION_KIND_PROVIDER,
    OrganisationKind.SCHOOL: pb.ORGANISATION_KIND_SCHOOL,
    OrganisationKind.MINISTRY: pb.ORGANISATION_KIND_MINISTRY,
}
KIND_OF = {number: kind for kind, number in KINDS.items()}


@dataclass(frozen=True)
class Methods:
    """What every method may use."""

    deps: Deps
    office: TokenOffice
    pages: PageTokens

    def local_today(self) -> date:
        """The day in New Zealand."""
        return local_date(self.deps.clock.now())

    def after(self, token: str, scope: Sequence[object]) -> UUID | None:
        """The last row of the page before; None for the first page.

        The id alone: where it stands in the order is looked up, since a name may be longer than a token.
        """
        position = self.pages.decode(token, scope=scope)
        return UUID(position[0]) if position is not None else None


def ids(texts: Iterable[str]) -> list[UUID]:
    """Ids from their texts, each once."""
    return [UUID(text) for text in dict.fromkeys(texts)]


def kind_of(actor: Actor) -> OrganisationKind:
    """What the caller's organisation is."""
    return OrganisationKind(actor.tenant_kind)


def encode_person(person_id: UUID, name: str, roles: Iterable[HeldRole]) -> pb.Person:
    """A person as colleagues see them."""
    return pb.Person(
        person_id=str(person_id),
        name=name,
        roles=[pb.RoleGrant(role=held.role, works=held.works, missing=held.missing) for held in roles],
    )


def encode_organisation(item: Organisation) -> pb.Organisation:
    """An organisation."""
    return pb.Organisation(
        organisation_id=str(item.id),
        kind=KINDS[item.kind],
        name=item.name,
        school_number=item.school_number,
        region=item.region,
        suspended=item.is_suspended,
    )


def encode_document(item: IdentityDocument | None, code: str) -> invitations_pb2.IdentityDocument:
    """A kind of document; its code alone where it is not known any more."""
    if item is None:
        return invitations_pb2.IdentityDocument(code=code, label=code, label_mi=code)
    return invitations_pb2.IdentityDocument(
        code=item.code, label=item.label, label_mi=item.label_mi, has_photo=item.has_photo
    )


def encode_moment(moment: datetime | None) -> Timestamp | None:
    """A moment; None where it did not come."""
    if moment is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
