"""What the pages of requests for support show, for the school that asks and for the provider that answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from ascms.cases.v1 import cases_pb2, requests_pb2
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from kit.clock import local_date
from kit.errors import Violation
from services.gateway.cases.reference import words_of
from services.gateway.people import Attendance, Student, present_attendance, present_student
from services.gateway.requests.changes import Change, present_changes
from services.gateway.wording import cell_words, day_of, moment_of

STATES_BY_FILTER = {
    "waiting": cases_pb2.REQUEST_STATE_SUBMITTED,
    "returned": cases_pb2.REQUEST_STATE_RETURNED,
    "accepted": cases_pb2.REQUEST_STATE_ACCEPTED,
    "declined": cases_pb2.REQUEST_STATE_DECLINED,
}
_STATES = {
    cases_pb2.REQUEST_STATE_RETURNED: "returned",
    cases_pb2.REQUEST_STATE_ACCEPTED: "accepted",
    cases_pb2.REQUEST_STATE_DECLINED: "declined",
}
TIERS: Mapping[int, object] = {
    requests_pb2.TRIAGE_TIER_HIGHLY_RECOMMENDED: _l("Highly recommended"),
    requests_pb2.TRIAGE_TIER_CONSIDER: _l("Worth considering"),
    requests_pb2.TRIAGE_TIER_DELAY: _l("Try more at school first"),
    requests_pb2.TRIAGE_TIER_DO_NOT_REFER: _l("Not for this service"),
}
GUIDANCE = {
    "age-five": _l("Five years old: attendance is a duty only because the student is enrolled."),
    "near-16": _l("Nearly 16: plan for what comes after the duty to attend."),
    "over-16": _l("16 or older: there is no duty to attend any more. Support is still possible."),
}
FIELDS = {
    "given_names": _l("Given names"),
    "date_of_birth": _l("Date of birth"),
    "attendance": _l("Attendance"),
    "total_half_days": _l("Half-days the school was open"),
    "present_half_days": _l("Half-days present"),
    "term": _l("Term"),
    "concern": _l("What worries you?"),
}


@dataclass(frozen=True, slots=True)
class Look:
    """How a request looks by the criteria of its day. All of it is guidance."""

    tier: str
    because: str
    days: int
    guidance: Sequence[str]


def present_look(assessment: requests_pb2.Assessment) -> Look:
    """How a request looks, in words."""
    return Look(
        tier=str(TIERS.get(assessment.tier, "")),
        because=words_of("triage", assessment.criterion) if assessment.criterion else "",
        days=assessment.stepped_response_days,
        guidance=[str(GUIDANCE[code]) for code in assessment.guidance if code in GUIDANCE],
    )


def fault_words(field: str, words: str) -> str:
    """What is missing or wrong in a draft, with the name of its question."""
    name = field.rpartition(".")[2].partition("[")[0]
    return f"{FIELDS[name]}: {words}" if name in FIELDS else words


@dataclass(frozen=True, slots=True)
class DraftLine:
    """A draft in a list. `days` are left until it is thrown away."""

    draft_id: str
    name: str
    saved: datetime | None
    kept_until: date | None


def present_drafts(drafts: Sequence[requests_pb2.DraftSummary]) -> list[DraftLine]:
    """Drafts in the order they came."""
    return [
        DraftLine(
            one.draft_id,
            one.student_name or str(_("No name yet")),
            moment_of(one.saved_at),
            day_of(one.kept_until),
        )
        for one in drafts
    ]


@dataclass(frozen=True, slots=True)
class DraftPage:
    """A draft at one look."""

    student: Student
    terms: Sequence[Attendance]
    caregivers: Sequence[cases_pb2.Caregiver]
    ethnicities: Sequence[str]
    iwi: Sequence[str]
    steps: Sequence[str]
    barriers: Sequence[str]
    said: cases_pb2.SubmitRequestRequest
    look: Look
    kept_until: date | None


def present_draft(found: cases_pb2.GetDraftResponse, *, today: date) -> DraftPage:
    """A draft as its page shows it."""
    said = found.draft.content
    return DraftPage(
        student=present_student(said.student, today=today),
        terms=[present_attendance(term) for term in _terms(said)],
        caregivers=list(said.caregivers),
        ethnicities=[words_of("ethnicity", code) for code in said.student.ethnicities],
        iwi=[words_of("iwi", code) for code in said.student.iwi],
        steps=[words_of("step_tried", code) for code in said.steps],
        barriers=[words_of("barrier", code) for code in said.barriers],
        said=said,
        look=present_look(found.assessment),
        kept_until=day_of(found.draft.kept_until),
    )


def _terms(said: cases_pb2.SubmitRequestRequest | cases_pb2.RequestForSupport) -> list[cases_pb2.Attendance]:
    return [*([said.attendance] if said.HasField("attendance") else []), *said.earlier_terms]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about a request, and its reply."""

    question: str
    asked: datetime | None
    reply: str
    replied: datetime | None


