"""Requests for support: what a school may ask, and how a provider answers."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from itertools import pairwise
from typing import Protocol
from uuid import UUID

from kit.errors import FailedPreconditionError, NotFoundError, PermissionDeniedError, Violation
from services.cases.domain.reference import BARRIER, DECLINE_REASON, ETHNICITY, IWI, STEP_TRIED, Reference
from services.cases.domain.shared import Caller, check_version
from services.cases.domain.students import Attendance, Caregiver, Student, age
from services.cases.domain.triage import Assessment

ANSWER_WORKING_DAYS = 5
"""How long a provider has to answer a request."""
REPLY_WORKING_DAYS = 5
"""How long a school has to reply to a question that came back with its request."""
LEAST_DAYS_LEFT = 1
"""However late a question was asked, a provider has this long after the reply."""
SCHOOL_AGE, LEAVING_AGE = 6, 16
"""The duty to enrol: from the 6th to the 16th birthday (Education and Training Act 2020, s35)."""
NOT_ENROLLED_SCHOOL_DAYS = 20

# A child may be enrolled from the fifth birthday, and stays at most until the year of the twenty-first. Being over 16
# ends the duty to attend, not the request: age never closes anything by itself.
YOUNGEST, OLDEST = 5, 21


class RequestState(StrEnum):
    """Where a request for support stands."""

    SUBMITTED = "submitted"
    RETURNED = "returned"
    ACCEPTED = "accepted"
    DECLINED = "declined"


class RequestKind(StrEnum):
    """Where a case comes from."""

    CHRONIC_ABSENCE = "chronic_absence"
    NON_ENROLMENT = "non_enrolment"
    OWN_WORK = "own_work"


class Calendar(Protocol):
    """The working days of the place where a request is answered."""

    def after(self, day: date, count: int) -> date:
        """The `count`-th working day after `day`."""
        ...

    def between(self, day: date, last: date) -> int:
        """How many working days come after `day`, up to and with `last`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What else is known about a student when a case may begin. Codes are of lists in the reference data."""

    kind: RequestKind = RequestKind.CHRONIC_ABSENCE
    earlier_terms: tuple[Attendance, ...] = ()
    steps: tuple[str, ...] = ()
    barriers: tuple[str, ...] = ()
    barrier_words: str = ""
    is_sensitive: bool = False
    last_school_id: UUID | None = None
    not_enrolled_since: date | None = None
    own_work_reason: str = ""
    assessment: Assessment = field(default_factory=Assessment)


@dataclass(frozen=True, slots=True)
class Draft:
    """What is said about a student when support is asked for. Attendance is there where a school asks."""

    student: Student
    caregivers: tuple[Caregiver, ...]
    attendance: Attendance | None
    concern: str
    steps_tried: str
    details: Details = field(default_factory=Details)

    @property
    def terms(self) -> tuple[Attendance, ...]:
        """Attendance of every term that is told of, the latest first."""
        latest = (self.attendance,) if self.attendance else ()
        return latest + self.details.earlier_terms

    @property
    def said(self) -> "Said":
        """What of it the school may say anew with a reply."""
        return Said(
            caregivers=self.caregivers,
            terms=self.terms,
            concern=self.concern,
            steps=self.details.steps,
            steps_tried=self.steps_tried,
            barriers=self.details.barriers,
            barrier_words=self.details.barrier_words,
            is_sensitive=self.details.is_sensitive,
        )

    def saying(self, said: "Said") -> "Draft":
        """The draft of the same student that says this."""
        details = replace(
            self.details,
            earlier_terms=said.terms[1:],
            steps=said.steps,
            barriers=said.barriers,
            barrier_words=said.barrier_words,
            is_sensitive=said.is_sensitive,
        )
        return replace(
            self,
            caregivers=said.caregivers,
            attendance=next(iter(said.terms), None),
            concern=said.concern,
            steps_tried=said.steps_tried,
            details=details,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a school says about a student, besides who that is. `terms`: the latest first."""

    caregivers: tuple[Caregiver, ...]
    terms: tuple[Attendance, ...]
    concern: str
    steps: tuple[str, ...]
    steps_tried: str
    barriers: tuple[str, ...]
    barrier_words: str
    is_sensitive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What stood in a request, and how it looked by the criteria of its day, until the school said something else."""

    said: Said
    assessment: Assessment
    replaced_at: datetime
    replaced_by: UUID


def draft_violations(draft: Draft, *, reference: Reference, today: date) -> list[Violation]:
    """The rules a draft breaks that no single field can know; field names as in the contract."""
    violations = student_violations(draft.student, reference=reference, today=today)
    return violations + said_violations(draft, reference=reference)


def said_violations(draft: Draft, *, reference: Reference) -> list[Violation]:
    """The rules that what is said about the student breaks."""
    violations = []
    for path, term in _named_terms(draft):
        violations += _attendance_violations(path, term)
    for index, (later, term) in enumerate(pairwise(draft.terms)):
        if term.term >= later.term:
            described = "must be earlier than the one before it"
            violations.append(Violation(f"earlier_terms[{index}].term", "not-earlier", described))
    for name, codes, wanted in (
        ("steps", draft.details.steps, STEP_TRIED),
        ("barriers", draft.details.barriers, BARRIER),
    ):
        for index, code in enumerate(codes):
            violations += reference.violations(f"{name}[{index}]", code, wanted)
    return violations


def student_violations(student: Student, *, reference: Reference, today: date) -> list[Violation]:
    """The rules a student breaks that no single field can know."""
    violations = []
    born_on = student.date_of_birth
    if born_on > today:
        violations.append(Violation("student.date_of_birth", "in-future", "must not be in the future"))
    elif not YOUNGEST <= age(born_on, today) <= OLDEST:
        violations.append(
            Violation("student.date_of_birth", "age", f"must make the student {YOUNGEST} to {OLDEST} years old")
        )
    for name, codes, wanted in (("ethnicities", student.ethnicities, ETHNICITY), ("iwi", student.iwi, IWI)):
        for index, code in enumerate(codes):
            violations += reference.violations(f"student.{name}[{index}]", code, wanted)
    return violations


def non_enrolment_violations(draft: Draft, *, is_domestic: bool, calendar: Calendar, today: date) -> list[Violation]:
    """The rules that a notification of the enrolment register breaks, besides those of its student.

    School days are counted as working days here: the register's own count, by the school's days, is never shorter.
    """
    violations = []
    since, years = draft.details.not_enrolled_since, age(draft.student.date_of_birth, today)
    if not SCHOOL_AGE <= years < LEAVING_AGE:
        described = f"must make the child {SCHOOL_AGE} to {LEAVING_AGE - 1} years old"
        violations.append(Violation("student.date_of_birth", "school-age", described))
    if not draft.student.nsn:
        violations.append(Violation("student.nsn", "required", "is needed"))
    if not is_domestic:
        violations.append(Violation("is_domestic", "not-domestic", "must be a domestic student"))
    if since is None or since > today or calendar.after(since, NOT_ENROLLED_SCHOOL_DAYS) > today:
        described = f"must be at least {NOT_ENROLLED_SCHOOL_DAYS} school days ago"
        violations.append(Violation("not_enrolled_since", "too-recent", described))
    return violations


def _named_terms(draft: Draft) -> list[tuple[str, Attendance]]:
    latest = [("attendance", draft.attendance)] if draft.attendance else []
    return latest + [(f"earlier_terms[{index}]", term) for index, term in enumerate(draft.details.earlier_terms)]


def _attendance_violations(path: str, term: Attendance) -> list[Violation]:
    if term.absent_half_days < 0:
        return [Violation(f"{path}.present_half_days", "more-than-total", "must not be more than the total half-days")]
    known = term.justified_half_days + term.unjustified_half_days
    if known > term.absent_half_days:
        described = "must with the justified ones not be more than the half-days absent"
        return [Violation(f"{path}.unjustified_half_days", "more-than-absent", described)]
    return []


class OpenRequests:
    """The requests of a school that are open, to find whether a student has one already.

    Two descriptions are of one student where their NSNs are equal; where one of them lacks an NSN, where name and date
    of birth are equal. Two NSNs that differ are two students, whatever else is equal: twins are not merged.
    """

    def __init__(self, known: Iterable[tuple[UUID, str, str]] = ()) -> None:
        """`known`: id, NSN and `Student.key` of each."""
        self._by_nsn: dict[str, UUID] = {}
        self._by_key: dict[str, list[tuple[UUID, str]]] = {}
        for request_id, nsn, key in known:
            self._add(request_id, nsn, key)

    def add(self, request_id: UUID, student: Student) -> None:
        """Remember one more."""
        self._add(request_id, student.nsn, student.key)

    def find(self, student: Student) -> UUID | None:
        """The open request for a student."""
        if student.nsn in self._by_nsn:
            return self._by_nsn[student.nsn]
        for request_id, nsn in self._by_key.get(student.key, ()):
            if not (nsn and student.nsn):
                return request_id
        return None

    def _add(self, request_id: UUID, nsn: str, key: str) -> None:
        if nsn:
            self._by_nsn.setdefault(nsn, request_id)
        self._by_key.setdefault(key, []).append((request_id, nsn))


@dataclass(frozen=True, slots=True)
class Question:
    """What a provider asked when it sent a request back, and the reply, once there is one."""

    text: str
    asked_by: UUID
    asked_at: datetime
    reply_due_on: date
    reply: str = ""
    replied_by: UUID | None = None
    replied_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request for support. It belongs to who asks: a school, or for its register the ministry (`owner_id`).

    `accepted_at` and `case_id` are there once it was accepted, `declined_at` once it was declined. While its last
    question waits for a reply it is returned, and `days_left` says how many working days the provider has after it.
    """

    id: UUID
    owner_id: UUID
    provider_id: UUID
    draft: Draft
    submitted_at: datetime
    submitted_by: UUID
    answer_due_on: date
    accepted_at: datetime | None = None
    case_id: UUID | None = None
    overdue_noted_at: datetime | None = None
    questions: tuple[Question, ...] = ()
    earlier: tuple[Version, ...] = ()
    days_left: int | None = None
    reply_noted_at: datetime | None = None
    declined_at: datetime | None = None
    decline_reason: str = ""
    decline_words: str = ""
    version: int = 1

    @property
    def kind(self) -> RequestKind:
        """Where it comes from."""
        return self.draft.details.kind

    @property
    def school_id(self) -> UUID | None:
        """The school the student is enrolled at: the one that asks."""
        return self.owner_id if self.kind == RequestKind.CHRONIC_ABSENCE else None

    @property
    def state(self) -> RequestState:
        """Where it stands."""
        if self.accepted_at is not None:
            return RequestState.ACCEPTED
        if self.declined_at is not None:
            return RequestState.DECLINED
        return RequestState.SUBMITTED if self.open_question is None else RequestState.RETURNED

    @property
    def open_question(self) -> Question | None:
        """The question that waits for a reply."""
        last = self.questions[-1] if self.questions else None
        return last if last and last.replied_at is None else None

    def is_overdue(self, today: date) -> bool:
        """Whether its day has passed without an answer."""
        return self.state == RequestState.SUBMITTED and today > self.answer_due_on


