"""What counts where: each indicator, and quarters at the turn of the year."""

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from kit.clock import local_date
from services.reporting.domain.figures import CaseFact, Contribution, EntryFact, Quarter, age_band
from services.reporting.domain.indicators import (
    INDICATORS,
    SECTIONS,
    VERSIONS,
    Measure,
    of_assignment,
    of_closing,
    of_entry,
    of_first_contact,
    of_opening,
    of_reopening,
)

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


def counted(contributions: list[Contribution]) -> list[tuple[str, str, int, int]]:
    return [(each.counter, str(each.quarter), each.value, each.behind) for each in contributions]


def test_a_case_counts_in_the_quarter_it_was_opened_and_is_open_from_then_on() -> None:
    assert counted(of_opening(CASE)) == [("cases-opened", "2026-Q1", 1, 1), ("open", "2026-Q1", 1, 1)]


def test_a_home_visit_counts_as_visit_and_as_minutes_in_the_quarter_it_happened() -> None:
    assert counted(of_entry(CASE, entry())) == [("home-visits", "2026-Q2", 1, 1), ("minutes", "2026-Q2", 45, 1)]


def test_a_contact_attempt_that_reached_someone_counts_as_both() -> None:
    found = counted(of_entry(CASE, entry(kind="contact-attempt", minutes=0)))

    assert [counter for counter, *_ in found] == ["contact-attempts", "contacts-reached"]


def test_other_work_counts_as_minutes_only() -> None:
    assert counted(of_entry(CASE, entry(kind="support"))) == [("minutes", "2026-Q2", 45, 1)]


def test_a_visit_without_minutes_stands_behind_no_minutes() -> None:
    assert [counter for counter, *_ in counted(of_entry(CASE, entry(minutes=0)))] == ["home-visits"]


def test_closing_and_reopening_undo_each_other_in_what_is_open() -> None:
    closed = counted(of_closing(CASE, closed_on=date(2026, 4, 1), reason="enrolled", outcome="returned"))
    reopened = counted(of_reopening(CASE, reopened_on=date(2026, 7, 1)))

    assert closed == [("cases-closed", "2026-Q2", 1, 1), ("open", "2026-Q2", -1, -1)]
    assert reopened == [("cases-reopened", "2026-Q3", 1, 1), ("open", "2026-Q3", 1, 1)]


def test_days_count_from_request_to_assignment_to_contact() -> None:
    case = replace(
        CASE, requested_on=date(2026, 3, 20), assigned_on=date(2026, 3, 31), first_contact_on=date(2026, 4, 2)
    )

    assert counted(of_assignment(case)) == [("days-to-assign", "2026-Q1", 11, 1)]
    assert counted(of_first_contact(case)) == [("days-to-contact", "2026-Q2", 2, 1)]
    assert of_assignment(CASE) == []


@pytest.mark.parametrize(
    ("age", "band"),
    [(5, "under-6"), (6, "6-to-9"), (9, "6-to-9"), (10, "10-to-12"), (15, "13-to-15"), (16, "16-and-over")],
)
def test_bands_of_age_follow_the_duty_to_enrol(age: int, band: str) -> None:
    assert age_band(age) == band


def test_quarters_follow_each_other() -> None:
    assert str(Quarter.parse("2026-Q1").before) == "2025-Q4"
    assert Quarter.parse("2026-Q4").last_day == date(2026, 12, 31)
    assert Quarter.parse("2026-Q1").last_day == date(2026, 3, 31)


def test_every_indicator_belongs_to_a_section_and_rates_to_a_counter() -> None:
    assert {each.section for each in INDICATORS.values()} == set(SECTIONS)
    assert {each.of for each in INDICATORS.values() if each.measure is Measure.RATE} <= set(VERSIONS)
    assert all(VERSIONS[each.counter] == each.rule_version for each in INDICATORS.values())


def test_no_number_that_goes_out_nationally_follows_from_others() -> None:
    """Open at the end = open at the end of the quarter before + opened + reopened - closed: two of these stay in."""
    national = {each.code for each in INDICATORS.values() if each.is_national}

    assert not national & {"cases-open", "cases-open-at-start", "cases-reopened", "caseload"}
    assert {each.measure for each in INDICATORS.values() if each.is_national} == {Measure.IN_QUARTER}
