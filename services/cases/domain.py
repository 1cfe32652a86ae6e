"""The rules of requests for support and cases. Pure: the time, ids and the calendar are passed in.

Values are frozen; a transition returns a new one. Where something stands is computed from facts, never set.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from kit.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    StaleVersionError,
    Violation,
)

ANSWER_WORKING_DAYS = 5
"""How long a provider has to answer a request."""
MINUTES_PER_DAY = 24 * 60
# A child may be enrolled from the fifth birthday, and stays at most until the year of the twenty-first. Being over 16
# ends the duty to attend, not the request: age never closes anything by itself.
YOUNGEST, OLDEST = 5, 21


class RequestState(StrEnum):
    """Where a request for support stands."""

    SUBMITTED = "submitted"
    ACCEPTED = "accepted"


class CaseState(StrEnum):
    """Where a case stands."""

    NEW = "new"
    ASSIGNED = "assigned"
    ACTIVE = "active"


class Gender(StrEnum):
    """How a student describes their gender."""

    UNSPECIFIED = ""
    FEMALE = "female"
    MALE = "male"
    ANOTHER = "another"


class Band(StrEnum):
    """What attendance in a term amounts to."""

    REGULAR = "regular"
    IRREGULAR = "irregular"
    MODERATE = "moderate"
    CHRONIC = "chronic"


class EventKind(StrEnum):
    """What kind of thing happened."""

    HOME_VISIT = "home_visit"
    CONTACT_ATTEMPT = "contact_attempt"
    HUI = "hui"
    SCHOOL_MEETING = "school_meeting"
    SUPPORT = "support"
    ACTION = "action"
    REFERRAL = "referral"
    PROGRESS_REVIEW = "progress_review"


class Outcome(StrEnum):
    """What came of a visit or attempt; unspecified where that means nothing."""

    UNSPECIFIED = ""
    REACHED = "reached"
    NO_ANSWER = "no_answer"
    WRONG_TARGET = "wrong_target"
    REFUSED = "refused"


class Visibility(StrEnum):
    """Who may read an entry."""

    PROVIDER = "provider"
    SCHOOL = "school"


NEEDS_OUTCOME = frozenset({EventKind.HOME_VISIT, EventKind.CONTACT_ATTEMPT})


class Caller(Protocol):
    """What the rules need to know of whoever is calling."""

    @property
    def person_id(self) -> UUID:
        """Who it is."""
        ...

    def may(self, permission: str) -> bool:
        """Whether they hold a permission."""
        ...


class Calendar(Protocol):
    """The working days of the place where a request is answered."""

    def after(self, day: date, count: int) -> date:
        """The `count`-th working day after `day`."""
        ...


# --- the student and what a school says ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Student:
    """Who the student is. Someone with one name has only given names; NSN and preferred name may be empty."""

    nsn: str
    given_names: str
    family_name: str
    preferred_name: str
    date_of_birth: date
    year_level: int
    gender: Gender

    @property
    def key(self) -> str:
        """Name and date of birth, folded: equal where two descriptions may be of one student."""
        return f"{fold(self.given_names)}|{fold(self.family_name)}|{self.date_of_birth.isoformat()}"

    @property
    def identity(self) -> str:
        """What a keyed hash of the student is taken of: the NSN, or else `key`."""
        return f"nsn:{self.nsn}" if self.nsn else f"name:{self.key}"


@dataclass(frozen=True, slots=True)
class Caregiver:
    """Someone who cares for the student. One name is enough; everything else may be empty."""

    name: str
    relationship: str
    phone: str
    email: str
    safe_to_contact: bool


@dataclass(frozen=True, slots=True)
class Attendance:
    """Attendance of one term, in half-days."""

    term: str
    present_half_days: int
    total_half_days: int

    @property
    def band(self) -> Band:
        """The band. Exactly 90 % is not regular, exactly 70 % is chronic; whole numbers, so that nothing is rounded."""
        present, total = self.present_half_days * 100, self.total_half_days
        if present > 90 * total:
            return Band.REGULAR
        if present > 80 * total:
            return Band.IRREGULAR
        if present > 70 * total:
            return Band.MODERATE
        return Band.CHRONIC


@dataclass(frozen=True, slots=True)
class Draft:
    """What a school says when it asks for support."""

    student: Student
    caregivers: tuple[Caregiver, ...]
    attendance: Attendance
    concern: str
    steps_tried: str


def shown_name(*, given_names: str, family_name: str, preferred_name: str) -> str:
    """The name to show in a list: the preferred one before the given ones."""
    return f"{preferred_name or given_names} {family_name}".rstrip()


def fold(name: str) -> str:
    """A name for comparing: without macrons and other marks, case and extra spaces. Never for showing."""
    plain = "".join(letter for letter in unicodedata.normalize("NFD", name) if not unicodedata.combining(letter))
    return " ".join(plain.replace("\u2019", "'").casefold().split())


def age(born_on: date, on: date) -> int:
    """Whole years lived. Someone born on 29 February is a year older on 1 March of a common year."""
    return on.year - born_on.year - ((on.month, on.day) < (born_on.month, born_on.day))


def draft_violations(draft: Draft, *, today: date) -> list[Violation]:
    """The rules a draft breaks that no single field can know; field names as in the contract."""
    violations = []
    born_on = draft.student.date_of_birth
    if born_on > today:
        violations.append(Violation("student.date_of_birth", "in-future", "must not be in the future"))
    elif not YOUNGEST <= age(born_on, today) <= OLDEST:
        violations.append(
            Violation("student.date_of_birth", "age", f"must make the student {YOUNGEST} to {OLDEST} years old")
        )
    if draft.attendance.present_half_days > draft.attendance.total_half_days:
        violations.append(
            Violation("attendance.present_half_days", "more-than-total", "must not be more than the total half-days")
        )
    return violations


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


# --- requests for support -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A school's request for support. `accepted_at` and `case_id` are there once it was accepted."""

    id: UUID
    school_id: UUID
    provider_id: UUID
    draft: Draft
    submitted_at: datetime
    submitted_by: UUID
    answer_due_on: date
    accepted_at: datetime | None = None
    case_id: UUID | None = None
    overdue_noted_at: datetime | None = None
    version: int = 1

    @property
    def state(self) -> RequestState:
        """Where it stands."""
        return RequestState.SUBMITTED if self.accepted_at is None else RequestState.ACCEPTED

    def is_overdue(self, today: date) -> bool:
        """Whether its day has passed without an answer."""
        return self.state == RequestState.SUBMITTED and today > self.answer_due_on