class Action(StrEnum):
    """What someone might do with a request."""

    ACCEPT = "accept"
    RETURN = "return"
    DECLINE = "decline"
    RESUBMIT = "resubmit"


_PERMISSIONS = {Action.ACCEPT: "cases:open", Action.RESUBMIT: "requests:submit"}
_OPEN = (RequestState.SUBMITTED, RequestState.RETURNED)
_ANSWERED = "already-answered"
_NO_PERMISSION = "permission-missing"
_REFUSED: dict[tuple[RequestState, Action], str] = {
    (RequestState.SUBMITTED, Action.RESUBMIT): "not-returned",
    (RequestState.RETURNED, Action.RETURN): "already-returned",
    **{(state, action): _ANSWERED for state in RequestState if state not in _OPEN for action in Action},
}
_MESSAGES = {
    _ANSWERED: "This request was answered already.",
    "not-returned": "Nothing was asked about this request.",
    "already-returned": "A question about this request waits for its reply.",
    "nobody-to-ask": "This request came from the enrolment register: there is no school to ask.",
}


@dataclass(frozen=True, slots=True)
class AllowedAction:
    """Whether someone may do something with a request now; `reason` says why not."""

    action: Action
    reason: str


def whose_requests(caller: Caller) -> UUID | None:
    """Whose requests and drafts of their school someone sees: only their own, or everybody's (None)."""
    return None if caller.may("requests:read-all") else caller.person_id


