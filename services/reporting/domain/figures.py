"""Quarters, facts, and what facts add to figures."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID


@dataclass(frozen=True, slots=True, order=True)
class Quarter:
    """A calendar quarter; as text "2026-Q1"."""

    year: int
    number: int

    @classmethod
    def of(cls, day: date) -> "Quarter":
        """The quarter of a calendar day. Days are New Zealand's: of a moment, `kit.clock.local_date`."""
        return cls(day.year, (day.month + 2) // 3)

    @classmethod
    def parse(cls, text: str) -> "Quarter":
        """From "2026-Q1"; raises ValueError for anything else."""
        year, separator, number = text.partition("-Q")
        if not separator or number not in ("1", "2", "3", "4"):
            raise ValueError("a quarter is written 2026-Q1")
        return cls(int(year), int(number))

    @property
    def first_day(self) -> date:
        """Its first day."""
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def last_day(self) -> date:
        """Its last day."""
        return self.next.first_day - timedelta(days=1)

    @property
    def next(self) -> "Quarter":
        """The quarter after."""
        return Quarter(self.year, self.number + 1) if self.number < _LAST else Quarter(self.year + 1, 1)

    @property
    def before(self) -> "Quarter":
        """The quarter before."""
        return Quarter(self.year, self.number - 1) if self.number > 1 else Quarter(self.year - 1, _LAST)

    def __str__(self) -> str:
        """As people and contracts write it; texts sort as quarters do."""
        return f"{self.year:04}-Q{self.number}"


_LAST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFact:
    """What is known of a case. One that was opened before anyone listened is known by its id alone.

    `student_hash` tells two students apart and names neither. `ethnicities` are codes of level 1, "1,4". `pause_id` is
    the pause under way. `first_contact_on` is the first day on which someone was reached.
    """

    case_id: UUID
    school_id: UUID | None = None
    opened_on: date | None = None
    requested_on: date | None = None
    student_hash: str = ""
    route: str = ""
    year_level: int | None = None
    age: int | None = None
    gender: str = ""
    ethnicities: str = ""
    case_manager_id: UUID | None = None
    assigned_on: date | None = None
    first_contact_on: date | None = None
    pause_id: UUID | None = None

    @property
    def labels(self) -> Mapping[str, str]:
        """By what its figures are parted. What is not known is left out."""
        found = {
            "route": self.route,
            "school": str(self.school_id or ""),
            "year-level": "" if self.year_level is None else str(self.year_level),
            "age": "" if self.age is None else age_band(self.age),
            "gender": self.gender,
            "ethnicity": self.ethnicities,
        }
        return {name: value for name, value in found.items() if value}


def age_band(age: int) -> str:
    """The band of an age: the duty to enrol begins at six, and ends at sixteen."""
    for least, band in ((16, "16-and-over"), (13, "13-to-15"), (10, "10-to-12"), (6, "6-to-9")):
        if age >= least:
            return band
    return "under-6"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFact:
    """Something happened in a case, as its last correction has it. `kind` and `outcome` are codes: "home-visit".

    `number` is that of the correction; 0 for an entry that was never corrected.
    """

    entry_id: UUID
    case_id: UUID
    kind: str
    outcome: str
    happened_on: date
    minutes: int
    number: int = 0


@dataclass(frozen=True, slots=True)
class Spread:
    """How the values are spread that facts added: by value the number of facts."""

    facts: Mapping[int, int]

    @property
    def median(self) -> int:
        """The value in the middle; of an even number the lower of the two."""
        half, seen = sum(self.facts.values()) / 2, 0
        for value in sorted(self.facts):
            seen += self.facts[value]
            if seen >= half:
                return value
        raise ValueError("nothing has no middle")

    def share_within(self, target: int) -> int:
        """Per cent of the values that are at most the target, rounded down."""
        within = sum(count for value, count in self.facts.items() if value <= target)
        return within * 100 // sum(self.facts.values())


@dataclass(frozen=True, slots=True)
class Contribution:
    """What a fact adds to a counter: to its value, and to the number of facts behind it; with labels to part it by."""

    counter: str
    rule_version: int
    quarter: Quarter
    value: int
    behind: int
    labels: Mapping[str, str] = field(default_factory=dict)
