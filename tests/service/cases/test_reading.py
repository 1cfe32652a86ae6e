"""Reading requests, cases and what happened: lists, pages, counts, and the log of who opened what."""

import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from ascms.cases.v1 import cases_pb2

from kit.clock import FixedClock
from kit.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError
from kit.ids import uuid7
from tests.service.cases.conftest import (
    ANALYST,
    ATTENDANCE_LEAD,
    COLLEAGUE,
    LEAD,
    MANAGER,
    OTHER_ATTENDANCE_LEAD,
    OTHER_LEAD,
    PROVIDER,
)
from tests.support.rpc import Caller

Make = Callable[..., Any]


def counts_of(answer: Any) -> dict[str, int]:
    """Counts by filter, without those of health, which test_health.py looks at, and of states that nothing is in."""
    always = {"all", "submitted", "accepted", "overdue", "new", "assigned", "active"}
    counted = {each.filter: each.count for each in answer.counts if not each.filter.startswith("health-")}
    return {name: count for name, count in counted.items() if count or name in always}


def pages(call: Caller, method: str, request: Any, *, as_: Any, items: str) -> list[Any]:
    """Every item of a list, page by page."""
    found: list[Any] = []
    while True:
        answer = call(method, request, as_=as_)
        assert len(getattr(answer, items)) <= request.page_size
        found += getattr(answer, items)
        if not answer.next_page_token:
            return found
        request.page_token = answer.next_page_token


# --- requests -----------------------------------------------------------------------------------------------------


def test_a_school_lists_its_requests_newest_first(call: Caller, submitted: Make, clock: FixedClock) -> None:
    expected: list[Any] = []
    for _ in range(5):
        expected.insert(0, submitted().request_id)
        clock.moment += timedelta(minutes=1)
    submitted(as_=OTHER_ATTENDANCE_LEAD)
    request = cases_pb2.ListSubmittedRequestsRequest(page_size=2)
    found = pages(call, "ListSubmittedRequests", request, as_=ATTENDANCE_LEAD, items="requests")
    assert [each.request_id for each in found] == expected


def test_requests_of_one_moment_are_each_listed_once(call: Caller, submitted: Make) -> None:
    expected = {submitted().request_id for _ in range(7)}
    for method, who, make in (
        ("ListSubmittedRequests", ATTENDANCE_LEAD, cases_pb2.ListSubmittedRequestsRequest),
        ("ListIncomingRequests", LEAD, cases_pb2.ListIncomingRequestsRequest),
    ):
        found = pages(call, method, make(page_size=3), as_=who, items="requests")
        assert len(found) == 7
        assert {each.request_id for each in found} == expected


def test_a_school_does_not_see_which_case_it_became(call: Caller, opened: Make) -> None:
    case = opened()
    mine = call("ListSubmittedRequests", cases_pb2.ListSubmittedRequestsRequest(), as_=ATTENDANCE_LEAD)
    one = call(
        "GetSubmittedRequest",
        cases_pb2.GetSubmittedRequestRequest(request_id=case.request_id),
        as_=ATTENDANCE_LEAD,
    )
    for seen in (mine.requests[0], one.request):
        assert (seen.state, seen.case_id, seen.version) == (cases_pb2.REQUEST_STATE_ACCEPTED, "", 2)
        assert seen.HasField("answered_at")
    incoming = call("GetIncomingRequest", cases_pb2.GetIncomingRequestRequest(request_id=case.request_id), as_=LEAD)
    assert incoming.request.case_id == case.case_id


def test_a_provider_lists_what_was_routed_to_it_those_due_first(
    call: Caller, submitted: Make, clock: FixedClock
) -> None:
    late = submitted().request_id
    clock.moment -= timedelta(days=2)
    soon = submitted().request_id
    submitted(as_=OTHER_ATTENDANCE_LEAD)
    request = cases_pb2.ListIncomingRequestsRequest(page_size=1)
    found = pages(call, "ListIncomingRequests", request, as_=LEAD, items="requests")
    assert [each.request_id for each in found] == [soon, late]


