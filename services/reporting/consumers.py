"""Events of cases become facts, lines of the ledger and figures. All commit together with the inbox's claim.

A replay adds nothing: the event is known in the inbox, and a fact that adds what it added before is no new line. An
event that comes late counts in the quarter of the day it tells of; one whose case has not been heard of counts all the
same, without what only the case's opening told.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from ascms.cases.v1 import cases_pb2, events_pb2, letter_events_pb2, letters_pb2, requests_pb2
from ascms.identity.v1 import events_pb2 as identity_events

from kit.batches import Told
from kit.clock import Clock, local_date
from kit.db import Transaction
from kit.ids import NewId, uuid7
from services.reporting.commands.quarters import note_provider
from services.reporting.commands.returns import begin_returns
from services.reporting.domain import indicators
from services.reporting.domain.figures import CaseFact, Contribution, EntryFact
from services.reporting.store.book import Book, Place, Wanted

TOPICS = ("ascms.cases.v1", "ascms.identity.v1")
MAX_RECORDS = 4_000
"""Of one poll: many, since each provider's part of it is one transaction."""


@dataclass(frozen=True)
class Counting:
    """One event, being counted."""

    book: Book
    event_id: UUID
    new_id: NewId
    day: date
    """The day the event was told."""

    def case(self, case_id: str) -> CaseFact:
        """What is known of a case; of one that nobody spoke of yet, its id."""
        wanted = UUID(case_id)
        return self.book.find_case(wanted) or CaseFact(case_id=wanted)

    def keep(self, case: CaseFact) -> None:
        """Keep what is known of a case."""
        self.book.put_case(case)

    def put(self, fact_id: UUID, part: str, case: CaseFact, contributions: Sequence[Contribution]) -> None:
        """Count what a fact adds."""
        self.book.put(Place(fact_id, part, case.case_id), contributions)


Count = Callable[[Counting, Any], None]
_REGISTER: str = identity_events.OrganisationsChanged.DESCRIPTOR.full_name
_FACTS = ("case_id", "entry_id", "task_id", "pause_id", "closing_id", "letter_id", "request_id")
"""Fields that name what may have lines in the ledger."""


@dataclass(frozen=True)
class Figures:
    """Counts events of cases, a batch of one provider at a time; whoever did something in a quarter owes a return."""

    clock: Clock
    new_id: NewId = uuid7

    @property
    def types(self) -> Collection[str]:
        """See `kit.batches.BatchHandler`."""
        return {*_COUNTED, _REGISTER}

    def begin(self, tx: Transaction, batch: Sequence[Told]) -> Callable[[Sequence[Told]], None]:
        """See `kit.batches.BatchHandler`."""
        now = self.clock.now()
        counted = [told.message for told in batch if told.envelope.type in _COUNTED]
        book = Book.open(tx, _wanted(counted), now=now) if counted else None

        def apply(fresh: Sequence[Told]) -> None:
            for told in fresh:
                if told.envelope.type == _REGISTER:
                    on_organisations_changed(tx, told, now=now)
                    continue
                assert book is not None, "opened for the batch, which holds what is new of it"
                told_at = told.envelope.occurred_at.ToDatetime(UTC) if told.envelope.HasField("occurred_at") else now
                _COUNTED[told.envelope.type](
                    Counting(book, UUID(told.envelope.event_id), self.new_id, local_date(told_at)), told.message
                )
            if book is not None:
                begin_returns(tx, book.write(), new_id=self.new_id, now=now)

        return apply


def _wanted(messages: Sequence[Any]) -> Wanted:
    found: dict[str, set[UUID]] = {name: set() for name in _FACTS}
    for message in messages:
        for name in message.DESCRIPTOR.fields_by_name.keys() & found.keys():
            value = getattr(message, name)
            if value:
                found[name].add(UUID(value))
    return Wanted(found["case_id"], found["entry_id"], set().union(*found.values()))


def on_organisations_changed(tx: Transaction, told: Told, *, now: datetime) -> None:
    """Every provider of the register owes returns, and its ministry is told when one is late."""
    ministry_id = UUID(told.envelope.tenant_id)
    for each in told.message.provider_ids:
        with tx.enter_tenant(UUID(each), reason="note-provider"):
            note_provider(tx, ministry_id=ministry_id, is_suspended=each in told.message.suspended_ids, now=now)


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
        ethnicities=",".join(event.ethnicities),
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


def on_request_returned(counting: Counting, event: events_pb2.RequestReturned) -> None:
    """A request was sent back with a question; it may be so again."""
    request = CaseFact(case_id=UUID(event.request_id))
    contributions = indicators.of_returned_request(on=counting.day, school_id=event.school_id)
    counting.put(counting.event_id, "returned", request, contributions)


