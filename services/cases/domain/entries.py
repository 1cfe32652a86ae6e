"""What happens in a case, and what may be recorded of it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from kit.errors import InvalidArgumentError, Violation

MINUTES_PER_DAY = 24 * 60


class EventKind(StrEnum):
    """What kind of thing happened."""

    HOME_VISIT = "home_visit"
    CONTACT_ATTEMPT = "contact_attempt"
    HUI = "hui"
    SCHOOL_MEETING = "school_meeting"
    SUPPORT = "support"
    ACTION = "action"
    REFERRAL = "referral"
    PROGRESS_REVIEW = "progress_review"
    NOTE = "note"
    LETTER = "letter"


class Outcome(StrEnum):
    """What came of a visit or attempt; unspecified where that means nothing."""

    UNSPECIFIED = ""
    REACHED = "reached"
    NO_ANSWER = "no_answer"
    WRONG_TARGET = "wrong_target"
    REFUSED = "refused"


class Channel(StrEnum):
    """How someone was tried to be reached; unspecified where that means nothing or was not said."""

    UNSPECIFIED = ""
    PHONE = "phone"
    TEXT_MESSAGE = "text_message"
    EMAIL = "email"
    LETTER = "letter"
    IN_PERSON = "in_person"
    ONLINE = "online"
    THROUGH_SOMEONE = "through_someone"


class Visibility(StrEnum):
    """Who may read an entry."""

    PROVIDER = "provider"
    SCHOOL = "school"


NEEDS_OUTCOME = frozenset({EventKind.HOME_VISIT, EventKind.CONTACT_ATTEMPT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something that happened in a case.

    `target`: whom, or which number or address, a contact attempt tried; `attendees`: who was at a hui or a meeting.
    """

    id: UUID
    case_id: UUID
    kind: EventKind
    happened_on: date
    outcome: Outcome
    minutes: int
    note: str
    visibility: Visibility
    recorded_by: UUID
    recorded_at: datetime
    channel: Channel = Channel.UNSPECIFIED
    target: str = ""
    attendees: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What an entry should have said: all of it but its kind. The last correction of an entry holds."""

    entry_id: UUID
    case_id: UUID
    number: int
    reason: str
    happened_on: date
    outcome: Outcome
    minutes: int
    note: str
    visibility: Visibility
    corrected_by: UUID
    corrected_at: datetime
    channel: Channel = Channel.UNSPECIFIED
    target: str = ""
    attendees: str = ""


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """An entry with its corrections, in the order of being said."""

    entry: Entry
    corrections: tuple[Correction, ...] = ()

    @property
    def holding(self) -> Entry:
        """The entry as it holds now."""
        if not self.corrections:
            return self.entry
        last = self.corrections[-1]
        return replace(
            self.entry,
            happened_on=last.happened_on,
            outcome=last.outcome,
            minutes=last.minutes,
            note=last.note,
            visibility=last.visibility,
            channel=last.channel,
            target=last.target,
            attendees=last.attendees,
        )

    def corrected(self, correction: Correction) -> "TimelineEntry":
        """With one correction more."""
        return TimelineEntry(self.entry, (*self.corrections, correction))


@dataclass(frozen=True, slots=True)
class KindTime:
    """How many minutes one kind of entry took, in how many entries."""

    kind: EventKind
    minutes: int
    entries: int


def with_corrections(entries: Iterable[Entry], corrections: Iterable[Correction]) -> list[TimelineEntry]:
    """Each entry with its own of many corrections, which come in the order of their numbers."""
    chains: dict[UUID, list[Correction]] = {}
    for correction in corrections:
        chains.setdefault(correction.entry_id, []).append(correction)
    return [TimelineEntry(entry, tuple(chains.get(entry.id, ()))) for entry in entries]


def check_recordable(kind: EventKind) -> None:
    """Raise InvalidArgumentError for a kind that has a verb of its own."""
    if kind in (EventKind.NOTE, EventKind.LETTER):
        raise InvalidArgumentError.of(
            Violation("kind", "unknown-value", "must be an event; a note is added as one, a letter is sent")
        )


def entry_violations(entry: Entry, *, born_on: date, minutes_of_day: int, today: date) -> list[Violation]:
    """The rules an entry breaks; field names as in the contract. `minutes_of_day` as in `record`."""
    violations = []
    if entry.happened_on > today:
        violations.append(Violation("happened_on", "in-future", "must be today or earlier"))
    if entry.happened_on < born_on:
        violations.append(Violation("happened_on", "before-birth", "must not be before the student was born"))
    if entry.kind in NEEDS_OUTCOME and entry.outcome == Outcome.UNSPECIFIED:
        violations.append(Violation("outcome", "required", "is needed for a visit or a contact attempt"))
    if entry.kind == EventKind.NOTE:
        violations += _note_violations(entry)
    if not 0 <= entry.minutes <= MINUTES_PER_DAY:
        violations.append(Violation("minutes", "range", f"must be 0 to {MINUTES_PER_DAY:,}"))
    elif minutes_of_day > MINUTES_PER_DAY:
        total = f"{minutes_of_day // 60} hours {minutes_of_day % 60} minutes"
        violations.append(Violation("minutes", "day-full", f"would make {total} of your work on that day"))
    return violations


def _note_violations(entry: Entry) -> list[Violation]:
    violations = []
    if not entry.note.strip():
        violations.append(Violation("note", "required", "is needed"))
    if entry.minutes:
        violations.append(Violation("minutes", "not-for-notes", "must be 0 for a note"))
    if entry.outcome:
        violations.append(Violation("outcome", "not-for-notes", "must be left out for a note"))
    return violations
