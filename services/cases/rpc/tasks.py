"""Tasks through the gRPC door."""

from datetime import date
from uuid import UUID

from ascms.cases.v1 import cases_pb2

from kit.errors import InvalidArgumentError, NotFoundError, Violation
from kit.rpc.server import Call, read, write
from services.cases import commands, domain, wire
from services.cases.commands.tasks import Done, NewTask
from services.cases.domain.shared import Caller, optional_id
from services.cases.domain.tasks import ListedTask, Priority, TaskState
from services.cases.rpc.base import Methods, cut
from services.cases.store import cases, counts, tasks
from services.cases.store.tasks import TaskFilter


def _message(done: Done) -> cases_pb2.Task:
    return wire.tasks.task_message(done.task, today=done.today, case_number=done.case.number)


def _add_response(done: Done) -> cases_pb2.AddTaskResponse:
    return cases_pb2.AddTaskResponse(task=_message(done), case_version=done.case.version)


def _complete_response(done: Done) -> cases_pb2.CompleteTaskResponse:
    return cases_pb2.CompleteTaskResponse(task=_message(done), case_version=done.case.version)


def _cancel_response(done: Done) -> cases_pb2.CancelTaskResponse:
    return cases_pb2.CancelTaskResponse(task=_message(done), case_version=done.case.version)


def _reassign_response(done: Done) -> cases_pb2.ReassignTaskResponse:
    return cases_pb2.ReassignTaskResponse(task=_message(done))


class TaskMethods(Methods):
    """Tasks."""

    @write(_add_response)
    def AddTask(self, request: cases_pb2.AddTaskRequest, call: Call) -> Done:
        """See the contract."""
        wanted = NewTask(
            title=request.title,
            instructions=request.instructions,
            due_on=date.fromisoformat(request.due_on),
            priority=wire.enums.PRIORITY.find(request.priority) or Priority.NORMAL,
            owner_id=UUID(request.owner_id),
        )
        return commands.tasks.add_task(
            self.deps,
            call.actor,
            case_id=UUID(request.case_id),
            wanted=wanted,
            expected_version=request.expected_version,
            token=call.token,
        )

    @write(_complete_response)
    def CompleteTask(self, request: cases_pb2.CompleteTaskRequest, call: Call) -> Done:
        """See the contract."""
        return commands.tasks.complete_task(
            self.deps,
            call.actor,
            task_id=UUID(request.task_id),
            outcome=request.outcome,
            expected_version=request.expected_version,
        )

    @write(_cancel_response)
    def CancelTask(self, request: cases_pb2.CancelTaskRequest, call: Call) -> Done:
        """See the contract."""
        return commands.tasks.cancel_task(
            self.deps,
            call.actor,
            task_id=UUID(request.task_id),
            reason=request.reason,
            expected_version=request.expected_version,
        )

    @write(_reassign_response)
    def ReassignTask(self, request: cases_pb2.ReassignTaskRequest, call: Call) -> Done:
        """See the contract."""
        return commands.tasks.reassign_task(
            self.deps,
            call.actor,
            task_id=UUID(request.task_id),
            owner_id=UUID(request.owner_id),
            expected_version=request.expected_version,
            token=call.token,
        )

    @read
    def GetTask(self, request: cases_pb2.GetTaskRequest, call: Call) -> cases_pb2.GetTaskResponse:
        """See the contract."""
        with self.deps.database.tenant(call.actor) as tx:
            found = tasks.find_task(tx, UUID(request.task_id))
        if found is None or not (_sees(found, call.actor) or found.task.owner_id == call.actor.person_id):
            raise NotFoundError("task")
        task = listed_message(found, call.actor, self.local_today())
        return cases_pb2.GetTaskResponse(task=task, sees_case=_sees(found, call.actor))

    @read
    def ListTasks(self, request: cases_pb2.ListTasksRequest, call: Call) -> cases_pb2.ListTasksResponse:
        """See the contract."""
        today, actor = self.local_today(), call.actor
        filters = (
            request.case_id,
            request.owner_id,
            request.state,
            request.overdue,
            request.due_today,
            request.unowned,
        )
        scope = (actor.tenant_id, "tasks", actor.person_id, *filters)
        size, position = self.page(request, scope)
        after = (date.fromisoformat(position[0]), UUID(position[1])) if position else None
        case_id, owner_id = optional_id(request.case_id), optional_id(request.owner_id)
        if request.unowned:
            if owner_id is not None:
                raise InvalidArgumentError.of(Violation("unowned", "not-allowed", "asks for the opposite of an owner"))
            owner_id = counts.NOBODY
        if case_id is None and not domain.cases.sees_every_case(actor):
            if owner_id not in (None, actor.person_id):
                # Someone else's tasks, asked for by who sees only their own: there are none.
                return cases_pb2.ListTasksResponse(counts=_counts(0, 0, 0))
            owner_id = actor.person_id
        wanted = TaskFilter(
            case_id=case_id,
            owner_id=owner_id,
            state=wire.enums.TASK_STATE.find(request.state) or TaskState.OPEN,
            overdue_on=today if request.overdue else None,
            due_on=today if request.due_today else None,
        )
        with self.deps.database.tenant(actor) as tx:
            if case_id is not None:
                domain.cases.check_visible(cases.find_case(tx, case_id), actor)
            found = tasks.list_tasks(tx, wanted, after=after, most=size + 1)
            counted = tasks.count_open(tx, wanted, today=today)
        shown, more = cut(found, size)
        last = [shown[-1].task.due_on.isoformat(), str(shown[-1].task.id)] if more else []
        return cases_pb2.ListTasksResponse(
            tasks=[listed_message(each, actor, today) for each in shown],
            next_page_token=self.token(last, scope) if more else "",
            counts=_counts(*counted),
        )


def _sees(listed: ListedTask, caller: Caller) -> bool:
    return domain.cases.sees_every_case(caller) or listed.case_manager_id == caller.person_id


def listed_message(listed: ListedTask, caller: Caller, today: date) -> cases_pb2.Task:
    """A task in a list over several cases, as the caller may see it."""
    return wire.tasks.task_message(
        listed.task,
        today=today,
        case_number=listed.case_number,
        student_name=listed.student_name if _sees(listed, caller) else "",
    )


def _counts(is_open: int, overdue: int, due_today: int) -> list[cases_pb2.FilterCount]:
    counted = {"open": is_open, "overdue": overdue, "due-today": due_today}
    return [cases_pb2.FilterCount(filter=name, count=count) for name, count in counted.items()]
