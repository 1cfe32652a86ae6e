"""Quarters and facts: what is counted, before anyone asks how."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

HOME_VISIT = "home-visit"


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

    def __str__(self) -> str:
        """As people and contracts write it."""
        return f"{self.year:04}-Q{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFact:
    """A case was opened. `student_hash` tells two students apart and names neither."""

    case_id: UUID
    school_id: UUID
    opened_on: date
    student_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFact:
    """Something happened in a case. `kind` and `outcome` are codes such as "home-visit"."""

    entry_id: UUID
    case_id: UUID
    kind: str
    outcome: str
    happened_on: date
    minutes: int


Fact = CaseFact | EntryFact


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one fact adds to one figure: to its value, and to the number of facts behind it."""

    indicator: str
    rule_version: int
    quarter: Quarter
    value: int
    behind: int
