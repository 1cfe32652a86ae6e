"""Each indicator, defined once: list, dashboard, export and return all read the figures that this makes.

A rule that changes gets a new version, and its figures stand beside the old ones until they are counted anew.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from services.reporting.domain import HOME_VISIT, CaseFact, Contribution, EntryFact, Fact, Quarter

Counted = tuple[date, int, int] | None
"""The day that decides the quarter, what is added to the value, and the facts behind that; None: not counted."""


@dataclass(frozen=True, slots=True)
class Indicator:
    """A number that is reported: its code, what it is counted in, the version of its rule, and the rule."""

    code: str
    unit: str
    rule_version: int
    count: Callable[[Fact], Counted]


def _cases_opened(fact: Fact) -> Counted:
    """Cases, in the quarter of the day they were opened."""
    return (fact.opened_on, 1, 1) if isinstance(fact, CaseFact) else None


def _home_visits(fact: Fact) -> Counted:
    """Visits to where the student or whānau lives, whatever came of them, in the quarter of the day of the visit."""
    return (fact.happened_on, 1, 1) if isinstance(fact, EntryFact) and fact.kind == HOME_VISIT else None


def _minutes(fact: Fact) -> Counted:
    """Minutes of work on entries of every kind, in the quarter of the day the work was done."""
    return (fact.happened_on, fact.minutes, 1) if isinstance(fact, EntryFact) and fact.minutes > 0 else None


INDICATORS = MappingProxyType(
    {
        indicator.code: indicator
        for indicator in (
            Indicator("cases-opened", "cases", 1, _cases_opened),
            Indicator("home-visits", "visits", 1, _home_visits),
            Indicator("minutes", "minutes", 1, _minutes),
        )
    }
)


def contributions(fact: Fact) -> list[Contribution]:
    """What a fact adds to which figures, in a fixed order, so that two that count at once never wait in a ring."""
    found = [(indicator, indicator.count(fact)) for _, indicator in sorted(INDICATORS.items())]
    return [
        Contribution(indicator.code, indicator.rule_version, Quarter.of(counted[0]), counted[1], counted[2])
        for indicator, counted in found
        if counted is not None
    ]
