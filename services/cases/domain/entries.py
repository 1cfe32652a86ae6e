"""What happens in a case, and what may be recorded of it."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from kit.errors import Violation

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


class Outcome(StrEnum):
    """What came of a visit or attempt; unspecified where that means nothing."""

    UNSPECIFIED = ""
    REACHED = "reached"
    NO_ANSWER = "no_answer"
    WRONG_TARGET = "wrong_target"
    REFUSED = "refused"


class Visibility(StrEnum):
    """Who may read an entry."""

    PROVIDER = "provider"
    SCHOOL = "school"


NEEDS_OUTCOME = frozenset({EventKind.HOME_VISIT, EventKind.CONTACT_ATTEMPT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something that happened in a case."""

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


def entry_violations(entry: Entry, *, born_on: date, minutes_of_day: int, today: date) -> list[Violation]:
    """The rules an entry breaks; field names as in the contract. `minutes_of_day` as in `record`."""
    violations = []
    if entry.happened_on > today:
        violations.append(Violation("happened_on", "in-future", "must be today or earlier"))
    if entry.happened_on < born_on:
        violations.append(Violation("happened_on", "before-birth", "must not be before the student was born"))
    if entry.kind in NEEDS_OUTCOME and entry.outcome == Outcome.UNSPECIFIED:
        violations.append(Violation("outcome", "required", "is needed for a visit or a contact attempt"))
    if not 0 <= entry.minutes <= MINUTES_PER_DAY:
        violations.append(Violation("minutes", "range", f"must be 0 to {MINUTES_PER_DAY:,}"))
    elif minutes_of_day > MINUTES_PER_DAY:
        total = f"{minutes_of_day // 60} hours {minutes_of_day % 60} minutes"
        violations.append(Violation("minutes", "day-full", f"would make {total} of your work on that day"))
    return violations
