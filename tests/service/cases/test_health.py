"""How complete a record is: on the case, in the list, and counted; and many cases given at once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from ascms.cases.v1 import cases_pb2

from kit.clock import FixedClock
from kit.errors import InvalidArgumentError
from kit.ids import uuid7
from tests.service.cases.conftest import COLLEAGUE, LEAD, MANAGER, OTHER_LEAD, UNTRAINED
from tests.support.rpc import Caller

Make = Callable[..., Any]
KINDS = (
    cases_pb2.EVENT_KIND_SUPPORT,
    cases_pb2.EVENT_KIND_HUI,
    cases_pb2.EVENT_KIND_REFERRAL,
    cases_pb2.EVENT_KIND_PROGRESS_REVIEW,
)
MISSING, STALE, OK = (
    cases_pb2.RECORD_HEALTH_MISSING,
    cases_pb2.RECORD_HEALTH_STALE,
    cases_pb2.RECORD_HEALTH_OK,
)


@pytest.fixture
def complete(call: Caller, opened: Make, visit: Make) -> Make:
    """A case with something in every part of its record."""

    def make(manager: Any = MANAGER) -> str:
        case_id: str = opened(manager=manager).case_id
        for kind in KINDS:
            call("RecordEvent", visit(case_id, kind=kind), as_=manager)
        return case_id

    return make


def parts(call: Caller, case_id: str) -> dict[str, int]:
    case = call("GetCase", cases_pb2.GetCaseRequest(case_id=case_id), as_=LEAD).case
    return {each.part: each.health for each in case.health}


def listed(call: Caller, as_: Any = LEAD, **fields: Any) -> tuple[list[str], dict[str, int]]:
    answer = call("ListCases", cases_pb2.ListCasesRequest(**fields), as_=as_)
    counted = {each.filter: each.count for each in answer.counts if each.filter.startswith("health-")}
    return [each.case_id for each in answer.cases], counted


def test_each_part_is_missing_then_ok_then_stale(call: Caller, opened: Make, visit: Make, clock: FixedClock) -> None:
    case_id = opened().case_id
    assert parts(call, case_id) == dict.fromkeys(("support", "actions", "referrals", "monitoring", "time"), MISSING)
    call("RecordEvent", visit(case_id), as_=MANAGER)
    expected = {"support": MISSING, "actions": OK, "referrals": MISSING, "monitoring": MISSING, "time": OK}
    assert parts(call, case_id) == expected
    clock.moment += timedelta(days=14)
    assert parts(call, case_id) == expected
    clock.moment += timedelta(days=1)
    assert parts(call, case_id) == expected | {"actions": STALE, "time": STALE}


def test_the_list_shows_filters_and_counts_the_worst_part(
    call: Caller, opened: Make, complete: Make, visit: Make, clock: FixedClock
) -> None:
    fresh, stale = complete(), complete(COLLEAGUE)
    missing = opened().case_id
    clock.moment += timedelta(days=10)
    call("RecordEvent", visit(fresh, kind=cases_pb2.EVENT_KIND_ACTION, happened_on="2026-03-14"), as_=MANAGER)
    clock.moment += timedelta(days=10)

    assert listed(call, health=MISSING) == ([missing], {"health-missing": 1, "health-stale": 1, "health-ok": 1})
    assert listed(call, health=STALE)[0] == [stale]
    assert listed(call, health=OK)[0] == [fresh]
    assert listed(call, as_=MANAGER, health=OK)[0] == [fresh]
    assert listed(call, as_=COLLEAGUE) == ([stale], {"health-missing": 0, "health-stale": 1, "health-ok": 0})
    assert listed(call, health=OK, state=cases_pb2.CASE_STATE_NEW)[0] == []
    shown = call("ListCases", cases_pb2.ListCasesRequest(), as_=LEAD).cases
    assert {each.case_id: each.health for each in shown} == {fresh: OK, stale: STALE, missing: MISSING}


def test_pages_by_health_show_each_case_once(call: Caller, opened: Make, complete: Make) -> None:
    expected = [opened().case_id for _ in range(5)]
    complete()
    request, found = cases_pb2.ListCasesRequest(health=MISSING, page_size=2), []
    for _ in range(3):
        answer = call("ListCases", request, as_=LEAD)
        found += [each.case_id for each in answer.cases]
        request.page_token = answer.next_page_token
    assert (sorted(found), request.page_token) == (sorted(expected), "")


def test_counters_of_health_say_what_counting_would(
    call: Caller, opened: Make, complete: Make, visit: Make, clock: FixedClock, rows: Make
) -> None:
    case_id = complete()
    for manager in (None, MANAGER, COLLEAGUE):
        opened(manager=manager)
    clock.moment += timedelta(days=3)
    for kind in KINDS:
        call("RecordEvent", visit(case_id, kind=kind, happened_on="2026-03-07"), as_=MANAGER)
    given = cases_pb2.AssignCaseRequest(case_id=case_id, case_manager_id=str(COLLEAGUE.person_id))
    call("AssignCase", given, as_=LEAD)
    counted = rows(
        "SELECT coalesce(case_manager_id, %s) AS who, health_due_on, count(*) AS items FROM case_record "
        "GROUP BY 1, 2 ORDER BY 1, 2",
        "00000000-0000-0000-0000-000000000000",
    )
    kept = rows("SELECT case_manager_id AS who, due_on AS health_due_on, items FROM health_count ORDER BY 1, 2")
    assert [{**each, "who": str(each["who"])} for each in counted] == [
        {**each, "who": str(each["who"])} for each in kept
    ]


# --- many at once -------------------------------------------------------------------------------------------------


def test_many_cases_are_given_at_once_and_the_others_are_listed(call: Caller, opened: Make, rows: Make) -> None:
    given = [opened(manager=manager).case_id for manager in (None, MANAGER, MANAGER)]
    theirs, closed, none = opened(manager=COLLEAGUE).case_id, opened().case_id, str(uuid7())
    ending = cases_pb2.CloseCaseRequest(
        case_id=closed, reason="duplicate", outcome="not_applicable", summary="Opened twice."
    )
    call("CloseCase", ending, as_=LEAD)
    request = cases_pb2.BulkAssignCasesRequest(
        case_ids=[*given, theirs, closed, none, given[0]], case_manager_id=str(COLLEAGUE.person_id)
    )
    answer = call("BulkAssignCases", request, as_=LEAD, idempotency_key="bulk-1")

    assert list(answer.assigned_case_ids) == given
    assert [(each.case_id, each.reason) for each in answer.not_assigned] == [
        (theirs, "already-assigned"),
        (closed, "case-closed"),
        (none, "not-found"),
    ]
    assert rows("SELECT state, case_manager_id, items FROM case_count WHERE items > 0 ORDER BY 1") == [
        {"state": "assigned", "case_manager_id": COLLEAGUE.person_id, "items": 4},
        {"state": "closed", "case_manager_id": MANAGER.person_id, "items": 1},
    ]
    assert len(rows("SELECT 1 FROM audit WHERE action = 'assign-case' AND reason = 'bulk'")) == 3
    assert call("BulkAssignCases", request, as_=LEAD, idempotency_key="bulk-1") == answer
    moved = rows("SELECT key FROM outbox WHERE type = 'ascms.cases.v1.CaseAssigned' ORDER BY id DESC LIMIT 3")
    assert {each["key"] for each in moved} == set(given)


def test_another_provider_gives_nothing_and_only_to_its_own(call: Caller, opened: Make) -> None:
    case_id = opened().case_id
    request = cases_pb2.BulkAssignCasesRequest(case_ids=[case_id], case_manager_id=str(COLLEAGUE.person_id))
    answer = call("BulkAssignCases", request, as_=OTHER_LEAD)
    assert [each.reason for each in answer.not_assigned] == ["not-found"]
    for fields in (
        {"case_ids": [case_id], "case_manager_id": str(UNTRAINED.person_id)},
        {"case_ids": [], "case_manager_id": str(COLLEAGUE.person_id)},
        {"case_ids": [str(uuid7())] * 501, "case_manager_id": str(COLLEAGUE.person_id)},
        {"case_ids": ["x"], "case_manager_id": str(COLLEAGUE.person_id)},
    ):
        with pytest.raises(InvalidArgumentError):
            call("BulkAssignCases", cases_pb2.BulkAssignCasesRequest(**fields), as_=LEAD)
