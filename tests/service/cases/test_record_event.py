"""Recording what happened in a case."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ascms.cases.v1 import cases_pb2, events_pb2

from kit.errors import ConflictError, FailedPreconditionError, InvalidArgumentError, NotFoundError
from kit.ids import uuid7
from tests.service.cases.conftest import ANALYST, ATTENDANCE_LEAD, COLLEAGUE, LEAD, MANAGER, OTHER_LEAD
from tests.support.rpc import Caller

Make = Callable[..., Any]


def test_the_first_event_of_the_case_manager_makes_the_case_active(
    call: Caller, opened: Make, visit: Make, rows: Make
) -> None:
    case = opened()
    answer = call("RecordEvent", visit(case.case_id), as_=MANAGER)

    assert answer.entry.note == "Kōrero with nan."
    assert answer.entry.visibility == cases_pb2.VISIBILITY_PROVIDER
    assert answer.entry.recorded_by == str(MANAGER.person_id)
    assert answer.version == case.version + 1
    [row] = rows("SELECT state, minutes, last_contact_on::text, version FROM case_record")
    assert row == {"state": "active", "minutes": 45, "last_contact_on": "2026-03-04", "version": answer.version}
    assert rows("SELECT state, items FROM case_count WHERE items > 0") == [{"state": "active", "items": 1}]


def test_audit_and_event_are_written_with_it(call: Caller, opened: Make, visit: Make, rows: Make) -> None:
    case = opened()
    answer = call("RecordEvent", visit(case.case_id), as_=MANAGER)

    [audit] = rows("SELECT subject_id::text, actor_id, tenant_id FROM audit WHERE action = 'record-event'")
    assert audit == {
        "subject_id": answer.entry.entry_id,
        "actor_id": MANAGER.person_id,
        "tenant_id": MANAGER.tenant_id,
    }
    [event] = rows("SELECT * FROM outbox WHERE type = 'ascms.cases.v1.EventRecorded'")
    assert (event["id"], event["key"], event["tenant_id"]) == (answer.position, case.case_id, MANAGER.tenant_id)
    told = events_pb2.EventRecorded.FromString(event["payload"])
    assert told == events_pb2.EventRecorded(
        case_id=case.case_id,
        entry_id=answer.entry.entry_id,
        kind=cases_pb2.EVENT_KIND_HOME_VISIT,
        happened_on="2026-03-04",
        outcome=cases_pb2.OUTCOME_REACHED,
        minutes=45,
        recorded_by=str(MANAGER.person_id),
    )


def test_a_lead_may_record_and_does_not_begin_the_case_managers_work(
    call: Caller, opened: Make, visit: Make, rows: Make
) -> None:
    case = opened()
    call("RecordEvent", visit(case.case_id), as_=LEAD)
    assert rows("SELECT state FROM case_record") == [{"state": "assigned"}]


@pytest.mark.parametrize("stranger", [COLLEAGUE, OTHER_LEAD], ids=["colleague", "other provider"])
def test_who_may_not_see_the_case_does_not_find_it(
    call: Caller, opened: Make, visit: Make, rows: Make, stranger: Any
) -> None:
    case = opened()
    with pytest.raises(NotFoundError):
        call("RecordEvent", visit(case.case_id), as_=stranger)
    assert rows("SELECT * FROM entry") == rows("SELECT * FROM work_day") == []


def test_a_case_that_is_none_is_not_found(call: Caller, visit: Make) -> None:
    with pytest.raises(NotFoundError):
        call("RecordEvent", visit(str(uuid7())), as_=LEAD)


@pytest.mark.parametrize("actor", [ATTENDANCE_LEAD, ANALYST], ids=["school", "ministry"])
def test_others_lack_the_permission(call: Caller, visit: Make, actor: Any) -> None:
    with pytest.raises(Exception, match="Your role does not allow this"):
        call("RecordEvent", visit(str(uuid7())), as_=actor)


def test_a_case_without_case_manager_takes_no_events(call: Caller, opened: Make, visit: Make) -> None:
    case = opened(manager=None)
    with pytest.raises(FailedPreconditionError) as raised:
        call("RecordEvent", visit(case.case_id), as_=LEAD)
    assert raised.value.reason == "not-assigned"


@pytest.mark.parametrize(
    ("fields", "broken"),
    [
        ({"happened_on": "2026-03-05"}, ("happened_on", "in-future")),
        ({"happened_on": "2012-08-14"}, ("happened_on", "before-birth")),
        ({"happened_on": "2026-02-29"}, ("happened_on", "format")),
        ({"happened_on": ""}, ("happened_on", "required")),
        ({"outcome": cases_pb2.OUTCOME_UNSPECIFIED}, ("outcome", "required")),
        ({"outcome": 99}, ("outcome", "unknown-value")),
        ({"kind": 0}, ("kind", "required")),
        ({"minutes": 1441}, ("minutes", "too-large")),
        ({"minutes": -1}, ("minutes", "too-small")),
        ({"note": "nul \x00"}, ("note", "characters")),
        ({"note": "\u202eturned round"}, ("note", "characters")),
        ({"note": "x" * 10_001}, ("note", "too-long")),
        ({"case_id": "not-an-id"}, ("case_id", "format")),
    ],
)
def test_a_broken_rule_names_its_field_and_leaves_nothing(
    call: Caller, opened: Make, visit: Make, rows: Make, fields: dict[str, Any], broken: tuple[str, str]
) -> None:
    request = visit(opened().case_id)
    request.MergeFrom(cases_pb2.RecordEventRequest(**{"case_id": request.case_id} | fields))
    for name in (name for name, value in fields.items() if not value):
        request.ClearField(name)
    with pytest.raises(InvalidArgumentError) as raised:
        call("RecordEvent", request, as_=MANAGER)
    assert [(each.field, each.reason) for each in raised.value.violations] == [broken]
    assert rows("SELECT * FROM entry") == rows("SELECT * FROM work_day") == []


def test_a_day_has_24_hours_over_all_cases(call: Caller, opened: Make, visit: Make) -> None:
    first, second = opened(), opened()
    call("RecordEvent", visit(first.case_id, minutes=1000), as_=MANAGER)
    call("RecordEvent", visit(second.case_id, minutes=440), as_=MANAGER)
    with pytest.raises(InvalidArgumentError) as raised:
        call("RecordEvent", visit(second.case_id, minutes=1), as_=MANAGER)
    assert [(each.field, each.reason) for each in raised.value.violations] == [("minutes", "day-full")]
    call("RecordEvent", visit(second.case_id, minutes=1, happened_on="2026-03-03"), as_=MANAGER)
    call("RecordEvent", visit(second.case_id, minutes=1440), as_=LEAD)


def test_a_stale_version_is_refused(call: Caller, opened: Make, visit: Make) -> None:
    case = opened()
    call("RecordEvent", visit(case.case_id, expected_version=case.version), as_=MANAGER)
    with pytest.raises(ConflictError) as raised:
        call("RecordEvent", visit(case.case_id, expected_version=case.version), as_=MANAGER)
    assert raised.value.reason == "stale-version"
    assert raised.value.metadata == {"expected": str(case.version), "actual": str(case.version + 1)}


def test_one_key_twenty_times_at_once_records_once(call: Caller, opened: Make, visit: Make, rows: Make) -> None:
    request = visit(opened().case_id)

    def record(_: int) -> Any:
        return call("RecordEvent", request, as_=MANAGER, idempotency_key="visit-1")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(record, range(20)))
    assert len({answer.SerializeToString(deterministic=True) for answer in answers}) == 1
    assert len(rows("SELECT * FROM entry")) == len(rows("SELECT * FROM outbox WHERE type LIKE '%%EventRecorded'")) == 1


def test_many_at_once_lose_nothing(call: Caller, opened: Make, visit: Make, rows: Make) -> None:
    case = opened()

    def record(number: int) -> Any:
        return call("RecordEvent", visit(case.case_id, minutes=number), as_=MANAGER)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(record, range(40)))
    assert {answer.version for answer in answers} == set(range(case.version + 1, case.version + 41))
    assert rows("SELECT minutes, version FROM case_record") == [{"minutes": sum(range(40)), "version": 41}]
    assert rows("SELECT minutes FROM work_day") == [{"minutes": sum(range(40))}]
    versions = [row["id"] for row in rows("SELECT id FROM outbox WHERE type LIKE '%%EventRecorded' ORDER BY id")]
    assert sorted(answer.position for answer in answers) == versions


def test_hostile_text_is_kept_as_it_is(call: Caller, opened: Make, visit: Make) -> None:
    case = opened()
    note = "'; DROP TABLE entry; --\n<script>alert(1)</script>\t{{7*7}} %s \\x00 ${jndi:ldap} 👩‍👧 O\u2019Demo"
    answer = call("RecordEvent", visit(case.case_id, note=note), as_=MANAGER)
    assert answer.entry.note == note
    decomposed = call("RecordEvent", visit(case.case_id, note="Ma\u0304ori"), as_=MANAGER)
    assert decomposed.entry.note == "Māori"
