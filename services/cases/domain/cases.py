"""The life of a case: who sees it, who may do what with it now, and what follows."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from kit.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError, PermissionDeniedError
from services.cases.domain.entries import Entry, Outcome, entry_violations
from services.cases.domain.shared import Caller, check_version
from services.cases.domain.students import Attendance, Caregiver, Student


class CaseState(StrEnum):
    """Where a case stands."""

    NEW = "new"
    ASSIGNED = "assigned"
    ACTIVE = "active"


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
