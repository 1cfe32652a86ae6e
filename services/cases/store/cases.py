"""Cases of a provider."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import product
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Date,
    Integer,
    Select,
    bindparam,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql

from kit.db import Query, Transaction, prepare
from services.cases.domain.cases import Case, CaseState, Record, Summary
from services.cases.domain.health import Lately
from services.cases.domain.students import shown_name
from services.cases.domain.tasks import TaskState
from services.cases.store import searching
from services.cases.store.said import attendance_of, caregivers_of, details_of, said_columns, student_of
from services.cases.store.tables import CASE, CASE_NUMBER, SAID_BY_SCHOOL, TASK, WORK_DAY

_C = CASE.c
FACTS = (
    "guest_id",
    "id",
    "number",
    "request_id",
    "date_of_birth",
    "opened_at",
    "opened_by",
    "case_manager_id",
    "assigned_at",
    "began_at",
    "last_contact_on",
    "minutes",
    "open_tasks",
    "open_letters",
    "pause_id",
    "wakes_on",
    "closed_at",
    "primary_contact_id",
    "support_on",
    "action_on",
    "referral_on",
    "review_on",
    "worked_on",
    "health_due_on",
    "version",
)
_CHANGING = (
    "state",
    "case_manager_id",
    "assigned_at",
    "began_at",
    "last_contact_on",
    "minutes",
    "open_tasks",
    "open_letters",
    "pause_id",
    "wakes_on",
    "closed_at",
    "primary_contact_id",
    "support_on",
    "action_on",
    "referral_on",
    "review_on",
    "worked_on",
    "health_due_on",
    "version",
)
_SUMMARY = (
    "guest_id",
    "id",
    "number",
    "state",
    "given_names",
    "family_name",
    "preferred_name",
    "year_level",
    "case_manager_id",
    "opened_at",
    "last_contact_on",
    "minutes",
    "open_tasks",
    "next_due_on",
    "health_due_on",
)

_IS_CASE = _C.id == bindparam("case_id")
_RECORD = select(*(_C[name] for name in dict.fromkeys((*FACTS, *SAID_BY_SCHOOL)))).where(_IS_CASE)
_FIND_FACTS = prepare(select(*(_C[name] for name in FACTS)).where(_IS_CASE))
_FIND_RECORD = prepare(_RECORD)
_LOCK_FACTS = prepare(select(*(_C[name] for name in FACTS)).where(_IS_CASE).with_for_update(key_share=True))
_LOCK_MANY = prepare(
    select(*(_C[name] for name in FACTS))
    .where(_C.id == func.any(bindparam("case_ids", type_=ARRAY(_C.id.type))))
    .order_by(_C.id)
    .with_for_update(key_share=True)
)
_LOCK_OPEN_OF = prepare(
    select(*(_C[name] for name in FACTS))
    .where(_C.case_manager_id == bindparam("whose"), _C.state != CaseState.CLOSED.value)
    .order_by(_C.id)
    .limit(bindparam("most"))
    .with_for_update(key_share=True)
)
_LOCK_RECORD = prepare(_RECORD.with_for_update(key_share=True))
_INSERT = prepare(insert(CASE).values(dict.fromkeys(_C.keys())))
_NEW = {name: bindparam(f"new_{name}", type_=_C[name].type) for name in _CHANGING}
_NEXT_DUE = select(func.min(TASK.c.due_on)).where(
    TASK.c.tenant_id == _C.tenant_id, TASK.c.case_id == _C.id, TASK.c.state == TaskState.OPEN.value
)
_UPDATE = prepare(update(CASE).where(_IS_CASE).values(_NEW))
_UPDATE_DUE = prepare(update(CASE).where(_IS_CASE).values({**_NEW, "next_due_on": _NEXT_DUE.scalar_subquery()}))

_number = postgresql.insert(CASE_NUMBER).values(
    tenant_id=bindparam("tenant"), year=bindparam("in_year"), last=bindparam("more", type_=BigInteger)
)
_TAKE_NUMBERS = prepare(
    _number.on_conflict_do_update(
        index_elements=[CASE_NUMBER.c.tenant_id, CASE_NUMBER.c.year],
        set_={"last": CASE_NUMBER.c.last + _number.excluded.last},
    ).returning(CASE_NUMBER.c.last)
)

# One statement, so that recording costs one round trip before its commit: adds the minutes to the person's day, whose
# row is a lock, and locks the case. A refusal rolls both back.
_add_minutes = postgresql.insert(WORK_DAY).values(
    tenant_id=bindparam("tenant"),
    person_id=bindparam("person"),
    day=bindparam("on_day"),
    minutes=bindparam("more", type_=Integer),
)
_day = (
    _add_minutes.on_conflict_do_update(
        index_elements=[WORK_DAY.c.tenant_id, WORK_DAY.c.person_id, WORK_DAY.c.day],
        set_={"minutes": WORK_DAY.c.minutes + _add_minutes.excluded.minutes},
    )
    .returning(WORK_DAY.c.minutes.label("minutes_of_day"))
    .cte("work")
)
_LOCK_FOR_RECORDING = prepare(
    select(*(_C[name] for name in FACTS), _day.c.minutes_of_day)
    .select_from(CASE.join(_day, true()))
    .where(_IS_CASE)
    .with_for_update(of=CASE, key_share=True)
)


class Locked(NamedTuple):
    """A case, locked, and the minutes its caller has recorded for a day, those about to be recorded included."""

    case: Case
    minutes_of_day: int


def find_case(tx: Transaction, case_id: UUID) -> Case | None:
    """The facts of a case."""
    row = tx.first(_FIND_FACTS, case_id=case_id)
    return case_of(row) if row is not None else None


def find_record(tx: Transaction, case_id: UUID) -> Record | None:
    """A case with what was said about the student."""
    row = tx.first(_FIND_RECORD, case_id=case_id)
    return _record(row) if row is not None else None


def lock_case(tx: Transaction, case_id: UUID) -> Case | None:
    """The facts of a case, locked."""
    row = tx.first(_LOCK_FACTS, case_id=case_id)
    return case_of(row) if row is not None else None


def lock_cases(tx: Transaction, case_ids: Sequence[UUID]) -> list[Case]:
    """The facts of many cases, locked in one order by all who do so; those that are there."""
    return [case_of(row) for row in tx.all(_LOCK_MANY, case_ids=list(case_ids))]


def lock_open_of(tx: Transaction, case_manager_id: UUID, *, most: int) -> list[Case]:
    """Cases of someone that are not closed, locked in the order of `lock_cases`."""
    return [case_of(row) for row in tx.all(_LOCK_OPEN_OF, whose=case_manager_id, most=most)]


def lock_record(tx: Transaction, case_id: UUID) -> Record | None:
    """As `find_record`, locked."""
    row = tx.first(_LOCK_RECORD, case_id=case_id)
    return _record(row) if row is not None else None


def lock_for_recording(tx: Transaction, case_id: UUID, *, person_id: UUID, day: date, minutes: int) -> Locked | None:
    """Lock a case and add `minutes` to the person's day, in one round trip."""
    row = tx.first(
        _LOCK_FOR_RECORDING, tenant=tx.tenant_id, case_id=case_id, person=person_id, on_day=day, more=minutes
    )
    return Locked(case_of(row), row.minutes_of_day) if row is not None else None


