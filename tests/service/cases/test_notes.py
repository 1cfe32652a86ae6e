"""Notes, and corrections that stand beside what they correct."""

from collections.abc import Callable
from typing import Any

import pytest
from ascms.cases.v1 import cases_pb2, events_pb2

from kit.errors import ConflictError, InvalidArgumentError, NotFoundError
from kit.ids import uuid7
from tests.service.cases.conftest import COLLEAGUE, LEAD, MANAGER, OTHER_LEAD
from tests.support.rpc import Caller

Make = Callable[..., Any]


def correcting(case_id: str, entry_id: str, **fields: Any) -> cases_pb2.CorrectEntryRequest:
    defaults: dict[str, Any] = {
        "reason": "The day was wrong.",
        "happened_on": "2026-03-02",
        "outcome": cases_pb2.OUTCOME_NO_ANSWER,
        "minutes": 30,
        "note": "Nobody home.",
    }
    return cases_pb2.CorrectEntryRequest(case_id=case_id, entry_id=entry_id, **(defaults | fields))


def test_a_note_is_an_entry_without_minutes_and_begins_no_work(call: Caller, opened: Make, rows: Make) -> None:
    case = opened()
    request = cases_pb2.AddNoteRequest(
        case_id=case.case_id, note="Prefers te reo Māori.", visibility=cases_pb2.VISIBILITY_SCHOOL
    )
    answer = call("AddNote", request, as_=MANAGER)

    assert (answer.entry.kind, answer.entry.minutes) == (cases_pb2.EVENT_KIND_NOTE, 0)
    assert (answer.entry.happened_on, answer.version) == ("2026-03-04", case.version + 1)
    seen = call("GetCase", cases_pb2.GetCaseRequest(case_id=case.case_id), as_=MANAGER)
    assert list(seen.entries) == [answer.entry]
    assert seen.case.state == cases_pb2.CASE_STATE_ASSIGNED
    assert rows("SELECT actor_id FROM audit WHERE action = 'add-note'") == [{"actor_id": MANAGER.person_id}]
    [event] = rows("SELECT payload FROM outbox WHERE type = 'ascms.cases.v1.NoteAdded'")
    assert events_pb2.NoteAdded.FromString(event["payload"]).entry_id == answer.entry.entry_id


def test_a_note_needs_words_and_is_no_event(call: Caller, opened: Make, visit: Make) -> None:
    case = opened()
    with pytest.raises(InvalidArgumentError):
        call("AddNote", cases_pb2.AddNoteRequest(case_id=case.case_id), as_=MANAGER)
    with pytest.raises(InvalidArgumentError) as raised:
        call("RecordEvent", visit(case.case_id, kind=cases_pb2.EVENT_KIND_NOTE), as_=MANAGER)
    assert [each.field for each in raised.value.violations] == ["kind"]


def test_a_correction_stands_beside_the_original_and_what_follows_follows_it(
    call: Caller, opened: Make, visit: Make, rows: Make
) -> None:
    case = opened()
    entry = call("RecordEvent", visit(case.case_id), as_=MANAGER).entry
    first = call("CorrectEntry", correcting(case.case_id, entry.entry_id), as_=MANAGER)
    second = call("CorrectEntry", correcting(case.case_id, entry.entry_id, minutes=20, reason="Less still."), as_=LEAD)

    assert (first.entry.note, first.entry.minutes, first.entry.happened_on) == ("Kōrero with nan.", 45, "2026-03-04")
    assert [each.minutes for each in second.entry.corrections] == [30, 20]
    assert [each.corrected_by for each in second.entry.corrections] == [str(MANAGER.person_id), str(LEAD.person_id)]
    [stands] = rows("SELECT note, minutes, happened_on::text FROM entry")
    assert stands == {"note": "Kōrero with nan.", "minutes": 45, "happened_on": "2026-03-04"}
    assert rows("SELECT minutes, last_contact_on, worked_on::text FROM case_record") == [
        {"minutes": 20, "last_contact_on": None, "worked_on": "2026-03-02"}
    ]
    days = rows("SELECT day::text, minutes FROM work_day ORDER BY day")
    assert days == [{"day": "2026-03-02", "minutes": 20}, {"day": "2026-03-04", "minutes": 0}]
    shown = call("ListEvents", cases_pb2.ListEventsRequest(case_id=case.case_id), as_=MANAGER)
    assert list(shown.entries) == [second.entry]
    told = [
        events_pb2.EntryCorrected.FromString(row["payload"])
        for row in rows("SELECT payload FROM outbox WHERE type = 'ascms.cases.v1.EntryCorrected' ORDER BY id")
    ]
    assert [(each.number, each.previous_minutes, each.minutes) for each in told] == [(1, 45, 30), (2, 30, 20)]
    assert len(rows("SELECT 1 FROM audit WHERE action = 'correct-entry'")) == 2


