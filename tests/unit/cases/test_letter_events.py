"""Events about letters carry ids and facts, and are spelt as their golden examples."""

from dataclasses import replace
from pathlib import Path

import pytest
from ascms.cases.v1 import letter_events_pb2
from google.protobuf import json_format
from google.protobuf.message import Message

from kit.outbox import Event
from services.cases import letter_events
from services.cases.domain.letters import Ended, LetterState, Mode
from tests.unit.cases.people import LEAD_ID, MANAGER_ID, NOW, TODAY, case, letter, task

EXAMPLES = Path(__file__).parents[3] / "proto" / "examples" / "cases"
SUBMITTED = letter(submitted_by=MANAGER_ID, submitted_at=NOW, due_on=TODAY)
SENT = replace(SUBMITTED, mode=Mode.POST, sent_on=TODAY, sent_by=MANAGER_ID, response_due_on=TODAY)
APPROVED = replace(SUBMITTED, approved_by=LEAD_ID, approved_at=NOW)


def ended(state: LetterState) -> Ended:
    return Ended(state, TODAY, "Not for others.", MANAGER_ID, NOW)


TOLD = [
    letter_events.letter_drafted(letter()),
    letter_events.letter_revised(letter(), revised_by=MANAGER_ID),
    letter_events.letter_submitted(SUBMITTED),
    letter_events.letter_approved(APPROVED),
    letter_events.letter_returned(replace(SUBMITTED, returned_by=LEAD_ID, return_note="Not for others.")),
    letter_events.letter_sent(SENT),
    letter_events.letter_answered(replace(SENT, ended=ended(LetterState.RESPONDED))),
    letter_events.letter_undelivered(replace(SENT, ended=ended(LetterState.UNDELIVERED)), task_id=task().id),
    letter_events.letter_withdrawn(letter(ended=ended(LetterState.WITHDRAWN))),
    letter_events.letter_overdue(SUBMITTED, case(case_manager_id=MANAGER_ID)),
    letter_events.letter_pdf_missing(APPROVED),
]


@pytest.mark.parametrize("event", [pytest.param(event, id=event.message.DESCRIPTOR.name) for event in TOLD])
def test_an_event_is_its_golden_example(event: Event) -> None:
    name = event.message.DESCRIPTOR.name
    assert event.key == case().id
    assert event.message.SerializeToString(deterministic=True) == (EXAMPLES / f"{name}.binpb").read_bytes()
    assert as_json(event.message) == (EXAMPLES / f"{name}.json").read_text(encoding="utf-8")


def test_every_event_has_an_example() -> None:
    assert {event.message.DESCRIPTOR.name for event in TOLD} == set(letter_events_pb2.DESCRIPTOR.message_types_by_name)


def as_json(message: Message) -> str:
    return json_format.MessageToJson(message, preserving_proto_field_name=True, ensure_ascii=False) + "\n"
