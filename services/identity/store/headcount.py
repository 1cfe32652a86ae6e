"""Who holds which role at an organisation, all of them at once: for counting, without names."""

from datetime import date
from uuid import UUID

from sqlalchemy import bindparam, or_, select

from kit.db import Transaction, prepare
from services.identity.domain import RoleGrant
from services.identity.store.people import grant_of
from services.identity.store.tables import role_grant

_HELD = prepare(
    select(role_grant).where(
        role_grant.c.tenant_id == bindparam("tenant"),
        role_grant.c.ended_at.is_(None),
        or_(role_grant.c.ends_on.is_(None), role_grant.c.ends_on >= bindparam("today")),
    )
)


def held_grants(tx: Transaction, *, today: date) -> list[tuple[UUID, RoleGrant]]:
    """(person, grant) of every role that is there at the present organisation, working or not."""
    return [(row.person_id, grant_of(row)) for row in tx.all(_HELD, tenant=tx.tenant_id, today=today)]
