"""Tasks in cases."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Date, Select, and_, bindparam, func, insert, literal, select, tuple_, update

from kit.db import Query, Transaction, prepare
from services.cases.domain.cases import Case
from services.cases.domain.students import shown_name
from services.cases.domain.tasks import ListedTask, Priority, Task, TaskState
from services.cases.store.cases import FACTS, case_of
from services.cases.store.counts import NOBODY
from services.cases.store.tables import CASE, TASK

_C = TASK.c
_CHANGING = ("state", "owner_id", "ended_by", "ended_at", "end_note", "overdue_noted_at", "version")
_TASK = [column.label(f"task_{column.name}") for column in _C if column.name != "tenant_id"]
_OF_CASE = and_(CASE.c.tenant_id == _C.tenant_id, CASE.c.id == _C.case_id)
MOST_COUNTED = 1_000
"""Counting ends here, so that its cost does not grow with all there is."""

_INSERT = prepare(insert(TASK).values(dict.fromkeys(_C.keys())))
_UPDATE = prepare(
    update(TASK)
    .where(_C.id == bindparam("task_id"))
    .values({name: bindparam(f"new_{name}", type_=_C[name].type) for name in _CHANGING})
)
# The case stands first and is locked first, as everywhere.
_LOCK = prepare(
    select(*(CASE.c[name] for name in FACTS), *_TASK)
    .select_from(CASE.join(TASK, _OF_CASE))
    .where(_C.id == bindparam("task_id"))
    .with_for_update(of=[CASE, TASK], key_share=True)
)
_LOCK_OPEN_OF = prepare(
    select(*_TASK)
    .where(_C.owner_id == bindparam("whose"), _C.state == TaskState.OPEN.value)
    .order_by(_C.id)
    .limit(bindparam("most"))
    .with_for_update(key_share=True)
)


class Locked(NamedTuple):
    """A case and one of its tasks, both locked."""

    case: Case
    task: Task


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks: of a case, of an owner, or of everyone; in a state; only those overdue, or due, on a day."""

    case_id: UUID | None = None
    owner_id: UUID | None = None
    state: TaskState = TaskState.OPEN
    overdue_on: date | None = None
    due_on: date | None = None

    @property
    def when(self) -> str:
        """Which days are meant: "overdue", "today" or "" for all."""
        return "overdue" if self.overdue_on is not None else "today" if self.due_on is not None else ""


def insert_task(tx: Transaction, task: Task) -> None:
    """Queue a new task."""
    tx.later(
        _INSERT,
        tenant_id=tx.tenant_id,
        id=task.id,
        case_id=task.case_id,
        title=task.title,
        instructions=task.instructions,
        due_on=task.due_on,
        priority=task.priority.value,
        added_by=task.added_by,
        added_at=task.added_at,
        **_changing(task),
    )


def update_task(tx: Transaction, task: Task) -> None:
    """Queue what may change of a task."""
    tx.later(_UPDATE, task_id=task.id, **{f"new_{name}": value for name, value in _changing(task).items()})


def lock_task(tx: Transaction, task_id: UUID) -> Locked | None:
    """A task with its case, both locked."""
    row = tx.first(_LOCK, task_id=task_id)
    return Locked(case_of(row), _task(row)) if row is not None else None


def lock_open_of(tx: Transaction, owner_id: UUID, *, most: int) -> list[Task]:
    """Open tasks of someone, locked. Their cases are not: who takes both takes the case first."""
    return [_task(row) for row in tx.all(_LOCK_OPEN_OF, whose=owner_id, most=most)]


def list_tasks(
    tx: Transaction, wanted: TaskFilter, *, after: tuple[date, UUID] | None = None, most: int
) -> list[ListedTask]:
    """Tasks, those due first, after one due on a day with an id."""
    asked = ask_tasks(tx, wanted, after=after, most=most)
    tx.flush()
    return asked()


def ask_tasks(
    tx: Transaction, wanted: TaskFilter, *, after: tuple[date, UUID] | None = None, most: int
) -> Callable[[], list[ListedTask]]:
    """As `list_tasks`, queued: call the answer once something was sent."""
    query = _LIST[wanted.case_id is not None, wanted.owner_id is not None, wanted.when, after is not None]
    parameters = {**_chosen(wanted), "wanted_state": wanted.state.value, "most": most}
    if wanted.when:
        parameters["today"] = wanted.overdue_on or wanted.due_on
    if after is not None:
        parameters["after_due"], parameters["after_id"] = after
    answer = tx.later(query, **parameters)
    return lambda: [_listed_task(row) for row in answer.rows()]


def find_task(tx: Transaction, task_id: UUID) -> ListedTask | None:
    """A task with what is shown of its case."""
    row = tx.first(_FIND, task_id=task_id)
    return _listed_task(row) if row is not None else None


