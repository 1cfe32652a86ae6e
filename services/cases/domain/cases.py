"""The life of a case: who sees it, who may do what with it now, and what follows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from kit.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError, PermissionDeniedError
from services.cases.domain.entries import Entry, Outcome, entry_violations
from services.cases.domain.health import Lately, PartHealth, Rule, after, due_on, judge
from services.cases.domain.requests import Details
from services.cases.domain.shared import Caller, check_version
from services.cases.domain.students import Attendance, Caregiver, Student


class CaseState(StrEnum):
    """Where a case stands."""

    NEW = "new"
    ASSIGNED = "assigned"
    ACTIVE = "active"
    PAUSED = "paused"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The facts of a case on which rules work.

    `began_at`: when its case manager first recorded something. `pause_id`: the pause under way. `health_due_on`: the
    first day on which its record needs something, None once it is closed; kept by `judged`. A student of no school has
    no `school_id`, and work that the provider took up itself no `request_id`.
    """

    id: UUID
    number: str
    school_id: UUID | None
    request_id: UUID | None
    born_on: date
    opened_at: datetime
    opened_by: UUID
    case_manager_id: UUID | None = None
    assigned_at: datetime | None = None
    began_at: datetime | None = None
    last_contact_on: date | None = None
    minutes: int = 0
    open_tasks: int = 0
    open_letters: int = 0
    pause_id: UUID | None = None
    wakes_on: date | None = None
    closed_at: datetime | None = None
    primary_contact_id: UUID | None = None
    lately: Lately = field(default_factory=Lately)
    health_due_on: date | None = None
    version: int = 1

    @property
    def state(self) -> CaseState:
        """Where it stands."""
        if self.closed_at is not None:
            return CaseState.CLOSED
        if self.case_manager_id is None:
            return CaseState.NEW
        if self.pause_id is not None:
            return CaseState.PAUSED
        return CaseState.ASSIGNED if self.began_at is None else CaseState.ACTIVE


@dataclass(frozen=True, slots=True)
class Record:
    """A case with what was said about the student."""

    case: Case
    student: Student
    caregivers: tuple[Caregiver, ...]
    attendance: Attendance | None
    concern: str
    details: Details = field(default_factory=Details)


@dataclass(frozen=True, slots=True)
class Summary:
    """A line in a list of cases. `next_due_on`: the first day of its open tasks."""

    id: UUID
    number: str
    state: CaseState
    student_name: str
    year_level: int
    school_id: UUID | None
    case_manager_id: UUID | None
    opened_at: datetime
    last_contact_on: date | None
    minutes: int
    open_tasks: int
    next_due_on: date | None
    health_due_on: date | None


class Action(StrEnum):
    """What a person might do with a case."""

    ASSIGN = "assign"
    RECORD = "record"
    NOTE = "note"
    CORRECT = "correct"
    TASK = "task"
    PAUSE = "pause"
    RESUME = "resume"
    CLOSE = "close"
    REOPEN = "reopen"
    CONTACT = "contact"
    LETTER = "letter"


@dataclass(frozen=True, slots=True)
class AllowedAction:
    """Whether someone may do something with a case now.

    `reason` says why not, empty when they may; `count` how many things stand in the way, where that can be counted.
    """

    action: Action
    reason: str
    count: int = 0

    @property
    def is_allowed(self) -> bool:
        """Whether they may."""
        return not self.reason


@dataclass(frozen=True, slots=True)
class SeenRecord:
    """A record as one person sees it: with what they may do now."""

    record: Record
    actions: tuple[AllowedAction, ...]
    health: tuple[PartHealth, ...] = ()


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
    if case is None or not is_visible(case, caller):
        raise NotFoundError("case")
    return case


def is_visible(case: Case, caller: Caller) -> bool:
    """Whether the caller may know of a case."""
    return sees_every_case(caller) or case.case_manager_id == caller.person_id


def allowed_actions(case: Case, caller: Caller) -> tuple[AllowedAction, ...]:
    """What the caller, who may see the case, may do with it now."""
    return tuple(_allowed(action, case, caller) for action in Action)


def seen_by(caller: Caller, record: Record, *, rule: Rule, today: date) -> SeenRecord:
    """A record as the caller, who may see it, sees it today."""
    case = record.case
    health = judge(case.lately, rule, today=today) if case.closed_at is None else ()
    return SeenRecord(record, allowed_actions(case, caller), health)


def judged(case: Case, rule: Rule) -> Case:
    """The case with the day on which its record needs something."""
    due = due_on(case.lately, rule) if case.closed_at is None else None
    return case if due == case.health_due_on else replace(case, health_due_on=due)


def assign(case: Case, caller: Caller, *, case_manager_id: UUID, now: datetime, expected_version: int = 0) -> Case:
    """The case as given to a case manager. Work that has begun stays begun.

    Raises:
        StaleVersionError: the case is not at `expected_version` (0: whichever) any more.
        PermissionDeniedError: the caller assigns no cases.
        FailedPreconditionError: they have it already.
    """
    check_allowed(Action.ASSIGN, case, caller)
    check_version(expected_version, case.version)
    if case.case_manager_id == case_manager_id:
        raise FailedPreconditionError("already-assigned", "This person is the case manager already.")
    return replace(case, case_manager_id=case_manager_id, assigned_at=now, version=case.version + 1)


def release(case: Case) -> Case:
    """The case with nobody: who had it has no access any more. Work that has begun stays begun, a pause goes on."""
    return replace(case, case_manager_id=None, assigned_at=None, version=case.version + 1)