def test_filters_and_their_counts_agree(call: Caller, submitted: Make, opened: Make, clock: FixedClock) -> None:
    overdue = submitted().request_id
    clock.moment += timedelta(days=8)
    waiting = submitted().request_id
    accepted = opened().request_id

    def incoming(**fields: Any) -> Any:
        return call("ListIncomingRequests", cases_pb2.ListIncomingRequestsRequest(**fields), as_=LEAD)

    assert counts_of(incoming()) == {"all": 3, "submitted": 2, "accepted": 1, "overdue": 1}
    for fields, expected in (
        ({}, {overdue, waiting, accepted}),
        ({"state": cases_pb2.REQUEST_STATE_SUBMITTED}, {overdue, waiting}),
        ({"state": cases_pb2.REQUEST_STATE_ACCEPTED}, {accepted}),
        ({"overdue": True}, {overdue}),
        ({"overdue": True, "state": cases_pb2.REQUEST_STATE_ACCEPTED}, set()),
    ):
        assert {each.request_id for each in incoming(**fields).requests} == expected
    request = cases_pb2.ListSubmittedRequestsRequest(state=cases_pb2.REQUEST_STATE_ACCEPTED)
    mine = call("ListSubmittedRequests", request, as_=ATTENDANCE_LEAD)
    assert counts_of(mine) == {"all": 3, "submitted": 2, "accepted": 1}
    assert [each.request_id for each in mine.requests] == [accepted]


def test_nobody_else_finds_a_request(call: Caller, submitted: Make) -> None:
    request_id = submitted().request_id
    for wanted in (request_id, str(uuid7())):
        with pytest.raises(NotFoundError):
            call(
                "GetSubmittedRequest",
                cases_pb2.GetSubmittedRequestRequest(request_id=wanted),
                as_=OTHER_ATTENDANCE_LEAD,
            )
        with pytest.raises(NotFoundError):
            call("GetIncomingRequest", cases_pb2.GetIncomingRequestRequest(request_id=wanted), as_=OTHER_LEAD)
    other = call("ListIncomingRequests", cases_pb2.ListIncomingRequestsRequest(), as_=OTHER_LEAD)
    assert (list(other.requests), counts_of(other)["all"]) == ([], 0)


def test_opening_a_request_is_logged(call: Caller, submitted: Make, rows: Make) -> None:
    request_id = submitted().request_id
    call("GetIncomingRequest", cases_pb2.GetIncomingRequestRequest(request_id=request_id), as_=LEAD)
    assert rows("SELECT tenant_id, subject, subject_id::text, actor_id FROM access_log") == [
        {"tenant_id": PROVIDER, "subject": "request", "subject_id": request_id, "actor_id": LEAD.person_id}
    ]


# --- cases --------------------------------------------------------------------------------------------------------


def test_a_case_opens_with_its_latest_entries_and_the_list_goes_on(
    call: Caller, opened: Make, visit: Make, clock: FixedClock
) -> None:
    case = opened()
    expected: list[Any] = []
    for number in range(25):
        clock.moment += timedelta(seconds=1)
        happened_on = "2026-03-04" if number % 2 else "2026-03-01"
        request = visit(case.case_id, minutes=number, happened_on=happened_on)
        entry = call("RecordEvent", request, as_=MANAGER).entry
        expected.append((entry.happened_on, number, entry.entry_id))
    expected.sort(reverse=True)

    answer = call("GetCase", cases_pb2.GetCaseRequest(case_id=case.case_id), as_=MANAGER)
    rest = call(
        "ListEvents",
        cases_pb2.ListEventsRequest(case_id=case.case_id, page_token=answer.next_page_token),
        as_=MANAGER,
    )
    shown = [*answer.entries, *rest.entries]
    assert len(answer.entries) == 20
    assert rest.next_page_token == ""
    assert [(each.happened_on, each.minutes, each.entry_id) for each in shown] == expected
    assert (answer.case.minutes, answer.case.state) == (sum(range(25)), cases_pb2.CASE_STATE_ACTIVE)


def test_entries_of_one_kind(call: Caller, opened: Make, visit: Make) -> None:
    case = opened()
    call("RecordEvent", visit(case.case_id), as_=MANAGER)
    hui = call("RecordEvent", visit(case.case_id, kind=cases_pb2.EVENT_KIND_HUI), as_=MANAGER).entry
    request = cases_pb2.ListEventsRequest(case_id=case.case_id, kind=cases_pb2.EVENT_KIND_HUI)
    assert list(call("ListEvents", request, as_=LEAD).entries) == [hui]


