"""Tasks as messages."""

from datetime import date

from ascms.cases.v1 import cases_pb2

from services.cases import domain
from services.cases.wire.enums import PRIORITY, TASK_STATE
from services.cases.wire.students import timestamp


def task_message(task: domain.tasks.Task, *, today: date, case_number: str, student_name: str = "") -> cases_pb2.Task:
    """A task as it stands today."""
    return cases_pb2.Task(
        task_id=str(task.id),
        case_id=str(task.case_id),
        title=task.title,
        instructions=task.instructions,
        due_on=task.due_on.isoformat(),
        priority=PRIORITY.number(task.priority),
        owner_id=str(task.owner_id or ""),
        state=TASK_STATE.number(task.state),
        overdue=task.is_overdue(today),
        added_by=str(task.added_by),
        added_at=timestamp(task.added_at),
        ended_by=str(task.ended_by or ""),
        ended_at=timestamp(task.ended_at),
        end_note=task.end_note,
        version=task.version,
        case_number=case_number,
        student_name=student_name,
    )