def take_numbers(tx: Transaction, year: int, more: int) -> int:
    """Take so many case numbers of the provider and year; returns the last. Others wait until this transaction ends."""
    return int(tx.value(_TAKE_NUMBERS, tenant=tx.tenant_id, in_year=year, more=more))


def insert_record(tx: Transaction, record: Record, *, next_due_on: date | None = None) -> None:
    """Queue a new case of the present tenant, the provider, and what its student is found by."""
    case = record.case
    tx.later(
        _INSERT,
        tenant_id=tx.tenant_id,
        guest_id=case.school_id,
        id=case.id,
        number=case.number,
        request_id=case.request_id,
        opened_at=case.opened_at,
        opened_by=case.opened_by,
        next_due_on=next_due_on,
        **_changing(case),
        **said_columns(record.student, record.caregivers, record.attendance, record.concern, record.details),
    )
    searching.insert_tokens(tx, subject="case", subject_id=case.id, student=record.student, number=case.number)


def update_case(tx: Transaction, case: Case) -> None:
    """Queue what may change of a case."""
    tx.later(_UPDATE, case_id=case.id, **{f"new_{name}": value for name, value in _changing(case).items()})


def update_case_and_due(tx: Transaction, case: Case) -> None:
    """As `update_case`, where its tasks changed; queued after them, so that the first day of those open is taken."""
    tx.later(_UPDATE_DUE, case_id=case.id, **{f"new_{name}": value for name, value in _changing(case).items()})


