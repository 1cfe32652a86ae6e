"""How complete a case's record is: the five parts of the record guide, each fresh enough, stale or missing.

How old a part may get is data (`reference`, list "record_part"): a part without a line there is not judged.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from services.cases.domain.entries import EventKind


class Part(StrEnum):
    """A part of the record guide."""

    SUPPORT = "support"
    ACTIONS = "actions"
    REFERRALS = "referrals"
    MONITORING = "monitoring"
    TIME = "time"


class Health(StrEnum):
    """How a part stands, the worst first."""

    MISSING = "missing"
    STALE = "stale"
    OK = "ok"


_PART_OF = {
    EventKind.SUPPORT: Part.SUPPORT,
    EventKind.REFERRAL: Part.REFERRALS,
    EventKind.PROGRESS_REVIEW: Part.MONITORING,
    EventKind.ACTION: Part.ACTIONS,
    EventKind.HOME_VISIT: Part.ACTIONS,
    EventKind.CONTACT_ATTEMPT: Part.ACTIONS,
    EventKind.HUI: Part.ACTIONS,
    EventKind.SCHOOL_MEETING: Part.ACTIONS,
}
SINCE_EVER = date.min
"""The day since which a record with a missing part needs something."""

Rule = Mapping[str, int]
"""After how many days each part is stale."""


@dataclass(frozen=True, slots=True)
class Lately:
    """The last day for which each part has something; None where it has nothing."""

    support: date | None = None
    actions: date | None = None
    referrals: date | None = None
    monitoring: date | None = None
    time: date | None = None

    def last(self, part: Part) -> date | None:
        """The last day of a part."""
        day: date | None = getattr(self, part.value)
        return day


@dataclass(frozen=True, slots=True)
class PartHealth:
    """How one part stands today."""

    part: Part
    health: Health
    last_on: date | None
    days: int


def after(lately: Lately, *, kind: EventKind, happened_on: date, minutes: int) -> Lately:
    """What `lately` becomes with an entry. A note feeds no part: it is neither work nor time."""
    fed = [_PART_OF[kind]] if kind in _PART_OF else []
    fed += [Part.TIME] if minutes > 0 else []
    newer = {part.value: happened_on for part in fed if happened_on > (lately.last(part) or SINCE_EVER)}
    return replace(lately, **newer) if newer else lately


def judge(lately: Lately, rule: Rule, *, today: date) -> tuple[PartHealth, ...]:
    """How each part that has a rule stands today."""
    return tuple(
        PartHealth(part, _health(lately.last(part), rule[part], today), lately.last(part), rule[part])
        for part in Part
        if part in rule
    )


def due_on(lately: Lately, rule: Rule) -> date:
    """The first day on which some part is not ok: `SINCE_EVER` where one is missing."""
    days = [_stale_on(lately.last(part), rule[part]) for part in Part if part in rule]
    return min(days, default=date.max)


def worst(due: date, *, today: date) -> Health:
    """How the worst part stands today, from `due_on`."""
    if due == SINCE_EVER:
        return Health.MISSING
    return Health.STALE if due <= today else Health.OK


def due_days(health: Health, *, today: date) -> tuple[date, date]:
    """The first and last `due_on` of records whose worst part stands so today."""
    return {
        Health.MISSING: (SINCE_EVER, SINCE_EVER),
        Health.STALE: (SINCE_EVER + timedelta(days=1), today),
        Health.OK: (today + timedelta(days=1), date.max),
    }[health]


def _stale_on(last: date | None, days: int) -> date:
    return last + timedelta(days=days + 1) if last is not None else SINCE_EVER


def _health(last: date | None, days: int, today: date) -> Health:
    return worst(_stale_on(last, days), today=today)
