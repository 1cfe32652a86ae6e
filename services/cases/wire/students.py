"""Students, and the plain values that every message has."""

from datetime import date, datetime

from ascms.cases.v1 import cases_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from services.cases import domain
from services.cases.wire.enums import CONTACT_WAY, GENDER


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
        ethnicities=student.ethnicities,
        iwi=student.iwi,
    )


def student_of(message: cases_pb2.Student) -> domain.students.Student:
    """Who a student is, from a message that was checked against its contract."""
    return domain.students.Student(
        nsn=message.nsn,
        given_names=message.given_names,
        family_name=message.family_name,
        preferred_name=message.preferred_name,
        date_of_birth=date.fromisoformat(message.date_of_birth),
        year_level=message.year_level,
        gender=GENDER.value(message.gender),
        ethnicities=tuple(dict.fromkeys(code for code in message.ethnicities if code)),
        iwi=tuple(dict.fromkeys(name for name in message.iwi if name)),
    )


def begun_student(message: cases_pb2.Student) -> domain.students.Student:
    """A student as far as a draft tells; without a date of birth it is the first day there is."""
    whole = cases_pb2.Student()
    whole.CopyFrom(message)
    whole.date_of_birth = message.date_of_birth or date.min.isoformat()
    return student_of(whole)


def caregiver_message(caregiver: domain.students.Caregiver) -> cases_pb2.Caregiver:
    """Someone who cares for the student."""
    return cases_pb2.Caregiver(
        name=caregiver.name,
        relationship=caregiver.relationship,
        phone=caregiver.phone,
        email=caregiver.email,
        safe_to_contact=caregiver.safe_to_contact,
        safe_ways=[CONTACT_WAY.number(way) for way in caregiver.safe_ways],
        safe_note=caregiver.safe_note,
    )


def caregiver_of(message: cases_pb2.Caregiver) -> domain.students.Caregiver:
    """A caregiver, from a message that was checked. Who only says "safe" says so of every way."""
    said = {CONTACT_WAY.find(way) for way in message.safe_ways}
    everything = message.safe_to_contact and not message.safe_ways
    return domain.students.Caregiver(
        message.name,
        message.relationship,
        message.phone,
        message.email,
        tuple(way for way in domain.students.ContactWay if everything or way in said),
        message.safe_note,
    )


def optional_attendance(attendance: domain.students.Attendance | None) -> cases_pb2.Attendance | None:
    """Attendance, where there is any."""
    return attendance_message(attendance) if attendance else None


def attendance_message(attendance: domain.students.Attendance) -> cases_pb2.Attendance:
    """Attendance of one term, with its band."""
    return cases_pb2.Attendance(
        term=attendance.term,
        present_half_days=attendance.present_half_days,
        total_half_days=attendance.total_half_days,
        band=attendance.band.value,
        justified_half_days=attendance.justified_half_days,
        unjustified_half_days=attendance.unjustified_half_days,
    )


def attendance_of(message: cases_pb2.Attendance) -> domain.students.Attendance:
    """Attendance of one term, from a message that was checked."""
    return domain.students.Attendance(
        message.term,
        message.present_half_days,
        message.total_half_days,
        message.justified_half_days,
        message.unjustified_half_days,
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
