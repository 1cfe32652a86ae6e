"""Requests for support: the school's own, and as a guest those that were routed to a provider."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import product
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Select, Text, bindparam, func, insert, select, tuple_, union_all, update

from kit.db import Query, Transaction, prepare
from services.cases.domain.requests import Draft, OpenRequests, Request, RequestState
from services.cases.domain.students import Student
from services.cases.store.said import attendance_of, caregivers_of, said_columns, student_of
from services.cases.store.tables import REQUEST, REQUEST_GUEST_READS

_C = REQUEST.c
_ALL = select(*(_C[name] for name in REQUEST_GUEST_READS))
_CHANGING = ("state", "accepted_at", "case_id", "overdue_noted_at", "version")

_LOCK_SUBMISSIONS = prepare(
    select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("school", type_=Text), 0)))
)
_FIND_OPEN = prepare(
    union_all(
        *(
            select(_C.id, _C.nsn, _C.student_key).where(column == func.any(bindparam(name, type_=ARRAY(Text))))
            for column, name in ((_C.nsn, "nsns"), (_C.student_key, "keys"))
        )
    )
)
_INSERT = prepare(insert(REQUEST).values(dict.fromkeys(_C.keys())))
_FIND = prepare(_ALL.where(_C.id == bindparam("request_id")))
_LOCK = prepare(_ALL.where(_C.id == bindparam("request_id")).with_for_update(key_share=True))
_UPDATE = prepare(
    update(REQUEST)
    .where(_C.id == bindparam("request_id"))
    .values({name: bindparam(f"new_{name}", type_=_C[name].type) for name in _CHANGING})
)
_COUNT_OVERDUE = prepare(
    select(func.count())
    .select_from(REQUEST)
    .where(_C.state == RequestState.SUBMITTED.value, _C.answer_due_on < bindparam("today"))
)


@dataclass(frozen=True, slots=True)
class IncomingFilter:
    """Which of a provider's requests. `overdue_on`: only those that on this day are unanswered past theirs."""

    state: RequestState | None = None
    overdue_on: date | None = None


def lock_submissions(tx: Transaction) -> None:
    """Let no other transaction submit requests of this school until this one ends: nobody is asked for twice."""
    tx.run(_LOCK_SUBMISSIONS, school=f"submit {tx.tenant_id}")


def find_open_requests(tx: Transaction, students: Sequence[Student]) -> OpenRequests:
    """The school's open requests that may be for one of `students`. Open are all: nothing ends one yet."""
    nsns = [student.nsn for student in students if student.nsn]
    rows = tx.all(_FIND_OPEN, nsns=nsns, keys=[student.key for student in students])
    return OpenRequests((row.id, row.nsn, row.student_key) for row in rows)


def insert_request(tx: Transaction, request: Request) -> None:
    """Queue a new request of the present tenant, the school."""
    draft = request.draft
    tx.later(
        _INSERT,
        tenant_id=tx.tenant_id,
        guest_id=request.provider_id,
        id=request.id,
        state=request.state.value,
        **said_columns(draft.student, draft.caregivers, draft.attendance, draft.concern),
        steps_tried=draft.steps_tried,
        student_key=draft.student.key,
        submitted_at=request.submitted_at,
        submitted_by=request.submitted_by,
        answer_due_on=request.answer_due_on,
        accepted_at=request.accepted_at,
        case_id=request.case_id,
        overdue_noted_at=request.overdue_noted_at,
        version=request.version,
    )


def find_request(tx: Transaction, request_id: UUID) -> Request | None:
    """A request: the school's own, or as a guest one that was routed to the provider."""
    row = tx.first(_FIND, request_id=request_id)
    return _request(row) if row is not None else None


def lock_request(tx: Transaction, request_id: UUID) -> Request | None:
    """The school's request, locked."""
    row = tx.first(_LOCK, request_id=request_id)
    return _request(row) if row is not None else None


def update_request(tx: Transaction, request: Request) -> None:
    """Queue what may change of the school's request."""
    tx.later(
        _UPDATE,
        request_id=request.id,
        new_state=request.state.value,
        new_accepted_at=request.accepted_at,
        new_case_id=request.case_id,
        new_overdue_noted_at=request.overdue_noted_at,
        new_version=request.version,
    )


def _listed(columns: Sequence[Any], *, descending: bool, conditions: Sequence[Any], after: bool) -> Query:
    """A page of requests in the order of `columns`, after the row whose values are `after_0`, `after_1`."""
    query: Select[Any] = _ALL.where(*conditions)
    if after:
        position = [bindparam(f"after_{number}", type_=column.type) for number, column in enumerate(columns)]
        here = tuple_(*columns)
        query = query.where(here < tuple_(*position) if descending else here > tuple_(*position))
    order = [column.desc() if descending else column for column in columns]
    return prepare(query.order_by(*order).limit(bindparam("most")))


_IN_STATE = _C.state == bindparam("wanted_state")
_PAST_DUE = _C.answer_due_on < bindparam("today")
_SUBMITTED = {
    (has_state, after): _listed(
        [_C.submitted_at, _C.id], descending=True, conditions=[_IN_STATE] if has_state else [], after=after
    )
    for has_state, after in product((False, True), repeat=2)
}
_INCOMING = {
    (has_state, is_overdue, after): _listed(
        [_C.answer_due_on, _C.id],
        descending=False,
        conditions=[*([_IN_STATE] if has_state else []), *([_PAST_DUE] if is_overdue else [])],
        after=after,
    )
    for has_state, is_overdue, after in product((False, True), repeat=3)
}


def list_submitted(
    tx: Transaction, *, state: RequestState | None, after: tuple[datetime, UUID] | None, most: int
) -> list[Request]:
    """The school's requests, newest first, after one submitted at a moment with an id."""
    rows = tx.all(_SUBMITTED[state is not None, after is not None], **_chosen(state), **_position(after), most=most)
    return [_request(row) for row in rows]


def list_incoming(
    tx: Transaction, wanted: IncomingFilter, *, after: tuple[date, UUID] | None, most: int
) -> list[Request]:
    """As a guest: the requests that were routed to the provider, those due first, after one due on a day with an id."""
    state, today = wanted.state, wanted.overdue_on
    if today is not None:
        if state == RequestState.ACCEPTED:
            return []
        state = RequestState.SUBMITTED
    query = _INCOMING[state is not None, today is not None, after is not None]
    overdue = {"today": today} if today is not None else {}
    rows = tx.all(query, **_chosen(state), **overdue, **_position(after), most=most)
    return [_request(row) for row in rows]


def count_overdue(tx: Transaction, today: date) -> int:
    """As a guest: how many of the provider's requests are unanswered past their day. Reads no more than those."""
    return int(tx.value(_COUNT_OVERDUE, today=today))


def _chosen(state: RequestState | None) -> dict[str, str]:
    return {"wanted_state": state.value} if state is not None else {}


def _position(after: tuple[Any, UUID] | None) -> dict[str, Any]:
    return {"after_0": after[0], "after_1": after[1]} if after is not None else {}


def _request(row: Any) -> Request:
    return Request(
        id=row.id,
        school_id=row.tenant_id,
        provider_id=row.guest_id,
        draft=Draft(
            student=student_of(row),
            caregivers=caregivers_of(row),
            attendance=attendance_of(row),
            concern=row.concern,
            steps_tried=row.steps_tried,
        ),
        submitted_at=row.submitted_at,
        submitted_by=row.submitted_by,
        answer_due_on=row.answer_due_on,
        accepted_at=row.accepted_at,
        case_id=row.case_id,
        overdue_noted_at=row.overdue_noted_at,
        version=row.version,
    )
