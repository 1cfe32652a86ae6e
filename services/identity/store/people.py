"""People: their profiles (their own rows), and how each organisation knows them (its members and their roles)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, and_, bindparam, exists, func, insert, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql

from kit.db import Transaction, prepare
from services.identity.domain import Period, Profile, RoleGrant, email_key, sort_name
from services.identity.store.tables import credential, member, profile, role_grant

_PROFILE = prepare(select(profile).where(profile.c.person_id == bindparam("person")))
_ADD_PROFILE = prepare(insert(profile).values(dict.fromkeys(profile.c.keys())))
_CHANGE_PROFILE = prepare(
    update(profile)
    .where(profile.c.person_id == bindparam("person"))
    .values(
        name=bindparam("new_name"),
        email=bindparam("new_email"),
        language=bindparam("new_language"),
        is_disabled=bindparam("new_is_disabled"),
        updated_at=bindparam("now"),
    )
)
_CHANGE_ORGANISATION = prepare(
    update(profile)
    .where(profile.c.person_id == bindparam("person"))
    .values(last_organisation_id=bindparam("new_organisation"))
)
_CREDENTIAL = prepare(
    select(credential.c.person_id, credential.c.passphrase_hash).where(credential.c.email_key == bindparam("wanted"))
)
_INSERT_CREDENTIAL = postgresql.insert(credential).values(dict.fromkeys(credential.c.keys()))
_PUT_CREDENTIAL = prepare(
    _INSERT_CREDENTIAL.on_conflict_do_update(
        index_elements=[credential.c.person_id],
        set_={
            "email_key": _INSERT_CREDENTIAL.excluded.email_key,
            "passphrase_hash": _INSERT_CREDENTIAL.excluded.passphrase_hash,
            "changed_at": _INSERT_CREDENTIAL.excluded.changed_at,
        },
    )
)
_OWN_CREDENTIAL = prepare(select(credential).where(credential.c.person_id == bindparam("person")))

_GRANT_COLUMNS = (
    role_grant.c.tenant_id,
    role_grant.c.person_id,
    role_grant.c.role,
    role_grant.c.starts_on,
    role_grant.c.ends_on,
    role_grant.c.trained_on,
    role_grant.c.training_ends_on,
    role_grant.c.ended_at,
    role_grant.c.rested_at,
)
_GRANTS_OF_PERSON = prepare(select(*_GRANT_COLUMNS).where(role_grant.c.person_id == bindparam("person")))
_GRANTS_OF_MEMBERS = prepare(
    select(*_GRANT_COLUMNS).where(
        role_grant.c.tenant_id == bindparam("tenant"),
        role_grant.c.person_id == func.any(bindparam("people", type_=ARRAY(postgresql.UUID))),
    )
)
_GRANT = prepare(
    select(*_GRANT_COLUMNS)
    .where(
        role_grant.c.tenant_id == bindparam("tenant"),
        role_grant.c.person_id == bindparam("person"),
        role_grant.c.role == bindparam("code"),
    )
    .with_for_update()
)
_INSERT_MEMBER = postgresql.insert(member).values(dict.fromkeys(member.c.keys()))
_PUT_MEMBER = prepare(
    _INSERT_MEMBER.on_conflict_do_update(
        index_elements=[member.c.tenant_id, member.c.person_id],
        set_={name: _INSERT_MEMBER.excluded[name] for name in ("name", "sort_name", "email", "language")},
    )
)
_INSERT_GRANT = postgresql.insert(role_grant).values(dict.fromkeys(role_grant.c.keys()))
_PUT_GRANT = prepare(
    _INSERT_GRANT.on_conflict_do_update(
        index_elements=[role_grant.c.tenant_id, role_grant.c.person_id, role_grant.c.role],
        set_={
            name: _INSERT_GRANT.excluded[name]
            for name in (
                "starts_on",
                "ends_on",
                "trained_on",
                "training_ends_on",
                "granted_at",
                "ended_at",
                "end_reason",
                "rested_at",
            )
        },
    )
)
_END_GRANT = prepare(
    update(role_grant)
    .where(
        role_grant.c.tenant_id == bindparam("tenant"),
        role_grant.c.person_id == bindparam("person"),
        role_grant.c.role == bindparam("code"),
    )
    .values(ended_at=bindparam("now"), end_reason=bindparam("new_reason"))
)

_MEMBER_COLUMNS = (member.c.person_id, member.c.name, member.c.email, member.c.language)
_MEMBERS = prepare(
    select(*_MEMBER_COLUMNS).where(
        member.c.tenant_id == bindparam("tenant"),
        member.c.person_id == func.any(bindparam("people", type_=ARRAY(postgresql.UUID))),
    )
)
# The same rule as roles.missing_of, for paging in the database; a test holds the two together.
_IS_HELD = and_(
    role_grant.c.tenant_id == bindparam("tenant"),
    role_grant.c.person_id == member.c.person_id,
    role_grant.c.ended_at.is_(None),
    or_(role_grant.c.ends_on.is_(None), role_grant.c.ends_on >= bindparam("today")),
)
_WORKS = and_(
    _IS_HELD,
    role_grant.c.role == bindparam("working_role"),
    role_grant.c.starts_on <= bindparam("today"),
    role_grant.c.rested_at.is_(None),
    or_(
        bindparam("is_untrained_enough", type_=Boolean),
        and_(
            role_grant.c.trained_on <= bindparam("today"),
            or_(role_grant.c.training_ends_on.is_(None), role_grant.c.training_ends_on >= bindparam("today")),
        ),
    ),
)
_PAGE = (
    select(*_MEMBER_COLUMNS)
    .where(member.c.tenant_id == bindparam("tenant"))
    .order_by(member.c.sort_name, member.c.person_id)
    .limit(bindparam("most"))
)
_ORDER = tuple_(member.c.sort_name, member.c.person_id)
_anchor = member.alias("anchor")
_ANCHOR = (
    select(_anchor.c.sort_name, _anchor.c.person_id)
    .where(_anchor.c.tenant_id == bindparam("tenant"), _anchor.c.person_id == bindparam("after"))
    .scalar_subquery()
)
_BEYOND = _ORDER > _ANCHOR  # PostgreSQL takes a row on the left and a query on the right, not the reverse
_WHO = {"working": exists().where(_WORKS), "any": exists().where(_IS_HELD), "none": ~exists().where(_IS_HELD)}
_PAGES = {
    (who, has_after): prepare(_PAGE.where(condition).where(*([_BEYOND] if has_after else [])))
    for who, condition in _WHO.items()
    for has_after in (False, True)
}


@dataclass(frozen=True, slots=True)
class Member:
    """How an organisation knows a person."""

    person_id: UUID
    name: str
    email: str
    language: str


def find_profile(tx: Transaction, person_id: UUID) -> Profile | None:
    """The person's own profile."""
    return _profile(tx.all(_PROFILE, person=person_id))


