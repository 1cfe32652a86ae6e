"""Requests for support as messages."""

from datetime import date
from uuid import UUID

from ascms.cases.v1 import cases_pb2

from services.cases import domain
from services.cases.wire.enums import GENDER, REQUEST_STATE
from services.cases.wire.students import attendance_message, caregiver_message, student_message, timestamp


def draft_of(message: cases_pb2.SubmitRequestRequest) -> domain.requests.Draft:
    """What a school says, from a request that was checked against its contract."""
    student, attendance = message.student, message.attendance
    return domain.requests.Draft(
        student=domain.students.Student(
            nsn=student.nsn,
            given_names=student.given_names,
            family_name=student.family_name,
            preferred_name=student.preferred_name,
            date_of_birth=date.fromisoformat(student.date_of_birth),
            year_level=student.year_level,
            gender=GENDER.value(student.gender),
        ),
        caregivers=tuple(
            domain.students.Caregiver(each.name, each.relationship, each.phone, each.email, each.safe_to_contact)
            for each in message.caregivers
        ),
        attendance=domain.students.Attendance(
            attendance.term, attendance.present_half_days, attendance.total_half_days
        ),
        concern=message.concern,
        steps_tried=message.steps_tried,
    )


def request_message(
    request: domain.requests.Request, *, today: date, case_id: UUID | None
) -> cases_pb2.RequestForSupport:
    """A request as its reader may see it: `case_id` is for the provider only."""
    draft = request.draft
    return cases_pb2.RequestForSupport(
        request_id=str(request.id),
        state=REQUEST_STATE.number(request.state),
        student=student_message(draft.student),
        caregivers=[caregiver_message(each) for each in draft.caregivers],
        attendance=attendance_message(draft.attendance),
        concern=draft.concern,
        steps_tried=draft.steps_tried,
        school_id=str(request.school_id),
        provider_id=str(request.provider_id),
        submitted_at=timestamp(request.submitted_at),
        submitted_by=str(request.submitted_by),
        answer_due_on=request.answer_due_on.isoformat(),
        overdue=request.is_overdue(today),
        case_id=str(case_id or ""),
        answered_at=timestamp(request.accepted_at),
        version=request.version,
    )
