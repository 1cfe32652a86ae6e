"""Tasks: added, done, cancelled, given to someone else, listed, and overdue once."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from ascms.cases.v1 import cases_pb2, events_pb2

from kit.actor import system_actor
from kit.clock import FixedClock
from kit.errors import ConflictError, FailedPreconditionError, InvalidArgumentError, NotFoundError
from kit.ids import uuid7
from kit.sweeps import Sweep
from services.cases import commands
from services.cases.commands.deadlines import SOON_DEADLINE, TASK_DEADLINE
from services.cases.commands.deps import Deps
from tests.service.cases.conftest import COLLEAGUE, LEAD, MANAGER, OTHER_LEAD, PROVIDER, UNTRAINED
from tests.support.rpc import Caller

Make = Callable[..., Any]
EVENTS = "SELECT type, payload, key FROM outbox WHERE type LIKE '%%.Task%%' ORDER BY id"


def adding(case_id: str, **fields: Any) -> cases_pb2.AddTaskRequest:
    defaults: dict[str, Any] = {"title": "Ring nan", "due_on": "2026-03-06", "owner_id": str(MANAGER.person_id)}
    return cases_pb2.AddTaskRequest(case_id=case_id, **(defaults | fields))


@pytest.fixture
def added(call: Caller, opened: Make) -> Make:
    """Adds a task to a new case, or to the one that is named."""

    def add(case_id: str = "", **fields: Any) -> cases_pb2.Task:
        task: cases_pb2.Task = call("AddTask", adding(case_id or opened().case_id, **fields), as_=LEAD).task
        return task

    return add


def test_a_task_is_added_and_shows_on_its_case(call: Caller, opened: Make, rows: Make) -> None:
    case = opened()
    answer = call("AddTask", adding(case.case_id, instructions="After five.\nKia ora."), as_=MANAGER)

    assert (answer.task.state, answer.task.priority) == (cases_pb2.TASK_STATE_OPEN, cases_pb2.TASK_PRIORITY_NORMAL)
    assert (answer.task.case_number, answer.case_version) == (case.number, case.version + 1)
    seen = call("GetCase", cases_pb2.GetCaseRequest(case_id=case.case_id), as_=MANAGER)
    assert list(seen.open_tasks) == [answer.task]
    assert seen.case.open_tasks == 1
    [audit] = rows("SELECT subject_id::text, actor_id FROM audit WHERE action = 'add-task'")
    assert audit == {"subject_id": answer.task.task_id, "actor_id": MANAGER.person_id}
    [event] = rows(EVENTS)
    assert event["key"] == case.case_id
    assert events_pb2.TaskAdded.FromString(event["payload"]) == events_pb2.TaskAdded(
        case_id=case.case_id,
        task_id=answer.task.task_id,
        owner_id=str(MANAGER.person_id),
        due_on="2026-03-06",
        added_by=str(MANAGER.person_id),
    )


@pytest.mark.parametrize(
    ("fields", "broken"),
    [
        ({"title": ""}, ("title", "required")),
        ({"title": "x" * 201}, ("title", "too-long")),
        ({"title": "nul\x00"}, ("title", "characters")),
        ({"due_on": "2026-03-03"}, ("due_on", "in-past")),
        ({"due_on": "2027-03-06"}, ("due_on", "too-far")),
        ({"due_on": "soon"}, ("due_on", "format")),
        ({"owner_id": ""}, ("owner_id", "required")),
        ({"owner_id": str(UNTRAINED.person_id)}, ("owner_id", "not-working")),
        ({"owner_id": str(UUID(int=404))}, ("owner_id", "not-working")),
        ({"priority": 9}, ("priority", "unknown-value")),
    ],
)
def test_a_broken_rule_names_its_field(
    call: Caller, opened: Make, rows: Make, fields: dict[str, Any], broken: tuple[str, str]
) -> None:
    case = opened()
    with pytest.raises(InvalidArgumentError) as raised:
        call("AddTask", adding(case.case_id, **fields), as_=LEAD)
    assert [(each.field, each.reason) for each in raised.value.violations] == [broken]
    assert rows("SELECT * FROM task") == rows("SELECT * FROM deadline WHERE kind <> 'check-owners'") == []


@pytest.mark.parametrize("stranger", [COLLEAGUE, OTHER_LEAD], ids=["colleague", "other provider"])
def test_who_may_not_see_the_case_finds_neither_it_nor_its_tasks(
    call: Caller, added: Make, rows: Make, stranger: Any
) -> None:
    task = added()
    # Themselves as the owner, so that nothing but the case is in question.
    mine = str(stranger.person_id)
    for method, request in (
        ("AddTask", adding(task.case_id, owner_id=mine)),
        ("CompleteTask", cases_pb2.CompleteTaskRequest(task_id=task.task_id, outcome="Done.")),
        ("CancelTask", cases_pb2.CancelTaskRequest(task_id=task.task_id, reason="No.")),
        ("ReassignTask", cases_pb2.ReassignTaskRequest(task_id=task.task_id, owner_id=mine)),
        ("ListTasks", cases_pb2.ListTasksRequest(case_id=task.case_id)),
    ):
        with pytest.raises(NotFoundError):
            call(method, request, as_=stranger)
    listed = call("ListTasks", cases_pb2.ListTasksRequest(), as_=stranger)
    assert (list(listed.tasks), {each.count for each in listed.counts}) == ([], {0})
    assert rows("SELECT state, version FROM task") == [{"state": "open", "version": 1}]


def test_a_task_is_done_once_with_what_came_of_it(call: Caller, added: Make, rows: Make, clock: FixedClock) -> None:
    task = added()
    clock.moment += timedelta(hours=1)
    done = cases_pb2.CompleteTaskRequest(task_id=task.task_id, outcome="She will come.", expected_version=1)
    answer = call("CompleteTask", done, as_=MANAGER)

    assert (answer.task.state, answer.task.end_note) == (cases_pb2.TASK_STATE_COMPLETED, "She will come.")
    assert (answer.task.ended_by, answer.task.version) == (str(MANAGER.person_id), 2)
    assert rows("SELECT open_tasks FROM case_record") == [{"open_tasks": 0}]
    assert rows("SELECT * FROM deadline WHERE kind <> 'check-owners'") == []
    assert rows(EVENTS)[-1]["type"] == "ascms.cases.v1.TaskCompleted"
    with pytest.raises(ConflictError):
        call("CompleteTask", done, as_=MANAGER)
    cancelling = cases_pb2.CancelTaskRequest(task_id=task.task_id, reason="Again.")
    for method, request in (
        ("CompleteTask", cases_pb2.CompleteTaskRequest(task_id=task.task_id, outcome="Again.")),
        ("CancelTask", cancelling),
        ("ReassignTask", cases_pb2.ReassignTaskRequest(task_id=task.task_id, owner_id=str(COLLEAGUE.person_id))),
    ):
        with pytest.raises(FailedPreconditionError) as raised:
            call(method, request, as_=MANAGER)
        assert raised.value.reason == "task-ended"
    assert rows("SELECT open_tasks FROM case_record") == [{"open_tasks": 0}]


def test_a_repeated_key_completes_once(call: Caller, added: Make, rows: Make) -> None:
    request = cases_pb2.CompleteTaskRequest(task_id=added().task_id, outcome="Done.")
    first, second = (call("CompleteTask", request, as_=MANAGER, idempotency_key="done-1") for _ in range(2))
    assert first == second
    assert len(rows(EVENTS)) == 2


def test_a_task_is_cancelled_with_a_reason(call: Caller, added: Make, rows: Make) -> None:
    task = added()
    with pytest.raises(InvalidArgumentError):
        call("CancelTask", cases_pb2.CancelTaskRequest(task_id=task.task_id), as_=MANAGER)
    request = cases_pb2.CancelTaskRequest(task_id=task.task_id, reason="They moved.")
    answer = call("CancelTask", request, as_=MANAGER)
    assert (answer.task.state, answer.task.end_note) == (cases_pb2.TASK_STATE_CANCELLED, "They moved.")
    assert rows(EVENTS)[-1]["type"] == "ascms.cases.v1.TaskCancelled"
    assert rows("SELECT actor_id FROM audit WHERE action = 'cancel-task'") == [{"actor_id": MANAGER.person_id}]


def test_whoever_gets_a_task_finds_it_and_can_end_it_without_seeing_the_case(
    call: Caller, added: Make, rows: Make
) -> None:
    task = added()
    given = cases_pb2.ReassignTaskRequest(task_id=task.task_id, owner_id=str(COLLEAGUE.person_id))
    assert call("ReassignTask", given, as_=MANAGER).task.owner_id == str(COLLEAGUE.person_id)
    told = events_pb2.TaskReassigned.FromString(rows(EVENTS)[-1]["payload"])
    assert (told.previous_owner_id, told.owner_id) == (str(MANAGER.person_id), str(COLLEAGUE.person_id))
    with pytest.raises(FailedPreconditionError):
        call("ReassignTask", given, as_=MANAGER)

    [mine] = call("ListTasks", cases_pb2.ListTasksRequest(), as_=COLLEAGUE).tasks
    assert (mine.task_id, mine.student_name) == (task.task_id, "")
    call("CompleteTask", cases_pb2.CompleteTaskRequest(task_id=task.task_id, outcome="Done."), as_=COLLEAGUE)


def test_my_tasks_stand_overdue_first_with_their_counts(
    call: Caller, opened: Make, added: Make, clock: FixedClock
) -> None:
    one, other = opened(), opened()
    wanted = [
        added(case_id, due_on=due_on).task_id
        for due_on, case_id in (("2026-03-04", one.case_id), ("2026-03-06", other.case_id), ("2026-03-20", one.case_id))
    ]
    theirs = added(one.case_id, owner_id=str(COLLEAGUE.person_id)).task_id
    clock.moment += timedelta(days=2)

    found: list[Any] = []
    request = cases_pb2.ListTasksRequest(page_size=2)
    for _ in range(2):
        answer = call("ListTasks", request, as_=MANAGER)
        found += answer.tasks
        request.page_token = answer.next_page_token
    assert ([each.task_id for each in found], request.page_token) == (wanted, "")
    assert [each.overdue for each in found] == [True, False, False]
    assert all(each.student_name.startswith("Tūī") for each in found)
    assert {each.filter: each.count for each in answer.counts} == {"open": 3, "overdue": 1, "due-today": 1}
    late = call("ListTasks", cases_pb2.ListTasksRequest(overdue=True), as_=MANAGER)
    assert [each.task_id for each in late.tasks] == wanted[:1]
    of_case = call("ListTasks", cases_pb2.ListTasksRequest(case_id=one.case_id), as_=MANAGER)
    assert {each.task_id for each in of_case.tasks} == {wanted[0], wanted[2], theirs}
    prying = call("ListTasks", cases_pb2.ListTasksRequest(owner_id=str(COLLEAGUE.person_id)), as_=MANAGER)
    assert list(prying.tasks) == []
    everyone = call("ListTasks", cases_pb2.ListTasksRequest(), as_=LEAD)
    assert len(everyone.tasks) == 4


def test_a_task_past_its_day_is_told_of_once(
    call: Caller, added: Make, deps: Deps, clock: FixedClock, rows: Make
) -> None:
    task, ended = added(), added()
    call("CompleteTask", cases_pb2.CompleteTaskRequest(task_id=ended.task_id, outcome="Done."), as_=MANAGER)
    sweep = Sweep(
        deps.database,
        deps.clock,
        {TASK_DEADLINE: lambda actor, task_id: commands.tasks.note_task_overdue(deps, actor, task_id)},
    )
    clock.moment = datetime(2026, 3, 6, 10, 59, 59, tzinfo=UTC)  # the last second of 6 March in New Zealand
    assert sweep.sweep_once() == 0
    clock.moment += timedelta(seconds=1)
    assert [sweep.sweep_once() for _ in range(2)] == [1, 0]

    [event] = rows("SELECT tenant_id, payload FROM outbox WHERE type = 'ascms.cases.v1.TaskOverdue'")
    assert event["tenant_id"] == PROVIDER
    assert events_pb2.TaskOverdue.FromString(event["payload"]).task_id == task.task_id
    commands.tasks.note_task_overdue(deps, system_actor("cases", PROVIDER), UUID(task.task_id))
    assert len(rows("SELECT 1 FROM outbox WHERE type = 'ascms.cases.v1.TaskOverdue'")) == 1


@pytest.mark.parametrize(
    "due_on",
    ["2026-03-06", "2026-03-05"],
    ids=["the morning before", "the morning itself, where the one before has passed"],
)
def test_a_task_whose_day_is_near_is_told_of_once_to_who_has_it_then(
    call: Caller, added: Make, deps: Deps, clock: FixedClock, rows: Make, due_on: str
) -> None:
    task, ended = added(due_on=due_on), added(due_on=due_on)
    call("CompleteTask", cases_pb2.CompleteTaskRequest(task_id=ended.task_id, outcome="Done."), as_=MANAGER)
    theirs = cases_pb2.ReassignTaskRequest(task_id=task.task_id, owner_id=str(COLLEAGUE.person_id))
    call("ReassignTask", theirs, as_=LEAD)
    sweep = Sweep(
        deps.database,
        deps.clock,
        {SOON_DEADLINE: lambda actor, task_id: commands.tasks.note_task_due(deps, actor, task_id)},
    )
    clock.moment = datetime(2026, 3, 4, 17, 59, 59, tzinfo=UTC)  # a second before 7 o'clock on 5 March
    assert sweep.sweep_once() == 0
    clock.moment += timedelta(seconds=1)
    assert [sweep.sweep_once() for _ in range(2)] == [1, 0]
    commands.tasks.note_task_due(deps, system_actor("cases", PROVIDER), UUID(task.task_id))

    [event] = rows("SELECT tenant_id, payload FROM outbox WHERE type = 'ascms.cases.v1.TaskDue'")
    assert event["tenant_id"] == PROVIDER
    assert events_pb2.TaskDue.FromString(event["payload"]) == events_pb2.TaskDue(
        case_id=task.case_id, task_id=task.task_id, owner_id=str(COLLEAGUE.person_id), due_on=due_on
    )


def test_a_task_added_on_its_own_day_is_not_told_of_as_near(added: Make, rows: Make) -> None:
    added(due_on="2026-03-04")
    assert rows("SELECT kind FROM deadline WHERE kind LIKE 'task%%'") == [{"kind": TASK_DEADLINE}]


def test_cases_are_found_by_their_overdue_tasks_those_due_first(
    call: Caller, opened: Make, added: Make, clock: FixedClock
) -> None:
    first, second, third = opened(), opened(COLLEAGUE), opened()
    for case, due_on in ((first, "2026-03-06"), (second, "2026-03-05"), (third, "2026-03-20")):
        added(case.case_id, due_on=due_on)
    done = added(first.case_id, due_on="2026-03-04")
    call("CompleteTask", cases_pb2.CompleteTaskRequest(task_id=done.task_id, outcome="Done."), as_=LEAD)
    clock.moment += timedelta(days=4)

    def overdue(as_: Any = LEAD, **wanted: Any) -> cases_pb2.ListCasesResponse:
        answer: cases_pb2.ListCasesResponse = call(
            "ListCases", cases_pb2.ListCasesRequest(overdue=True, **wanted), as_=as_
        )
        return answer

    answer = overdue()
    assert [(case.case_id, case.next_due_on) for case in answer.cases] == [
        (second.case_id, "2026-03-05"),
        (first.case_id, "2026-03-06"),
    ]
    assert {count.filter: count.count for count in answer.counts}["overdue"] == 2
    # Page by page, with another filter, and for who sees their own cases only.
    page = overdue(page_size=1)
    [following] = overdue(page_size=1, page_token=page.next_page_token).cases
    assert (page.cases[0].case_id, following.case_id) == (second.case_id, first.case_id)
    assert len(overdue(health=cases_pb2.RECORD_HEALTH_MISSING, state=cases_pb2.CASE_STATE_ASSIGNED).cases) == 2
    assert not overdue(health=cases_pb2.RECORD_HEALTH_OK).cases
    mine = overdue(MANAGER)
    assert [case.case_id for case in mine.cases] == [first.case_id]
    assert {count.filter: count.count for count in mine.counts}["overdue"] == 1


def test_a_case_without_open_tasks_has_no_next_day(call: Caller, added: Make) -> None:
    task = added()
    call("CancelTask", cases_pb2.CancelTaskRequest(task_id=task.task_id, reason="Not needed."), as_=LEAD)
    [case] = call("ListCases", cases_pb2.ListCasesRequest(), as_=LEAD).cases
    assert (case.next_due_on, case.open_tasks) == ("", 0)


def test_a_task_that_is_none_is_not_found(call: Caller) -> None:
    with pytest.raises(NotFoundError):
        call("CompleteTask", cases_pb2.CompleteTaskRequest(task_id=str(uuid7()), outcome="Done."), as_=LEAD)