@pytest.mark.parametrize(
    ("fields", "broken"),
    [
        ({"reason": ""}, ("reason", "required")),
        ({"happened_on": "2026-03-05"}, ("happened_on", "in-future")),
        ({"outcome": cases_pb2.OUTCOME_UNSPECIFIED}, ("outcome", "required")),
        ({"minutes": 1441}, ("minutes", "too-large")),
        ({"happened_on": "2026-03-03", "minutes": 60}, ("minutes", "day-full")),
    ],
)
def test_a_correction_keeps_to_the_rules_of_entries(
    call: Caller, opened: Make, visit: Make, rows: Make, fields: dict[str, Any], broken: tuple[str, str]
) -> None:
    case = opened()
    call("RecordEvent", visit(case.case_id, happened_on="2026-03-03", minutes=1400), as_=MANAGER)
    entry = call("RecordEvent", visit(case.case_id), as_=MANAGER).entry
    with pytest.raises(InvalidArgumentError) as raised:
        call("CorrectEntry", correcting(case.case_id, entry.entry_id, **fields), as_=MANAGER)
    assert [(each.field, each.reason) for each in raised.value.violations] == [broken]
    assert rows("SELECT * FROM correction") == []
    assert rows("SELECT sum(minutes) AS all FROM work_day") == [{"all": 1445}]


@pytest.mark.parametrize("stranger", [COLLEAGUE, OTHER_LEAD], ids=["colleague", "other provider"])
def test_nobody_else_corrects_or_notes(call: Caller, opened: Make, visit: Make, stranger: Any) -> None:
    case, other = opened(), opened()
    entry = call("RecordEvent", visit(case.case_id), as_=MANAGER).entry
    for method, request in (
        ("AddNote", cases_pb2.AddNoteRequest(case_id=case.case_id, note="Kia ora.")),
        ("CorrectEntry", correcting(case.case_id, entry.entry_id)),
    ):
        with pytest.raises(NotFoundError):
            call(method, request, as_=stranger)
    for entry_id in (str(uuid7()), entry.entry_id):
        with pytest.raises(NotFoundError):
            call("CorrectEntry", correcting(other.case_id, entry_id), as_=MANAGER)


def test_a_stale_version_is_refused_and_a_repeated_key_is_one_correction(
    call: Caller, opened: Make, visit: Make, rows: Make
) -> None:
    case = opened()
    entry = call("RecordEvent", visit(case.case_id), as_=MANAGER).entry
    with pytest.raises(ConflictError):
        call("CorrectEntry", correcting(case.case_id, entry.entry_id, expected_version=1), as_=MANAGER)
    note = cases_pb2.AddNoteRequest(case_id=case.case_id, note="Kia ora.", expected_version=1)
    with pytest.raises(ConflictError):
        call("AddNote", note, as_=MANAGER)
    request = correcting(case.case_id, entry.entry_id)
    first, second = (call("CorrectEntry", request, as_=MANAGER, idempotency_key="c-1") for _ in range(2))
    assert first == second
    assert len(rows("SELECT * FROM correction")) == 1
