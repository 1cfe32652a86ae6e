"""What people do to tasks. The case is locked before the task, always."""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID

from kit.actor import Actor
from kit.audit import Audit
from kit.clock import NEW_ZEALAND, local_date
from kit.command import finish
from kit.db import Transaction
from kit.errors import InvalidArgumentError, NotFoundError, Violation
from kit.outbox import Event
from kit.sweeps import clear_deadline, set_deadline, take_deadline
from services.cases import domain, events
from services.cases.commands.deadlines import SOON_DEADLINE, TASK_DEADLINE
from services.cases.commands.deps import Deps
from services.cases.domain.cases import Case
from services.cases.domain.tasks import End, Priority, Task, TaskState
from services.cases.store import cases, tasks

SOON_FROM = time(7)
"""When in the morning people are told what is due: before the daily e-mails are put together."""


class Done(NamedTuple):
    """A task and its case as they are after a command, and the day of it."""

    task: Task
    case: Case
    today: date


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask:
    """What someone wants done."""

    title: str
    instructions: str
    due_on: date
    priority: Priority
    owner_id: UUID


def add_task(deps: Deps, actor: Actor, *, case_id: UUID, wanted: NewTask, expected_version: int, token: str) -> Done:
    """Someone adds a task to a case.

    Raises:
        NotFoundError: no such case, or not the caller's to see.
        InvalidArgumentError: the day is past or too far, or nobody works under `owner_id`.
        StaleVersionError: the case is not at `expected_version` any more.
        FailedPreconditionError: the case is closed.
    """
    now = deps.clock.now()
    domain.tasks.check_due_on(wanted.due_on, today=local_date(now))
    _check_owner(deps, actor, wanted.owner_id, token)
    task = Task(
        id=deps.new_id(),
        case_id=case_id,
        title=wanted.title,
        instructions=wanted.instructions,
        due_on=wanted.due_on,
        priority=wanted.priority,
        owner_id=wanted.owner_id,
        added_by=actor.person_id,
        added_at=now,
    )
    with deps.database.tenant(actor) as tx:
        before = domain.cases.check_visible(cases.lock_case(tx, case_id), actor)
        case = domain.tasks.add(before, actor, expected_version=expected_version)
        tasks.insert_task(tx, task)
        cases.update_case_and_due(tx, case)
        watch_task(tx, task, now=now)
        return finish(
            tx,
            Done(task, case, local_date(now)),
            entry=Audit("add-task", task.id),
            events=[events.task_added(task)],
            now=now,
        )


def complete_task(deps: Deps, actor: Actor, *, task_id: UUID, outcome: str, expected_version: int) -> Done:
    """Whoever sees the case, or owns the task, says that it is done.

    Raises:
        NotFoundError: no such task, or not the caller's to see.
        StaleVersionError: the task is not at `expected_version` any more.
        FailedPreconditionError: it ended before.
    """
    now = deps.clock.now()
    how = End(TaskState.COMPLETED, actor.person_id, now, outcome)
    with deps.database.tenant(actor) as tx:
        case, task = _end(tx, actor, task_id, how=how, expected_version=expected_version)
        told = [events.task_completed(task)]
        return finish(
            tx, Done(task, case, local_date(now)), entry=Audit("complete-task", task_id), events=told, now=now
        )


def cancel_task(deps: Deps, actor: Actor, *, task_id: UUID, reason: str, expected_version: int) -> Done:
    """As `complete_task`: it is not needed any more."""
    now = deps.clock.now()
    how = End(TaskState.CANCELLED, actor.person_id, now, reason)
    with deps.database.tenant(actor) as tx:
        case, task = _end(tx, actor, task_id, how=how, expected_version=expected_version)
        told = [events.task_cancelled(task)]
        done = Done(task, case, local_date(now))
        return finish(tx, done, entry=Audit("cancel-task", task_id), events=told, now=now)