def answer_due_on(submitted_on: date, calendar: Calendar) -> date:
    """The day by which the provider answers: five working days after the one of submission."""
    return calendar.after(submitted_on, ANSWER_WORKING_DAYS)


def accept(request: Request, *, provider_id: UUID, case_id: UUID, now: datetime, expected_version: int) -> Request:
    """The request as accepted by its provider, who opens the case `case_id` for it.

    Raises:
        NotFoundError: it was routed to another provider.
        StaleVersionError: it is not at `expected_version` (0: whichever) any more.
        FailedPreconditionError: it was answered before.
    """
    if request.provider_id != provider_id:
        raise NotFoundError("request")
    check_version(expected_version, request.version)
    if request.state != RequestState.SUBMITTED:
        raise FailedPreconditionError("already-answered", "This request was answered already.")
    return replace(request, accepted_at=now, case_id=case_id, version=request.version + 1)


# --- cases --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The facts of a case on which rules work. `began_at`: when its case manager first recorded something."""

    id: UUID
    number: str
    school_id: UUID
    request_id: UUID
    born_on: date
    opened_at: datetime
    opened_by: UUID
    case_manager_id: UUID | None = None
    assigned_at: datetime | None = None
    began_at: datetime | None = None
    last_contact_on: date | None = None
    minutes: int = 0
    version: int = 1

    @property
    def state(self) -> CaseState:
        """Where it stands."""
        if self.case_manager_id is None:
            return CaseState.NEW
        return CaseState.ASSIGNED if self.began_at is None else CaseState.ACTIVE


@dataclass(frozen=True, slots=True)
class Record:
    """A case with what was said about the student."""

    case: Case
    student: Student
    caregivers: tuple[Caregiver, ...]
    attendance: Attendance
    concern: str