def test_opening_a_record_is_logged(call: Caller, opened: Make, rows: Make) -> None:
    case = opened()
    call("GetCase", cases_pb2.GetCaseRequest(case_id=case.case_id), as_=MANAGER)
    call("ListEvents", cases_pb2.ListEventsRequest(case_id=case.case_id), as_=LEAD)
    logged = rows("SELECT tenant_id, subject, subject_id::text, actor_id FROM access_log ORDER BY id")
    assert logged == [
        {"tenant_id": PROVIDER, "subject": "case", "subject_id": case.case_id, "actor_id": who.person_id}
        for who in (MANAGER, LEAD)
    ]


@pytest.mark.parametrize("stranger", [COLLEAGUE, OTHER_LEAD], ids=["colleague", "other provider"])
def test_who_may_not_see_a_case_does_not_find_it(call: Caller, opened: Make, rows: Make, stranger: Any) -> None:
    case = opened()
    for case_id in (case.case_id, str(uuid7())):
        for method, request in (
            ("GetCase", cases_pb2.GetCaseRequest(case_id=case_id)),
            ("ListEvents", cases_pb2.ListEventsRequest(case_id=case_id)),
            ("CheckCase", cases_pb2.CheckCaseRequest(case_id=case_id)),
        ):
            with pytest.raises(NotFoundError):
                call(method, request, as_=stranger)
    assert rows("SELECT * FROM access_log") == []


@pytest.mark.parametrize("actor", [ATTENDANCE_LEAD, ANALYST], ids=["school", "ministry"])
def test_schools_and_the_ministry_read_no_cases(call: Caller, opened: Make, actor: Any) -> None:
    case = opened()
    with pytest.raises(Exception, match="Your role does not allow this"):
        call("GetCase", cases_pb2.GetCaseRequest(case_id=case.case_id), as_=actor)
    with pytest.raises(Exception, match="Your role does not allow this"):
        call("ListCases", cases_pb2.ListCasesRequest(), as_=actor)


def test_a_case_is_checked_by_who_may_see_it(call: Caller, opened: Make) -> None:
    case = opened()
    for who in (LEAD, MANAGER):
        answer = call("CheckCase", cases_pb2.CheckCaseRequest(case_id=case.case_id), as_=who)
        assert answer.number == case.number


def test_access_ends_with_the_assignment(call: Caller, opened: Make) -> None:
    case = opened(manager=MANAGER)
    moved = cases_pb2.AssignCaseRequest(case_id=case.case_id, case_manager_id=str(COLLEAGUE.person_id))
    call("AssignCase", moved, as_=LEAD)
    with pytest.raises(NotFoundError):
        call("GetCase", cases_pb2.GetCaseRequest(case_id=case.case_id), as_=MANAGER)
    call("GetCase", cases_pb2.GetCaseRequest(case_id=case.case_id), as_=COLLEAGUE)


def test_a_lead_lists_every_case_and_a_case_manager_their_own(
    call: Caller, opened: Make, visit: Make, clock: FixedClock
) -> None:
    made = {}
    for name, manager in (("new", None), ("mine", MANAGER), ("active", MANAGER), ("theirs", COLLEAGUE)):
        made[name] = opened(manager=manager, preferred_name="Kā" if name == "new" else "").case_id
        clock.moment += timedelta(minutes=1)
    call("RecordEvent", visit(made["active"]), as_=MANAGER)

    def listed(who: Any, **fields: Any) -> Any:
        return call("ListCases", cases_pb2.ListCasesRequest(**fields), as_=who)

    def ids(answer: Any) -> list[str]:
        return [each.case_id for each in answer.cases]

    everything = listed(LEAD)
    assert ids(everything) == [made["theirs"], made["active"], made["mine"], made["new"]]
    assert counts_of(everything) == {"all": 4, "new": 1, "assigned": 2, "active": 1, "overdue": 0}
    assert everything.cases[3].student_name.startswith("Kā Testperson")
    assert ids(listed(LEAD, state=cases_pb2.CASE_STATE_ASSIGNED)) == [made["theirs"], made["mine"]]
    of_manager = listed(LEAD, case_manager_id=str(MANAGER.person_id))
    own = listed(MANAGER)
    assert ids(own) == ids(of_manager) == [made["active"], made["mine"]]
    assert counts_of(own) == counts_of(of_manager) == {"all": 2, "new": 0, "assigned": 1, "active": 1, "overdue": 0}
    prying = listed(MANAGER, case_manager_id=str(COLLEAGUE.person_id))
    assert (ids(prying), counts_of(prying)["all"]) == ([], 0)
    assert ids(listed(OTHER_LEAD)) == []