def _changing(case: Case) -> dict[str, Any]:
    return {
        "state": case.state.value,
        "case_manager_id": case.case_manager_id,
        "assigned_at": case.assigned_at,
        "began_at": case.began_at,
        "last_contact_on": case.last_contact_on,
        "minutes": case.minutes,
        "open_tasks": case.open_tasks,
        "open_letters": case.open_letters,
        "pause_id": case.pause_id,
        "wakes_on": case.wakes_on,
        "closed_at": case.closed_at,
        "primary_contact_id": case.primary_contact_id,
        "support_on": case.lately.support,
        "action_on": case.lately.actions,
        "referral_on": case.lately.referrals,
        "review_on": case.lately.monitoring,
        "worked_on": case.lately.time,
        "health_due_on": case.health_due_on,
        "version": case.version,
    }


_LIST_SOME = prepare(
    select(*(_C[name] for name in _SUMMARY)).where(
        _C.id == func.any(bindparam("case_ids", type_=ARRAY(_C.id.type))),
        or_(_C.case_manager_id == bindparam("whose", type_=_C.id.type), bindparam("whose", type_=_C.id.type).is_(None)),
    )
)


def list_some_cases(tx: Transaction, case_ids: Sequence[UUID], *, case_manager_id: UUID | None) -> list[Summary]:
    """The cases with these ids, of one case manager or of anyone, in the order of the ids."""
    place = {case_id: number for number, case_id in enumerate(case_ids)}
    rows = tx.all(_LIST_SOME, case_ids=list(case_ids), whose=case_manager_id)
    return sorted((_summary(row) for row in rows), key=lambda found: place[found.id])


def _listed(*, has_state: bool, has_manager: bool, after: bool) -> Query:
    query: Select[Any] = select(*(_C[name] for name in _SUMMARY))
    if has_state:
        query = query.where(_C.state == bindparam("wanted_state"))
    if has_manager:
        query = query.where(_C.case_manager_id == bindparam("wanted_manager"))
    if after:
        query = query.where(
            tuple_(_C.opened_at, _C.id)
            < tuple_(bindparam("after_at", type_=_C.opened_at.type), bindparam("after_id", type_=_C.id.type))
        )
    return prepare(query.order_by(_C.opened_at.desc(), _C.id.desc()).limit(bindparam("most")))


_LIST = {
    (has_state, has_manager, after): _listed(has_state=has_state, has_manager=has_manager, after=after)
    for has_state, has_manager, after in product((False, True), repeat=3)
}


def list_cases(
    tx: Transaction,
    *,
    state: CaseState | None,
    case_manager_id: UUID | None,
    after: tuple[datetime, UUID] | None,
    most: int,
) -> list[Summary]:
    """Cases, newest first, after one opened at a moment with an id."""
    parameters: dict[str, Any] = {"most": most}
    if state is not None:
        parameters["wanted_state"] = state.value
    if case_manager_id is not None:
        parameters["wanted_manager"] = case_manager_id
    if after is not None:
        parameters["after_at"], parameters["after_id"] = after
    rows = tx.all(_LIST[state is not None, case_manager_id is not None, after is not None], **parameters)
    return [_summary(row) for row in rows]


