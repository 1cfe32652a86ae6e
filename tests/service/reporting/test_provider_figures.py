"""A provider's figures: exact, its own, counted once, in the quarter of the day."""

from collections import Counter
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from ascms.cases.v1 import cases_pb2
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.actor import system_actor
from kit.errors import InvalidArgumentError, PermissionDeniedError
from kit.ids import uuid7
from services.reporting.domain.figures import CaseFact, EntryFact
from services.reporting.domain.indicators import of_entry
from tests.service.reporting.conftest import (
    LEAD,
    MANAGER,
    OTHER_LEAD,
    OURS,
    THEIRS,
    Reporting,
    case_opened,
    event_recorded,
    spine_of,
    values_of,
)
from tests.support.postgres import empty


def test_cases_visits_and_minutes_are_counted(reporting: Reporting) -> None:
    reporting.apply(case_opened())
    reporting.apply(event_recorded(minutes=45))
    reporting.apply(event_recorded(minutes=30))
    reporting.apply(event_recorded(kind=cases_pb2.EVENT_KIND_HUI, minutes=60))

    answer = reporting.figures()

    assert spine_of(answer) == {"cases-opened": 1, "home-visits": 2, "minutes": 135}
    assert {figure.rule_version for figure in answer.figures} == {1}
    assert not any(figure.suppressed for figure in answer.figures)
    assert answer.quarter == "2026-Q1"


def test_a_quarter_in_which_nothing_happened_is_nought_not_missing(reporting: Reporting) -> None:
    answer = reporting.figures()

    assert spine_of(answer) == {"cases-opened": 0, "home-visits": 0, "minutes": 0}
    assert not answer.HasField("as_at")


def test_an_event_that_comes_again_counts_once(reporting: Reporting) -> None:
    event_id, visit = uuid7(), event_recorded()

    reporting.apply(visit, event_id=event_id)
    reporting.apply(visit, event_id=event_id)

    assert values_of(reporting.figures())["home-visits"] == 1


def test_a_fact_told_twice_under_different_events_counts_once(reporting: Reporting) -> None:
    visit, opened = event_recorded(), case_opened()

    for event in (visit, opened, visit, opened):
        reporting.apply(event)

    assert spine_of(reporting.figures()) == {"cases-opened": 1, "home-visits": 1, "minutes": 45}


def test_a_late_event_counts_in_the_quarter_of_its_day(reporting: Reporting) -> None:
    reporting.apply(event_recorded(happened_on="2026-03-04"))
    reporting.clock.moment += timedelta(days=90)

    reporting.apply(event_recorded(happened_on="2025-12-31"))

    assert values_of(reporting.figures(quarter="2025-Q4"))["home-visits"] == 1
    assert values_of(reporting.figures(quarter="2026-Q1"))["home-visits"] == 1
    assert values_of(reporting.figures(quarter="2026-Q2"))["home-visits"] == 0


def test_an_entry_counts_before_its_case_is_heard_of(reporting: Reporting) -> None:
    reporting.apply(event_recorded())

    assert spine_of(reporting.figures()) == {"cases-opened": 0, "home-visits": 1, "minutes": 45}


def test_a_kind_of_tomorrow_counts_its_minutes(reporting: Reporting) -> None:
    reporting.apply(event_recorded(kind=99, minutes=20))

    assert spine_of(reporting.figures()) == {"cases-opened": 0, "home-visits": 0, "minutes": 20}


def test_each_provider_sees_its_own(reporting: Reporting) -> None:
    reporting.apply(event_recorded(minutes=10), tenant=OURS)
    reporting.apply(event_recorded(minutes=20), tenant=THEIRS)

    assert values_of(reporting.figures(of=LEAD))["minutes"] == 10
    assert values_of(reporting.figures(of=OTHER_LEAD))["minutes"] == 20


