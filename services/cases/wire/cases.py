"""Cases as messages."""

from datetime import date

from ascms.cases.v1 import cases_pb2

from services.cases import domain
from services.cases.wire.enums import CASE_STATE, HEALTH, REQUEST_KIND
from services.cases.wire.students import (
    attendance_message,
    caregiver_message,
    day,
    optional_attendance,
    student_message,
    timestamp,
)


def case_message(seen: domain.cases.SeenRecord) -> cases_pb2.Case:
    """A case as its reader sees it."""
    record, case = seen.record, seen.record.case
    return cases_pb2.Case(
        case_id=str(case.id),
        number=case.number,
        state=CASE_STATE.number(case.state),
        student=student_message(record.student),
        caregivers=[caregiver_message(each) for each in record.caregivers],
        school_id=str(case.school_id or ""),
        request_id=str(case.request_id or ""),
        attendance=optional_attendance(record.attendance),
        concern=record.concern,
        case_manager_id=str(case.case_manager_id or ""),
        opened_at=timestamp(case.opened_at),
        opened_by=str(case.opened_by),
        assigned_at=timestamp(case.assigned_at),
        last_contact_on=day(case.last_contact_on),
        minutes=case.minutes,
        version=case.version,
        allowed_actions=[
            cases_pb2.AllowedAction(
                action=each.action.value, allowed=each.is_allowed, reason=each.reason, count=each.count
            )
            for each in seen.actions
        ],
        open_tasks=case.open_tasks,
        open_letters=case.open_letters,
        wakes_on=day(case.wakes_on),
        closed_at=timestamp(case.closed_at),
        primary_contact_id=str(case.primary_contact_id or ""),
        kind=REQUEST_KIND.number(record.details.kind),
        earlier_terms=[attendance_message(term) for term in record.details.earlier_terms],
        barriers=record.details.barriers,
        barrier_words=record.details.barrier_words,
        is_sensitive=record.details.is_sensitive,
        steps=record.details.steps,
        last_school_id=str(record.details.last_school_id or ""),
        health=[
            cases_pb2.RecordPartHealth(
                part=each.part.value, health=HEALTH.number(each.health), last_on=day(each.last_on), days=each.days
            )
            for each in seen.health
        ],
    )


def summary_message(summary: domain.cases.Summary, *, today: date) -> cases_pb2.CaseSummary:
    """A line in a list of cases, as it stands today."""
    due = summary.health_due_on
    return cases_pb2.CaseSummary(
        case_id=str(summary.id),
        number=summary.number,
        state=CASE_STATE.number(summary.state),
        student_name=summary.student_name,
        year_level=summary.year_level,
        school_id=str(summary.school_id or ""),
        case_manager_id=str(summary.case_manager_id or ""),
        opened_at=timestamp(summary.opened_at),
        last_contact_on=day(summary.last_contact_on),
        minutes=summary.minutes,
        health=HEALTH.number(domain.health.worst(due, today=today)) if due else cases_pb2.RECORD_HEALTH_UNSPECIFIED,
        open_tasks=summary.open_tasks,
        next_due_on=day(summary.next_due_on),
    )


def pause_message(pause: domain.pauses.Pause) -> cases_pb2.Pause:
    """A rest of a case."""
    return cases_pb2.Pause(
        pause_id=str(pause.id),
        reason=pause.reason,
        started_on=pause.started_on.isoformat(),
        wakes_on=pause.wakes_on.isoformat(),
        conditions=pause.conditions,
        agreed_by=pause.agreed_by,
        paused_by=str(pause.paused_by),
        ended_on=day(pause.ended_on),
        ended_by=str(pause.ended_by or ""),
    )


def closing_message(closing: domain.closings.Closing) -> cases_pb2.Closing:
    """How work on a case ended."""
    return cases_pb2.Closing(
        closing_id=str(closing.id),
        reason=closing.reason,
        outcome=closing.outcome,
        summary=closing.summary,
        closed_by=str(closing.closed_by),
        closed_at=timestamp(closing.closed_at),
        reopened_reason=closing.reopened_reason,
        reopened_by=str(closing.reopened_by or ""),
        reopened_at=timestamp(closing.reopened_at),
    )