EVER = (date.min, date.max)
"""Every day."""


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which cases: in a state, of one case manager, whose record first needs something within days."""

    state: CaseState | None = None
    case_manager_id: UUID | None = None
    days: tuple[date, date] = EVER

    def parameters(self, after: tuple[date, UUID] | None) -> dict[str, Any]:
        """As the statements want it that list by a day."""
        parameters: dict[str, Any] = {"first": self.days[0], "last": self.days[1]}
        if self.state is not None:
            parameters["wanted_state"] = self.state.value
        if self.case_manager_id is not None:
            parameters["wanted_manager"] = self.case_manager_id
        if after is not None:
            parameters["after_due"], parameters["after_id"] = after
        return parameters


_Listed = Mapping[tuple[bool, bool, bool], Query]
"""The statements of a list, by whether it is narrowed to a state, to a case manager, and goes on after a line."""


def _listed_by(day: ColumnElement[date], *conditions: ColumnElement[bool]) -> _Listed:
    """A list of cases in the order of a day of theirs."""

    def listed(*, has_state: bool, has_manager: bool, after: bool) -> Query:
        query: Select[Any] = select(*(_C[name] for name in _SUMMARY)).where(*conditions)
        if has_state:
            query = query.where(_C.state == bindparam("wanted_state"))
        if has_manager:
            query = query.where(_C.case_manager_id == bindparam("wanted_manager"))
        if after:
            query = query.where(
                tuple_(day, _C.id)
                > tuple_(bindparam("after_due", type_=day.type), bindparam("after_id", type_=_C.id.type))
            )
        return prepare(query.order_by(day, _C.id).limit(bindparam("most")))

    return {
        (has_state, has_manager, after): listed(has_state=has_state, has_manager=has_manager, after=after)
        for has_state, has_manager, after in product((False, True), repeat=3)
    }


_IN_DAYS = _C.health_due_on.between(bindparam("first"), bindparam("last"))
_LIST_BY_HEALTH = _listed_by(_C.health_due_on, _C.health_due_on.is_not(None), _IN_DAYS)
# Every open case has a day on which its record needs something: all of them are between the first and last day.
_LIST_BY_DUE = _listed_by(_C.next_due_on, _C.next_due_on < bindparam("before", type_=Date), _IN_DAYS)


def list_by_health(tx: Transaction, wanted: CaseFilter, *, after: tuple[date, UUID] | None, most: int) -> list[Summary]:
    """Open cases whose record needs something within the days, the worst first, after one of a day with an id.

    With a state it reads past those in other states, so its cost grows with them.
    """
    key = (wanted.state is not None, wanted.case_manager_id is not None, after is not None)
    return [_summary(row) for row in tx.all(_LIST_BY_HEALTH[key], **wanted.parameters(after), most=most)]


def list_by_due(
    tx: Transaction, wanted: CaseFilter, *, before: date, after: tuple[date, UUID] | None, most: int
) -> list[Summary]:
    """Cases with an open task due before a day, those due first, after one of a day with an id.

    With a state, or some days of the record, it reads past the others.
    """
    key = (wanted.state is not None, wanted.case_manager_id is not None, after is not None)
    parameters = wanted.parameters(after)
    return [_summary(row) for row in tx.all(_LIST_BY_DUE[key], **parameters, before=before, most=most)]


MOST_COUNTED = 1_000
"""Counting cases by the days of their tasks ends here, so that its cost does not grow with all there is."""


def _counted_by_due(*, has_manager: bool) -> Query:
    due = select(literal(1)).where(_C.next_due_on < bindparam("before", type_=Date))
    if has_manager:
        due = due.where(_C.case_manager_id == bindparam("wanted_manager"))
    few = due.order_by(_C.next_due_on, _C.id).limit(MOST_COUNTED).subquery()
    return prepare(select(func.count()).select_from(few))


_COUNT_BY_DUE = {has_manager: _counted_by_due(has_manager=has_manager) for has_manager in (False, True)}


def count_by_due(tx: Transaction, case_manager_id: UUID | None, *, before: date) -> int:
    """How many cases have an open task due before a day, up to `MOST_COUNTED`; of one case manager, or of everyone."""
    manager = {"wanted_manager": case_manager_id} if case_manager_id else {}
    return int(tx.value(_COUNT_BY_DUE[case_manager_id is not None], before=before, **manager))


def case_of(row: Any) -> Case:
    """The facts of a case from a row that has their columns."""
    return Case(
        id=row.id,
        number=row.number,
        school_id=row.guest_id,
        request_id=row.request_id,
        born_on=row.date_of_birth,
        opened_at=row.opened_at,
        opened_by=row.opened_by,
        case_manager_id=row.case_manager_id,
        assigned_at=row.assigned_at,
        began_at=row.began_at,
        last_contact_on=row.last_contact_on,
        minutes=row.minutes,
        open_tasks=row.open_tasks,
        open_letters=row.open_letters,
        pause_id=row.pause_id,
        wakes_on=row.wakes_on,
        closed_at=row.closed_at,
        primary_contact_id=row.primary_contact_id,
        lately=Lately(
            support=row.support_on,
            actions=row.action_on,
            referrals=row.referral_on,
            monitoring=row.review_on,
            time=row.worked_on,
        ),
        health_due_on=row.health_due_on,
        version=row.version,
    )


def _record(row: Any) -> Record:
    details = details_of(row)
    return Record(case_of(row), student_of(row), caregivers_of(row), attendance_of(row), row.concern, details)


def _summary(row: Any) -> Summary:
    return Summary(
        id=row.id,
        number=row.number,
        state=CaseState(row.state),
        student_name=shown_name(
            given_names=row.given_names, family_name=row.family_name, preferred_name=row.preferred_name
        ),
        year_level=row.year_level,
        school_id=row.guest_id,
        case_manager_id=row.case_manager_id,
        opened_at=row.opened_at,
        last_contact_on=row.last_contact_on,
        minutes=row.minutes,
        open_tasks=row.open_tasks,
        next_due_on=row.next_due_on,
        health_due_on=row.health_due_on,
    )
