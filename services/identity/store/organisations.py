"""Organisations and catchments: facts that are nobody's secret, written by the registry role alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, bindparam, delete, func, insert, or_, select, tuple_
from sqlalchemy.dialects import postgresql

from kit.db import Transaction, prepare
from services.identity.domain import Catchment, CatchmentSchool, Organisation, OrganisationKind, Period, sort_name
from services.identity.domain.register import Register
from services.identity.store.tables import catchment, catchment_school, organisation

_COLUMNS = (
    organisation.c.id,
    organisation.c.kind,
    organisation.c.name,
    organisation.c.school_number,
    organisation.c.region,
    organisation.c.is_suspended,
    organisation.c.suspended_at,
    organisation.c.suspension_reason,
)
_FIND = prepare(select(*_COLUMNS).where(organisation.c.id == bindparam("wanted")))
_GET = prepare(select(*_COLUMNS).where(organisation.c.id == func.any(bindparam("ids", type_=ARRAY(postgresql.UUID)))))
_ALL = prepare(select(*_COLUMNS).order_by(organisation.c.sort_name, organisation.c.id))
_SEARCHED = or_(
    bindparam("name_part", type_=Text) == "",
    organisation.c.sort_name.contains(bindparam("name_part", type_=Text), autoescape=False),
    organisation.c.school_number.startswith(bindparam("number_part", type_=Text), autoescape=False),
)
_PAGE = (
    select(*_COLUMNS)
    .where(
        or_(bindparam("wanted_kind", type_=Text) == "", organisation.c.kind == bindparam("wanted_kind", type_=Text)),
        or_(
            bindparam("state", type_=Text) == "",
            organisation.c.is_suspended == (bindparam("state", type_=Text) == "suspended"),
        ),
        _SEARCHED,
    )
    .order_by(organisation.c.sort_name, organisation.c.id)
    .limit(bindparam("most"))
)
_FIRST_PAGE = prepare(_PAGE)
_NEXT_PAGE = prepare(
    _PAGE.where(
        tuple_(organisation.c.sort_name, organisation.c.id)
        > select(organisation.c.sort_name, organisation.c.id)
        .where(organisation.c.id == bindparam("after"))
        .scalar_subquery()
    )
)
_COUNT = prepare(
    select(organisation.c.kind, organisation.c.is_suspended, func.count().label("many"))
    .where(_SEARCHED)
    .group_by(organisation.c.kind, organisation.c.is_suspended)
)
_LOCK = prepare(select(func.pg_advisory_xact_lock(func.hashtext("identity register"))))
_INSERT = postgresql.insert(organisation).values(dict.fromkeys(organisation.c.keys()))
_PUT = prepare(
    _INSERT.on_conflict_do_update(
        index_elements=[organisation.c.id],
        set_={name: _INSERT.excluded[name] for name in organisation.c.keys() if name not in {"id", "kind"}},  # noqa: SIM118 - a collection, not a dict
    )
)
_CATCHMENTS = prepare(select(catchment).order_by(catchment.c.code, catchment.c.starts_on))
_SCHOOLS = prepare(select(catchment_school).order_by(catchment_school.c.school_id, catchment_school.c.starts_on))
_DROP_SCHOOL = prepare(
    delete(catchment_school).where(
        catchment_school.c.school_id == bindparam("school"), catchment_school.c.starts_on == bindparam("starts")
    )
)
_DROP_CATCHMENT = prepare(
    delete(catchment).where(catchment.c.code == bindparam("code_"), catchment.c.starts_on == bindparam("starts"))
)
_ADD_CATCHMENT = prepare(insert(catchment).values(dict.fromkeys(catchment.c.keys())))
_ADD_SCHOOL = prepare(insert(catchment_school).values(dict.fromkeys(catchment_school.c.keys())))
_PLACES = catchment_school.join(
    catchment,
    (catchment.c.code == catchment_school.c.catchment_code)
    & (catchment.c.starts_on == catchment_school.c.catchment_starts_on),
)
_IS_TODAY = (
    catchment_school.c.starts_on <= bindparam("today"),
    or_(catchment_school.c.ends_on.is_(None), catchment_school.c.ends_on >= bindparam("today")),
    catchment.c.starts_on <= bindparam("today"),
    or_(catchment.c.ends_on.is_(None), catchment.c.ends_on >= bindparam("today")),
)
_PROVIDER = prepare(
    select(*_COLUMNS, catchment.c.code)
    .select_from(_PLACES.join(organisation, organisation.c.id == catchment.c.provider_id))
    .where(catchment_school.c.school_id == bindparam("school"), *_IS_TODAY)
)
_SCHOOLS_OF = prepare(
    select(*_COLUMNS)
    .select_from(_PLACES.join(organisation, organisation.c.id == catchment_school.c.school_id))
    .where(catchment.c.provider_id == bindparam("provider"), *_IS_TODAY, _SEARCHED)
    .order_by(organisation.c.sort_name, organisation.c.id)
    .limit(bindparam("most"))
)


def find_organisation(tx: Transaction, organisation_id: UUID) -> Organisation | None:
    """One organisation, or None."""
    row = tx.first(_FIND, wanted=organisation_id)
    return organisation_of(row) if row is not None else None


def get_organisations(tx: Transaction, ids: Sequence[UUID]) -> list[Organisation]:
    """Those of the ids that exist."""
    return [organisation_of(row) for row in tx.all(_GET, ids=list(ids))]


@dataclass(frozen=True, slots=True)
class OrganisationFilter:
    """Which organisations: of a kind, whose name or number holds `search`, "active" or "suspended"; "" is all."""

    kind: str = ""
    search: str = ""
    state: str = ""

    @property
    def parts(self) -> dict[str, str]:
        """The search as the queries take it: folded, and none of it a wildcard."""
        return {"name_part": escaped(sort_name(self.search)), "number_part": escaped(self.search)}


def escaped(text: str) -> str:
    """Text for LIKE in which nothing is a wildcard."""
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")


def list_organisations(
    tx: Transaction, wanted: OrganisationFilter, *, after: UUID | None, most: int
) -> list[Organisation]:
    """By name; `after` is the last organisation of the page before."""
    query = _FIRST_PAGE if after is None else _NEXT_PAGE
    rows = tx.all(query, wanted_kind=wanted.kind, state=wanted.state, most=most, after=after, **wanted.parts)
    return [organisation_of(row) for row in rows]


def count_organisations(tx: Transaction, wanted: OrganisationFilter) -> dict[str, int]:
    """How many the search finds: in all, by kind, and suspended."""
    counts = dict.fromkeys(("all", *(kind.value for kind in OrganisationKind), "suspended"), 0)
    for row in tx.all(_COUNT, **wanted.parts):
        for name in ("all", row.kind, *(["suspended"] if row.is_suspended else [])):
            counts[name] += row.many
    return counts


def find_provider(tx: Transaction, *, school_id: UUID, today: date) -> tuple[Organisation, str] | None:
    """The provider and code of the catchment in which a school lies on a day."""
    row = tx.first(_PROVIDER, school=school_id, today=today)
    return (organisation_of(row), row.code) if row is not None else None


def find_schools(tx: Transaction, *, provider_id: UUID, search: str, today: date, most: int) -> list[Organisation]:
    """The schools in a provider's catchments on a day whose name or number holds `search`, by name."""
    parts = OrganisationFilter(search=search).parts
    return [organisation_of(row) for row in tx.all(_SCHOOLS_OF, provider=provider_id, today=today, most=most, **parts)]


