"""Events of cases become facts and figures. The inbox's claim, fact and figures commit together (kit.consumer).

A replay adds nothing: the event is known in the inbox, and its fact by its id. An event that comes late counts in the
quarter of the day it tells of, and one whose case has not been heard of yet counts all the same.
"""

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

from ascms.cases.v1 import cases_pb2, events_pb2
from ascms.common.v1.envelope_pb2 import Envelope

from kit.clock import Clock
from kit.consumer import Handler
from kit.db import Transaction
from services.reporting import store
from services.reporting.domain import CaseFact, EntryFact, Fact
from services.reporting.indicators import contributions

TOPICS = ("ascms.cases.v1",)


def handlers(clock: Clock) -> Mapping[str, Handler]:
    """What is done for each type of event."""

    def on_case_opened(tx: Transaction, _envelope: Envelope, event: events_pb2.CaseOpened) -> None:
        fact = CaseFact(
            case_id=UUID(event.case_id),
            # A student of no school is counted under none.
            school_id=UUID(event.school_id) if event.school_id else UUID(int=0),
            opened_on=date.fromisoformat(event.opened_on),
            student_hash=event.student_hash,
        )
        now = clock.now()
        if store.insert_case_fact(tx, fact, now=now):
            _count(tx, fact, now=now)

    def on_event_recorded(tx: Transaction, _envelope: Envelope, event: events_pb2.EventRecorded) -> None:
        fact = EntryFact(
            entry_id=UUID(event.entry_id),
            case_id=UUID(event.case_id),
            kind=_code(cases_pb2.EventKind, event.kind, prefix="EVENT_KIND_"),
            outcome=_code(cases_pb2.Outcome, event.outcome, prefix="OUTCOME_"),
            happened_on=date.fromisoformat(event.happened_on),
            minutes=event.minutes,
        )
        now = clock.now()
        if store.insert_entry_fact(tx, fact, now=now):
            _count(tx, fact, now=now)

    return {
        events_pb2.CaseOpened.DESCRIPTOR.full_name: on_case_opened,
        events_pb2.EventRecorded.DESCRIPTOR.full_name: on_event_recorded,
    }


def _count(tx: Transaction, fact: Fact, *, now: datetime) -> None:
    for contribution in contributions(fact):
        store.add(tx, contribution)
    store.mark_counted(tx, now=now)


def _code(enum: type, number: int, *, prefix: str) -> str:
    """EVENT_KIND_HOME_VISIT as "home-visit"; a kind newer than this program by its number, so that it is not lost."""
    value = enum.DESCRIPTOR.values_by_number.get(number)  # type: ignore[attr-defined]  # what protobuf adds to enums
    return value.name.removeprefix(prefix).lower().replace("_", "-") if value is not None else str(number)
