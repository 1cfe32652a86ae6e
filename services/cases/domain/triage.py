"""How a request looks by the criteria of its day: guidance for people, which refuses nothing.

The criteria are reference data with effective dates, since they change with demand: each names a tier and the least
that must hold for it; the first, in their order, that a request meets decides. The stepped response counts days absent
within one term and is a test of its own, beside the band.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.cases.domain.students import Attendance, Band, age

HALF_DAYS = 2
"""Half-days of a school day."""

_SIXTEEN = 16
_FIVE = 5


class TriageTier(StrEnum):
    """What the criteria recommend."""

    UNSPECIFIED = ""
    HIGHLY_RECOMMENDED = "highly_recommended"
    CONSIDER = "consider"
    DELAY = "delay"
    DO_NOT_REFER = "do_not_refer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One criterion. A bound that is None asks for nothing.

    `most_percent`: attendance in the latest term is at most this; `least_days_absent`: days absent in it;
    `least_chronic_terms`: how many of the terms told of are chronic; `least_steps`: kinds of steps the school tried.
    """

    code: str
    tier: TriageTier
    label: str
    starts_on: date
    ends_on: date | None
    most_percent: int | None = None
    least_days_absent: int | None = None
    least_chronic_terms: int | None = None
    least_steps: int | None = None

    def holds(self, today: date) -> bool:
        """Whether it counts today."""
        return self.starts_on <= today and (self.ends_on is None or today <= self.ends_on)

    def is_met(self, terms: Sequence[Attendance], *, steps: int) -> bool:
        """Whether a request with these terms, the latest first, and so many kinds of steps meets it."""
        latest = terms[0]
        chronic = sum(term.band == Band.CHRONIC for term in terms)
        percent, days = self.most_percent, self.least_days_absent
        return (
            (percent is None or latest.present_half_days * 100 <= percent * latest.total_half_days)
            and (days is None or latest.absent_half_days >= days * HALF_DAYS)
            and (self.least_chronic_terms is None or chronic >= self.least_chronic_terms)
            and (self.least_steps is None or steps >= self.least_steps)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """How a request looks. `stepped_response_days`: the highest step reached within the latest term, 0 for none."""

    tier: TriageTier = TriageTier.UNSPECIFIED
    criterion: str = ""
    stepped_response_days: int = 0
    guidance: tuple[str, ...] = ()


def assess(
    terms: Sequence[Attendance],
    *,
    steps: int,
    born_on: date | None,
    criteria: Sequence[Criterion],
    stepped_response: Mapping[str, int],
    today: date,
) -> Assessment:
    """How a request looks by what holds today; without attendance only its guidance."""
    guidance = age_guidance(born_on, today=today) if born_on else ()
    if not terms:
        return Assessment(guidance=guidance)
    met = next((criterion for criterion in criteria if criterion.is_met(terms, steps=steps)), None)
    return Assessment(
        tier=met.tier if met else TriageTier.UNSPECIFIED,
        criterion=met.code if met else "",
        stepped_response_days=stepped_days(terms[0], stepped_response),
        guidance=guidance,
    )


def stepped_days(term: Attendance, stepped_response: Mapping[str, int]) -> int:
    """The highest step that absence within a term has reached, in days; 0 for none."""
    reached = [days for days in stepped_response.values() if term.absent_half_days >= days * HALF_DAYS]
    return max(reached, default=0)


def age_guidance(born_on: date, *, today: date) -> tuple[str, ...]:
    """What the student's age makes one bear in mind. It never refuses or closes anything by itself."""
    years = age(born_on, today)
    if years == _FIVE:
        return ("age-five",)
    if years >= _SIXTEEN:
        return ("over-16",)
    months = (today.year - born_on.year) * 12 + today.month - born_on.month - (today.day < born_on.day)
    return ("near-16",) if months >= (_SIXTEEN - 1) * 12 + 6 else ()
