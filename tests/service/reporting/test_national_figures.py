"""The nation's figures: of everyone, small ones hidden, by a role that can read nothing else."""

from uuid import UUID

import psycopg
import pytest

from kit.errors import PermissionDeniedError
from tests.service.reporting.conftest import (
    ANALYST,
    LEAD,
    Reporting,
    case_opened,
    event_recorded,
    shown,
)

PROVIDERS = [UUID(int=number) for number in range(11, 15)]


def given_cases(reporting: Reporting, *counts: int) -> None:
    for provider, count in zip(PROVIDERS, counts, strict=False):
        for _ in range(count):
            reporting.apply(case_opened(), tenant=provider)


def test_large_figures_are_shown_with_their_total(reporting: Reporting) -> None:
    given_cases(reporting, 6, 7, 8)

    answer = reporting.national()

    assert [each.provider_id for each in answer.providers] == [str(provider) for provider in PROVIDERS[:3]]
    assert [shown(each.figures)["cases-opened"] for each in answer.providers] == [6, 7, 8]
    assert shown(answer.totals)["cases-opened"] == 21


def test_a_small_figure_takes_another_with_it(reporting: Reporting) -> None:
    given_cases(reporting, 2, 7, 8)

    answer = reporting.national()

    cases = [shown(each.figures)["cases-opened"] for each in answer.providers]
    assert cases[0] is None
    assert cases.count(None) == 2
    assert shown(answer.totals)["cases-opened"] == 17
    assert {figure.value for each in answer.providers for figure in each.figures if figure.suppressed} == {0}


def test_the_same_figures_are_hidden_each_time(reporting: Reporting) -> None:
    given_cases(reporting, 2, 7, 8, 9)

    assert reporting.national() == reporting.national()


def test_minutes_of_few_visits_are_hidden_however_many_they_are(reporting: Reporting) -> None:
    reporting.apply(event_recorded(minutes=300), tenant=PROVIDERS[0])
    for _ in range(12):
        reporting.apply(event_recorded(minutes=5), tenant=PROVIDERS[1])

    answer = reporting.national()

    assert [shown(each.figures)["minutes"] for each in answer.providers] == [None, None]
    assert shown(answer.totals)["minutes"] == 360


def test_a_nation_of_few_shows_nothing(reporting: Reporting) -> None:
    given_cases(reporting, 2, 3)

    answer = reporting.national()

    assert set(shown(answer.totals).values()) == {None}
    assert {value for each in answer.providers for value in shown(each.figures).values()} == {None}


def test_a_quarter_stands_for_itself(reporting: Reporting) -> None:
    given_cases(reporting, 8)

    assert list(reporting.national(quarter="2026-Q2").providers) == []
    assert len(reporting.national(quarter="2026-Q1").providers) == 1


def test_the_trend_is_what_each_quarter_shows_by_itself(reporting: Reporting) -> None:
    given_cases(reporting, 2, 7, 8)
    for _ in range(4):
        reporting.apply(case_opened(opened_on="2026-04-10"), tenant=PROVIDERS[0])
    for _ in range(9):
        reporting.apply(case_opened(opened_on="2026-08-10"), tenant=PROVIDERS[1])

    trend = reporting.national(quarter="2026-Q3").trend

    assert [each.quarter for each in trend] == [
        *("2024-Q4", "2025-Q1", "2025-Q2", "2025-Q3", "2025-Q4"),
        *("2026-Q1", "2026-Q2", "2026-Q3"),
    ]
    assert [shown(each.totals).get("cases-opened", "nothing") for each in trend] == [*["nothing"] * 5, 17, None, 9]
    for each in trend:
        assert each.totals == reporting.national(quarter=each.quarter).trend[-1].totals
        assert list(each.totals) in ([], list(reporting.national(quarter=each.quarter).totals))


def test_a_national_read_waits_for_an_event_of_any_provider(reporting: Reporting) -> None:
    reporting.apply(event_recorded(), tenant=PROVIDERS[0], position=41)

    assert reporting.national(min_position=41).is_current
    assert not reporting.national(min_position=42).is_current
    assert reporting.national().HasField("as_at")


def test_national_figures_are_for_the_ministry_and_provider_figures_are_not(reporting: Reporting) -> None:
    with pytest.raises(PermissionDeniedError):
        reporting.national(of=LEAD)
    with pytest.raises(PermissionDeniedError):
        reporting.figures(of=ANALYST)


@pytest.mark.parametrize(
    "table", ["case_fact", "entry_fact", "ledger", "frozen_return", "inbox", "outbox", "audit", "suppression_key"]
)
def test_the_national_role_is_refused_everything_but_aggregates(reporting: Reporting, table: str) -> None:
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        reporting.database.special("national", actor=ANALYST) as tx,
    ):
        tx.connection.execute(f"SELECT 1 FROM {table}")  # noqa: S608 - names from above


@pytest.mark.parametrize(
    "statement",
    ["UPDATE figure SET value = 0", "DELETE FROM figure", "INSERT INTO counted VALUES (gen_random_uuid(), now())"],
)
def test_the_national_role_changes_nothing(reporting: Reporting, statement: str) -> None:
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        reporting.database.special("national", actor=ANALYST) as tx,
    ):
        tx.connection.execute(statement)


def test_the_national_role_sees_the_figures_of_all(reporting: Reporting) -> None:
    given_cases(reporting, 1, 1)

    with reporting.database.special("national", actor=ANALYST) as tx:
        seen = tx.connection.execute("SELECT DISTINCT tenant_id FROM figure ORDER BY tenant_id").fetchall()

    assert [row.tenant_id for row in seen] == PROVIDERS[:2]


def test_regions_are_sums_of_their_providers_and_hidden_with_them(reporting: Reporting) -> None:
    reporting.regions.of = {PROVIDERS[0]: "02", PROVIDERS[1]: "02", PROVIDERS[2]: "09"}
    given_cases(reporting, 7, 8, 9, 6)

    answer = reporting.national()

    regions = {each.region: shown(each.figures)["cases-opened"] for each in answer.regions}
    assert regions == {"": 6, "02": 15, "09": 9}
    assert [each.region for each in answer.providers] == ["02", "02", "09", ""]


def test_numbers_that_would_give_others_away_do_not_go_out(reporting: Reporting) -> None:
    given_cases(reporting, 6, 7)

    assert set(shown(reporting.national().totals)) == {
        "cases-opened", "cases-closed", "contact-attempts", "home-visits", "referrals", "minutes",
    }  # fmt: skip
