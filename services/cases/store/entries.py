"""What happened in cases, and who opened which record."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from itertools import product
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Select, bindparam, func, insert, select, tuple_, update
from sqlalchemy.dialects import postgresql

from kit.db import Query, Transaction, prepare
from kit.log import request_id
from services.cases.domain.entries import (
    Channel,
    Correction,
    Entry,
    EventKind,
    KindTime,
    Outcome,
    TimelineEntry,
    Visibility,
    with_corrections,
)
from services.cases.store.tables import ACCESS_LOG, CORRECTION, ENTRY, WORK_DAY

_C = ENTRY.c
_INSERT = prepare(insert(ENTRY).values(dict.fromkeys(_C.keys())))
_LOG = prepare(insert(ACCESS_LOG).values(dict.fromkeys(ACCESS_LOG.c.keys())))
_NO_WAIT = Query("SET LOCAL synchronous_commit = off", {})

_COLUMNS = [_C[name] for name in _C.keys() if name != "tenant_id"]  # noqa: SIM118 - no dict
_WHOLE_CASE = prepare(select(*_COLUMNS).where(_C.case_id == bindparam("of_case")))
_INSERT_CORRECTION = prepare(insert(CORRECTION).values(dict.fromkeys(CORRECTION.c.keys())))
_CORRECTIONS = prepare(
    select(*(CORRECTION.c[name] for name in CORRECTION.c.keys() if name != "tenant_id"))  # noqa: SIM118 - no dict
    .where(CORRECTION.c.case_id == bindparam("of_case"))
    .order_by(CORRECTION.c.entry_id, CORRECTION.c.number)
)
_last = (
    select(CORRECTION.c.minutes)
    .where(CORRECTION.c.entry_id == _C.id, CORRECTION.c.tenant_id == _C.tenant_id)
    .order_by(CORRECTION.c.number.desc())
    .limit(1)
    .scalar_subquery()
)
_spent = select(_C.kind, func.coalesce(_last, _C.minutes).label("minutes")).where(_C.case_id == bindparam("of_case"))
_by_kind = _spent.subquery()
_TIME_SPENT = prepare(
    select(_by_kind.c.kind, func.sum(_by_kind.c.minutes).label("minutes"), func.count().label("entries"))
    .where(_by_kind.c.minutes > 0)
    .group_by(_by_kind.c.kind)
)
_add_minutes = postgresql.insert(WORK_DAY).values(
    tenant_id=bindparam("tenant"),
    person_id=bindparam("person"),
    day=bindparam("on_day"),
    minutes=bindparam("more", type_=Integer),
)
_GIVE_DAY = prepare(
    _add_minutes.on_conflict_do_update(
        index_elements=list(WORK_DAY.primary_key.columns),
        set_={"minutes": WORK_DAY.c.minutes + _add_minutes.excluded.minutes},
    ).returning(WORK_DAY.c.minutes)
)
_WORK_DAYS = prepare(select(WORK_DAY.c.person_id, WORK_DAY.c.day, WORK_DAY.c.minutes))
_TAKE_DAY = prepare(
    update(WORK_DAY)
    .where(WORK_DAY.c.person_id == bindparam("person"), WORK_DAY.c.day == bindparam("on_day"))
    .values(minutes=WORK_DAY.c.minutes - bindparam("less", type_=Integer))
    .returning(WORK_DAY.c.minutes)
)

Position = tuple[date, datetime, UUID]
"""Where an entry stands in its case: the day it happened, when it was recorded, its id."""


def insert_entry(tx: Transaction, entry: Entry) -> None:
    """Queue a new entry."""
    tx.later(
        _INSERT,
        tenant_id=tx.tenant_id,
        id=entry.id,
        case_id=entry.case_id,
        kind=entry.kind.value,
        happened_on=entry.happened_on,
        outcome=entry.outcome.value,
        minutes=entry.minutes,
        note=entry.note,
        visibility=entry.visibility.value,
        recorded_by=entry.recorded_by,
        recorded_at=entry.recorded_at,
        channel=entry.channel.value,
        target=entry.target,
        attendees=entry.attendees,
    )


def insert_correction(tx: Transaction, correction: Correction) -> None:
    """Queue a correction; its entry stays as it is."""
    tx.later(
        _INSERT_CORRECTION,
        tenant_id=tx.tenant_id,
        entry_id=correction.entry_id,
        case_id=correction.case_id,
        number=correction.number,
        reason=correction.reason,
        happened_on=correction.happened_on,
        outcome=correction.outcome.value,
        minutes=correction.minutes,
        note=correction.note,
        visibility=correction.visibility.value,
        corrected_by=correction.corrected_by,
        corrected_at=correction.corrected_at,
        channel=correction.channel.value,
        target=correction.target,
        attendees=correction.attendees,
    )


def ask_corrections(tx: Transaction, case_id: UUID) -> Callable[[], list[Correction]]:
    """Queue the question for every correction in a case; call the answer once something was sent. There are few."""
    asked = tx.later(_CORRECTIONS, of_case=case_id)
    return lambda: [_correction(row) for row in asked.rows()]


def ask_time_spent(tx: Transaction, case_id: UUID) -> Callable[[], list[KindTime]]:
    """Queue the question how long each kind of entry took, as corrected, the longest first; see `ask_corrections`."""
    asked = tx.later(_TIME_SPENT, of_case=case_id)

    def spent() -> list[KindTime]:
        found = [KindTime(EventKind(row.kind), int(row.minutes), int(row.entries)) for row in asked.rows()]
        return sorted(found, key=lambda each: (-each.minutes, each.kind))

    return spent


def list_whole_case(tx: Transaction, case_id: UUID) -> list[TimelineEntry]:
    """Everything that happened in a case with its corrections, in no order: to add up what follows from it."""
    corrections = ask_corrections(tx, case_id)
    found = [_entry(row) for row in tx.all(_WHOLE_CASE, of_case=case_id)]
    return with_corrections(found, corrections())


def change_work_day(tx: Transaction, *, person_id: UUID, day: date, more: int) -> int:
    """Add minutes to a person's day, or take them if negative; returns those of the day. Its row stays locked."""
    if more < 0:
        return int(tx.value(_TAKE_DAY, person=person_id, on_day=day, less=-more))
    return int(tx.value(_GIVE_DAY, tenant=tx.tenant_id, person=person_id, on_day=day, more=more))


