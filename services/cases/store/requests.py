"""Requests for support: the school's own, and as a guest those that were routed to a provider."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import product
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import ARRAY, Select, Text, bindparam, func, insert, select, tuple_, union_all, update

from kit.db import Query, Transaction, prepare
from services.cases.domain.requests import Draft, OpenRequests, Question, Request, RequestState
from services.cases.domain.students import Student
from services.cases.store import searching
from services.cases.store.said import (
    attendance_of,
    caregivers_of,
    details_of,
    said_columns,
    student_of,
    version_json,
    version_of,
)
from services.cases.store.tables import CASE, REQUEST, REQUEST_GUEST_READS, SAID_BY_SCHOOL

_C = REQUEST.c
_ALL = select(*(_C[name] for name in REQUEST_GUEST_READS))
_CHANGING = (
    "state",
    "answer_due_on",
    "accepted_at",
    "case_id",
    "overdue_noted_at",
    "questions",
    "days_left",
    "reply_noted_at",
    "declined_at",
    "decline_reason",
    "decline_words",
    "version",
)

_whose = func.hashtextextended(bindparam("whose", type_=Text), 0)
_LOCK_SUBMISSIONS = prepare(select(func.pg_advisory_xact_lock(_whose)))
_SHARE_SUBMISSIONS = prepare(select(func.pg_advisory_xact_lock_shared(_whose)))
_FIND_OPEN = prepare(
    union_all(
        *(
            select(_C.id, _C.nsn, _C.student_key, _C.case_id).where(
                column == func.any(bindparam(name, type_=ARRAY(Text))), _C.declined_at.is_(None)
            )
            for column, name in ((_C.nsn, "nsns"), (_C.student_key, "keys"))
        )
    )
)
_CLOSED = prepare(
    select(CASE.c.id).where(
        CASE.c.id == func.any(bindparam("case_ids", type_=ARRAY(CASE.c.id.type))), CASE.c.state == "closed"
    )
)
_FIND_SPELL = prepare(
    select(_C.id, _C.details["not_enrolled_since"].astext.label("since"), _C.accepted_at, _C.declined_at).where(
        _C.nsn == bindparam("wanted_nsn")
    )
)
_INSERT = prepare(insert(REQUEST).values(dict.fromkeys(_C.keys())))
_FIND = prepare(_ALL.where(_C.id == bindparam("request_id")))
_THESE = prepare(
    _ALL.where(_C.id == func.any(bindparam("wanted", type_=ARRAY(_C.id.type)))).order_by(_C.answer_due_on, _C.id)
)
_LOCK = prepare(_ALL.where(_C.id == bindparam("request_id")).with_for_update(key_share=True))
_OWN = _C.submitted_by == bindparam("whose")
_COUNT_OWN = prepare(select(_C.state, func.count()).where(_OWN).group_by(_C.state))
_OWN_AMONG = prepare(select(_C.id).where(_C.id == func.any(bindparam("ids", type_=ARRAY(_C.id.type))), _OWN))
_UPDATE = prepare(
    update(REQUEST)
    .where(_C.id == bindparam("request_id"))
    .values({name: bindparam(f"new_{name}", type_=_C[name].type) for name in _CHANGING})
)
_AMENDED = ("earlier", "steps_tried", *SAID_BY_SCHOOL)
_AMEND = prepare(
    update(REQUEST)
    .where(_C.id == bindparam("request_id"))
    .values({name: bindparam(f"new_{name}", type_=_C[name].type) for name in _AMENDED})
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
    """Let no other transaction ask for anyone at this organisation until this one ends: nobody is asked for twice."""
    tx.later(_LOCK_SUBMISSIONS, whose=f"submit {tx.tenant_id}")


def lock_student(tx: Transaction, student: Student) -> None:
    """As `lock_submissions`, of one student: whoever asks for another goes on, so that a provider opens many at once.

    Two descriptions may be of one student where their NSNs are equal, or their names and days of birth.
    """
    tx.later(_SHARE_SUBMISSIONS, whose=f"submit {tx.tenant_id}")
    for known in sorted({f"nsn {student.nsn}" if student.nsn else "", student.key} - {""}):
        tx.later(_LOCK_SUBMISSIONS, whose=f"submit {tx.tenant_id} {known}")


def find_open_requests(tx: Transaction, students: Sequence[Student]) -> OpenRequests:
    """The school's open requests that may be for one of `students`: not declined, and no case that was closed since.

    Whether a case is closed its school knows as the guest that it is.
    """
    nsns = [student.nsn for student in students if student.nsn]
    rows = tx.all(_FIND_OPEN, nsns=nsns, keys=[student.key for student in students])
    closed: set[UUID] = set()
    if case_ids := [row.case_id for row in rows if row.case_id]:
        with tx.as_guest():
            closed = {row.id for row in tx.all(_CLOSED, case_ids=case_ids)}
    return OpenRequests((row.id, row.nsn, row.student_key) for row in rows if row.case_id not in closed)


def find_notification(tx: Transaction, nsn: str, since: date) -> UUID | None:
    """The notification of the register for a child that is unanswered, or that tells of the same day."""
    for row in tx.all(_FIND_SPELL, wanted_nsn=nsn):
        if row.since == since.isoformat() or (row.accepted_at is None and row.declined_at is None):
            found: UUID = row.id
            return found
    return None


def insert_request(tx: Transaction, request: Request) -> None:
    """Queue a new request of the present tenant, who asks, and what its student is found by.

    Its provider finds it until it became a case.
    """
    draft = request.draft
    guest_id = request.provider_id if request.case_id is None else None
    searching.insert_tokens(tx, subject="request", subject_id=request.id, student=draft.student, guest_id=guest_id)
    tx.later(
        _INSERT,
        tenant_id=tx.tenant_id,
        guest_id=request.provider_id,
        id=request.id,
        state=request.state.value,
        **_said(request),
        student_key=draft.student.key,
        submitted_at=request.submitted_at,
        submitted_by=request.submitted_by,
        **{name: value for name, value in _changing(request).items() if name != "state"},
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
    """Queue what may change of a request of the present tenant."""
    tx.later(_UPDATE, request_id=request.id, **{f"new_{name}": value for name, value in _changing(request).items()})


def amend_request(tx: Transaction, request: Request) -> None:
    """Queue what a request of the present tenant says now, and what it said before."""
    tx.later(_AMEND, request_id=request.id, **{f"new_{name}": value for name, value in _said(request).items()})


def _said(request: Request) -> dict[str, Any]:
    draft = request.draft
    return {
        **said_columns(draft.student, draft.caregivers, draft.attendance, draft.concern, draft.details),
        "steps_tried": draft.steps_tried,
        "earlier": Jsonb([version_json(version) for version in request.earlier]),
    }


def _changing(request: Request) -> dict[str, Any]:
    return {
        "state": request.state.value,
        "answer_due_on": request.answer_due_on,
        "accepted_at": request.accepted_at,
        "case_id": request.case_id,
        "overdue_noted_at": request.overdue_noted_at,
        "questions": Jsonb([_question_json(question) for question in request.questions]),
        "days_left": request.days_left,
        "reply_noted_at": request.reply_noted_at,
        "declined_at": request.declined_at,
        "decline_reason": request.decline_reason,
        "decline_words": request.decline_words,
        "version": request.version,
    }


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
    (has_state, is_own, after): _listed(
        [_C.submitted_at, _C.id],
        descending=True,
        conditions=[*([_IN_STATE] if has_state else []), *([_OWN] if is_own else [])],
        after=after,
    )
    for has_state, is_own, after in product((False, True), repeat=3)
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


@dataclass(frozen=True, slots=True)
class SubmittedFilter:
    """Which of a school's requests. `whose`: only those that this person submitted."""

    state: RequestState | None = None
    whose: UUID | None = None