def ask_profile(tx: Transaction, person_id: UUID) -> Callable[[], Profile | None]:
    """As `find_profile`, in one round trip with whatever else is asked before the first answer is read."""
    asked = tx.later(_PROFILE, person=person_id)
    return lambda: _profile(asked.rows())


def insert_profile(tx: Transaction, item: Profile, *, now: datetime) -> None:
    """Queue a new person."""
    tx.later(
        _ADD_PROFILE,
        person_id=item.person_id,
        name=item.name,
        email=item.email,
        language=item.language,
        last_organisation_id=None,
        is_disabled=item.is_disabled,
        created_at=now,
        updated_at=now,
    )


def update_profile(tx: Transaction, item: Profile, *, now: datetime) -> None:
    """Queue a person's new name, address, language or state."""
    tx.later(
        _CHANGE_PROFILE,
        person=item.person_id,
        new_name=item.name,
        new_email=item.email,
        new_language=item.language,
        new_is_disabled=item.is_disabled,
        now=now,
    )


def remember_organisation(tx: Transaction, *, person_id: UUID, organisation_id: UUID) -> None:
    """Queue which organisation a person works for now."""
    tx.later(_CHANGE_ORGANISATION, person=person_id, new_organisation=organisation_id)


def find_credential(tx: Transaction, email: str) -> tuple[UUID, str] | None:
    """Whose an address is, and the hash of their passphrase. For the signin role."""
    row = tx.first(_CREDENTIAL, wanted=email_key(email))
    return (row.person_id, row.passphrase_hash) if row is not None else None


def own_credential(tx: Transaction, person_id: UUID) -> tuple[str, str] | None:
    """The person's own address key and passphrase hash."""
    row = tx.first(_OWN_CREDENTIAL, person=person_id)
    return (row.email_key, row.passphrase_hash) if row is not None else None


def put_credential(tx: Transaction, *, person_id: UUID, email: str, passphrase_hash: str, now: datetime) -> None:
    """Queue a person's address and passphrase hash."""
    tx.later(
        _PUT_CREDENTIAL,
        person_id=person_id,
        email_key=email_key(email),
        passphrase_hash=passphrase_hash,
        changed_at=now,
    )