def list_open_ids(tx: Transaction, case_id: UUID, *, most: int) -> list[UUID]:
    """The ids of open tasks of a case, those due first."""
    return [row.id for row in tx.all(_OPEN_IDS, of_case=case_id, most=most)]


def count_open(tx: Transaction, wanted: TaskFilter, *, today: date) -> tuple[int, int, int]:
    """How many are open, overdue, and due today, each up to `MOST_COUNTED`; of a case, an owner, or of everyone."""
    row = tx.first(_COUNT[wanted.case_id is not None, wanted.owner_id is not None], **_chosen(wanted), today=today)
    assert row is not None
    return row.open, row.overdue, row.due_today


def _conditions(*, of_case: bool, of_owner: bool) -> list[Any]:
    conditions = [_C.case_id == bindparam("of_case")] if of_case else []
    return [*conditions, *([_C.owner_id == bindparam("of_owner")] if of_owner else [])]


def _chosen(wanted: TaskFilter) -> dict[str, Any]:
    chosen = {"of_case": wanted.case_id, "of_owner": wanted.owner_id}
    return {name: value for name, value in chosen.items() if value is not None}


_shown = select(
    *_TASK, *(CASE.c[name] for name in ("number", "case_manager_id", "given_names", "family_name", "preferred_name"))
).select_from(TASK.join(CASE, _OF_CASE))
_FIND = prepare(_shown.where(_C.id == bindparam("task_id")))


def _listed(*, of_case: bool, of_owner: bool, when: str, after: bool) -> Query:
    conditions = _conditions(of_case=of_case, of_owner=of_owner)
    query: Select[Any] = _shown.where(_C.state == bindparam("wanted_state"), *conditions)
    if when:
        today = bindparam("today", type_=Date)
        query = query.where(_C.due_on < today if when == "overdue" else _C.due_on == today)
    if after:
        position = (bindparam("after_due", type_=_C.due_on.type), bindparam("after_id", type_=_C.id.type))
        query = query.where(tuple_(_C.due_on, _C.id) > tuple_(*position))
    return prepare(query.order_by(_C.due_on, _C.id).limit(bindparam("most")))


def _counted(conditions: Sequence[Any]) -> Any:
    # In the order of the index: else, where most of the table is open tasks of one tenant, it would be read unordered.
    open_ones = select(literal(1)).where(_C.state == TaskState.OPEN.value, *conditions)
    few = open_ones.order_by(_C.due_on, _C.id).limit(MOST_COUNTED).subquery()
    return select(func.count()).select_from(few).scalar_subquery()


def _counting(*, of_case: bool, of_owner: bool) -> Query:
    conditions = _conditions(of_case=of_case, of_owner=of_owner)
    today = bindparam("today", type_=Date)
    return prepare(
        select(
            _counted(conditions).label("open"),
            _counted([*conditions, _C.due_on < today]).label("overdue"),
            _counted([*conditions, _C.due_on == today]).label("due_today"),
        )
    )


_LIST = {
    (of_case, of_owner, when, after): _listed(of_case=of_case, of_owner=of_owner, when=when, after=after)
    for of_case, of_owner, when, after in product((False, True), (False, True), ("", "overdue", "today"), (False, True))
}
_COUNT = {
    (of_case, of_owner): _counting(of_case=of_case, of_owner=of_owner)
    for of_case, of_owner in product((False, True), repeat=2)
}
_OPEN_IDS = prepare(
    select(_C.id)
    .where(_C.case_id == bindparam("of_case"), _C.state == TaskState.OPEN.value)
    .order_by(_C.due_on, _C.id)
    .limit(bindparam("most"))
)


def _changing(task: Task) -> dict[str, Any]:
    return {
        "state": task.state.value,
        "owner_id": task.owner_id or NOBODY,  # so that one index finds whose tasks are whose, and whose nobody's
        "ended_by": task.ended_by,
        "ended_at": task.ended_at,
        "end_note": task.end_note,
        "overdue_noted_at": task.overdue_noted_at,
        "version": task.version,
    }


def _task(row: Any) -> Task:
    return Task(
        id=row.task_id,
        case_id=row.task_case_id,
        title=row.task_title,
        instructions=row.task_instructions,
        due_on=row.task_due_on,
        priority=Priority(row.task_priority),
        owner_id=row.task_owner_id if row.task_owner_id != NOBODY else None,
        added_by=row.task_added_by,
        added_at=row.task_added_at,
        state=TaskState(row.task_state),
        ended_by=row.task_ended_by,
        ended_at=row.task_ended_at,
        end_note=row.task_end_note,
        overdue_noted_at=row.task_overdue_noted_at,
        version=row.task_version,
    )


def _listed_task(row: Any) -> ListedTask:
    name = shown_name(given_names=row.given_names, family_name=row.family_name, preferred_name=row.preferred_name)
    return ListedTask(_task(row), row.number, row.case_manager_id, name)
