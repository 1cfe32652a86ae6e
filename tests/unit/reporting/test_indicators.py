"""What counts where: each indicator, and quarters at the turn of the year."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from kit.clock import local_date
from services.reporting.domain import CaseFact, EntryFact, Quarter
from services.reporting.indicators import INDICATORS, contributions

CASE = CaseFact(case_id=UUID(int=1), school_id=UUID(int=2), opened_on=date(2026, 3, 31), student_hash="h")


def entry(*, kind: str = "home-visit", minutes: int = 45, happened_on: date = date(2026, 4, 1)) -> EntryFact:
    return EntryFact(
        entry_id=UUID(int=3),
        case_id=UUID(int=1),
        kind=kind,
        outcome="reached",
        happened_on=happened_on,
        minutes=minutes,
    )


@pytest.mark.parametrize(
    ("day", "quarter"),
    [
        (date(2025, 12, 31), "2025-Q4"),
        (date(2026, 1, 1), "2026-Q1"),
        (date(2026, 3, 31), "2026-Q1"),
        (date(2026, 4, 1), "2026-Q2"),
        (date(2026, 6, 30), "2026-Q2"),
        (date(2026, 7, 1), "2026-Q3"),
        (date(2026, 9, 30), "2026-Q3"),
        (date(2026, 10, 1), "2026-Q4"),
    ],
)
def test_a_day_lies_in_one_quarter(day: date, quarter: str) -> None:
    assert str(Quarter.of(day)) == quarter
    assert Quarter.parse(quarter) == Quarter.of(day)


@pytest.mark.parametrize(
    ("moment", "quarter"),
    [
        # Summer time: New Zealand is 13 hours ahead, so its year begins while it is still the 31st in London.
        (datetime(2025, 12, 31, 10, 59, 59, tzinfo=UTC), "2025-Q4"),
        (datetime(2025, 12, 31, 11, 0, tzinfo=UTC), "2026-Q1"),
        # Standard time, 12 hours, from the first Sunday of April on: the second quarter begins in summer time still.
        (datetime(2026, 3, 31, 10, 59, 59, tzinfo=UTC), "2026-Q1"),
        (datetime(2026, 3, 31, 11, 0, tzinfo=UTC), "2026-Q2"),
        (datetime(2026, 6, 30, 11, 59, 59, tzinfo=UTC), "2026-Q2"),
        (datetime(2026, 6, 30, 12, 0, tzinfo=UTC), "2026-Q3"),
    ],
)
def test_a_quarter_turns_at_midnight_in_new_zealand(moment: datetime, quarter: str) -> None:
    assert str(Quarter.of(local_date(moment))) == quarter


@pytest.mark.parametrize("text", ["", "2026", "2026-Q0", "2026-Q5", "2026-Q12", "Q1-2026", "x-Q1"])
def test_anything_else_is_no_quarter(text: str) -> None:
    with pytest.raises(ValueError, match=r"2026-Q1|invalid literal"):
        Quarter.parse(text)


def test_a_case_counts_in_the_quarter_it_was_opened() -> None:
    (counted,) = contributions(CASE)

    assert (counted.indicator, str(counted.quarter), counted.value, counted.behind) == ("cases-opened", "2026-Q1", 1, 1)


def test_a_home_visit_counts_as_visit_and_as_minutes_in_the_quarter_it_happened() -> None:
    visits, minutes = contributions(entry())

    assert (visits.indicator, str(visits.quarter), visits.value, visits.behind) == ("home-visits", "2026-Q2", 1, 1)
    assert (minutes.indicator, str(minutes.quarter), minutes.value, minutes.behind) == ("minutes", "2026-Q2", 45, 1)


def test_other_work_counts_as_minutes_only() -> None:
    (counted,) = contributions(entry(kind="hui"))

    assert (counted.indicator, counted.value) == ("minutes", 45)


def test_a_visit_without_minutes_stands_behind_no_minutes() -> None:
    (counted,) = contributions(entry(minutes=0))

    assert counted.indicator == "home-visits"


def test_every_indicator_says_what_it_counts() -> None:
    assert [(each.code, each.unit, each.rule_version) for each in INDICATORS.values()] == [
        ("cases-opened", "cases", 1),
        ("home-visits", "visits", 1),
        ("minutes", "minutes", 1),
    ]
