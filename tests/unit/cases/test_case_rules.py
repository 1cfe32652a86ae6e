"""Pauses, record health, corrections, and the table of states and actions."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import InvalidArgumentError
from services.cases import domain
from services.cases.domain.entries import EventKind, Outcome, TimelineEntry
from services.cases.domain.health import SINCE_EVER, Health, Lately
from services.cases.domain.reference import Item, Reference
from services.cases.states import PAGES
from tests.unit.cases.people import TODAY, correction, entry, pause

RULE = {"support": 30, "time": 14}
DAYS = st.dates(date(2026, 1, 1), date(2026, 12, 31))


@pytest.mark.parametrize("name", PAGES)
def test_the_pages_of_states_are_what_the_rules_say(name: str) -> None:
    page = Path(__file__).parents[3] / "docs" / "states" / f"{name}.md"
    assert page.read_text(encoding="utf-8") == PAGES[name]()


@given(st.lists(DAYS, min_size=2, max_size=8, unique=True), DAYS, DAYS)
def test_paused_days_are_the_days_on_which_some_pause_holds(edges: list[date], one: date, other: date) -> None:
    edges.sort()
    since, until = min(one, other), max(one, other)
    pairs = list(zip(edges[::2], edges[1::2], strict=False))
    pauses = [pause(started_on=first, wakes_on=end, ended_on=end) for first, end in pairs]
    days = [since + timedelta(days=number) for number in range((until - since).days)]
    expected = sum(any(first <= day < end for first, end in pairs) for day in days)
    assert domain.pauses.paused_days(pauses, since=since, until=until) == expected


def test_a_pause_under_way_counts_up_to_today() -> None:
    assert domain.pauses.paused_days([pause()], since=TODAY, until=TODAY) == 0
    assert domain.pauses.paused_days([pause()], since=TODAY, until=TODAY + timedelta(days=3)) == 3


@pytest.mark.parametrize(
    ("lately", "worst"),
    [
        (Lately(), Health.MISSING),
        (Lately(support=TODAY), Health.MISSING),
        (Lately(support=TODAY, time=TODAY), Health.OK),
        (Lately(support=TODAY - timedelta(days=30), time=TODAY - timedelta(days=14)), Health.OK),
        (Lately(support=TODAY - timedelta(days=31), time=TODAY), Health.STALE),
        (Lately(support=TODAY, time=TODAY - timedelta(days=15)), Health.STALE),
    ],
)
def test_the_day_a_record_needs_something_agrees_with_its_parts(lately: Lately, worst: Health) -> None:
    due = domain.health.due_on(lately, RULE)
    assert domain.health.worst(due, today=TODAY) == worst
    assert (
        min((each.health for each in domain.health.judge(lately, RULE, today=TODAY)), key=list(Health).index) == worst
    )
    first, last = domain.health.due_days(worst, today=TODAY)
    assert first <= due <= last


def test_without_a_rule_nothing_is_needed() -> None:
    assert domain.health.due_on(Lately(), {}) == date.max
    assert domain.health.judge(Lately(), {}, today=TODAY) == ()
    assert date.min == SINCE_EVER


def test_an_older_entry_does_not_make_a_record_older_and_a_note_feeds_nothing() -> None:
    lately = Lately(support=TODAY)
    earlier = TODAY - timedelta(days=9)
    fed = domain.health.after(lately, kind=EventKind.SUPPORT, happened_on=earlier, minutes=5)
    assert fed == Lately(support=TODAY, time=earlier)
    assert domain.health.after(lately, kind=EventKind.NOTE, happened_on=TODAY, minutes=0) == lately


def test_the_last_correction_holds_and_the_entry_stays() -> None:
    recorded = entry(note="As written.")
    chain = TimelineEntry(recorded).corrected(correction()).corrected(correction(number=2, minutes=7, note="Better."))
    assert chain.entry is recorded
    assert (chain.holding.minutes, chain.holding.note, chain.holding.kind) == (7, "Better.", recorded.kind)
    assert [each.number for each in chain.corrections] == [1, 2]


def test_a_note_has_words_and_neither_minutes_nor_outcome() -> None:
    broken = domain.entries.entry_violations(
        entry(kind=EventKind.NOTE, note=" ", minutes=5, outcome=Outcome.REACHED),
        born_on=date(2012, 8, 15),
        minutes_of_day=5,
        today=TODAY,
    )
    assert [(each.field, each.reason) for each in broken] == [
        ("note", "required"),
        ("minutes", "not-for-notes"),
        ("outcome", "not-for-notes"),
    ]
    with pytest.raises(InvalidArgumentError):
        domain.entries.check_recordable(EventKind.NOTE)


def test_a_choice_holds_from_its_first_day_to_its_last() -> None:
    item = Item(list="l", code="c", label="C", days=3, starts_on=TODAY, ends_on=TODAY + timedelta(days=1))
    holding = [Reference.on(TODAY + timedelta(days=each), [item]).codes("l") for each in (-1, 0, 1, 2)]
    assert holding == [set(), {"c"}, {"c"}, set()]
    assert Reference.on(TODAY, [item]).days("l") == {"c": 3}


@pytest.mark.parametrize(("days", "broken"), [(0, ["due_on"]), (1, []), (367, []), (368, ["due_on"])])
def test_a_task_is_due_from_today_to_a_year_on(days: int, broken: list[str]) -> None:
    found = []
    try:
        domain.tasks.check_due_on(TODAY - timedelta(days=1) + timedelta(days=days), today=TODAY)
    except InvalidArgumentError as error:
        found = [each.field for each in error.violations]
    assert found == broken
