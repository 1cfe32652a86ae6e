"""What the pages of tasks show."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from ascms.cases.v1 import cases_pb2
from flask import url_for

from services.gateway.cases.names import Names
from services.gateway.wording import moment_of

STATES = {
    cases_pb2.TASK_STATE_OPEN: "open",
    cases_pb2.TASK_STATE_COMPLETED: "completed",
    cases_pb2.TASK_STATE_CANCELLED: "cancelled",
}


@dataclass(frozen=True, slots=True)
class TaskPage:
    """A task. `student` is empty for an owner who does not see the case; then `case_href` is too."""

    task_id: str
    href: str
    title: str
    instructions: str
    due: date
    is_urgent: bool
    state: str
    is_overdue: bool
    owner: str
    owner_id: str
    added_by: str
    added_at: datetime | None
    ended_by: str
    ended_at: datetime | None
    end_note: str
    case_number: str
    case_href: str
    student: str
    version: int


def present_task(task: cases_pb2.Task, names: Names) -> TaskPage:
    """One task."""
    return TaskPage(
        task_id=task.task_id,
        href=url_for("tasks.show", task_id=task.task_id),
        title=task.title,
        instructions=task.instructions,
        due=date.fromisoformat(task.due_on),
        is_urgent=task.priority == cases_pb2.TASK_PRIORITY_HIGH,
        state=STATES.get(task.state, ""),
        is_overdue=task.overdue,
        owner=names.person(task.owner_id),
        owner_id=task.owner_id,
        added_by=names.person(task.added_by),
        added_at=moment_of(task.added_at),
        ended_by=names.person(task.ended_by),
        ended_at=moment_of(task.ended_at),
        end_note=task.end_note,
        case_number=task.case_number,
        case_href=url_for("cases.show", case_id=task.case_id) if task.student_name else "",
        student=task.student_name,
        version=task.version,
    )


def present_tasks(tasks: Iterable[cases_pb2.Task]) -> list[TaskPage]:
    """Tasks with the names of their people."""
    listed = list(tasks)
    names = Names.of({one for task in listed for one in (task.owner_id, task.added_by, task.ended_by)})
    return [present_task(task, names) for task in listed]
