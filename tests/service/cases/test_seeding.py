"""A seeded provider is one that people could have made: every list, count, search and figure agrees."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from ascms.cases.v1 import cases_pb2, requests_pb2

from kit.clock import FixedClock, local_date
from services.cases import commands
from services.cases.commands.deps import Deps
from services.cases.domain.entries import MINUTES_PER_DAY
from services.cases.lives import Ground
from tests.service.cases.conftest import ATTENDANCE_LEAD, COLLEAGUE, LEAD, MANAGER, PROVIDER, SCHOOL
from tests.support.rpc import Caller

COUNT = 300
Rows = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def seeded(deps: Deps) -> None:
    ground = Ground(
        provider=PROVIDER,
        region="02",
        schools=[SCHOOL],
        managers=[MANAGER.person_id, COLLEAGUE.person_id],
        lead=LEAD.person_id,
    )
    assert list(commands.seeding.seed_cases(deps, ground, count=COUNT, seed=7)) == [COUNT]


def pages(call: Caller, method: str, request: Any, *, of: str) -> tuple[list[Any], dict[str, int]]:
    """Everything that a list has, page by page, and its counts."""
    found: list[Any] = []
    while True:
        answer = call(method, request, as_=LEAD)
        found += getattr(answer, of)
        if not answer.next_page_token:
            return found, {count.filter: count.count for count in answer.counts}
        request.page_token = answer.next_page_token


def test_lists_page_through_to_their_counts(call: Caller, seeded: None) -> None:
    listed, counts = pages(call, "ListCases", cases_pb2.ListCasesRequest(page_size=40), of="cases")
    states = Counter(cases_pb2.CaseState.Name(case.state).removeprefix("CASE_STATE_").lower() for case in listed)
    assert set(states) == {"new", "assigned", "active", "paused", "closed"}
    assert {**states, "all": len(listed)} == {name: counts[name] for name in (*states, "all")}
    assert len({case.case_id for case in listed}) == len({case.number for case in listed}) == len(listed)
    by_health = Counter(
        cases_pb2.RecordHealth.Name(case.health).rpartition("_")[2].lower() for case in listed if case.health
    )
    assert by_health == {name: counts[f"health-{name}"] for name in ("missing", "stale", "ok")}
    for health in (cases_pb2.RECORD_HEALTH_STALE, cases_pb2.RECORD_HEALTH_MISSING):
        some, _ = pages(call, "ListCases", cases_pb2.ListCasesRequest(health=health), of="cases")
        assert {case.case_id for case in some} == {case.case_id for case in listed if case.health == health}
    waiting, asked = pages(
        call,
        "ListIncomingRequests",
        cases_pb2.ListIncomingRequestsRequest(state=cases_pb2.REQUEST_STATE_SUBMITTED),
        of="requests",
    )
    assert len(waiting) == asked["submitted"] > 0
    assert asked["accepted"] == len(listed)


def test_a_seeded_student_is_found_and_work_goes_on(call: Caller, seeded: None, visit: Callable[..., Any]) -> None:
    listed = call("ListCases", cases_pb2.ListCasesRequest(page_size=200), as_=LEAD).cases
    case = next(one for one in listed if one.state == cases_pb2.CASE_STATE_ACTIVE and "ū" in one.student_name)
    for query in (case.student_name, case.student_name.replace("ū", "u"), case.number):
        found = call("SearchStudents", requests_pb2.SearchStudentsRequest(query=query), as_=LEAD).students
        assert case.case_id in {one.id for one in found}
    # Whoever asked finds what they asked for, and the provider the case in its place.
    own = call("SearchStudents", requests_pb2.SearchStudentsRequest(query=case.student_name), as_=ATTENDANCE_LEAD)
    opened = call("GetCase", cases_pb2.GetCaseRequest(case_id=case.case_id), as_=LEAD)
    assert opened.case.request_id in {one.id for one in own.students}
    assert opened.entries
    call("RecordEvent", visit(case.case_id, minutes=5), as_=LEAD)
    again = call("GetCase", cases_pb2.GetCaseRequest(case_id=case.case_id), as_=LEAD).case
    assert (again.version, again.minutes) == (opened.case.version + 1, opened.case.minutes + 5)


def test_what_follows_from_facts_is_there_too(clock: FixedClock, seeded: None, rows: Rows) -> None:
    minutes = (
        "SELECT c.id FROM case_record c WHERE minutes <> "
        "(SELECT coalesce(sum(minutes), 0) FROM entry WHERE case_id = c.id)"
    )
    open_tasks = (
        "SELECT c.id FROM case_record c WHERE open_tasks <> "
        "(SELECT count(*) FROM task WHERE case_id = c.id AND state = 'open')"
    )
    worked = (
        "SELECT w.* FROM work_day w FULL JOIN (SELECT recorded_by, happened_on, sum(minutes) AS minutes FROM entry "
        "GROUP BY 1, 2 HAVING sum(minutes) > 0) e ON e.recorded_by = w.person_id AND e.happened_on = w.day "
        "WHERE w.minutes IS DISTINCT FROM e.minutes"
    )
    shared = (
        "SELECT e.id FROM entry e FULL JOIN shared_entry s ON s.entry_id = e.id "
        "WHERE (e.visibility = 'school') <> (s.entry_id IS NOT NULL)"
    )
    assert [rows(query) for query in (minutes, open_tasks, worked, shared)] == [[], [], [], []]
    assert max(row["minutes"] for row in rows("SELECT minutes FROM work_day")) <= MINUTES_PER_DAY
    # Whatever waits is watched: unanswered requests, open tasks until they are told of, cases at rest, leavers.
    watched = Counter((row["kind"], row["subject_id"]) for row in rows("SELECT kind, subject_id FROM deadline"))
    wanted = {
        "answer-request": "SELECT id FROM request WHERE state = 'submitted' AND overdue_noted_at IS NULL",
        "task-due": "SELECT id FROM task WHERE state = 'open' AND overdue_noted_at IS NULL",
        "wake-case": "SELECT id FROM case_record WHERE state = 'paused'",
    }
    for kind, query in wanted.items():
        assert {subject for each, subject in watched if each == kind} == {row["id"] for row in rows(query)}
    assert ("check-owners", PROVIDER) in watched
    today = local_date(clock.now())
    overdue = rows("SELECT due_on, overdue_noted_at FROM task WHERE state = 'open' AND due_on < %s", today)
    assert overdue
    assert all(task["overdue_noted_at"] for task in overdue)


def test_others_are_told_what_figures_are_made_of(clock: FixedClock, seeded: None, rows: Rows) -> None:
    told = rows("SELECT type, key, occurred_at FROM outbox ORDER BY id")
    types = Counter(row["type"].rpartition(".")[2] for row in told)
    counted = {
        "CaseOpened": "SELECT id FROM case_record",
        "EventRecorded": "SELECT id FROM entry",
        "CasePaused": "SELECT id FROM pause",
        "CaseClosed": "SELECT id FROM closing",
    }
    assert {kind: types[kind] for kind in counted} == {kind: len(rows(query)) for kind, query in counted.items()}
    # Each at its own moment, in the order of moments for each case, and nothing that is still news to anybody.
    for_case: dict[str, list[Any]] = {}
    for row in told:
        for_case.setdefault(row["key"], []).append(row["occurred_at"])
    assert all(moments == sorted(moments) for moments in for_case.values())
    news = {"CaseAssigned", "TaskOverdue", "CaseResumed"}
    late = [row["occurred_at"] for row in told if row["type"].rpartition(".")[2] in news]
    assert (clock.now() - max(late)).days >= 8