def why_not_assign(case: Case | None, caller: Caller, *, case_manager_id: UUID) -> str:
    """The stable reason why a case cannot be given to someone by a caller who assigns cases; empty where it can."""
    if case is None or not is_visible(case, caller):
        return "not-found"
    if reason := why_not_in(case.state, Action.ASSIGN):
        return reason
    return "already-assigned" if case.case_manager_id == case_manager_id else ""


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
    check_allowed(Action.RECORD, case, caller)
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
        lately=after(case.lately, kind=entry.kind, happened_on=entry.happened_on, minutes=entry.minutes),
        version=case.version + 1,
    )


def set_contact(case: Case, caller: Caller, *, person_id: UUID | None, expected_version: int = 0) -> Case:
    """The case with someone of the student's school, or nobody, to get its notices.

    Raises:
        StaleVersionError: the case is not at `expected_version` (0: whichever) any more.
        FailedPreconditionError: it is closed, or they are named already.
    """
    check_allowed(Action.CONTACT, case, caller)
    check_version(expected_version, case.version)
    if case.primary_contact_id == person_id:
        raise FailedPreconditionError("already-contact", "That is so already.")
    return replace(case, primary_contact_id=person_id, version=case.version + 1)


def add_note(case: Case, caller: Caller, *, expected_version: int = 0) -> Case:
    """The case after a note was added: neither begun nor touched by it.

    Raises:
        StaleVersionError: the case is not at `expected_version` (0: whichever) any more.
        FailedPreconditionError: the case is closed.
    """
    check_allowed(Action.NOTE, case, caller)
    check_version(expected_version, case.version)
    return replace(case, version=case.version + 1)


def correct(case: Case, caller: Caller, *, holding: Iterable[Entry], expected_version: int = 0) -> Case:
    """The case after an entry was corrected: what follows from entries, from all that hold now.

    Raises:
        StaleVersionError: the case is not at `expected_version` (0: whichever) any more.
    """
    check_allowed(Action.CORRECT, case, caller)
    check_version(expected_version, case.version)
    lately, minutes, contacts = Lately(), 0, []
    for each in holding:
        lately = after(lately, kind=each.kind, happened_on=each.happened_on, minutes=each.minutes)
        minutes += each.minutes
        contacts += [each.happened_on] if each.outcome == Outcome.REACHED else []
    last_contact_on = max(contacts, default=None)
    return replace(case, lately=lately, minutes=minutes, last_contact_on=last_contact_on, version=case.version + 1)


_PERMISSIONS = {
    Action.ASSIGN: "cases:assign",
    Action.CONTACT: "cases:assign",
    Action.CLOSE: "cases:close",
    Action.REOPEN: "cases:close",
}
_NO_PERMISSION = "permission-missing"
_MESSAGES = {
    "not-assigned": "Assign the case to a case manager first.",
    "not-active": "Work on the case has not begun.",
    "already-paused": "The case is paused already.",
    "not-paused": "The case is not paused.",
    "case-closed": "The case is closed. Reopen it first.",
    "not-closed": "The case is not closed.",
    "no-school": "The student has no school.",
    "closing-needs-tasks": "Complete or cancel the open tasks first.",
    "closing-needs-letters": "Finish or withdraw the open letters first.",
}
_STILL_WHEN_CLOSED = {Action.CORRECT, Action.REOPEN}
_REFUSED: dict[tuple[CaseState, Action], str] = {
    (CaseState.NEW, Action.RECORD): "not-assigned",
    (CaseState.NEW, Action.LETTER): "not-assigned",
    (CaseState.NEW, Action.PAUSE): "not-active",
    (CaseState.ASSIGNED, Action.PAUSE): "not-active",
    (CaseState.PAUSED, Action.PAUSE): "already-paused",
    **{(state, Action.RESUME): "not-paused" for state in CaseState if state != CaseState.PAUSED},
    **{(state, Action.REOPEN): "not-closed" for state in CaseState if state != CaseState.CLOSED},
    **{(CaseState.CLOSED, action): "case-closed" for action in Action if action not in _STILL_WHEN_CLOSED},
}


def permission_for(action: Action) -> str:
    """What someone must hold to do something with a case."""
    return _PERMISSIONS.get(action, "cases:record")


def why_not_in(state: CaseState, action: Action) -> str:
    """Why nobody may do something with a case in a state; empty where those with the permission may."""
    return _REFUSED.get((state, action), "")


def check_allowed(action: Action, case: Case, caller: Caller, *, named: Mapping[str, str] | None = None) -> None:
    """Raise unless the caller, who may see the case, may do something with it now.

    Raises:
        PermissionDeniedError: their role does not allow it.
        FailedPreconditionError: not as the case stands; where things in the way can be counted, the metadata has the
            count and whatever is `named`.
    """
    allowed = _allowed(action, case, caller)
    if allowed.reason == _NO_PERMISSION:
        raise PermissionDeniedError(allowed.reason, "Your role does not allow this.")
    if allowed.reason:
        metadata = {"count": str(allowed.count), **(named or {})} if allowed.count else {}
        raise FailedPreconditionError(allowed.reason, _MESSAGES[allowed.reason], metadata=metadata)


def _allowed(action: Action, case: Case, caller: Caller) -> AllowedAction:
    if not caller.may(permission_for(action)):
        return AllowedAction(action, _NO_PERMISSION)
    if reason := why_not_in(case.state, action):
        return AllowedAction(action, reason)
    if action == Action.CONTACT and case.school_id is None:
        return AllowedAction(action, "no-school")
    if action == Action.CLOSE and case.open_tasks:
        return AllowedAction(action, "closing-needs-tasks", case.open_tasks)
    if action == Action.CLOSE and case.open_letters:
        return AllowedAction(action, "closing-needs-letters", case.open_letters)
    return AllowedAction(action, "")
