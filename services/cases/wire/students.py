"""Students, and the plain values that every message has."""

from datetime import date, datetime

from ascms.cases.v1 import cases_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from services.cases import domain
from services.cases.wire.enums import GENDER


def student_message(student: domain.students.Student) -> cases_pb2.Student:
    """Who the student is."""
    return cases_pb2.Student(
        nsn=student.nsn,
        given_names=student.given_names,
        family_name=student.family_name,
        preferred_name=student.preferred_name,
        date_of_birth=student.date_of_birth.isoformat(),
        year_level=student.year_level,
        gender=GENDER.number(student.gender),
    )


def caregiver_message(caregiver: domain.students.Caregiver) -> cases_pb2.Caregiver:
    """Someone who cares for the student."""
    return cases_pb2.Caregiver(
        name=caregiver.name,
        relationship=caregiver.relationship,
        phone=caregiver.phone,
        email=caregiver.email,
        safe_to_contact=caregiver.safe_to_contact,
    )


def attendance_message(attendance: domain.students.Attendance) -> cases_pb2.Attendance:
    """Attendance of one term, with its band."""
    return cases_pb2.Attendance(
        term=attendance.term,
        present_half_days=attendance.present_half_days,
        total_half_days=attendance.total_half_days,
        band=attendance.band.value,
    )


def timestamp(moment: datetime | None) -> Timestamp | None:
    """A moment, where there is one."""
    if moment is None:
        return None
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def day(value: date | None) -> str:
    """A day, or nothing."""
    return value.isoformat() if value is not None else ""