def test_every_case_is_on_one_page_exactly(call: Caller, opened: Make) -> None:
    expected = {opened(manager=None).case_id for _ in range(7)}
    found = pages(call, "ListCases", cases_pb2.ListCasesRequest(page_size=2), as_=LEAD, items="cases")
    assert len(found) == 7
    assert {each.case_id for each in found} == expected


@pytest.mark.parametrize("who", [MANAGER, OTHER_LEAD], ids=["another person", "another provider"])
def test_a_page_token_is_its_readers_own(call: Caller, opened: Make, who: Any) -> None:
    for _ in range(2):
        opened(manager=None)
    token = call("ListCases", cases_pb2.ListCasesRequest(page_size=1), as_=LEAD).next_page_token
    for reader, request in (
        (who, cases_pb2.ListCasesRequest(page_token=token)),
        (LEAD, cases_pb2.ListCasesRequest(page_token=token, state=cases_pb2.CASE_STATE_NEW)),
    ):
        with pytest.raises(InvalidArgumentError) as raised:
            call("ListCases", request, as_=reader)
        assert [each.field for each in raised.value.violations] == ["page_token"]


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("ListCases", cases_pb2.ListCasesRequest(page_token="x")),
        ("ListCases", cases_pb2.ListCasesRequest(page_token="\x00")),
        ("ListCases", cases_pb2.ListCasesRequest(page_size=501)),
        ("ListCases", cases_pb2.ListCasesRequest(page_size=-1)),
        ("ListCases", cases_pb2.ListCasesRequest(case_manager_id="me")),
        ("ListCases", cases_pb2.ListCasesRequest(state=77)),  # type: ignore[arg-type]  # not one of them
        ("GetCase", cases_pb2.GetCaseRequest(case_id="26-00001")),
        ("GetCase", cases_pb2.GetCaseRequest(case_id=str(UUID(int=1)).upper() + " ")),
        ("ListEvents", cases_pb2.ListEventsRequest(case_id=str(UUID(int=1)), page_token="AAAA")),
        ("ListIncomingRequests", cases_pb2.ListIncomingRequestsRequest(page_token="%%")),
    ],
)
def test_what_is_no_such_value_is_named(call: Caller, method: str, request_: Any) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        call(method, request_, as_=LEAD)
    assert len(raised.value.violations) == 1


def test_counters_say_what_counting_would(call: Caller, submitted: Make, opened: Make, visit: Make, rows: Make) -> None:
    """After a mix of everything that moves something between filters, refusals included."""
    for number in range(4):
        submitted()
        case = opened(manager=(None, MANAGER, COLLEAGUE, MANAGER)[number])
        given = cases_pb2.AssignCaseRequest(case_id=case.case_id, case_manager_id=str(MANAGER.person_id))
        with contextlib.suppress(FailedPreconditionError):  # two of them have it already
            call("AssignCase", given, as_=LEAD)
        for _ in range(number):
            call("RecordEvent", visit(case.case_id), as_=MANAGER)
    moved = cases_pb2.AssignCaseRequest(case_id=case.case_id, case_manager_id=str(COLLEAGUE.person_id))
    call("AssignCase", moved, as_=LEAD)
    counted = rows(
        "SELECT case_manager_id, state, count(*) AS items FROM case_record GROUP BY 1, 2 ORDER BY 1, 2",
    )
    assert counted == rows("SELECT case_manager_id, state, items FROM case_count WHERE items > 0 ORDER BY 1, 2")
    counted = rows("SELECT guest_id, state, count(*) AS items FROM request GROUP BY 1, 2 ORDER BY 1, 2")
    assert counted == rows("SELECT guest_id, state, items FROM request_count ORDER BY 1, 2")
    assert len(counted) == 2


def test_cases_by_id_are_those_the_caller_may_see_in_the_order_asked_for(call: Caller, opened: Make) -> None:
    mine, others = opened(MANAGER), opened(COLLEAGUE)
    wanted = cases_pb2.BatchGetCasesRequest(case_ids=[others.case_id, mine.case_id, str(uuid7())])

    def seen_by(who: Any) -> list[str]:
        return [each.case_id for each in call("BatchGetCases", wanted, as_=who).cases]

    assert seen_by(LEAD) == [others.case_id, mine.case_id]
    assert seen_by(MANAGER) == [mine.case_id]
    assert seen_by(OTHER_LEAD) == []