def permission_for(action: Action) -> str:
    """What someone must hold to do something with a request."""
    return _PERMISSIONS.get(action, "requests:answer")


def why_not_in(state: RequestState, action: Action) -> str:
    """Why nobody may do something with a request in a state; empty where those with the permission may."""
    return _REFUSED.get((state, action), "")


def allowed_actions(request: Request, caller: Caller) -> tuple[AllowedAction, ...]:
    """What the caller, who may see the request, may do with it now."""
    return tuple(AllowedAction(action, _why_not(request, action, caller)) for action in Action)


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A request as one person sees it on a day: with what they may do now."""

    request: Request
    actions: tuple[AllowedAction, ...]
    today: date


def seen_by(caller: Caller, request: Request, *, today: date) -> SeenRequest:
    """A request as the caller, who may see it, sees it on a day."""
    return SeenRequest(request, allowed_actions(request, caller), today)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """Who does something with a request, for which organisation, when, and which version they saw (0: whichever)."""

    caller: Caller
    tenant_id: UUID
    now: datetime
    today: date
    expected_version: int = 0


def answer_due_on(submitted_on: date, calendar: Calendar) -> date:
    """The day by which the provider answers: five working days after the one of submission."""
    return calendar.after(submitted_on, ANSWER_WORKING_DAYS)


def accept(request: Request, occasion: Occasion, *, case_id: UUID) -> Request:
    """The request as accepted by its provider, who opens the case `case_id` for it.

    Raises:
        NotFoundError: it was routed to another provider.
        StaleVersionError: it is not at the expected version any more.
        FailedPreconditionError: it was answered before.
    """
    _check_answer(request, Action.ACCEPT, occasion)
    return replace(request, accepted_at=occasion.now, case_id=case_id, version=request.version + 1)


def return_with(request: Request, occasion: Occasion, *, question: Question, calendar: Calendar) -> Request:
    """The request as sent back with a question. The provider's clock stands still: what it has left is kept.

    Raises:
        NotFoundError: it was routed to another provider.
        StaleVersionError: it is not at the expected version any more.
        FailedPreconditionError: it was answered or returned before, or there is no school to ask.
    """
    _check_answer(request, Action.RETURN, occasion)
    left = calendar.between(occasion.today, request.answer_due_on)
    return replace(
        request,
        questions=(*request.questions, question),
        days_left=max(LEAST_DAYS_LEFT, left),
        reply_noted_at=None,
        version=request.version + 1,
    )


def decline(request: Request, occasion: Occasion, *, reason: str, words: str) -> Request:
    """The request as declined.

    Raises:
        NotFoundError: it was routed to another provider.
        StaleVersionError: it is not at the expected version any more.
        FailedPreconditionError: it was answered before.
    """
    _check_answer(request, Action.DECLINE, occasion)
    return replace(
        request, declined_at=occasion.now, decline_reason=reason, decline_words=words, version=request.version + 1
    )


def decline_violations(reason: str, *, reference: Reference) -> list[Violation]:
    """What is wrong with a reason to decline."""
    return reference.violations("reason", reason, DECLINE_REASON)


def amend(request: Request, occasion: Occasion, *, draft: Draft) -> Request:
    """The request as it says now, with what it said before beside it; unchanged where that is the same."""
    if draft.said == request.draft.said:
        return request
    before = Version(
        said=request.draft.said,
        assessment=request.draft.details.assessment,
        replaced_at=occasion.now,
        replaced_by=occasion.caller.person_id,
    )
    return replace(request, draft=draft, earlier=(*request.earlier, before))


def resubmit(request: Request, occasion: Occasion, *, reply: str, calendar: Calendar) -> Request:
    """The request with the school's reply, with the provider again: its clock goes on with the days it had left.

    Raises:
        StaleVersionError: it is not at the expected version any more.
        FailedPreconditionError: nothing was asked, or it was answered.
    """
    _check(request, Action.RESUBMIT, occasion.caller)
    check_version(occasion.expected_version, request.version)
    question = replace(
        request.questions[-1], reply=reply, replied_by=occasion.caller.person_id, replied_at=occasion.now
    )
    return replace(
        request,
        questions=(*request.questions[:-1], question),
        answer_due_on=calendar.after(occasion.today, request.days_left or LEAST_DAYS_LEFT),
        days_left=None,
        overdue_noted_at=None,
        version=request.version + 1,
    )


def _check_answer(request: Request, action: Action, occasion: Occasion) -> None:
    if request.provider_id != occasion.tenant_id:
        raise NotFoundError("request")
    check_version(occasion.expected_version, request.version)
    _check(request, action, occasion.caller)


def _check(request: Request, action: Action, caller: Caller) -> None:
    reason = _why_not(request, action, caller)
    if reason == _NO_PERMISSION:
        raise PermissionDeniedError(reason, "Your role does not allow this.")
    if reason:
        raise FailedPreconditionError(reason, _MESSAGES[reason])


def _why_not(request: Request, action: Action, caller: Caller) -> str:
    if not caller.may(permission_for(action)):
        return _NO_PERMISSION
    if reason := why_not_in(request.state, action):
        return reason
    return "nobody-to-ask" if action == Action.RETURN and request.school_id is None else ""
