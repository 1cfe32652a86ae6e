"""What a lead oversees: who has how much, what waits, who opened a record; and one task by itself."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from ascms.cases.v1 import access_log_pb2, caseloads_pb2, cases_pb2

from kit.clock import FixedClock
from kit.errors import NotFoundError, PermissionDeniedError
from kit.ids import uuid7
from kit.sweeps import Sweep
from services.cases import commands
from services.cases.commands.deadlines import WAKE_DEADLINE
from services.cases.commands.deps import Deps
from tests.service.cases.conftest import COLLEAGUE, LEAD, MANAGER, OTHER_LEAD
from tests.support.rpc import Caller

Opened = Callable[..., cases_pb2.Case]
Visit = Callable[..., cases_pb2.RecordEventRequest]


@pytest.fixture
def sweep(deps: Deps) -> Sweep:
    return Sweep(
        deps.database,
        deps.clock,
        {WAKE_DEADLINE: lambda actor, case_id: commands.pauses.wake_case(deps, actor, case_id)},
    )


def _task(case: cases_pb2.Case, due_on: str = "2026-03-10", **fields: Any) -> cases_pb2.AddTaskRequest:
    owner = {"owner_id": str(MANAGER.person_id)}
    return cases_pb2.AddTaskRequest(case_id=case.case_id, title="Ring the dean", due_on=due_on, **(owner | fields))


def _loads(call: Caller) -> dict[str, caseloads_pb2.Caseload]:
    answer = call("ListCaseloads", caseloads_pb2.ListCaseloadsRequest(), as_=LEAD)
    return {load.case_manager_id: load for load in answer.caseloads}


def test_caseloads_follow_what_happens_to_cases(call: Caller, opened: Opened, visit: Visit) -> None:
    first, _second = opened(), opened()
    opened(COLLEAGUE)
    waiting = opened(None)
    call("RecordEvent", visit(first.case_id), as_=MANAGER)

    loads = _loads(call)
    assert [(load.assigned, load.active, load.paused) for load in loads.values()] == [(1, 1, 0), (1, 0, 0)]
    assert loads[str(MANAGER.person_id)].record_missing == 2

    answer = call("ListCaseloads", caseloads_pb2.ListCaseloadsRequest(), as_=LEAD)
    assert [case.case_id for case in answer.new_cases] == [waiting.case_id]
    assert answer.new_count == 1
    assert answer.new_cases[0].student_name.startswith("Tūī")


def test_who_has_only_closed_cases_has_no_line(call: Caller, opened: Opened) -> None:
    case = opened()
    close = cases_pb2.CloseCaseRequest(case_id=case.case_id, reason="enrolled", outcome="not_known", summary="Done.")
    call("CloseCase", close, as_=MANAGER)
    assert _loads(call) == {}


def test_a_case_that_woke_by_itself_waits_for_a_look_that_day(
    call: Caller, sweep: Sweep, clock: FixedClock, opened: Opened, visit: Visit
) -> None:
    case, by_hand = opened(), opened()
    for each in (case, by_hand):
        call("RecordEvent", visit(each.case_id), as_=MANAGER)
        pause = cases_pb2.PauseCaseRequest(
            case_id=each.case_id, reason="bereavement", wakes_on="2026-03-09", agreed_by="Nan"
        )
        call("PauseCase", pause, as_=MANAGER)
    call("ResumeCase", cases_pb2.ResumeCaseRequest(case_id=by_hand.case_id), as_=MANAGER)

    clock.moment += timedelta(days=5)
    sweep.sweep_once()
    answer = call("ListCaseloads", caseloads_pb2.ListCaseloadsRequest(), as_=LEAD)
    assert [each.case_id for each in answer.woken_cases] == [case.case_id]

    clock.moment += timedelta(days=1)
    answer = call("ListCaseloads", caseloads_pb2.ListCaseloadsRequest(), as_=LEAD)
    assert list(answer.woken_cases) == []


def test_overdue_tasks_of_everyone_are_counted(call: Caller, clock: FixedClock, opened: Opened) -> None:
    case = opened()
    call("AddTask", _task(case, "2026-03-05"), as_=LEAD)
    call("AddTask", _task(case, "2026-03-20"), as_=LEAD)
    clock.moment += timedelta(days=3)
    assert call("ListCaseloads", caseloads_pb2.ListCaseloadsRequest(), as_=LEAD).overdue_tasks == 1


def test_a_lead_reads_who_opened_a_record(call: Caller, clock: FixedClock, opened: Opened) -> None:
    case = opened()
    for who in (MANAGER, LEAD, MANAGER):
        clock.moment += timedelta(minutes=1)
        call("GetCase", cases_pb2.GetCaseRequest(case_id=case.case_id), as_=who)

    question = access_log_pb2.ListAccessRequest(case_id=case.case_id, page_size=2)
    first = call("ListAccess", question, as_=LEAD)
    assert [line.opened_by for line in first.lines] == [str(MANAGER.person_id), str(LEAD.person_id)]
    assert first.case_number == case.number
    assert {line.organisation_id for line in first.lines} == {str(LEAD.tenant_id)}

    question.page_token = first.next_page_token
    last = call("ListAccess", question, as_=LEAD)
    assert [line.opened_by for line in last.lines] == [str(MANAGER.person_id)]
    assert not last.next_page_token


def test_reading_the_log_adds_no_line(call: Caller, opened: Opened) -> None:
    case = opened()
    question = access_log_pb2.ListAccessRequest(case_id=case.case_id)
    call("ListAccess", question, as_=LEAD)
    assert list(call("ListAccess", question, as_=LEAD).lines) == []


@pytest.mark.parametrize(("who", "refusal"), [(MANAGER, PermissionDeniedError), (OTHER_LEAD, NotFoundError)])
def test_nobody_else_reads_who_opened_a_record(
    call: Caller, opened: Opened, who: Any, refusal: type[Exception]
) -> None:
    case = opened()
    with pytest.raises(refusal):
        call("ListAccess", access_log_pb2.ListAccessRequest(case_id=case.case_id), as_=who)


def test_one_task_is_shown_with_its_student_to_who_sees_the_case(call: Caller, opened: Opened) -> None:
    case = opened()
    task = call("AddTask", _task(case, owner_id=str(COLLEAGUE.person_id)), as_=LEAD).task
    question = cases_pb2.GetTaskRequest(task_id=task.task_id)

    seen = call("GetTask", question, as_=MANAGER)
    assert (seen.sees_case, seen.task.title) == (True, "Ring the dean")
    assert seen.task.student_name.startswith("Tūī")

    owner = call("GetTask", question, as_=COLLEAGUE)
    assert (owner.sees_case, owner.task.student_name) == (False, "")


def test_a_task_of_others_is_not_there(call: Caller, opened: Opened) -> None:
    task = call("AddTask", _task(opened()), as_=LEAD).task
    for who, task_id in ((COLLEAGUE, task.task_id), (OTHER_LEAD, task.task_id), (LEAD, str(uuid7()))):
        with pytest.raises(NotFoundError):
            call("GetTask", cases_pb2.GetTaskRequest(task_id=task_id), as_=who)


def test_tasks_due_today_are_listed_alone(call: Caller, opened: Opened) -> None:
    case = opened()
    for due_on in ("2026-03-04", "2026-03-05"):
        call("AddTask", _task(case, due_on), as_=LEAD)
    answer = call("ListTasks", cases_pb2.ListTasksRequest(due_today=True), as_=LEAD)
    assert [task.due_on for task in answer.tasks] == ["2026-03-04"]


def test_the_work_of_the_day_comes_with_the_cases(call: Caller, opened: Opened) -> None:
    case = opened()
    call("AddTask", _task(case, "2026-03-20"), as_=LEAD)
    call("AddTask", _task(case, "2026-03-04"), as_=LEAD)
    call("AddTask", _task(case, owner_id=str(COLLEAGUE.person_id)), as_=LEAD)

    answer = call("ListCases", cases_pb2.ListCasesRequest(own_tasks=5), as_=MANAGER)
    assert [task.due_on for task in answer.own_tasks] == ["2026-03-04", "2026-03-20"]
    counted = {one.filter: one.count for one in answer.counts}
    assert (counted["own-tasks"], counted["own-tasks-overdue"], counted["own-tasks-due-today"]) == (2, 0, 1)
    assert list(call("ListCases", cases_pb2.ListCasesRequest(), as_=MANAGER).own_tasks) == []


def test_a_contact_attempt_says_how_and_whom(call: Caller, opened: Opened, visit: Visit) -> None:
    case = opened()
    attempt = visit(
        case.case_id,
        kind=cases_pb2.EVENT_KIND_CONTACT_ATTEMPT,
        channel=cases_pb2.CONTACT_CHANNEL_TEXT_MESSAGE,
        target="Mere, 021 555 0101",
    )
    recorded = call("RecordEvent", attempt, as_=MANAGER).entry
    assert (recorded.channel, recorded.target) == (cases_pb2.CONTACT_CHANNEL_TEXT_MESSAGE, "Mere, 021 555 0101")

    correction = cases_pb2.CorrectEntryRequest(
        case_id=case.case_id,
        entry_id=recorded.entry_id,
        reason="It was the other number.",
        happened_on=recorded.happened_on,
        outcome=recorded.outcome,
        minutes=recorded.minutes,
        target="Mere, 021 555 0102",
    )
    corrected = call("CorrectEntry", correction, as_=MANAGER).entry
    assert corrected.target == "Mere, 021 555 0101"
    assert corrected.corrections[0].target == "Mere, 021 555 0102"
    assert corrected.corrections[0].channel == cases_pb2.CONTACT_CHANNEL_TEXT_MESSAGE


def test_who_was_at_a_hui_is_kept(call: Caller, opened: Opened, visit: Visit) -> None:
    case = opened()
    hui = visit(case.case_id, kind=cases_pb2.EVENT_KIND_HUI, outcome=0, attendees="Nan, the dean, Whaea Tui")
    call("RecordEvent", hui, as_=MANAGER)
    entries = call("ListEvents", cases_pb2.ListEventsRequest(case_id=case.case_id), as_=MANAGER).entries
    assert [entry.attendees for entry in entries] == ["Nan, the dean, Whaea Tui"]


def test_time_spent_is_added_up_by_kind_as_corrected(call: Caller, opened: Opened, visit: Visit) -> None:
    case = opened()
    for minutes in (40, 20):
        entry = call("RecordEvent", visit(case.case_id, minutes=minutes), as_=MANAGER).entry
    call("RecordEvent", visit(case.case_id, kind=cases_pb2.EVENT_KIND_HUI, outcome=0, minutes=90), as_=MANAGER)
    call("RecordEvent", visit(case.case_id, kind=cases_pb2.EVENT_KIND_ACTION, outcome=0, minutes=0), as_=MANAGER)
    correction = cases_pb2.CorrectEntryRequest(
        case_id=case.case_id,
        entry_id=entry.entry_id,
        reason="Travel was missing.",
        happened_on=entry.happened_on,
        outcome=entry.outcome,
        minutes=35,
    )
    call("CorrectEntry", correction, as_=MANAGER)

    spent = call("GetCase", cases_pb2.GetCaseRequest(case_id=case.case_id), as_=MANAGER).time_spent
    assert [(each.kind, each.minutes, each.entries) for each in spent] == [
        (cases_pb2.EVENT_KIND_HUI, 90, 1),
        (cases_pb2.EVENT_KIND_HOME_VISIT, 75, 2),
    ]