def list_submitted(
    tx: Transaction, wanted: SubmittedFilter, *, after: tuple[datetime, UUID] | None, most: int
) -> list[Request]:
    """The school's requests, newest first, after one submitted at a moment with an id."""
    state, whose = wanted.state, wanted.whose
    query = _SUBMITTED[state is not None, whose is not None, after is not None]
    rows = tx.all(query, **_chosen(state), **_person(whose), **_position(after), most=most)
    return [_request(row) for row in rows]


def count_own(tx: Transaction, whose: UUID) -> dict[RequestState, int]:
    """How many requests of one person of the school stand where: a few hundred at most, so they are counted."""
    return {RequestState(state): int(items) for state, items in tx.all(_COUNT_OWN, whose=whose)}


def own_among(tx: Transaction, request_ids: Sequence[UUID], whose: UUID) -> set[UUID]:
    """Which of these requests one person of the school submitted."""
    return {row.id for row in tx.all(_OWN_AMONG, ids=list(request_ids), whose=whose)}


def list_incoming(
    tx: Transaction, wanted: IncomingFilter, *, after: tuple[date, UUID] | None, most: int
) -> list[Request]:
    """As a guest: the requests that were routed to the provider, those due first, after one due on a day with an id."""
    state, today = wanted.state, wanted.overdue_on
    if today is not None:
        if state not in (None, RequestState.SUBMITTED):
            return []
        state = RequestState.SUBMITTED
    query = _INCOMING[state is not None, today is not None, after is not None]
    overdue = {"today": today} if today is not None else {}
    rows = tx.all(query, **_chosen(state), **overdue, **_position(after), most=most)
    return [_request(row) for row in rows]


