"""A person at one organisation, locked while their access changes there, and what the actor may give."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from kit.actor import Actor
from kit.db import Transaction
from kit.errors import NotFoundError
from services.identity.domain import Organisation, OrganisationKind, RoleGrant
from services.identity.domain.access import AUTHORISER
from services.identity.roles import ceiling_of, held_roles, missing_of
from services.identity.store import access, organisations, people
from services.identity.store.people import Member


@dataclass(frozen=True, slots=True)
class Access:
    """A person at one organisation: who they are there, and every grant they were given, ended ones too."""

    member: Member
    kind: OrganisationKind
    grants: tuple[RoleGrant, ...]
    today: date


def lock_access(tx: Transaction, person_id: UUID, *, today: date) -> tuple[Access, Organisation]:
    """Someone whom the present organisation knows; nobody else changes their access meanwhile.

    Raises:
        NotFoundError: it does not know them.
    """
    organisation = organisations.find_organisation(tx, tx.tenant_id)
    member = access.lock_member(tx, person_id)
    if member is None or organisation is None:
        raise NotFoundError("person")
    grants = people.grants_of_members(tx, [person_id])[person_id]
    return Access(member, organisation.kind, tuple(grants), today), organisation


def ceiling_here(tx: Transaction, actor: Actor, *, today: date) -> frozenset[str]:
    """The roles that the actor may give and take, by their own as they are now: a token may be older than their end."""
    own = people.grants_of_members(tx, [actor.person_id])[actor.person_id]
    return ceiling_of(held_roles(own, kind=OrganisationKind(actor.tenant_kind), today=today))


def has_other_authoriser(tx: Transaction, person_id: UUID, organisation: Organisation, *, today: date) -> bool:
    """Whether someone else can give access at the present organisation; nobody takes that away meanwhile."""
    return any(
        holder != person_id and grant.is_held(today) and not missing_of(grant, kind=organisation.kind, today=today)
        for holder, grant in access.lock_holders(tx, AUTHORISER).items()
    )