def lock_register(tx: Transaction) -> None:
    """One change of the register at a time."""
    tx.first(_LOCK)


def all_organisations(tx: Transaction) -> list[Organisation]:
    """Every organisation, by name."""
    return [organisation_of(row) for row in tx.all(_ALL)]


def put_organisation(tx: Transaction, item: Organisation, *, now: datetime) -> None:
    """Insert an organisation or bring it up to date; its kind never changes."""
    tx.later(
        _PUT,
        id=item.id,
        kind=item.kind.value,
        name=item.name,
        sort_name=sort_name(item.name),
        school_number=item.school_number or None,
        region=item.region,
        is_suspended=item.is_suspended,
        suspended_at=item.suspended_at,
        suspension_reason=item.suspension_reason or None,
        updated_at=now,
    )


def all_catchments(tx: Transaction) -> tuple[list[Catchment], list[CatchmentSchool]]:
    """Every catchment with its schools, past and future ones too."""
    catchments = [
        Catchment(row.code, row.name, row.provider_id, Period(row.starts_on, row.ends_on))
        for row in tx.all(_CATCHMENTS)
    ]
    schools = [
        CatchmentSchool(row.school_id, row.catchment_code, row.catchment_starts_on, Period(row.starts_on, row.ends_on))
        for row in tx.all(_SCHOOLS)
    ]
    return catchments, schools


def whole_register(tx: Transaction) -> Register:
    """All of it."""
    return Register(all_organisations(tx), *all_catchments(tx))


def write_catchments(tx: Transaction, before: Register, after: Register) -> None:
    """Queue what makes the catchments and placements of one register those of another. Only what differs is written."""
    for place in set(before.schools) - set(after.schools):
        tx.later(_DROP_SCHOOL, school=place.school_id, starts=place.period.starts_on)
    # A placement refers to its catchment's row: one whose row is written anew goes out and comes back with it.
    new_rows, old_rows = set(after.catchments) - set(before.catchments), set(before.catchments) - set(after.catchments)
    moved = {(item.code, item.period.starts_on) for item in old_rows}
    staying = [
        place
        for place in set(before.schools) & set(after.schools)
        if (place.catchment_code, place.catchment_starts_on) in moved
    ]
    for place in staying:
        tx.later(_DROP_SCHOOL, school=place.school_id, starts=place.period.starts_on)
    for item in old_rows:
        tx.later(_DROP_CATCHMENT, code_=item.code, starts=item.period.starts_on)
    for item in new_rows:
        tx.later(
            _ADD_CATCHMENT,
            code=item.code,
            name=item.name,
            provider_id=item.provider_id,
            starts_on=item.period.starts_on,
            ends_on=item.period.ends_on,
        )
    for place in (*(set(after.schools) - set(before.schools)), *staying):
        tx.later(
            _ADD_SCHOOL,
            school_id=place.school_id,
            starts_on=place.period.starts_on,
            ends_on=place.period.ends_on,
            catchment_code=place.catchment_code,
            catchment_starts_on=place.catchment_starts_on,
        )


def organisation_of(row: Any) -> Organisation:
    """A row with an organisation's columns, as a value."""
    return Organisation(
        id=row.id,
        kind=OrganisationKind(row.kind),
        name=row.name,
        school_number=row.school_number or "",
        region=row.region,
        is_suspended=row.is_suspended,
        suspended_at=row.suspended_at,
        suspension_reason=row.suspension_reason or "",
    )