def list_these(tx: Transaction, request_ids: Collection[UUID]) -> list[Request]:
    """As a guest: those of some requests that were routed to the provider, those due first."""
    return [_request(row) for row in tx.all(_THESE, wanted=list(request_ids))]


def count_overdue(tx: Transaction, today: date) -> int:
    """As a guest: how many of the provider's requests are unanswered past their day. Reads no more than those."""
    return int(tx.value(_COUNT_OVERDUE, today=today))


def _chosen(state: RequestState | None) -> dict[str, str]:
    return {"wanted_state": state.value} if state is not None else {}


def _person(whose: UUID | None) -> dict[str, UUID]:
    return {"whose": whose} if whose is not None else {}


def _position(after: tuple[Any, UUID] | None) -> dict[str, Any]:
    return {"after_0": after[0], "after_1": after[1]} if after is not None else {}


def _request(row: Any) -> Request:
    return Request(
        id=row.id,
        owner_id=row.tenant_id,
        provider_id=row.guest_id,
        draft=Draft(
            student=student_of(row),
            caregivers=caregivers_of(row),
            attendance=attendance_of(row),
            concern=row.concern,
            steps_tried=row.steps_tried,
            details=details_of(row),
        ),
        submitted_at=row.submitted_at,
        submitted_by=row.submitted_by,
        answer_due_on=row.answer_due_on,
        accepted_at=row.accepted_at,
        case_id=row.case_id,
        overdue_noted_at=row.overdue_noted_at,
        questions=tuple(_question(each) for each in row.questions),
        earlier=tuple(version_of(each) for each in row.earlier),
        days_left=row.days_left,
        reply_noted_at=row.reply_noted_at,
        declined_at=row.declined_at,
        decline_reason=row.decline_reason,
        decline_words=row.decline_words,
        version=row.version,
    )


def _question(said: dict[str, Any]) -> Question:
    return Question(
        text=said["text"],
        asked_by=UUID(said["asked_by"]),
        asked_at=datetime.fromisoformat(said["asked_at"]),
        reply_due_on=date.fromisoformat(said["reply_due_on"]),
        reply=said["reply"],
        replied_by=UUID(said["replied_by"]) if said["replied_by"] else None,
        replied_at=datetime.fromisoformat(said["replied_at"]) if said["replied_at"] else None,
    )


def _question_json(question: Question) -> dict[str, Any]:
    return {
        "text": question.text,
        "asked_by": str(question.asked_by),
        "asked_at": question.asked_at.isoformat(),
        "reply_due_on": question.reply_due_on.isoformat(),
        "reply": question.reply,
        "replied_by": str(question.replied_by) if question.replied_by else None,
        "replied_at": question.replied_at.isoformat() if question.replied_at else None,
    }
