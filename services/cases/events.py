"""What cases tells others: facts with ids, no names. One function per event of the contract."""

import hmac
from datetime import date
from uuid import UUID

from ascms.cases.v1 import events_pb2

from kit.clock import local_date
from kit.outbox import Event
from services.cases import wire
from services.cases.domain.cases import Case, Record
from services.cases.domain.closings import Closing
from services.cases.domain.entries import Correction, Entry
from services.cases.domain.pauses import Pause
from services.cases.domain.requests import Question, Request
from services.cases.domain.sharing import SharedChange
from services.cases.domain.students import Student, age
from services.cases.domain.tasks import Task


def request_submitted(request: Request) -> Event:
    """A school asked for support."""
    message = events_pb2.RequestSubmitted(
        request_id=str(request.id),
        school_id=str(request.school_id or ""),
        provider_id=str(request.provider_id),
        answer_due_on=request.answer_due_on.isoformat(),
        kind=wire.enums.REQUEST_KIND.number(request.kind),
    )
    return Event(request.id, message)


def request_returned(request: Request, question: Question) -> Event:
    """A provider sent a request back with a question."""
    message = events_pb2.RequestReturned(
        request_id=str(request.id),
        school_id=str(request.school_id),
        submitted_by=str(request.submitted_by),
        reply_due_on=question.reply_due_on.isoformat(),
        returned_by=str(question.asked_by),
    )
    return Event(request.id, message)


def request_resubmitted(request: Request) -> Event:
    """The school replied to the last question."""
    question = request.questions[-1]
    message = events_pb2.RequestResubmitted(
        request_id=str(request.id),
        school_id=str(request.school_id),
        provider_id=str(request.provider_id),
        returned_by=str(question.asked_by),
        answer_due_on=request.answer_due_on.isoformat(),
        resubmitted_by=str(question.replied_by),
    )
    return Event(request.id, message)


def request_reply_overdue(request: Request, question: Question) -> Event:
    """The school has not replied by its day."""
    message = events_pb2.RequestReplyOverdue(
        request_id=str(request.id),
        school_id=str(request.school_id),
        submitted_by=str(request.submitted_by),
        provider_id=str(request.provider_id),
        reply_due_on=question.reply_due_on.isoformat(),
    )
    return Event(request.id, message)


def request_declined(request: Request, *, declined_by: UUID) -> Event:
    """A provider declined a request."""
    message = events_pb2.RequestDeclined(
        request_id=str(request.id),
        kind=wire.enums.REQUEST_KIND.number(request.kind),
        school_id=str(request.school_id or ""),
        submitted_by=str(request.submitted_by),
        reason=request.decline_reason,
        declined_by=str(declined_by),
    )
    return Event(request.id, message)


def request_accepted(request: Request, *, accepted_by: UUID) -> Event:
    """A provider accepted a request."""
    message = events_pb2.RequestAccepted(
        request_id=str(request.id),
        kind=wire.enums.REQUEST_KIND.number(request.kind),
        school_id=str(request.school_id or ""),
        submitted_by=str(request.submitted_by),
        accepted_by=str(accepted_by),
    )
    return Event(request.id, message)


def request_overdue(request: Request) -> Event:
    """A request was not answered by its day."""
    message = events_pb2.RequestOverdue(request_id=str(request.id), answer_due_on=request.answer_due_on.isoformat())
    return Event(request.id, message)


