"""What cases tells others: facts with ids, no names. One function per event of the contract."""

import hmac
from uuid import UUID

from ascms.cases.v1 import events_pb2

from kit.clock import local_date
from kit.outbox import Event
from services.cases import wire
from services.cases.domain.cases import Case, Record
from services.cases.domain.entries import Entry
from services.cases.domain.requests import Request
from services.cases.domain.students import Student


def request_submitted(request: Request) -> Event:
    """A school asked for support."""
    message = events_pb2.RequestSubmitted(
        request_id=str(request.id),
        school_id=str(request.school_id),
        provider_id=str(request.provider_id),
        answer_due_on=request.answer_due_on.isoformat(),
    )
    return Event(request.id, message)


def request_overdue(request: Request) -> Event:
    """A request was not answered by its day."""
    message = events_pb2.RequestOverdue(request_id=str(request.id), answer_due_on=request.answer_due_on.isoformat())
    return Event(request.id, message)


def case_opened(record: Record, *, student_hash_key: bytes) -> Event:
    """A request became a case. The student is a keyed hash, so that students can be counted and none be named."""
    case = record.case
    message = events_pb2.CaseOpened(
        case_id=str(case.id),
        request_id=str(case.request_id),
        school_id=str(case.school_id),
        opened_on=local_date(case.opened_at).isoformat(),
        student_hash=hash_student(record.student, student_hash_key),
        opened_by=str(case.opened_by),
    )
    return Event(case.id, message)


def case_assigned(case: Case, *, previous: UUID | None, assigned_by: UUID) -> Event:
    """A case was given to a case manager."""
    message = events_pb2.CaseAssigned(
        case_id=str(case.id),
        case_manager_id=str(case.case_manager_id),
        previous_case_manager_id=str(previous) if previous else "",
        assigned_by=str(assigned_by),
    )
    return Event(case.id, message)


def event_recorded(entry: Entry) -> Event:
    """Something happened in a case and was recorded."""
    message = events_pb2.EventRecorded(
        case_id=str(entry.case_id),
        entry_id=str(entry.id),
        kind=wire.enums.EVENT_KIND.number(entry.kind),
        happened_on=entry.happened_on.isoformat(),
        outcome=wire.enums.OUTCOME.number(entry.outcome),
        minutes=entry.minutes,
        recorded_by=str(entry.recorded_by),
    )
    return Event(entry.case_id, message)


def hash_student(student: Student, key: bytes) -> str:
    """HMAC-SHA256 over the NSN, or over folded name and date of birth where there is none; 64 hexadecimal digits."""
    return hmac.digest(key, student.identity.encode(), "sha256").hex()
