"""What people write down of a case."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from kit.actor import Actor
from kit.audit import Audit
from kit.clock import local_date
from kit.command import finish
from services.cases import domain, events
from services.cases.commands.deps import Deps
from services.cases.domain.entries import Entry, EventKind, Outcome, Visibility
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


def record_event(
    deps: Deps, actor: Actor, *, case_id: UUID, happening: Happening, expected_version: int
) -> tuple[Entry, int]:
    """Someone records what happened in a case; returns the entry and the version of the case now.

    Raises:
        NotFoundError: no such case, or not the caller's to see.
        InvalidArgumentError: a rule of events is broken; each is named.
        StaleVersionError: the case is not at `expected_version` any more.
        FailedPreconditionError: nobody has the case yet.
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
    )
    with deps.database.tenant(actor) as tx:
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
        entries.insert_entry(tx, entry)
        cases.update_case(tx, case)
        counts.move_case(tx, before, case)
        return finish(
            tx,
            (entry, case.version),
            entry=Audit("record-event", entry.id),
            events=[events.event_recorded(entry)],
            now=now,
        )