def case_opened(record: Record, *, requested_on: date | None, student_hash_key: bytes) -> Event:
    """A case was opened. The student is a keyed hash, so that students can be counted and none be named."""
    case, student, attendance = record.case, record.student, record.attendance
    opened_on = local_date(case.opened_at)
    message = events_pb2.CaseOpened(
        case_id=str(case.id),
        request_id=str(case.request_id or ""),
        school_id=str(case.school_id or ""),
        opened_on=opened_on.isoformat(),
        student_hash=hash_student(student, student_hash_key),
        opened_by=str(case.opened_by),
        kind=wire.enums.REQUEST_KIND.number(record.details.kind),
        year_level=student.year_level,
        age=age(student.date_of_birth, opened_on),
        gender=wire.enums.GENDER.number(student.gender),
        ethnicities=student.broad_ethnicities,
        requested_on=requested_on.isoformat() if requested_on else "",
        term=attendance.term if attendance else "",
        present_half_days=attendance.present_half_days if attendance else 0,
        total_half_days=attendance.total_half_days if attendance else 0,
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


def case_released(was: Case, *, released_on: date) -> Event:
    """Nobody has a case any more; `was` is how it stood before."""
    message = events_pb2.CaseReleased(
        case_id=str(was.id), previous_case_manager_id=str(was.case_manager_id), released_on=released_on.isoformat()
    )
    return Event(was.id, message)


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


def task_added(task: Task) -> Event:
    """A task was added to a case."""
    message = events_pb2.TaskAdded(
        **_task(task), owner_id=str(task.owner_id or ""), due_on=task.due_on.isoformat(), added_by=str(task.added_by)
    )
    return Event(task.case_id, message)


def task_reassigned(task: Task, *, previous: UUID | None, reassigned_by: UUID) -> Event:
    """A task was given to someone else."""
    message = events_pb2.TaskReassigned(
        **_task(task),
        owner_id=str(task.owner_id or ""),
        previous_owner_id=str(previous or ""),
        due_on=task.due_on.isoformat(),
        reassigned_by=str(reassigned_by),
    )
    return Event(task.case_id, message)


def task_released(was: Task) -> Event:
    """Nobody has a task any more; `was` is how it stood before."""
    message = events_pb2.TaskReleased(
        **_task(was), previous_owner_id=str(was.owner_id or ""), due_on=was.due_on.isoformat()
    )
    return Event(was.case_id, message)


def task_completed(task: Task) -> Event:
    """A task was done."""
    message = events_pb2.TaskCompleted(
        **_task(task), owner_id=str(task.owner_id or ""), completed_by=str(task.ended_by)
    )
    return Event(task.case_id, message)


def task_cancelled(task: Task) -> Event:
    """A task is not needed any more."""
    message = events_pb2.TaskCancelled(
        **_task(task), owner_id=str(task.owner_id or ""), cancelled_by=str(task.ended_by)
    )
    return Event(task.case_id, message)


def task_overdue(task: Task) -> Event:
    """A task's day has passed, and it is open."""
    message = events_pb2.TaskOverdue(**_task(task), owner_id=str(task.owner_id or ""), due_on=task.due_on.isoformat())
    return Event(task.case_id, message)


def task_due(task: Task) -> Event:
    """A task's day is near, and it is open."""
    message = events_pb2.TaskDue(
        case_id=str(task.case_id),
        task_id=str(task.id),
        owner_id=str(task.owner_id),
        due_on=task.due_on.isoformat(),
    )
    return Event(task.case_id, message)


def shared_case_changed(case: Case, change: SharedChange) -> Event:
    """Something changed in a case that its school sees, for who is named there."""
    message = events_pb2.SharedCaseChanged(
        case_id=str(case.id),
        person_id=str(case.primary_contact_id or ""),
        change=wire.enums.SHARED_CHANGE.number(change),
    )
    return Event(case.id, message)


def note_added(entry: Entry) -> Event:
    """A note was written into a case."""
    message = events_pb2.NoteAdded(
        case_id=str(entry.case_id),
        entry_id=str(entry.id),
        visibility=wire.enums.VISIBILITY.number(entry.visibility),
        added_by=str(entry.recorded_by),
    )
    return Event(entry.case_id, message)


def entry_corrected(was: Entry, correction: Correction) -> Event:
    """An entry was corrected; `was` is how it held before."""
    message = events_pb2.EntryCorrected(
        case_id=str(was.case_id),
        entry_id=str(was.id),
        number=correction.number,
        kind=wire.enums.EVENT_KIND.number(was.kind),
        previous_happened_on=was.happened_on.isoformat(),
        previous_outcome=wire.enums.OUTCOME.number(was.outcome),
        previous_minutes=was.minutes,
        happened_on=correction.happened_on.isoformat(),
        outcome=wire.enums.OUTCOME.number(correction.outcome),
        minutes=correction.minutes,
        recorded_by=str(was.recorded_by),
        corrected_by=str(correction.corrected_by),
    )
    return Event(was.case_id, message)


def case_paused(pause: Pause) -> Event:
    """A case rests."""
    message = events_pb2.CasePaused(
        case_id=str(pause.case_id),
        pause_id=str(pause.id),
        reason=pause.reason,
        paused_on=pause.started_on.isoformat(),
        wakes_on=pause.wakes_on.isoformat(),
        paused_by=str(pause.paused_by),
    )
    return Event(pause.case_id, message)


def case_resumed(paused: Case, *, resumed_on: date, resumed_by: UUID | None) -> Event:
    """A paused case went on: woken by someone, or by itself."""
    message = events_pb2.CaseResumed(
        case_id=str(paused.id),
        pause_id=str(paused.pause_id),
        resumed_on=resumed_on.isoformat(),
        resumed_by=str(resumed_by or ""),
        case_manager_id=str(paused.case_manager_id or ""),
    )
    return Event(paused.id, message)


def case_closed(closing: Closing, *, closed_on: date) -> Event:
    """Work on a case ended."""
    message = events_pb2.CaseClosed(
        case_id=str(closing.case_id),
        closing_id=str(closing.id),
        reason=closing.reason,
        outcome=closing.outcome,
        closed_on=closed_on.isoformat(),
        closed_by=str(closing.closed_by),
    )
    return Event(closing.case_id, message)


def case_reopened(case: Case, *, closing_id: UUID, reopened_on: date, reopened_by: UUID) -> Event:
    """A closed case was taken up again."""
    message = events_pb2.CaseReopened(
        case_id=str(case.id),
        closing_id=str(closing_id),
        case_manager_id=str(case.case_manager_id or ""),
        reopened_on=reopened_on.isoformat(),
        reopened_by=str(reopened_by),
    )
    return Event(case.id, message)


def primary_contact_set(case: Case, *, previous: UUID | None, set_by: UUID) -> Event:
    """Someone of the school was named to get the notices about a case, or nobody any more."""
    message = events_pb2.PrimaryContactSet(
        case_id=str(case.id),
        school_id=str(case.school_id or ""),
        person_id=str(case.primary_contact_id or ""),
        previous_person_id=str(previous or ""),
        set_by=str(set_by),
    )
    return Event(case.id, message)


def _task(task: Task) -> dict[str, str]:
    return {"case_id": str(task.case_id), "task_id": str(task.id)}


def hash_student(student: Student, key: bytes) -> str:
    """HMAC-SHA256 over the NSN, or over folded name and date of birth where there is none; 64 hexadecimal digits."""
    return hmac.digest(key, student.identity.encode(), "sha256").hex()
