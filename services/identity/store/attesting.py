"""When access was last attested and last used, and the rules of both."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ARRAY, Date, bindparam, cast, func, or_, select, update
from sqlalchemy.dialects import postgresql

from kit.db import Transaction, prepare
from services.identity.domain.attesting import AccessRules
from services.identity.store.tables import access_rule, member, role_grant, session

ATTESTED_ON = func.coalesce(member.c.attested_on, cast(func.timezone("Pacific/Auckland", member.c.joined_at), Date))
"""The day on which a member's access was last attested: who let them in, let them in."""
_RULES = prepare(
    select(access_rule.c.code, access_rule.c.days)
    .where(
        access_rule.c.starts_on <= bindparam("today"),
        or_(access_rule.c.ends_on.is_(None), access_rule.c.ends_on >= bindparam("today")),
    )
    .order_by(access_rule.c.starts_on)
)
_ATTESTED = prepare(
    select(member.c.person_id, ATTESTED_ON.label("attested_on")).where(
        member.c.tenant_id == bindparam("tenant"),
        member.c.person_id == func.any(bindparam("people", type_=ARRAY(postgresql.UUID))),
    )
)
_ATTEST = prepare(
    update(member)
    .where(member.c.tenant_id == bindparam("tenant"), member.c.person_id == bindparam("person"))
    .values(attested_on=bindparam("today"), attested_by=bindparam("by_whom"))
)
_SESSION_USED = prepare(select(func.max(session.c.used_at)).where(session.c.person_id == bindparam("person")))
_GIVEN_AT = prepare(
    select(func.max(role_grant.c.granted_at)).where(
        role_grant.c.tenant_id == bindparam("tenant"), role_grant.c.person_id == bindparam("person")
    )
)
_REST = prepare(
    update(role_grant)
    .where(
        role_grant.c.tenant_id == bindparam("tenant"),
        role_grant.c.person_id == bindparam("person"),
        role_grant.c.role == func.any(bindparam("roles", type_=ARRAY(postgresql.TEXT))),
    )
    .values(rested_at=bindparam("moment"))
)


def find_rules(tx: Transaction, *, today: date) -> AccessRules:
    """The rules of a day."""
    days = {row.code: row.days for row in tx.all(_RULES, today=today)}
    return AccessRules(
        attest_every=days["attest-every"], attest_warn=days["attest-warn"], rest_after=days["rest-after"]
    )


def attested_on(tx: Transaction, people: Sequence[UUID]) -> Mapping[UUID, date]:
    """When the access of people of the present organisation was last attested."""
    return {row.person_id: row.attested_on for row in tx.all(_ATTESTED, tenant=tx.tenant_id, people=list(people))}


def attest(tx: Transaction, person_id: UUID, *, by: UUID | None, today: date) -> None:
    """Queue that someone's access to the present organisation is needed."""
    tx.later(_ATTEST, tenant=tx.tenant_id, person=person_id, by_whom=by, today=today)


def last_used(tx: Transaction, person_id: UUID) -> datetime | None:
    """When a session of the person was last used. For the person role."""
    moment: datetime | None = tx.value(_SESSION_USED, person=person_id)
    return moment


def last_given(tx: Transaction, person_id: UUID) -> datetime | None:
    """When the person was last given a role at the present organisation."""
    moment: datetime | None = tx.value(_GIVEN_AT, tenant=tx.tenant_id, person=person_id)
    return moment


def rest(tx: Transaction, person_id: UUID, *, roles: Sequence[str], since: datetime | None) -> None:
    """Queue that roles of a person at the present organisation rest since a moment, or (None) rest no more."""
    tx.later(_REST, tenant=tx.tenant_id, person=person_id, roles=list(roles), moment=since)
