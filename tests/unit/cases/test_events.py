"""Events carry ids and facts, and are spelt as their golden examples."""

from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
from ascms.cases.v1 import events_pb2
from google.protobuf import json_format
from google.protobuf.message import Message

from kit.outbox import Event
from services.cases import events
from services.cases.domain.sharing import SharedChange
from tests.unit.cases.people import (
    COLLEAGUE_ID,
    LEAD_ID,
    MANAGER_ID,
    NOW,
    TODAY,
    case,
    closing,
    correction,
    entry,
    pause,
    question,
    record_of,
    request,
    student,
    task,
)

EXAMPLES = Path(__file__).parents[3] / "proto" / "examples" / "cases"
KEY = b"a key for examples, thirty-two bytes"
ASSIGNED = case(case_manager_id=MANAGER_ID, assigned_at=NOW)
PAUSED = case(case_manager_id=MANAGER_ID, began_at=NOW, pause_id=pause().id, wakes_on=pause().wakes_on)
RETURNED = request(questions=(question(),))
REPLIED = request(questions=(question(reply="He does.", replied_by=UUID(int=9), replied_at=NOW),))
TOLD = [
    pytest.param(events.request_submitted(request()), request().id, id="RequestSubmitted"),
    pytest.param(events.request_overdue(request()), request().id, id="RequestOverdue"),
    pytest.param(events.request_returned(RETURNED, question()), request().id, id="RequestReturned"),
    pytest.param(events.request_resubmitted(REPLIED), request().id, id="RequestResubmitted"),
    pytest.param(events.request_reply_overdue(RETURNED, question()), request().id, id="RequestReplyOverdue"),
    pytest.param(
        events.request_declined(request(decline_reason="try_more_first"), declined_by=LEAD_ID),
        request().id,
        id="RequestDeclined",
    ),
    pytest.param(events.request_accepted(request(), accepted_by=LEAD_ID), request().id, id="RequestAccepted"),
    pytest.param(
        events.case_opened(record_of(case()), requested_on=date(2026, 3, 2), student_hash_key=KEY),
        case().id,
        id="CaseOpened",
    ),
    pytest.param(
        events.case_assigned(ASSIGNED, previous=COLLEAGUE_ID, assigned_by=LEAD_ID), case().id, id="CaseAssigned"
    ),
    pytest.param(events.case_released(ASSIGNED, released_on=TODAY), case().id, id="CaseReleased"),
    pytest.param(events.event_recorded(entry()), case().id, id="EventRecorded"),
    pytest.param(events.task_added(task()), case().id, id="TaskAdded"),
    pytest.param(
        events.task_reassigned(task(), previous=COLLEAGUE_ID, reassigned_by=LEAD_ID), case().id, id="TaskReassigned"
    ),
    pytest.param(events.task_released(task()), case().id, id="TaskReleased"),
    pytest.param(events.task_completed(task(ended_by=MANAGER_ID)), case().id, id="TaskCompleted"),
    pytest.param(events.task_cancelled(task(ended_by=LEAD_ID)), case().id, id="TaskCancelled"),
    pytest.param(events.task_overdue(task()), case().id, id="TaskOverdue"),
    pytest.param(events.task_due(task()), case().id, id="TaskDue"),
    pytest.param(
        events.shared_case_changed(case(primary_contact_id=COLLEAGUE_ID), SharedChange.PAUSED),
        case().id,
        id="SharedCaseChanged",
    ),
    pytest.param(events.note_added(entry()), case().id, id="NoteAdded"),
    pytest.param(events.entry_corrected(entry(), correction()), case().id, id="EntryCorrected"),
    pytest.param(events.case_paused(pause()), case().id, id="CasePaused"),
    pytest.param(events.case_resumed(PAUSED, resumed_on=TODAY, resumed_by=MANAGER_ID), case().id, id="CaseResumed"),
    pytest.param(
        events.primary_contact_set(case(primary_contact_id=COLLEAGUE_ID), previous=MANAGER_ID, set_by=LEAD_ID),
        case().id,
        id="PrimaryContactSet",
    ),
    pytest.param(events.case_closed(closing(), closed_on=TODAY), case().id, id="CaseClosed"),
    pytest.param(
        events.case_reopened(ASSIGNED, closing_id=closing().id, reopened_on=TODAY, reopened_by=LEAD_ID),
        case().id,
        id="CaseReopened",
    ),
]


@pytest.mark.parametrize(("event", "key"), TOLD)
def test_an_event_is_its_golden_example(event: Event, key: UUID) -> None:
    name = event.message.DESCRIPTOR.name
    assert event.key == key
    assert event.message.SerializeToString(deterministic=True) == (EXAMPLES / f"{name}.binpb").read_bytes()
    assert as_json(event.message) == (EXAMPLES / f"{name}.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [message.name for message in events_pb2.DESCRIPTOR.message_types_by_name.values()])
def test_both_forms_of_an_example_are_equal(name: str) -> None:
    kind = getattr(events_pb2, name)
    from_json = json_format.Parse((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"), kind())
    from_binary = kind.FromString((EXAMPLES / f"{name}.binpb").read_bytes())
    assert from_json == from_binary
    assert as_json(from_binary) == (EXAMPLES / f"{name}.json").read_text(encoding="utf-8")


def test_a_students_hash_follows_the_nsn_and_else_the_folded_name_and_birth() -> None:
    def hashed(**changes: object) -> str:
        return events.hash_student(student(**changes), KEY)

    assert hashed() == hashed(given_names="Renamed", family_name="")
    assert hashed() != hashed(nsn="0123456780")
    assert hashed(nsn="") == hashed(nsn="", given_names="TUI") != hashed()
    assert events.hash_student(student(), KEY) != events.hash_student(student(), b"another key")


def as_json(message: Message) -> str:
    return json_format.MessageToJson(message, preserving_proto_field_name=True, ensure_ascii=False) + "\n"
