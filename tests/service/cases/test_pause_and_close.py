"""A case rests and wakes; it is closed and taken up again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ascms.cases.v1 import cases_pb2, events_pb2

from kit.clock import FixedClock
from kit.errors import ConflictError, DomainError, FailedPreconditionError, InvalidArgumentError, NotFoundError
from kit.sweeps import Sweep
from services.cases import commands
from services.cases.commands.deadlines import WAKE_DEADLINE
from services.cases.commands.deps import Deps
from tests.service.cases.conftest import ATTENDANCE_LEAD, COLLEAGUE, LEAD, MANAGER, OTHER_LEAD
from tests.service.cases.directory import FakeDirectory
from tests.support.rpc import Caller

Make = Callable[..., Any]
STATES = "SELECT state, items FROM case_count WHERE items > 0"


def pausing(case_id: str, **fields: Any) -> cases_pb2.PauseCaseRequest:
    defaults = {"reason": "bereavement", "wakes_on": "2026-03-18", "agreed_by": "Nan"}
    return cases_pb2.PauseCaseRequest(case_id=case_id, **(defaults | fields))


def closing(case_id: str, **fields: Any) -> cases_pb2.CloseCaseRequest:
    defaults = {"reason": "sustained_attendance", "outcome": "attending_regularly", "summary": "Back every day."}
    return cases_pb2.CloseCaseRequest(case_id=case_id, **(defaults | fields))


def seen(call: Caller, case_id: str, as_: Any = LEAD) -> Any:
    return call("GetCase", cases_pb2.GetCaseRequest(case_id=case_id), as_=as_)


def told(rows: Make, name: str) -> list[Any]:
    kind = getattr(events_pb2, name)
    found = rows("SELECT payload FROM outbox WHERE type = %s ORDER BY id", f"ascms.cases.v1.{name}")
    return [kind.FromString(row["payload"]) for row in found]


@pytest.fixture
def active(call: Caller, opened: Make, visit: Make) -> Make:
    """A case on which MANAGER has begun to work."""

    def begin() -> str:
        case_id: str = opened().case_id
        call("RecordEvent", visit(case_id), as_=MANAGER)
        return case_id

    return begin


@pytest.fixture
def sweep(deps: Deps) -> Sweep:
    return Sweep(
        deps.database,
        deps.clock,
        {WAKE_DEADLINE: lambda actor, case_id: commands.pauses.wake_case(deps, actor, case_id)},
    )


# --- pausing ------------------------------------------------------------------------------------------------------


def test_a_paused_case_takes_events_and_wakes_by_itself_on_its_day(
    call: Caller, active: Make, visit: Make, sweep: Sweep, clock: FixedClock, rows: Make
) -> None:
    case_id = active()
    paused = call("PauseCase", pausing(case_id, conditions="When nan rings."), as_=MANAGER).case
    assert (paused.state, paused.wakes_on) == (cases_pb2.CASE_STATE_PAUSED, "2026-03-18")
    assert rows(STATES) == [{"state": "paused", "items": 1}]
    call("RecordEvent", visit(case_id), as_=MANAGER)
    assert seen(call, case_id).case.state == cases_pb2.CASE_STATE_PAUSED

    clock.moment = datetime(2026, 3, 17, 10, 59, 59, tzinfo=UTC)  # the last second of 17 March in New Zealand
    assert sweep.sweep_once() == 0
    clock.moment += timedelta(days=2)  # the sweep was away for two days
    assert [sweep.sweep_once() for _ in range(2)] == [1, 0]

    page = seen(call, case_id)
    assert (page.case.state, page.paused_days) == (cases_pb2.CASE_STATE_ACTIVE, 14)
    [pause] = page.pauses
    assert (pause.started_on, pause.ended_on, pause.ended_by) == ("2026-03-04", "2026-03-18", "")
    assert (pause.conditions, pause.agreed_by, pause.paused_by) == ("When nan rings.", "Nan", str(MANAGER.person_id))
    assert rows(STATES) == [{"state": "active", "items": 1}]
    [first], [second] = told(rows, "CasePaused"), told(rows, "CaseResumed")
    assert (first.wakes_on, second.resumed_on, second.resumed_by) == ("2026-03-18", "2026-03-18", "")
    assert rows("SELECT actor_kind FROM audit WHERE action = 'wake-case'") == [{"actor_kind": "service"}]


def test_a_pause_is_ended_early_by_hand_and_pauses_add_up(
    call: Caller, active: Make, sweep: Sweep, clock: FixedClock, rows: Make
) -> None:
    case_id = active()
    for days in (3, 0, 5):
        call("PauseCase", pausing(case_id, wakes_on="2026-04-20"), as_=MANAGER)
        clock.moment += timedelta(days=days)
        resumed = call("ResumeCase", cases_pb2.ResumeCaseRequest(case_id=case_id), as_=MANAGER).case
        assert (resumed.state, resumed.wakes_on) == (cases_pb2.CASE_STATE_ACTIVE, "")
    assert seen(call, case_id).paused_days == 8
    assert told(rows, "CaseResumed")[0].resumed_by == str(MANAGER.person_id)
    assert (rows("SELECT * FROM deadline WHERE kind = 'wake-case'"), sweep.sweep_once()) == ([], 0)
    with pytest.raises(FailedPreconditionError) as raised:
        call("ResumeCase", cases_pb2.ResumeCaseRequest(case_id=case_id), as_=MANAGER)
    assert raised.value.reason == "not-paused"


def test_pauses_do_not_overlap_and_need_work_that_has_begun(call: Caller, opened: Make, active: Make) -> None:
    case_id = active()
    call("PauseCase", pausing(case_id), as_=MANAGER)
    for which, reason in ((case_id, "already-paused"), (opened().case_id, "not-active")):
        with pytest.raises(FailedPreconditionError) as raised:
            call("PauseCase", pausing(which), as_=LEAD)
        assert raised.value.reason == reason


@pytest.mark.parametrize(
    ("fields", "broken"),
    [
        ({"reason": "tired"}, ("reason", "unknown-value")),
        ({"reason": ""}, ("reason", "required")),
        ({"wakes_on": "2026-03-04"}, ("wakes_on", "not-in-future")),
        ({"wakes_on": "2026-06-03"}, ("wakes_on", "too-far")),
        ({"agreed_by": ""}, ("agreed_by", "required")),
    ],
)
def test_a_pause_keeps_to_its_rules(
    call: Caller, active: Make, rows: Make, fields: dict[str, str], broken: tuple[str, str]
) -> None:
    case_id = active()
    with pytest.raises(InvalidArgumentError) as raised:
        call("PauseCase", pausing(case_id, **fields), as_=MANAGER)
    assert [(each.field, each.reason) for each in raised.value.violations] == [broken]
    assert rows("SELECT * FROM pause") == []
    call("PauseCase", pausing(case_id, wakes_on="2026-06-02"), as_=MANAGER)


# --- closing ------------------------------------------------------------------------------------------------------


def test_a_case_is_closed_and_nothing_more_happens_in_it(call: Caller, active: Make, visit: Make, rows: Make) -> None:
    case_id = active()
    call("PauseCase", pausing(case_id), as_=MANAGER)
    closed = call("CloseCase", closing(case_id), as_=MANAGER).case

    assert (closed.state, closed.wakes_on, list(closed.health)) == (cases_pb2.CASE_STATE_CLOSED, "", [])
    assert closed.HasField("closed_at")
    assert rows(STATES) == [{"state": "closed", "items": 1}]
    assert rows("SELECT * FROM health_count") == rows("SELECT * FROM deadline WHERE kind <> 'check-owners'") == []
    [pause] = rows("SELECT ended_on::text, ended_by FROM pause")
    assert pause == {"ended_on": "2026-03-04", "ended_by": MANAGER.person_id}
    [event] = told(rows, "CaseClosed")
    assert (event.reason, event.outcome, event.closed_on) == (
        "sustained_attendance",
        "attending_regularly",
        "2026-03-04",
    )
    assert rows("SELECT reason FROM audit WHERE action = 'close-case'") == [{"reason": "sustained_attendance"}]
    task = cases_pb2.AddTaskRequest(case_id=case_id, title="Late", due_on="2026-03-06", owner_id=str(MANAGER.person_id))
    assigning = cases_pb2.AssignCaseRequest(case_id=case_id, case_manager_id=str(COLLEAGUE.person_id))
    for method, request in (
        ("RecordEvent", visit(case_id)),
        ("AddNote", cases_pb2.AddNoteRequest(case_id=case_id, note="Late.")),
        ("AddTask", task),
        ("AssignCase", assigning),
        ("PauseCase", pausing(case_id)),
        ("CloseCase", closing(case_id)),
    ):
        with pytest.raises(FailedPreconditionError) as raised:
            call(method, request, as_=LEAD)
        assert raised.value.reason == "case-closed"


def test_open_tasks_stand_in_the_way_and_the_case_says_so_before(call: Caller, active: Make, rows: Make) -> None:
    case_id = active()
    tasks = [
        call(
            "AddTask",
            cases_pb2.AddTaskRequest(case_id=case_id, title="Ring nan", due_on=due_on, owner_id=str(MANAGER.person_id)),
            as_=MANAGER,
        ).task.task_id
        for due_on in ("2026-03-06", "2026-03-05")
    ]
    [action] = [each for each in seen(call, case_id).case.allowed_actions if each.action == "close"]
    assert (action.allowed, action.reason, action.count) == (False, "closing-needs-tasks", 2)
    with pytest.raises(FailedPreconditionError) as raised:
        call("CloseCase", closing(case_id), as_=MANAGER)
    assert raised.value.reason == "closing-needs-tasks"
    assert raised.value.metadata == {"count": "2", "task_ids": f"{tasks[1]},{tasks[0]}"}
    for task_id in tasks:
        call("CancelTask", cases_pb2.CancelTaskRequest(task_id=task_id, reason="Closing."), as_=MANAGER)
    call("CloseCase", closing(case_id), as_=MANAGER)
    assert len(rows("SELECT * FROM closing")) == 1


@pytest.mark.parametrize(
    ("fields", "broken"),
    [
        ({"reason": "bored"}, ("reason", "unknown-value")),
        ({"outcome": "sustained_attendance"}, ("outcome", "unknown-value")),
        ({"summary": ""}, ("summary", "required")),
    ],
)
def test_a_closing_keeps_to_its_rules(
    call: Caller, active: Make, fields: dict[str, str], broken: tuple[str, str]
) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        call("CloseCase", closing(active(), **fields), as_=MANAGER)
    assert [(each.field, each.reason) for each in raised.value.violations] == [broken]


def test_a_case_is_reopened_with_its_case_manager(call: Caller, active: Make, rows: Make) -> None:
    case_id = active()
    with pytest.raises(FailedPreconditionError) as raised:
        call("ReopenCase", cases_pb2.ReopenCaseRequest(case_id=case_id, reason="Away."), as_=MANAGER)
    assert raised.value.reason == "not-closed"
    call("CloseCase", closing(case_id), as_=MANAGER)
    again = call("ReopenCase", cases_pb2.ReopenCaseRequest(case_id=case_id, reason="Away again."), as_=MANAGER).case

    assert (again.state, again.case_manager_id) == (cases_pb2.CASE_STATE_ACTIVE, str(MANAGER.person_id))
    assert rows("SELECT items FROM health_count") == [{"items": 1}]
    [ended] = seen(call, case_id).closings
    assert (ended.summary, ended.reopened_reason, ended.reopened_by) == (
        "Back every day.",
        "Away again.",
        str(MANAGER.person_id),
    )
    [event] = told(rows, "CaseReopened")
    assert (event.closing_id, event.case_manager_id) == (ended.closing_id, str(MANAGER.person_id))
    call("CloseCase", closing(case_id), as_=LEAD)
    assert len(seen(call, case_id).closings) == 2


def test_a_case_whose_case_manager_left_is_reopened_with_nobody(
    call: Caller, active: Make, directory: FakeDirectory, rows: Make
) -> None:
    case_id = active()
    call("CloseCase", closing(case_id), as_=MANAGER)
    directory.case_managers.discard(MANAGER.person_id)
    again = call("ReopenCase", cases_pb2.ReopenCaseRequest(case_id=case_id, reason="Away."), as_=LEAD).case
    assert (again.state, again.case_manager_id) == (cases_pb2.CASE_STATE_NEW, "")
    assert told(rows, "CaseReopened")[0].case_manager_id == ""
    given = cases_pb2.AssignCaseRequest(case_id=case_id, case_manager_id=str(COLLEAGUE.person_id))
    assert call("AssignCase", given, as_=LEAD).case.state == cases_pb2.CASE_STATE_ACTIVE
    assert rows(STATES) == [{"state": "active", "items": 1}]


@pytest.mark.parametrize(
    ("method", "make"),
    [
        ("PauseCase", pausing),
        ("ResumeCase", lambda case_id, **more: cases_pb2.ResumeCaseRequest(case_id=case_id, **more)),
        ("CloseCase", closing),
        ("ReopenCase", lambda case_id, **more: cases_pb2.ReopenCaseRequest(case_id=case_id, reason="Away.", **more)),
    ],
)
def test_strangers_find_nothing_and_a_stale_version_is_refused(
    call: Caller, active: Make, rows: Make, method: str, make: Make
) -> None:
    case_id = active()
    steps: dict[str, Any] = {"ResumeCase": [("PauseCase", pausing)], "ReopenCase": [("CloseCase", closing)]}
    for before, request in steps.get(method, []):
        call(before, request(case_id), as_=MANAGER)
    for stranger in (COLLEAGUE, OTHER_LEAD):
        with pytest.raises(NotFoundError):
            call(method, make(case_id), as_=stranger)
    with pytest.raises(DomainError, match="Your role does not allow this"):
        call(method, make(case_id), as_=ATTENDANCE_LEAD)
    with pytest.raises(ConflictError):
        call(method, make(case_id, expected_version=1), as_=MANAGER)
    once = [call(method, make(case_id), as_=MANAGER, idempotency_key="k") for _ in range(2)]
    assert once[0] == once[1]


def test_what_may_be_chosen_today_is_listed(call: Caller) -> None:
    everything = call("ListReferenceItems", cases_pb2.ListReferenceItemsRequest(), as_=MANAGER).items
    assert {each.list for each in everything} == {
        "barrier",
        "close_outcome",
        "close_reason",
        "decline_reason",
        "ethnicity",
        "iwi",
        "own_work_reason",
        "letter_gap",
        "letter_rule",
        "pause_limit",
        "pause_reason",
        "record_part",
        "step_tried",
        "stepped_response",
        "triage",
    }
    reasons = call("ListReferenceItems", cases_pb2.ListReferenceItemsRequest(list="close_reason"), as_=MANAGER).items
    assert [each.code for each in reasons][:2] == ["sustained_attendance", "enrolled"]
    assert len(reasons) == 12
