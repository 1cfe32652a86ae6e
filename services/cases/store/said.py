"""What a school says about a student, as columns: the same in a request and in the case it becomes."""

from typing import Any

from psycopg.types.json import Jsonb

from services.cases.domain.students import Attendance, Caregiver, Gender, Student


def said_columns(
    student: Student, caregivers: tuple[Caregiver, ...], attendance: Attendance, concern: str
) -> dict[str, Any]:
    """Values of the columns `SAID_BY_SCHOOL`."""
    return {
        "nsn": student.nsn,
        "given_names": student.given_names,
        "family_name": student.family_name,
        "preferred_name": student.preferred_name,
        "date_of_birth": student.date_of_birth,
        "year_level": student.year_level,
        "gender": student.gender.value,
        "caregivers": Jsonb([_caregiver_json(caregiver) for caregiver in caregivers]),
        "term": attendance.term,
        "present_half_days": attendance.present_half_days,
        "total_half_days": attendance.total_half_days,
        "concern": concern,
    }


def student_of(row: Any) -> Student:
    """The student of a row."""
    return Student(
        nsn=row.nsn,
        given_names=row.given_names,
        family_name=row.family_name,
        preferred_name=row.preferred_name,
        date_of_birth=row.date_of_birth,
        year_level=row.year_level,
        gender=Gender(row.gender),
    )


def caregivers_of(row: Any) -> tuple[Caregiver, ...]:
    """The caregivers of a row."""
    return tuple(Caregiver(**each) for each in row.caregivers)


def attendance_of(row: Any) -> Attendance:
    """The attendance of a row."""
    return Attendance(row.term, row.present_half_days, row.total_half_days)


def _caregiver_json(caregiver: Caregiver) -> dict[str, Any]:
    return {
        "name": caregiver.name,
        "relationship": caregiver.relationship,
        "phone": caregiver.phone,
        "email": caregiver.email,
        "safe_to_contact": caregiver.safe_to_contact,
    }
