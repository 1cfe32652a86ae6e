"""What people write down of a case."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from kit.actor import Actor
from kit.audit import Audit
from kit.clock import local_date
from kit.command import finish
from kit.db import Transaction
from kit.errors import InvalidArgumentError, NotFoundError
from services.cases import domain, events
from services.cases.commands.deps import Deps
from services.cases.commands.sharing import share_entry
from services.cases.domain.entries import Channel, Correction, Entry, EventKind, Outcome, TimelineEntry, Visibility
from services.cases.domain.reference import RECORD_PART
from services.cases.store import cases, counts, entries


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """What someone says happened in a case."""

    kind: EventKind
    happened_on: date
    outcome: Outcome
    minutes: int
    note: str
    visibility: Visibility
    channel: Channel = Channel.UNSPECIFIED
    target: str = ""
    attendees: str = ""


def record_event(
    deps: Deps, actor: Actor, *, case_id: UUID, happening: Happening, expected_version: int
) -> tuple[Entry, int]:
    """Someone records what happened in a case; returns the entry and the version of the case now.

    Raises:
        NotFoundError: no such case, or not the caller's to see.
        InvalidArgumentError: a rule of events is broken; each is named.
        StaleVersionError: the case is not at `expected_version` any more.
        FailedPreconditionError: nobody has the case yet, or it is closed.
    """
    now = deps.clock.now()
    entry = Entry(
        id=deps.new_id(),
        case_id=case_id,
        kind=happening.kind,
        happened_on=happening.happened_on,
        outcome=happening.outcome,
        minutes=happening.minutes,
        note=happening.note,
        visibility=happening.visibility,
        recorded_by=actor.person_id,
        recorded_at=now,
        channel=happening.channel,
        target=happening.target,
        attendees=happening.attendees,
    )
    domain.entries.check_recordable(entry.kind)
    with deps.database.tenant(actor) as tx:
        rule = deps.reference.on(tx, now).days(RECORD_PART)
        locked = cases.lock_for_recording(
            tx, case_id, person_id=actor.person_id, day=entry.happened_on, minutes=entry.minutes
        )
        before = domain.cases.check_visible(locked.case if locked else None, actor)
        assert locked is not None
        case = domain.cases.record(
            before,
            actor,
            entry=entry,
            minutes_of_day=locked.minutes_of_day,
            today=local_date(now),
            expected_version=expected_version,
        )
        case = domain.cases.judged(case, rule)
        entries.insert_entry(tx, entry)
        cases.update_case(tx, case)
        counts.move_case(tx, before, case)
        share_entry(tx, case, TimelineEntry(entry), now=now)
        return finish(
            tx,
            (entry, case.version),
            entry=Audit("record-event", entry.id),
            events=[events.event_recorded(entry)],
            now=now,
        )


def add_note(
    deps: Deps, actor: Actor, *, case_id: UUID, note: str, visibility: Visibility, expected_version: int
) -> tuple[Entry, int]:
    """Someone writes a note into a case; returns the entry and the version of the case now.

    Raises:
        NotFoundError: no such case, or not the caller's to see.
        StaleVersionError: the case is not at `expected_version` any more.
        FailedPreconditionError: the case is closed.
    """
    now = deps.clock.now()
    entry = Entry(
        id=deps.new_id(),
        case_id=case_id,
        kind=EventKind.NOTE,
        happened_on=local_date(now),
        outcome=Outcome.UNSPECIFIED,
        minutes=0,
        note=note,
        visibility=visibility,
        recorded_by=actor.person_id,
        recorded_at=now,
    )
    with deps.database.tenant(actor) as tx:
        before = domain.cases.check_visible(cases.lock_case(tx, case_id), actor)
        case = domain.cases.add_note(before, actor, expected_version=expected_version)
        entries.insert_entry(tx, entry)
        cases.update_case(tx, case)
        share_entry(tx, case, TimelineEntry(entry), now=now)
        told = [events.note_added(entry)]
        return finish(tx, (entry, case.version), entry=Audit("add-note", entry.id), events=told, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """What someone says an entry should have said.

    What it leaves out of visibility, channel, target and attendees stays as it is.
    """

    reason: str
    happened_on: date
    outcome: Outcome
    minutes: int
    note: str
    visibility: Visibility | None
    channel: Channel = Channel.UNSPECIFIED
    target: str = ""
    attendees: str = ""


def correct_entry(
    deps: Deps, actor: Actor, *, case_id: UUID, entry_id: UUID, corrected: Corrected, expected_version: int
) -> tuple[TimelineEntry, int]:
    """Someone corrects an entry, which stays as it is; returns it with all corrections, and the case's version now.

    What follows from entries follows from the corrected ones: minutes of the case and of the recorder's day, the last
    contact, the record's health.

    Raises:
        NotFoundError: no such case or entry, or not the caller's to see.
        InvalidArgumentError: a rule of events is broken; each is named.
        StaleVersionError: the case is not at `expected_version` any more.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        rule = deps.reference.on(tx, now).days(RECORD_PART)
        before = domain.cases.check_visible(cases.lock_case(tx, case_id), actor)
        everything = {each.entry.id: each for each in entries.list_whole_case(tx, case_id)}
        if entry_id not in everything:
            raise NotFoundError("entry")
        was = everything[entry_id]
        correction = Correction(
            entry_id=entry_id,
            case_id=case_id,
            number=len(was.corrections) + 1,
            reason=corrected.reason,
            happened_on=corrected.happened_on,
            outcome=corrected.outcome,
            minutes=corrected.minutes,
            note=corrected.note,
            visibility=corrected.visibility or was.holding.visibility,
            corrected_by=actor.person_id,
            corrected_at=now,
            channel=corrected.channel or was.holding.channel,
            target=corrected.target or was.holding.target,
            attendees=corrected.attendees or was.holding.attendees,
        )
        now_is = was.corrected(correction)
        minutes_of_day = _move_minutes(tx, was.holding, now_is.holding)
        violations = domain.entries.entry_violations(
            now_is.holding, born_on=before.born_on, minutes_of_day=minutes_of_day, today=local_date(now)
        )
        if violations:
            raise InvalidArgumentError.of(*violations)
        holding = [each.holding for each in (everything | {entry_id: now_is}).values()]
        case = domain.cases.correct(before, actor, holding=holding, expected_version=expected_version)
        case = domain.cases.judged(case, rule)
        entries.insert_correction(tx, correction)
        cases.update_case(tx, case)
        counts.move_case(tx, before, case)
        share_entry(tx, case, now_is, now=now)
        told = [events.entry_corrected(was.holding, correction)]
        return finish(tx, (now_is, case.version), entry=Audit("correct-entry", entry_id), events=told, now=now)


def _move_minutes(tx: Transaction, was: Entry, now_is: Entry) -> int:
    """Take what an entry took of its recorder's day and give what it takes now; returns the minutes of that day."""
    change = {was.happened_on: -was.minutes, now_is.happened_on: now_is.minutes}
    if was.happened_on == now_is.happened_on:
        change = {was.happened_on: now_is.minutes - was.minutes}
    if not (was.minutes or now_is.minutes):
        return 0
    days = {
        day: entries.change_work_day(tx, person_id=was.recorded_by, day=day, more=more)
        for day, more in sorted(change.items())
    }
    return days[now_is.happened_on]