def reassign_task(
    deps: Deps, actor: Actor, *, task_id: UUID, owner_id: UUID, expected_version: int, token: str
) -> Done:
    """Someone gives a task to someone else.

    Raises:
        NotFoundError: no such task, or not the caller's to see.
        InvalidArgumentError: nobody works under `owner_id`.
        StaleVersionError: the task is not at `expected_version` any more.
        FailedPreconditionError: it ended, or they have it already.
    """
    now = deps.clock.now()
    _check_owner(deps, actor, owner_id, token)
    with deps.database.tenant(actor) as tx:
        case, before = _lock(tx, actor, task_id)
        task = domain.tasks.reassign(before, owner_id=owner_id, expected_version=expected_version)
        tasks.update_task(tx, task)
        told = [events.task_reassigned(task, previous=before.owner_id, reassigned_by=actor.person_id)]
        return finish(
            tx, Done(task, case, local_date(now)), entry=Audit("reassign-task", task_id), events=told, now=now
        )


def note_task_overdue(deps: Deps, actor: Actor, task_id: UUID) -> None:
    """Tell, once, that a task's day has passed. The sweep's command; `actor` is the system in the provider's tenant.

    A task that ended, or was told of before, only loses its deadline; one whose day has not passed keeps it.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        locked = tasks.lock_task(tx, task_id)
        told: list[Event] = []
        if locked and locked.task.state == TaskState.OPEN and not locked.task.overdue_noted_at:
            if not locked.task.is_overdue(local_date(now)):
                return
            tasks.update_task(tx, replace(locked.task, overdue_noted_at=now))
            told = [events.task_overdue(locked.task)]
        clear_deadline(tx, kind=TASK_DEADLINE, subject_id=task_id)
        if told:
            finish(tx, None, entry=Audit("note-task-overdue", task_id), events=told, now=now)


def note_task_due(deps: Deps, actor: Actor, task_id: UUID) -> None:
    """Tell, once, that a task's day is near. The sweep's command; `actor` is the system in the provider's tenant.

    A task that ended only loses its deadline, and so does one whose day has passed: that is told of as overdue.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        locked = tasks.lock_task(tx, task_id)
        if not take_deadline(tx, kind=SOON_DEADLINE, subject_id=task_id):
            return
        if locked and locked.task.state == TaskState.OPEN and not locked.task.is_overdue(local_date(now)):
            told = [events.task_due(locked.task)]
            finish(tx, None, entry=Audit("note-task-due", task_id), events=told, now=now)


def watch_task(tx: Transaction, task: Task, *, now: datetime) -> None:
    """Queue the deadlines of an open task: when its day is near, and when it has passed, unless that was told."""
    if task.overdue_noted_at is None:
        due_at = datetime.combine(task.due_on + timedelta(days=1), time(), NEW_ZEALAND)
        set_deadline(tx, kind=TASK_DEADLINE, subject_id=task.id, due_at=due_at)
    if (soon := _soon_at(task.due_on, now=now)) is not None:
        set_deadline(tx, kind=SOON_DEADLINE, subject_id=task.id, due_at=soon)


def _soon_at(due_on: date, *, now: datetime) -> datetime | None:
    # The morning before, or of the day itself; somebody who adds a task after both knows that it is due.
    mornings = (datetime.combine(day, SOON_FROM, NEW_ZEALAND) for day in (due_on - timedelta(days=1), due_on))
    return next((morning for morning in mornings if morning > now), None)


def _lock(tx: Transaction, actor: Actor, task_id: UUID) -> tuple[Case, Task]:
    locked = tasks.lock_task(tx, task_id)
    if locked is None:
        raise NotFoundError("task")
    domain.tasks.check_reachable(locked.case, locked.task, actor)
    return locked.case, locked.task


def _end(tx: Transaction, actor: Actor, task_id: UUID, *, how: End, expected_version: int) -> tuple[Case, Task]:
    case, task = domain.tasks.end(*_lock(tx, actor, task_id), how=how, expected_version=expected_version)
    tasks.update_task(tx, task)
    cases.update_case_and_due(tx, case)
    clear_deadline(tx, kind=TASK_DEADLINE, subject_id=task_id)
    clear_deadline(tx, kind=SOON_DEADLINE, subject_id=task_id)
    return case, task


def _check_owner(deps: Deps, actor: Actor, owner_id: UUID, token: str) -> None:
    # Whoever is calling has a role that works: their token says so.
    if owner_id == actor.person_id or deps.directory.is_working_on_cases(person_id=owner_id, token=token):
        return
    raise InvalidArgumentError.of(
        Violation("owner_id", "not-working", "must be a case manager or lead of yours whose access works")
    )