@dataclass(frozen=True, slots=True)
class Summary:
    """A line in a list of cases."""

    id: UUID
    number: str
    state: CaseState
    student_name: str
    year_level: int
    school_id: UUID
    case_manager_id: UUID | None
    opened_at: datetime
    last_contact_on: date | None
    minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something that happened in a case."""

    id: UUID
    case_id: UUID
    kind: EventKind
    happened_on: date
    outcome: Outcome
    minutes: int
    note: str
    visibility: Visibility
    recorded_by: UUID
    recorded_at: datetime


class Action(StrEnum):
    """What a person might do with a case."""

    ASSIGN = "assign"
    RECORD = "record"


@dataclass(frozen=True, slots=True)
class AllowedAction:
    """Whether someone may do something with a case now; `reason` says why not, empty when they may."""

    action: Action
    reason: str

    @property
    def is_allowed(self) -> bool:
        """Whether they may."""
        return not self.reason


@dataclass(frozen=True, slots=True)
class SeenRecord:
    """A record as one person sees it: with what they may do now."""

    record: Record
    actions: tuple[AllowedAction, ...]


def case_number(year: int, sequence: int) -> str:
    """The number people say: "26-00817"."""
    return f"{year % 100:02d}-{sequence:05d}"


def sees_every_case(caller: Caller) -> bool:
    """Whether someone sees every case of their provider, not only their own."""
    return caller.may("cases:read-all")


def check_visible(case: Case | None, caller: Caller) -> Case:
    """The case, if the caller may know of it.

    Raises:
        NotFoundError: there is no such case, or it is not theirs.
    """
    if case is None or not (sees_every_case(caller) or case.case_manager_id == caller.person_id):
        raise NotFoundError("case")
    return case


def allowed_actions(case: Case, caller: Caller) -> tuple[AllowedAction, ...]:
    """What the caller, who may see the case, may do with it now."""
    return tuple(AllowedAction(action, _why_not(action, case, caller)) for action in Action)


def seen_by(caller: Caller, record: Record) -> SeenRecord:
    """A record as the caller, who may see it, sees it."""
    return SeenRecord(record, allowed_actions(record.case, caller))


def assign(case: Case, caller: Caller, *, case_manager_id: UUID, now: datetime, expected_version: int = 0) -> Case:
    """The case as given to a case manager. Work that has begun stays begun.

    Raises:
        StaleVersionError: the case is not at `expected_version` (0: whichever) any more.
        PermissionDeniedError: the caller assigns no cases.
        FailedPreconditionError: they have it already.
    """
    _check_allowed(Action.ASSIGN, case, caller)
    check_version(expected_version, case.version)
    if case.case_manager_id == case_manager_id:
        raise FailedPreconditionError("already-assigned", "This person is the case manager already.")
    return replace(case, case_manager_id=case_manager_id, assigned_at=now, version=case.version + 1)


def record(
    case: Case, caller: Caller, *, entry: Entry, minutes_of_day: int, today: date, expected_version: int = 0
) -> Case:
    """The case after an entry was added. The first entry of its own case manager makes it active.

    Args:
        case: as it stands.
        caller: who records.
        entry: what happened.
        minutes_of_day: all minutes the person has recorded for `entry.happened_on`, this entry's included.
        today: the day in New Zealand.
        expected_version: the version the caller saw; 0 for whichever.

    Raises:
        InvalidArgumentError: the entry breaks a rule; each is named.
        StaleVersionError: the case is not at `expected_version` any more.
        FailedPreconditionError: nobody has the case yet.
    """
    _check_allowed(Action.RECORD, case, caller)
    check_version(expected_version, case.version)
    violations = entry_violations(entry, born_on=case.born_on, minutes_of_day=minutes_of_day, today=today)
    if violations:
        raise InvalidArgumentError.of(*violations)
    begins = case.began_at is None and case.case_manager_id == entry.recorded_by
    contact = entry.happened_on if entry.outcome == Outcome.REACHED else None
    return replace(
        case,
        began_at=entry.recorded_at if begins else case.began_at,
        last_contact_on=max(filter(None, (case.last_contact_on, contact)), default=None),
        minutes=case.minutes + entry.minutes,
        version=case.version + 1,
    )


def entry_violations(entry: Entry, *, born_on: date, minutes_of_day: int, today: date) -> list[Violation]:
    """The rules an entry breaks; field names as in the contract. `minutes_of_day` as in `record`."""
    violations = []
    if entry.happened_on > today:
        violations.append(Violation("happened_on", "in-future", "must be today or earlier"))
    if entry.happened_on < born_on:
        violations.append(Violation("happened_on", "before-birth", "must not be before the student was born"))
    if entry.kind in NEEDS_OUTCOME and entry.outcome == Outcome.UNSPECIFIED:
        violations.append(Violation("outcome", "required", "is needed for a visit or a contact attempt"))
    if not 0 <= entry.minutes <= MINUTES_PER_DAY:
        violations.append(Violation("minutes", "range", f"must be 0 to {MINUTES_PER_DAY:,}"))
    elif minutes_of_day > MINUTES_PER_DAY:
        total = f"{minutes_of_day // 60} hours {minutes_of_day % 60} minutes"
        violations.append(Violation("minutes", "day-full", f"would make {total} of your work on that day"))
    return violations


def check_version(expected: int, actual: int) -> None:
    """Raise StaleVersionError unless `expected` is 0 or the version that stands."""
    if expected not in (0, actual):
        raise StaleVersionError(expected=expected, actual=actual)


_NO_PERMISSION, _NOT_ASSIGNED = "permission-missing", "not-assigned"


def _why_not(action: Action, case: Case, caller: Caller) -> str:
    if not caller.may(f"cases:{action}"):
        return _NO_PERMISSION
    if action == Action.RECORD and case.state == CaseState.NEW:
        return _NOT_ASSIGNED
    return ""


def _check_allowed(action: Action, case: Case, caller: Caller) -> None:
    reason = _why_not(action, case, caller)
    if reason == _NO_PERMISSION:
        raise PermissionDeniedError(reason, "Your role does not allow this.")
    if reason == _NOT_ASSIGNED:
        raise FailedPreconditionError(reason, "Assign the case to a case manager first.")
