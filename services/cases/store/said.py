"""What is known about a student when a case may begin, as columns: the same in a request and in the case it becomes."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from services.cases.domain.requests import Details, RequestKind, Said, Version
from services.cases.domain.students import Attendance, Caregiver, ContactWay, Gender, Student
from services.cases.domain.triage import Assessment, TriageTier


def said_columns(
    student: Student,
    caregivers: tuple[Caregiver, ...],
    attendance: Attendance | None,
    concern: str,
    details: Details,
) -> dict[str, Any]:
    """Values of the columns `SAID_BY_SCHOOL`. No attendance is no term of no half-days."""
    return {
        "nsn": student.nsn,
        "given_names": student.given_names,
        "family_name": student.family_name,
        "preferred_name": student.preferred_name,
        "date_of_birth": student.date_of_birth,
        "year_level": student.year_level,
        "gender": student.gender.value,
        "caregivers": Jsonb([_caregiver_json(caregiver) for caregiver in caregivers]),
        "term": attendance.term if attendance else "",
        "present_half_days": attendance.present_half_days if attendance else 0,
        "total_half_days": attendance.total_half_days if attendance else 0,
        "concern": concern,
        "kind": details.kind.value,
        "is_sensitive": details.is_sensitive,
        "details": Jsonb(_details_json(student, attendance, details)),
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
        ethnicities=tuple(row.details.get("ethnicities", ())),
        iwi=tuple(row.details.get("iwi", ())),
    )


def caregivers_of(row: Any) -> tuple[Caregiver, ...]:
    """The caregivers of a row. Those of before ways were told apart have one answer for all of them."""
    return _caregivers(row.caregivers)


def _caregivers(told: list[dict[str, Any]]) -> tuple[Caregiver, ...]:
    return tuple(
        Caregiver(
            each["name"],
            each["relationship"],
            each["phone"],
            each["email"],
            tuple(ContactWay(way) for way in each.get("safe_ways", ContactWay if each.get("safe_to_contact") else ())),
            each.get("safe_note", ""),
        )
        for each in told
    )


def attendance_of(row: Any) -> Attendance | None:
    """The attendance of a row; None where there is none."""
    if not row.total_half_days:
        return None
    known = row.details.get("absent", (0, 0))
    return Attendance(row.term, row.present_half_days, row.total_half_days, *known)


def details_of(row: Any) -> Details:
    """What else a row knows."""
    details = row.details
    last_school, since = details.get("last_school_id"), details.get("not_enrolled_since")
    return Details(
        kind=RequestKind(row.kind),
        earlier_terms=tuple(Attendance(*term) for term in details.get("earlier_terms", ())),
        steps=tuple(details.get("steps", ())),
        barriers=tuple(details.get("barriers", ())),
        barrier_words=details.get("barrier_words", ""),
        is_sensitive=row.is_sensitive,
        last_school_id=UUID(last_school) if last_school else None,
        not_enrolled_since=date.fromisoformat(since) if since else None,
        own_work_reason=details.get("own_work_reason", ""),
        assessment=_assessment(details.get("assessment", {})),
    )


def version_json(version: Version) -> dict[str, Any]:
    """What stood in a request before, to be kept beside it."""
    said = version.said
    return {
        "caregivers": [_caregiver_json(caregiver) for caregiver in said.caregivers],
        "terms": [_term_json(term) for term in said.terms],
        "concern": said.concern,
        "steps": said.steps,
        "steps_tried": said.steps_tried,
        "barriers": said.barriers,
        "barrier_words": said.barrier_words,
        "is_sensitive": said.is_sensitive,
        "assessment": _assessment_json(version.assessment),
        "replaced_at": version.replaced_at.isoformat(),
        "replaced_by": str(version.replaced_by),
    }


def version_of(kept: dict[str, Any]) -> Version:
    """What stood in a request before."""
    return Version(
        said=Said(
            caregivers=_caregivers(kept["caregivers"]),
            terms=tuple(Attendance(*term) for term in kept["terms"]),
            concern=kept["concern"],
            steps=tuple(kept["steps"]),
            steps_tried=kept["steps_tried"],
            barriers=tuple(kept["barriers"]),
            barrier_words=kept["barrier_words"],
            is_sensitive=kept["is_sensitive"],
        ),
        assessment=_assessment(kept["assessment"]),
        replaced_at=datetime.fromisoformat(kept["replaced_at"]),
        replaced_by=UUID(kept["replaced_by"]),
    )


def _assessment(kept: dict[str, Any]) -> Assessment:
    return Assessment(
        tier=TriageTier(kept.get("tier", "")),
        criterion=kept.get("criterion", ""),
        stepped_response_days=kept.get("stepped_response_days", 0),
        guidance=tuple(kept.get("guidance", ())),
    )


def _assessment_json(assessment: Assessment) -> dict[str, Any]:
    return {
        "tier": assessment.tier.value,
        "criterion": assessment.criterion,
        "stepped_response_days": assessment.stepped_response_days,
        "guidance": assessment.guidance,
    }


def _term_json(term: Attendance) -> tuple[Any, ...]:
    return (
        term.term,
        term.present_half_days,
        term.total_half_days,
        term.justified_half_days,
        term.unjustified_half_days,
    )


def _caregiver_json(caregiver: Caregiver) -> dict[str, Any]:
    return {
        "name": caregiver.name,
        "relationship": caregiver.relationship,
        "phone": caregiver.phone,
        "email": caregiver.email,
        "safe_ways": [way.value for way in caregiver.safe_ways],
        "safe_note": caregiver.safe_note,
    }


def _details_json(student: Student, attendance: Attendance | None, details: Details) -> dict[str, Any]:
    """Only what is there: most rows have little of it."""
    assessment = details.assessment
    said = {
        "ethnicities": student.ethnicities,
        "iwi": student.iwi,
        "absent": (attendance.justified_half_days, attendance.unjustified_half_days) if attendance else None,
        "earlier_terms": [_term_json(term) for term in details.earlier_terms],
        "steps": details.steps,
        "barriers": details.barriers,
        "barrier_words": details.barrier_words,
        "last_school_id": str(details.last_school_id) if details.last_school_id else "",
        "not_enrolled_since": details.not_enrolled_since.isoformat() if details.not_enrolled_since else "",
        "own_work_reason": details.own_work_reason,
        "assessment": _assessment_json(assessment) if assessment != Assessment() else None,
    }
    return {name: value for name, value in said.items() if value}