def list_work_days(tx: Transaction) -> dict[tuple[UUID, date], int]:
    """The minutes of every person's days: for who makes many up, and must leave nobody's day too long."""
    return {(row.person_id, row.day): row.minutes for row in tx.all(_WORK_DAYS)}


def add_work_days(tx: Transaction, minutes: Mapping[tuple[UUID, date], int]) -> None:
    """Queue minutes to be added to people's days."""
    days = ((person_id, day, more) for (person_id, day), more in sorted(minutes.items()))
    rows = ({"tenant": tx.tenant_id, "person": person, "on_day": day, "more": more} for person, day, more in days)
    tx.later_many(_GIVE_DAY, rows)


def log_access(tx: Transaction, *, log_id: UUID, subject: str, subject_id: UUID, now: datetime) -> None:
    """Queue a line of the access log: the actor opened the record of a "case" or "request".

    For transactions that write nothing else: their commit does not wait for the disk, so that reading stays as fast as
    reading. A crash of the server may lose the last half second of such lines, and nothing else.
    """
    assert tx.actor is not None, "the machinery itself reads no records"
    tx.later(_NO_WAIT)
    tx.later(
        _LOG,
        tenant_id=tx.tenant_id,
        id=log_id,
        subject=subject,
        subject_id=subject_id,
        actor_id=tx.actor.person_id,
        request_id=request_id(),
        opened_at=now,
        actor_tenant_id=tx.actor.tenant_id,
    )


def _listed(*, has_kind: bool, after: bool) -> Query:
    order = [_C.happened_on, _C.recorded_at, _C.id]
    query: Select[Any] = select(*_COLUMNS)
    query = query.where(_C.case_id == bindparam("of_case"))
    if has_kind:
        query = query.where(_C.kind == bindparam("wanted_kind"))
    if after:
        position = [bindparam(f"after_{number}", type_=column.type) for number, column in enumerate(order)]
        query = query.where(tuple_(*order) < tuple_(*position))
    return prepare(query.order_by(*(column.desc() for column in order)).limit(bindparam("most")))


_LIST = {
    (has_kind, after): _listed(has_kind=has_kind, after=after) for has_kind, after in product((False, True), repeat=2)
}


def list_entries(
    tx: Transaction, case_id: UUID, *, kind: EventKind | None = None, after: Position | None = None, most: int
) -> list[Entry]:
    """What happened in a case, newest first, after the entry at a position."""
    parameters: dict[str, Any] = {"of_case": case_id, "most": most}
    if kind is not None:
        parameters["wanted_kind"] = kind.value
    if after is not None:
        parameters |= {f"after_{number}": value for number, value in enumerate(after)}
    return [_entry(row) for row in tx.all(_LIST[kind is not None, after is not None], **parameters)]


def _entry(row: Any) -> Entry:
    return Entry(
        id=row.id,
        case_id=row.case_id,
        kind=EventKind(row.kind),
        happened_on=row.happened_on,
        outcome=Outcome(row.outcome),
        minutes=row.minutes,
        note=row.note,
        visibility=Visibility(row.visibility),
        recorded_by=row.recorded_by,
        recorded_at=row.recorded_at,
        channel=Channel(row.channel),
        target=row.target,
        attendees=row.attendees,
    )


def _correction(row: Any) -> Correction:
    return Correction(
        entry_id=row.entry_id,
        case_id=row.case_id,
        number=row.number,
        reason=row.reason,
        happened_on=row.happened_on,
        outcome=Outcome(row.outcome),
        minutes=row.minutes,
        note=row.note,
        visibility=Visibility(row.visibility),
        corrected_by=row.corrected_by,
        corrected_at=row.corrected_at,
        channel=Channel(row.channel),
        target=row.target,
        attendees=row.attendees,
    )