def test_figures_are_for_who_may_see_them(reporting: Reporting) -> None:
    with pytest.raises(PermissionDeniedError):
        reporting.figures(of=MANAGER)


@pytest.mark.parametrize("quarter", ["", "2026", "2026-Q5", "first"])
def test_what_is_no_quarter_is_refused_by_name(reporting: Reporting, quarter: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        reporting.figures(quarter=quarter)

    assert [violation.field for violation in refused.value.violations] == ["quarter"]


def test_a_read_says_as_at_when_and_whether_what_it_waited_for_is_in(reporting: Reporting) -> None:
    reporting.apply(event_recorded(), position=41)

    reached = reporting.figures(min_position=41)
    missing = reporting.figures(min_position=42)

    expected = Timestamp()
    expected.FromDatetime(reporting.clock.now())
    assert reached.is_current
    assert reached.as_at == expected
    assert not missing.is_current
    assert values_of(missing)["home-visits"] == 1, "as it stands, after the wait"
    assert not reporting.figures(min_position=41, of=OTHER_LEAD).is_current, "another's position is nobody's business"


def test_facts_and_figures_are_one_transaction(reporting: Reporting) -> None:
    with pytest.raises(ValueError, match="isoformat"):
        reporting.apply(event_recorded(happened_on="soon"))

    assert values_of(reporting.figures())["home-visits"] == 0
    assert entries_of(reporting, OURS) == []


def test_no_name_has_a_place_here(reporting: Reporting) -> None:
    with psycopg.connect(reporting.database.url) as login:
        columns = login.execute(
            "SELECT attname FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid "
            "WHERE attnum > 0 AND "
            "relname IN ('case_fact', 'entry_fact', 'ledger', 'figure', 'figure_part', 'counted', 'provider')"
        ).fetchall()

    assert {name for (name,) in columns} == {
        "tenant_id", "id", "school_id", "opened_on", "student_hash", "counted_at", "case_id", "kind", "outcome",
        "happened_on", "minutes", "quarter", "indicator", "rule_version", "value", "behind",
        "requested_on", "route", "year_level", "age", "gender", "case_manager_id", "assigned_on", "first_contact_on",
        "pause_id", "number", "line", "fact_id", "part", "counter", "labels", "ethnicities", "ministry_id",
        "is_suspended", "next_quarter", "dimension", "key",
    }  # fmt: skip


VISITS = st.builds(
    event_recorded,
    entry_id=st.integers(1, 12).map(lambda number: UUID(int=number)),
    kind=st.sampled_from([1, 2, 4]),
    happened_on=st.sampled_from(["2025-12-31", "2026-01-01", "2026-03-31", "2026-04-01"]),
    minutes=st.integers(0, 200),
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(VISITS, max_size=25))
def test_figures_always_equal_a_recount_of_the_facts(reporting: Reporting, events: list[object]) -> None:
    empty(reporting.database.url)
    for event in events:
        reporting.apply(event)  # type: ignore[arg-type]  # a strategy's values are untyped

    recount: Counter[tuple[str, str]] = Counter()
    for fact in entries_of(reporting, OURS):
        for each in of_entry(CaseFact(case_id=fact.case_id), fact):
            recount[str(each.quarter), each.counter] += each.value
    assert {key: value for key, value in recount.items() if value and key[1] != "contacts-reached"} == {
        (quarter, figure.indicator): figure.value
        for quarter in ("2025-Q4", "2026-Q1", "2026-Q2")
        for figure in reporting.figures(quarter=quarter).figures
        if figure.value and figure.indicator != "contact-rate"
    }


def entries_of(reporting: Reporting, tenant: UUID) -> list[EntryFact]:
    with reporting.database.tenant(system_actor("reporting", tenant)) as tx:
        rows = tx.connection.execute(
            "SELECT id AS entry_id, case_id, kind, outcome, happened_on, minutes FROM entry_fact"
        ).fetchall()
    return [EntryFact(**row._asdict()) for row in rows]
