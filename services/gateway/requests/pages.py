"""What the pages of requests for support show, for the school that asks and for the provider that answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from ascms.cases.v1 import cases_pb2

from kit.clock import local_date
from kit.errors import Violation
from services.gateway.people import Attendance, Student, present_attendance, present_student
from services.gateway.wording import cell_words, day_of, moment_of

STATES_BY_FILTER = {
    "waiting": cases_pb2.REQUEST_STATE_SUBMITTED,
    "accepted": cases_pb2.REQUEST_STATE_ACCEPTED,
}


@dataclass(frozen=True, slots=True)
class RequestPage:
    """A request, in a list or on its page. `state` is "waiting", "overdue" or "accepted"."""

    request_id: str
    state: str
    student: Student
    attendance: Attendance
    caregivers: Sequence[cases_pb2.Caregiver]
    school: str
    provider: str
    submitted: datetime | None
    submitted_on: date | None
    submitted_by: str
    due: date | None
    answered: datetime | None
    concern: str
    steps_tried: str
    case_id: str
    version: int


def present_request(
    request: cases_pb2.RequestForSupport,
    *,
    organisations: Mapping[str, str],
    today: date,
    people: Mapping[str, str] | None = None,
) -> RequestPage:
    """One request."""
    accepted = request.state == cases_pb2.REQUEST_STATE_ACCEPTED
    submitted = moment_of(request.submitted_at)
    return RequestPage(
        request_id=request.request_id,
        state="accepted" if accepted else ("overdue" if request.overdue else "waiting"),
        student=present_student(request.student, today=today),
        attendance=present_attendance(request.attendance),
        caregivers=list(request.caregivers),
        school=organisations.get(request.school_id, ""),
        provider=organisations.get(request.provider_id, ""),
        submitted=submitted,
        submitted_on=local_date(submitted) if submitted else None,
        submitted_by=(people or {}).get(request.submitted_by, ""),
        due=None if accepted else day_of(request.answer_due_on),
        answered=moment_of(request.answered_at),
        concern=request.concern,
        steps_tried=request.steps_tried,
        case_id=request.case_id,
        version=request.version,
    )


@dataclass(frozen=True, slots=True)
class RowLine:
    """What became of one row of a file. `faults` are sentences."""

    line: int
    result: str
    request_id: str
    faults: Sequence[tuple[str, str]]


_RESULTS = {
    cases_pb2.ROW_RESULT_SUBMITTED: "submitted",
    cases_pb2.ROW_RESULT_ALREADY_OPEN: "already-open",
    cases_pb2.ROW_RESULT_REFUSED: "refused",
}
_ORDER = ("refused", "already-open", "submitted", "")


def present_rows(rows: Sequence[cases_pb2.ImportedRow]) -> list[RowLine]:
    """The rows of a file, those with faults first, then by line."""
    lines = [
        RowLine(
            line=row.line,
            result=_RESULTS.get(row.result, ""),
            request_id=row.request_id,
            faults=tuple(
                (fault.column, cell_words(Violation(fault.column, fault.reason, fault.description)))
                for fault in row.violations
            ),
        )
        for row in rows
    ]
    return sorted(lines, key=lambda line: (_ORDER.index(line.result), line.line))