@dataclass(frozen=True, slots=True)
class RequestPage:
    """A request, in a list or on its page. `state` is "waiting", "overdue", "returned", "accepted" or "declined"."""

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
    kind: int
    look: Look
    earlier: Sequence[Attendance]
    ethnicities: Sequence[str]
    iwi: Sequence[str]
    steps: Sequence[str]
    barriers: Sequence[str]
    barrier_words: str
    is_sensitive: bool
    questions: Sequence[Asked]
    reply_due: date | None
    declined: str
    decline_words: str
    last_school: str
    since: date | None
    may: frozenset[str]
    changes: Sequence[Change] = ()


def present_request(
    request: cases_pb2.RequestForSupport,
    *,
    organisations: Mapping[str, str],
    today: date,
    people: Mapping[str, str] | None = None,
) -> RequestPage:
    """One request."""
    submitted = moment_of(request.submitted_at)
    return RequestPage(
        request_id=request.request_id,
        state=_STATES.get(request.state, "overdue" if request.overdue else "waiting"),
        student=present_student(request.student, today=today),
        attendance=present_attendance(request.attendance),
        caregivers=list(request.caregivers),
        school=organisations.get(request.school_id, ""),
        provider=organisations.get(request.provider_id, ""),
        submitted=submitted,
        submitted_on=local_date(submitted) if submitted else None,
        submitted_by=(people or {}).get(request.submitted_by, ""),
        due=None if request.state in _STATES else day_of(request.answer_due_on),
        answered=moment_of(request.answered_at),
        concern=request.concern,
        steps_tried=request.steps_tried,
        case_id=request.case_id,
        version=request.version,
        kind=request.kind,
        look=present_look(request.assessment),
        earlier=[present_attendance(term) for term in request.earlier_terms],
        ethnicities=[words_of("ethnicity", code) for code in request.student.ethnicities],
        iwi=[words_of("iwi", code) for code in request.student.iwi],
        steps=[words_of("step_tried", code) for code in request.steps],
        barriers=[words_of("barrier", code) for code in request.barriers],
        barrier_words=request.barrier_words,
        is_sensitive=request.is_sensitive,
        questions=[
            Asked(one.question, moment_of(one.asked_at), one.reply, moment_of(one.replied_at))
            for one in request.questions
        ],
        reply_due=day_of(request.reply_due_on),
        declined=words_of("decline_reason", request.decline_reason) if request.decline_reason else "",
        decline_words=request.decline_words,
        last_school=organisations.get(request.last_school_id, ""),
        since=day_of(request.not_enrolled_since),
        may=frozenset(each.action for each in request.allowed_actions if each.allowed),
        changes=present_changes(request),
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
_RESULT_WORDS = {"submitted": _l("Sent"), "already-open": _l("Open already"), "refused": _l("Not sent")}
_ORDER = ("refused", "already-open", "submitted", "")


def result_words(result: str) -> str:
    """What became of a row, in words."""
    return str(_RESULT_WORDS.get(result, ""))


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
