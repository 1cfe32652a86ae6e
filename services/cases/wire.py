"""Domain values as messages of the contract, and what a school says the other way round."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar
from uuid import UUID

from ascms.cases.v1 import cases_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from services.cases import domain

E = TypeVar("E", bound=StrEnum)


class EnumMap(Generic[E]):
    """One enum in both languages. Names agree but for the contract's prefix; its zero is the domain's empty value."""

    def __init__(self, kind: type[E], proto: Any, prefix: str) -> None:
        """`proto` is the generated enum, `prefix` what its names begin with, "EVENT_KIND_"."""
        self._numbers: dict[E, int] = {each: proto.Value(prefix + each.name) for each in kind}
        self._values: dict[int, E] = {number: each for each, number in self._numbers.items()}

    def number(self, value: E) -> Any:
        """As the contract numbers it."""
        return self._numbers[value]

    def value(self, number: int) -> E:
        """As the domain calls it; KeyError for a zero that the domain has no word for."""
        return self._values[number]

    def find(self, number: int) -> E | None:
        """As the domain calls it; None for "unspecified"."""
        return self._values[number] if number else None


REQUEST_STATE = EnumMap(domain.RequestState, cases_pb2.RequestState, "REQUEST_STATE_")
CASE_STATE = EnumMap(domain.CaseState, cases_pb2.CaseState, "CASE_STATE_")
GENDER = EnumMap(domain.Gender, cases_pb2.Gender, "GENDER_")
EVENT_KIND = EnumMap(domain.EventKind, cases_pb2.EventKind, "EVENT_KIND_")
OUTCOME = EnumMap(domain.Outcome, cases_pb2.Outcome, "OUTCOME_")
VISIBILITY = EnumMap(domain.Visibility, cases_pb2.Visibility, "VISIBILITY_")


def draft_of(message: cases_pb2.SubmitRequestRequest) -> domain.Draft:
    """What a school says, from a request that was checked against its contract."""
    student, attendance = message.student, message.attendance
    return domain.Draft(
        student=domain.Student(
            nsn=student.nsn,
            given_names=student.given_names,
            family_name=student.family_name,
            preferred_name=student.preferred_name,
            date_of_birth=date.fromisoformat(student.date_of_birth),
            year_level=student.year_level,
            gender=GENDER.value(student.gender),
        ),
        caregivers=tuple(
            domain.Caregiver(each.name, each.relationship, each.phone, each.email, each.safe_to_contact)
            for each in message.caregivers
        ),
        attendance=domain.Attendance(attendance.term, attendance.present_half_days, attendance.total_half_days),
        concern=message.concern,
        steps_tried=message.steps_tried,
    )


def request_message(request: domain.Request, *, today: date, case_id: UUID | None) -> cases_pb2.RequestForSupport:
    """A request as its reader may see it: `case_id` is for the provider only."""
    draft = request.draft
    return cases_pb2.RequestForSupport(
        request_id=str(request.id),
        state=REQUEST_STATE.number(request.state),
        student=_student(draft.student),
        caregivers=[_caregiver(each) for each in draft.caregivers],
        attendance=_attendance(draft.attendance),
        concern=draft.concern,
        steps_tried=draft.steps_tried,
        school_id=str(request.school_id),
        provider_id=str(request.provider_id),
        submitted_at=_timestamp(request.submitted_at),
        submitted_by=str(request.submitted_by),
        answer_due_on=request.answer_due_on.isoformat(),
        overdue=request.is_overdue(today),
        case_id=str(case_id or ""),
        answered_at=_timestamp(request.accepted_at),
        version=request.version,
    )


def case_message(seen: domain.SeenRecord) -> cases_pb2.Case:
    """A case as its reader sees it."""
    record, case = seen.record, seen.record.case
    return cases_pb2.Case(
        case_id=str(case.id),
        number=case.number,
        state=CASE_STATE.number(case.state),
        student=_student(record.student),
        caregivers=[_caregiver(each) for each in record.caregivers],
        school_id=str(case.school_id),
        request_id=str(case.request_id),
        attendance=_attendance(record.attendance),
        concern=record.concern,
        case_manager_id=str(case.case_manager_id or ""),
        opened_at=_timestamp(case.opened_at),
        opened_by=str(case.opened_by),
        assigned_at=_timestamp(case.assigned_at),
        last_contact_on=_day(case.last_contact_on),
        minutes=case.minutes,
        version=case.version,
        allowed_actions=[
            cases_pb2.AllowedAction(action=each.action.value, allowed=each.is_allowed, reason=each.reason)
            for each in seen.actions
        ],
    )


def summary_message(summary: domain.Summary) -> cases_pb2.CaseSummary:
    """A line in a list of cases."""
    return cases_pb2.CaseSummary(
        case_id=str(summary.id),
        number=summary.number,
        state=CASE_STATE.number(summary.state),
        student_name=summary.student_name,
        year_level=summary.year_level,
        school_id=str(summary.school_id),
        case_manager_id=str(summary.case_manager_id or ""),
        opened_at=_timestamp(summary.opened_at),
        last_contact_on=_day(summary.last_contact_on),
        minutes=summary.minutes,
    )


def entry_message(entry: domain.Entry) -> cases_pb2.TimelineEntry:
    """An entry as the timeline shows it."""
    return cases_pb2.TimelineEntry(
        entry_id=str(entry.id),
        kind=EVENT_KIND.number(entry.kind),
        happened_on=entry.happened_on.isoformat(),
        outcome=OUTCOME.number(entry.outcome),
        minutes=entry.minutes,
        note=entry.note,
        visibility=VISIBILITY.number(entry.visibility),
        recorded_by=str(entry.recorded_by),
        recorded_at=_timestamp(entry.recorded_at),
    )


def _student(student: domain.Student) -> cases_pb2.Student:
    return cases_pb2.Student(
        nsn=student.nsn,
        given_names=student.given_names,
        family_name=student.family_name,
        preferred_name=student.preferred_name,
        date_of_birth=student.date_of_birth.isoformat(),
        year_level=student.year_level,
        gender=GENDER.number(student.gender),
    )


def _caregiver(caregiver: domain.Caregiver) -> cases_pb2.Caregiver:
    return cases_pb2.Caregiver(
        name=caregiver.name,
        relationship=caregiver.relationship,
        phone=caregiver.phone,
        email=caregiver.email,
        safe_to_contact=caregiver.safe_to_contact,
    )


def _attendance(attendance: domain.Attendance) -> cases_pb2.Attendance:
    return cases_pb2.Attendance(
        term=attendance.term,
        present_half_days=attendance.present_half_days,
        total_half_days=attendance.total_half_days,
        band=attendance.band.value,
    )


def _timestamp(moment: datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def _day(day: date | None) -> str:
    return day.isoformat() if day is not None else ""
