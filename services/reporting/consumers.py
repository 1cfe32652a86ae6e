"""Events of cases become facts, lines of the ledger and figures. All commit together with the inbox's claim.

A replay adds nothing: the event is known in the inbox, and a fact that adds what it added before is no new line. An
event that comes late counts in the quarter of the day it tells of; one whose case has not been heard of counts all the
same, without what only the case's opening told.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from ascms.cases.v1 import cases_pb2, events_pb2, requests_pb2
from ascms.common.v1.envelope_pb2 import Envelope

from kit.clock import Clock, local_date
from kit.consumer import Handler
from kit.db import Transaction
from kit.ids import NewId, uuid7
from services.reporting.commands.returns import begin_returns
from services.reporting.domain import indicators
from services.reporting.domain.figures import CaseFact, Contribution, EntryFact
from services.reporting.store import CONSUMER, ledger
from services.reporting.store.ledger import Place

__all__ = ["CONSUMER", "TOPICS", "handlers"]

TOPICS = ("ascms.cases.v1",)


@dataclass(frozen=True)
class Counting:
    """One event, being counted."""

    tx: Transaction
    now: datetime
    new_id: NewId
    day: date
    """The day the event was told."""

    def case(self, case_id: str) -> CaseFact:
        """What is known of a case; of one that nobody spoke of yet, its id."""
        wanted = UUID(case_id)
        return ledger.find_case(self.tx, wanted) or CaseFact(case_id=wanted)

    def keep(self, case: CaseFact) -> None:
        """Keep what is known of a case."""
        ledger.put_case(self.tx, case, now=self.now)

    def put(self, fact_id: UUID, part: str, case: CaseFact, contributions: Sequence[Contribution]) -> None:
        """Count what a fact adds; whoever did something in a quarter owes a return for it."""
        changed = ledger.put(self.tx, Place(fact_id, part, case.case_id), contributions, now=self.now)
        begin_returns(self.tx, changed, new_id=self.new_id, now=self.now)


Count = Callable[[Counting, Any], None]


def handlers(clock: Clock, new_id: NewId = uuid7) -> Mapping[str, Handler]:
    """What is done for each type of event."""

    def handler(count: Count) -> Handler:
        def handle(tx: Transaction, envelope: Envelope, event: Any) -> None:
            now = clock.now()
            told_at = envelope.occurred_at.ToDatetime(now.tzinfo) if envelope.HasField("occurred_at") else now
            ledger.begin_counting(tx, now=now)
            count(Counting(tx, now, new_id, local_date(told_at)), event)

        return handle

    counted: dict[Any, Count] = {
        events_pb2.CaseOpened: on_case_opened,
        events_pb2.CaseAssigned: on_case_assigned,
        events_pb2.CasePaused: on_case_paused,
        events_pb2.CaseResumed: on_case_resumed,
        events_pb2.CaseClosed: on_case_closed,
        events_pb2.CaseReopened: on_case_reopened,
        events_pb2.EventRecorded: on_event_recorded,
        events_pb2.EntryCorrected: on_entry_corrected,
        events_pb2.TaskOverdue: on_task_overdue,
        events_pb2.TaskCompleted: on_task_ended,
        events_pb2.TaskCancelled: on_task_ended,
    }
    return {kind.DESCRIPTOR.full_name: handler(count) for kind, count in counted.items()}


def on_case_opened(counting: Counting, event: events_pb2.CaseOpened) -> None:
    """A case, with what parts its figures."""
    case = replace(
        counting.case(event.case_id),
        school_id=UUID(event.school_id) if event.school_id else None,
        opened_on=date.fromisoformat(event.opened_on),
        requested_on=date.fromisoformat(event.requested_on) if event.requested_on else None,
        student_hash=event.student_hash,
        route=_code(requests_pb2.RequestKind, event.kind, prefix="REQUEST_KIND_") if event.kind else "",
        # Year 0 is a year; an event of before there were kinds tells of none.
        year_level=event.year_level if event.kind else None,
        age=event.age or None,
        gender=_code(cases_pb2.Gender, event.gender, prefix="GENDER_") if event.gender else "",
    )
    counting.keep(case)
    counting.put(case.case_id, "opened", case, indicators.of_opening(case))
    counting.put(case.case_id, "assigned", case, indicators.of_assignment(case))


def on_case_assigned(counting: Counting, event: events_pb2.CaseAssigned) -> None:
    """Who works on a case; the first time, how long that took."""
    known = counting.case(event.case_id)
    if known.case_manager_id == UUID(event.case_manager_id):
        return
    case = replace(known, case_manager_id=UUID(event.case_manager_id), assigned_on=known.assigned_on or counting.day)
    counting.keep(case)
    counting.put(case.case_id, "assigned", case, indicators.of_assignment(case))
    _hold(counting, case, before=known.case_manager_id)


def on_case_paused(counting: Counting, event: events_pb2.CasePaused) -> None:
    """A pause begins."""
    case = replace(counting.case(event.case_id), pause_id=UUID(event.pause_id))
    counting.keep(case)
    paused_on = date.fromisoformat(event.paused_on)
    contributions = indicators.of_pause(case, paused_on=paused_on, reason=event.reason)
    counting.put(UUID(event.pause_id), "paused", case, contributions)


def on_case_resumed(counting: Counting, event: events_pb2.CaseResumed) -> None:
    """A pause ends."""
    _wake(counting, counting.case(event.case_id), UUID(event.pause_id), on=date.fromisoformat(event.resumed_on))


def on_case_closed(counting: Counting, event: events_pb2.CaseClosed) -> None:
    """Work ends, and with it a pause that was under way; nobody holds the case any more."""
    case, closed_on = counting.case(event.case_id), date.fromisoformat(event.closed_on)
    contributions = indicators.of_closing(case, closed_on=closed_on, reason=event.reason, outcome=event.outcome)
    counting.put(UUID(event.closing_id), "closed", case, contributions)
    held = indicators.of_holding(case, on=closed_on, before=case.case_manager_id, now=None)
    counting.put(UUID(event.closing_id), "held", case, held)
    case = replace(case, case_manager_id=None)
    if case.pause_id is not None:
        _wake(counting, case, case.pause_id, on=closed_on)
    else:
        counting.keep(case)


def on_case_reopened(counting: Counting, event: events_pb2.CaseReopened) -> None:
    """Work goes on, with whoever works on it now."""
    manager = UUID(event.case_manager_id) if event.case_manager_id else None
    case = replace(counting.case(event.case_id), case_manager_id=manager)
    reopened_on = date.fromisoformat(event.reopened_on)
    counting.keep(case)
    fact_id = UUID(event.closing_id)
    counting.put(fact_id, "reopened", case, indicators.of_reopening(case, reopened_on=reopened_on))
    held = indicators.of_holding(case, on=reopened_on, before=None, now=manager)
    counting.put(fact_id, "held-again", case, held)


def on_event_recorded(counting: Counting, event: events_pb2.EventRecorded) -> None:
    """Something happened."""
    entry = EntryFact(
        entry_id=UUID(event.entry_id),
        case_id=UUID(event.case_id),
        kind=_code(cases_pb2.EventKind, event.kind, prefix="EVENT_KIND_"),
        outcome=_code(cases_pb2.Outcome, event.outcome, prefix="OUTCOME_"),
        happened_on=date.fromisoformat(event.happened_on),
        minutes=event.minutes,
    )
    # What was corrected before it was told again stays corrected.
    if ledger.find_entry(counting.tx, entry.entry_id) is None:
        _count_entry(counting, entry)


def on_entry_corrected(counting: Counting, event: events_pb2.EntryCorrected) -> None:
    """What held before is taken back, and what holds now is counted."""
    entry = EntryFact(
        entry_id=UUID(event.entry_id),
        case_id=UUID(event.case_id),
        kind=_code(cases_pb2.EventKind, event.kind, prefix="EVENT_KIND_"),
        outcome=_code(cases_pb2.Outcome, event.outcome, prefix="OUTCOME_"),
        happened_on=date.fromisoformat(event.happened_on),
        minutes=event.minutes,
        number=event.number,
    )
    known = ledger.find_entry(counting.tx, entry.entry_id)
    if known is None or known.number < entry.number:
        _count_entry(counting, entry)


def on_task_overdue(counting: Counting, event: events_pb2.TaskOverdue) -> None:
    """A task is overdue."""
    case = counting.case(event.case_id)
    contributions = indicators.of_overdue_task(case, due_on=date.fromisoformat(event.due_on))
    counting.put(UUID(event.task_id), "overdue", case, contributions)


def on_task_ended(counting: Counting, event: events_pb2.TaskCompleted | events_pb2.TaskCancelled) -> None:
    """A task that was overdue is so no more."""
    case, task_id = counting.case(event.case_id), UUID(event.task_id)
    if ledger.is_counted(counting.tx, task_id, part="overdue"):
        counting.put(task_id, "ended", case, indicators.of_late_task(case, ended_on=counting.day))


def _count_entry(counting: Counting, entry: EntryFact) -> None:
    case = counting.case(str(entry.case_id))
    ledger.put_entry(counting.tx, entry, now=counting.now)
    counting.put(entry.entry_id, "entry", case, indicators.of_entry(case, entry))
    if entry.number or indicators.is_contact(entry):
        first = ledger.find_first_contact(
            counting.tx, case.case_id, kinds=indicators.CONTACTS, outcome=indicators.REACHED
        )
        case = replace(case, first_contact_on=first)
        counting.keep(case)
        counting.put(case.case_id, "contacted", case, indicators.of_first_contact(case))


def _hold(counting: Counting, case: CaseFact, *, before: UUID | None) -> None:
    held = indicators.of_holding(case, on=counting.day, before=before, now=case.case_manager_id)
    counting.put(counting.new_id(), "held", case, held)


def _wake(counting: Counting, case: CaseFact, pause_id: UUID, *, on: date) -> None:
    is_counted = ledger.is_counted(counting.tx, pause_id, part="paused")
    counting.keep(replace(case, pause_id=None))
    if is_counted:
        counting.put(pause_id, "resumed", case, indicators.of_waking(case, on=on))


def _code(enum: Any, number: int, *, prefix: str) -> str:
    """EVENT_KIND_HOME_VISIT as "home-visit"; a kind newer than this program by its number, so that it is not lost."""
    value = enum.DESCRIPTOR.values_by_number.get(number)
    return value.name.removeprefix(prefix).lower().replace("_", "-") if value is not None else str(number)
