"""Cases as messages."""

from ascms.cases.v1 import cases_pb2

from services.cases import domain
from services.cases.wire.enums import CASE_STATE
from services.cases.wire.students import attendance_message, caregiver_message, day, student_message, timestamp


def case_message(seen: domain.cases.SeenRecord) -> cases_pb2.Case:
    """A case as its reader sees it."""
    record, case = seen.record, seen.record.case
    return cases_pb2.Case(
        case_id=str(case.id),
        number=case.number,
        state=CASE_STATE.number(case.state),
        student=student_message(record.student),
        caregivers=[caregiver_message(each) for each in record.caregivers],
        school_id=str(case.school_id),
        request_id=str(case.request_id),
        attendance=attendance_message(record.attendance),
        concern=record.concern,
        case_manager_id=str(case.case_manager_id or ""),
        opened_at=timestamp(case.opened_at),
        opened_by=str(case.opened_by),
        assigned_at=timestamp(case.assigned_at),
        last_contact_on=day(case.last_contact_on),
        minutes=case.minutes,
        version=case.version,
        allowed_actions=[
            cases_pb2.AllowedAction(action=each.action.value, allowed=each.is_allowed, reason=each.reason)
            for each in seen.actions
        ],
    )


def summary_message(summary: domain.cases.Summary) -> cases_pb2.CaseSummary:
    """A line in a list of cases."""
    return cases_pb2.CaseSummary(
        case_id=str(summary.id),
        number=summary.number,
        state=CASE_STATE.number(summary.state),
        student_name=summary.student_name,
        year_level=summary.year_level,
        school_id=str(summary.school_id),
        case_manager_id=str(summary.case_manager_id or ""),
        opened_at=timestamp(summary.opened_at),
        last_contact_on=day(summary.last_contact_on),
        minutes=summary.minutes,
    )