def grants_of_person(tx: Transaction, person_id: UUID) -> dict[UUID, list[RoleGrant]]:
    """Every grant of a person, by organisation: all of them as `person`, the present one's as `tenant`."""
    return _by_organisation(tx.all(_GRANTS_OF_PERSON, person=person_id))


def ask_grants(tx: Transaction, person_id: UUID) -> Callable[[], dict[UUID, list[RoleGrant]]]:
    """As `grants_of_person`, in one round trip with others: see `ask_profile`."""
    asked = tx.later(_GRANTS_OF_PERSON, person=person_id)
    return lambda: _by_organisation(asked.rows())


def put_member(tx: Transaction, item: Profile, *, now: datetime) -> None:
    """Queue a person as the present organisation knows them."""
    tx.later(
        _PUT_MEMBER,
        tenant_id=tx.tenant_id,
        person_id=item.person_id,
        name=item.name,
        sort_name=sort_name(item.name),
        email=item.email,
        language=item.language,
        joined_at=now,
        attested_on=None,
        attested_by=None,
    )


def find_grant(tx: Transaction, *, person_id: UUID, role: str) -> RoleGrant | None:
    """One grant at the present organisation, locked."""
    row = tx.first(_GRANT, tenant=tx.tenant_id, person=person_id, code=role)
    return grant_of(row) if row is not None else None


def put_grant(tx: Transaction, *, person_id: UUID, grant: RoleGrant, now: datetime) -> None:
    """Queue a role at the present organisation, new or again."""
    tx.later(
        _PUT_GRANT,
        tenant_id=tx.tenant_id,
        person_id=person_id,
        role=grant.role,
        starts_on=grant.period.starts_on,
        ends_on=grant.period.ends_on,
        trained_on=grant.trained_on,
        training_ends_on=grant.training_ends_on,
        granted_at=now,
        ended_at=None,
        end_reason=None,
        rested_at=None,
    )


def end_grant(tx: Transaction, *, person_id: UUID, role: str, reason: str, now: datetime) -> None:
    """Queue the end of a role at the present organisation."""
    tx.later(_END_GRANT, tenant=tx.tenant_id, person=person_id, code=role, new_reason=reason, now=now)


def get_members(tx: Transaction, people: Sequence[UUID]) -> list[Member]:
    """Those of the people whom the present organisation knows, also those whose roles have ended."""
    rows = tx.all(_MEMBERS, tenant=tx.tenant_id, people=list(people))
    return [Member(row.person_id, row.name, row.email, row.language) for row in rows]


def grants_of_members(tx: Transaction, people: Sequence[UUID]) -> Mapping[UUID, list[RoleGrant]]:
    """Grants at the present organisation, by person."""
    found: dict[UUID, list[RoleGrant]] = {person: [] for person in people}
    for row in tx.all(_GRANTS_OF_MEMBERS, tenant=tx.tenant_id, people=list(people)):
        found[row.person_id].append(grant_of(row))
    return found


@dataclass(frozen=True, slots=True)
class MemberFilter:
    """Who is on a list: for whom `working_role` works; else everyone with a role, or with none if `is_without`."""

    today: date
    working_role: str = ""
    needs_training: bool = True
    is_without: bool = False


def list_members(tx: Transaction, wanted: MemberFilter, *, after: UUID | None, most: int) -> list[Member]:
    """People of the present organisation by name; `after` is the last person of the page before."""
    who = "working" if wanted.working_role else "none" if wanted.is_without else "any"
    rows = tx.all(
        _PAGES[who, after is not None],
        tenant=tx.tenant_id,
        today=wanted.today,
        working_role=wanted.working_role,
        is_untrained_enough=not wanted.needs_training,
        after=after,
        most=most,
    )
    return [Member(row.person_id, row.name, row.email, row.language) for row in rows]


def grant_of(row: Any) -> RoleGrant:
    """A row with a grant's columns, as a value."""
    return RoleGrant(
        role=row.role,
        period=Period(row.starts_on, row.ends_on),
        trained_on=row.trained_on,
        training_ends_on=row.training_ends_on,
        ended_at=row.ended_at,
        rested_at=row.rested_at,
    )


def _profile(rows: Sequence[Any]) -> Profile | None:
    found = [
        Profile(row.person_id, row.name, row.email, row.language, row.last_organisation_id, row.is_disabled)
        for row in rows
    ]
    return found[0] if found else None


def _by_organisation(rows: Iterable[Any]) -> dict[UUID, list[RoleGrant]]:
    found: dict[UUID, list[RoleGrant]] = {}
    for row in rows:
        found.setdefault(row.tenant_id, []).append(grant_of(row))
    return found