def on_request_declined(counting: Counting, event: events_pb2.RequestDeclined) -> None:
    """A request was declined: no case comes of it."""
    request = CaseFact(case_id=UUID(event.request_id))
    contributions = indicators.of_declined_request(
        on=counting.day,
        route=_code(requests_pb2.RequestKind, event.kind, prefix="REQUEST_KIND_") if event.kind else "",
        school_id=event.school_id,
        reason=event.reason,
    )
    counting.put(request.case_id, "declined", request, contributions)


def on_letter_sent(counting: Counting, event: letter_events_pb2.LetterSent) -> None:
    """A letter went out."""
    case = counting.case(event.case_id)
    contributions = indicators.of_letter(
        case,
        sent_on=date.fromisoformat(event.sent_on),
        family=_code(letters_pb2.LetterFamily, event.family, prefix="LETTER_FAMILY_"),
        stage=event.stage,
    )
    counting.put(UUID(event.letter_id), "sent", case, contributions)


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
    if counting.book.find_entry(entry.entry_id) is None:
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
    known = counting.book.find_entry(entry.entry_id)
    if known is None or known.number < entry.number:
        _count_entry(counting, entry, known=known)


def on_task_overdue(counting: Counting, event: events_pb2.TaskOverdue) -> None:
    """A task is overdue."""
    case = counting.case(event.case_id)
    contributions = indicators.of_overdue_task(case, due_on=date.fromisoformat(event.due_on))
    counting.put(UUID(event.task_id), "overdue", case, contributions)


def on_task_ended(counting: Counting, event: events_pb2.TaskCompleted | events_pb2.TaskCancelled) -> None:
    """A task that was overdue is so no more."""
    case, task_id = counting.case(event.case_id), UUID(event.task_id)
    if counting.book.is_counted(task_id, part="overdue"):
        counting.put(task_id, "ended", case, indicators.of_late_task(case, ended_on=counting.day))


def _count_entry(counting: Counting, entry: EntryFact, *, known: EntryFact | None = None) -> None:
    case = counting.case(str(entry.case_id))
    counting.book.put_entry(entry)
    counting.put(entry.entry_id, "entry", case, indicators.of_entry(case, entry))
    first = case.first_contact_on
    was_first = known is not None and indicators.is_contact(known) and known.happened_on == first
    is_first = indicators.is_contact(entry) and (first is None or entry.happened_on <= first)
    if was_first and not is_first:
        # It was the first contact, and may be so no more: another one is looked for.
        first = counting.book.find_first_contact(case.case_id, kinds=indicators.CONTACTS, outcome=indicators.REACHED)
    elif indicators.is_contact(entry):
        first = min(entry.happened_on, first or entry.happened_on)
    else:
        return
    _contact(counting, case, first)


def _contact(counting: Counting, case: CaseFact, first: date | None) -> None:
    if first != case.first_contact_on:
        case = replace(case, first_contact_on=first)
        counting.keep(case)
    counting.put(case.case_id, "contacted", case, indicators.of_first_contact(case))


def _hold(counting: Counting, case: CaseFact, *, before: UUID | None) -> None:
    held = indicators.of_holding(case, on=counting.day, before=before, now=case.case_manager_id)
    counting.put(counting.new_id(), "held", case, held)


def _wake(counting: Counting, case: CaseFact, pause_id: UUID, *, on: date) -> None:
    is_counted = counting.book.is_counted(pause_id, part="paused")
    counting.keep(replace(case, pause_id=None))
    if is_counted:
        counting.put(pause_id, "resumed", case, indicators.of_waking(case, on=on))


def _code(enum: Any, number: int, *, prefix: str) -> str:
    """EVENT_KIND_HOME_VISIT as "home-visit"; a kind newer than this program by its number, so that it is not lost."""
    value = enum.DESCRIPTOR.values_by_number.get(number)
    return value.name.removeprefix(prefix).lower().replace("_", "-") if value is not None else str(number)


_COUNTED: Mapping[str, Count] = {
    kind.DESCRIPTOR.full_name: count
    for kind, count in (
        (events_pb2.CaseOpened, on_case_opened),
        (events_pb2.CaseAssigned, on_case_assigned),
        (events_pb2.CasePaused, on_case_paused),
        (events_pb2.CaseResumed, on_case_resumed),
        (events_pb2.CaseClosed, on_case_closed),
        (events_pb2.CaseReopened, on_case_reopened),
        (events_pb2.EventRecorded, on_event_recorded),
        (events_pb2.EntryCorrected, on_entry_corrected),
        (events_pb2.RequestReturned, on_request_returned),
        (events_pb2.RequestDeclined, on_request_declined),
        (letter_events_pb2.LetterSent, on_letter_sent),
        (events_pb2.TaskOverdue, on_task_overdue),
        (events_pb2.TaskCompleted, on_task_ended),
        (events_pb2.TaskCancelled, on_task_ended),
    )
}
