"""A request unanswered for five working days shows as overdue, and its provider is told once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from ascms.cases.v1 import cases_pb2, events_pb2

from kit.clock import FixedClock
from kit.sweeps import Sweep
from services.cases import commands
from services.cases.commands.deadlines import ANSWER_DEADLINE
from services.cases.commands.deps import Deps
from tests.service.cases.conftest import ATTENDANCE_LEAD, LEAD, PROVIDER, SCHOOL
from tests.support.rpc import Caller

Make = Callable[..., Any]
LAST_MOMENT = datetime(2026, 3, 11, 10, 59, 59, tzinfo=UTC)  # 11 March, 23:59:59 in New Zealand
TOLD = "SELECT tenant_id, key, payload FROM outbox WHERE type = 'ascms.cases.v1.RequestOverdue'"


@pytest.fixture
def sweep(deps: Deps) -> Sweep:
    def meet(actor: Any, request_id: Any) -> None:
        commands.requests.note_overdue(deps, actor, request_id)

    return Sweep(deps.database, deps.clock, {ANSWER_DEADLINE: meet})


def shown(call: Caller) -> bool:
    [request] = call("ListIncomingRequests", cases_pb2.ListIncomingRequestsRequest(), as_=LEAD).requests
    return bool(request.overdue)


def test_the_provider_is_told_once_the_day_has_passed(
    call: Caller, submitted: Make, clock: FixedClock, sweep: Sweep, rows: Make
) -> None:
    request = submitted()
    clock.moment = LAST_MOMENT
    assert (sweep.sweep_once(), shown(call), rows(TOLD)) == (0, False, [])

    clock.moment = LAST_MOMENT.replace(hour=11, minute=0, second=0)
    assert shown(call), "overdue is a fact, whether or not the sweep has run"
    assert sweep.sweep_once() == 1
    [event] = rows(TOLD)
    assert (event["tenant_id"], event["key"]) == (PROVIDER, request.request_id)
    assert events_pb2.RequestOverdue.FromString(event["payload"]) == events_pb2.RequestOverdue(
        request_id=request.request_id, answer_due_on="2026-03-11"
    )
    audited = rows("SELECT tenant_id, actor_kind FROM audit WHERE action = 'note-overdue' ORDER BY tenant_id")
    assert audited == [{"tenant_id": tenant, "actor_kind": "service"} for tenant in sorted((SCHOOL, PROVIDER))]

    assert sweep.sweep_once() == 0
    assert len(rows(TOLD)) == 1


def test_sweeps_at_the_same_moment_tell_once(
    call: Caller, submitted: Make, clock: FixedClock, sweep: Sweep, rows: Make
) -> None:
    for _ in range(10):
        submitted()
    clock.moment = LAST_MOMENT.replace(day=20)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: sweep.sweep_once(), range(4)))
    assert len(rows(TOLD)) == 10
    assert rows("SELECT * FROM deadline WHERE kind <> 'check-owners'") == []


def test_an_answered_request_is_never_overdue(
    call: Caller, opened: Make, clock: FixedClock, sweep: Sweep, rows: Make
) -> None:
    case = opened()
    clock.moment = LAST_MOMENT.replace(day=20)
    assert (sweep.sweep_once(), rows(TOLD), shown(call)) == (0, [], False)
    request = cases_pb2.GetSubmittedRequestRequest(request_id=case.request_id)
    assert not call("GetSubmittedRequest", request, as_=ATTENDANCE_LEAD).request.overdue


def test_an_overdue_request_can_still_be_accepted(
    call: Caller, submitted: Make, clock: FixedClock, sweep: Sweep, rows: Make
) -> None:
    request = submitted()
    clock.moment = LAST_MOMENT.replace(day=20)
    sweep.sweep_once()
    case = call("OpenCase", cases_pb2.OpenCaseRequest(request_id=request.request_id, expected_version=1), as_=LEAD).case
    assert case.number == "26-00001"
