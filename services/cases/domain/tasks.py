"""Tasks: what someone has to do in a case by a day."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from kit.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError, Violation
from services.cases.domain.cases import Action, Case, check_allowed, is_visible
from services.cases.domain.shared import Caller, check_version

LONGEST_DAYS = 366
"""How far ahead a task may be due."""


class Priority(StrEnum):
    """How urgent a task is."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class TaskState(StrEnum):
    """Where a task stands."""

    OPEN = "open"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Something to be done. `end_note`: what came of it, or why it was cancelled.

    `owner_id` is None while nobody has it: who had it lost their access. Nobody is put in their place without being
    asked; it waits, in plain sight, for a lead to hand it out.
    """

    id: UUID
    case_id: UUID
    title: str
    instructions: str
    due_on: date
    priority: Priority
    owner_id: UUID | None
    added_by: UUID
    added_at: datetime
    state: TaskState = TaskState.OPEN
    ended_by: UUID | None = None
    ended_at: datetime | None = None
    end_note: str = ""
    overdue_noted_at: datetime | None = None
    version: int = 1

    def is_overdue(self, today: date) -> bool:
        """Whether its day has passed and it is still open."""
        return self.state == TaskState.OPEN and today > self.due_on


@dataclass(frozen=True, slots=True)
class ListedTask:
    """A task in a list over several cases: with what its reader may know of the case."""

    task: Task
    case_number: str
    case_manager_id: UUID | None
    student_name: str


def check_due_on(due_on: date, *, today: date) -> None:
    """Raise InvalidArgumentError unless a new task may be due on a day."""
    if due_on < today:
        raise InvalidArgumentError.of(Violation("due_on", "in-past", "must be today or later"))
    if due_on > today + timedelta(days=LONGEST_DAYS):
        raise InvalidArgumentError.of(Violation("due_on", "too-far", f"must be within {LONGEST_DAYS} days"))


def add(case: Case, caller: Caller, *, expected_version: int = 0) -> Case:
    """The case with one more open task.

    Raises:
        StaleVersionError: the case is not at `expected_version` (0: whichever) any more.
        FailedPreconditionError: the case is closed.
    """
    check_allowed(Action.TASK, case, caller)
    check_version(expected_version, case.version)
    return replace(case, open_tasks=case.open_tasks + 1, version=case.version + 1)


def check_reachable(case: Case, task: Task, caller: Caller) -> None:
    """Raise NotFoundError unless someone sees the case or owns the task."""
    if not (is_visible(case, caller) or task.owner_id == caller.person_id):
        raise NotFoundError("task")


@dataclass(frozen=True, slots=True)
class End:
    """How a task ends: completed with what came of it, or cancelled with why."""

    state: TaskState
    by: UUID
    at: datetime
    note: str


def end(case: Case, task: Task, *, how: End, expected_version: int = 0) -> tuple[Case, Task]:
    """The case and its task, ended.

    Raises:
        StaleVersionError: the task is not at `expected_version` (0: whichever) any more.
        FailedPreconditionError: it ended before.
    """
    check_version(expected_version, task.version)
    _check_open(task)
    ended = replace(
        task, state=how.state, ended_by=how.by, ended_at=how.at, end_note=how.note, version=task.version + 1
    )
    return replace(case, open_tasks=case.open_tasks - 1, version=case.version + 1), ended


def reassign(task: Task, *, owner_id: UUID, expected_version: int = 0) -> Task:
    """The task as given to someone else.

    Raises:
        StaleVersionError: the task is not at `expected_version` (0: whichever) any more.
        FailedPreconditionError: it ended, or they have it already.
    """
    check_version(expected_version, task.version)
    _check_open(task)
    if task.owner_id == owner_id:
        raise FailedPreconditionError("already-assigned", "This person has the task already.")
    return replace(task, owner_id=owner_id, version=task.version + 1)


def release(task: Task) -> Task:
    """The open task, with nobody."""
    _check_open(task)
    return replace(task, owner_id=None, version=task.version + 1)


def _check_open(task: Task) -> None:
    if task.state != TaskState.OPEN:
        raise FailedPreconditionError("task-ended", "This task was completed or cancelled already.")
