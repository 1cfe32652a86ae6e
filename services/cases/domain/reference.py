"""Lists that people choose from, and days that rules count with: data, each in force from a day on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from kit.errors import Violation
from services.cases.domain.triage import Criterion

PAUSE_REASON, PAUSE_LIMIT = "pause_reason", "pause_limit"
CLOSE_REASON, CLOSE_OUTCOME = "close_reason", "close_outcome"
RECORD_PART = "record_part"
STEP_TRIED, BARRIER, ETHNICITY, IWI = "step_tried", "barrier", "ethnicity", "iwi"
DECLINE_REASON, OWN_WORK_REASON = "decline_reason", "own_work_reason"
STEPPED_RESPONSE, TRIAGE = "stepped_response", "triage"
LETTER_GAP, LETTER_RULE = "letter_gap", "letter_rule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line of a list. `days` is there where a rule counts with it; `ends_on` is its last day."""

    list: str
    code: str
    label: str
    days: int | None
    starts_on: date
    ends_on: date | None

    def holds(self, today: date) -> bool:
        """Whether it may be chosen today."""
        return self.starts_on <= today and (self.ends_on is None or today <= self.ends_on)


@dataclass(frozen=True, slots=True)
class Reference:
    """Every list, as it stands on a day."""

    items: tuple[Item, ...]
    _days: Mapping[str, Mapping[str, int]]
    criteria: tuple[Criterion, ...] = ()

    @classmethod
    def on(cls, today: date, items: Iterable[Item], criteria: Iterable[Criterion] = ()) -> "Reference":
        """What holds on a day, in the order given. Criteria of triage are a list too, by their labels."""
        counting = tuple(criterion for criterion in criteria if criterion.holds(today))
        holding = tuple(item for item in items if item.holds(today)) + tuple(_item_of(each) for each in counting)
        days: dict[str, dict[str, int]] = {}
        for item in holding:
            if item.days is not None:
                days.setdefault(item.list, {})[item.code] = item.days
        return cls(holding, days, counting)

    def codes(self, wanted: str) -> frozenset[str]:
        """What may be chosen of a list."""
        return frozenset(item.code for item in self.items if item.list == wanted)

    def days(self, wanted: str) -> Mapping[str, int]:
        """The days of a list, by code. Asked for with every entry that is recorded, so it stands ready."""
        return self._days.get(wanted, {})

    def violations(self, field: str, value: str, wanted: str) -> list[Violation]:
        """What is wrong with a choice, field name as in the contract."""
        if value in self.codes(wanted):
            return []
        return [Violation(field, "unknown-value", f"must be a code of the list {wanted} that holds today")]


def _item_of(criterion: Criterion) -> Item:
    return Item(
        list=TRIAGE,
        code=criterion.code,
        label=criterion.label,
        days=None,
        starts_on=criterion.starts_on,
        ends_on=criterion.ends_on,
    )
