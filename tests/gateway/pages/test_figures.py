"""Figures: a provider's own, and the national ones."""

from collections.abc import Callable

import pytest
from ascms.reporting.v1 import figures_pb2

from tests.gateway.pages.conftest import Browser
from tests.support.stub_world import World, number_id

As = Callable[..., Browser]


def test_a_provider_sees_exact_numbers_with_their_meaning_and_date(as_: As) -> None:
    page = as_("lead").text("/figures/2026-Q1")
    assert "January to March 2026" in page
    assert "18 h 50" in page
    assert "Counted on the day of the visit." in page
    assert "Rule, version 1." in page
    assert "Counted up to" in page


def test_many_parts_do_not_bury_the_others(as_: As, world: World) -> None:
    rows = [figures_pb2.BreakdownRow(key=number_id(700 + number), value=40 - number) for number in range(40)]
    del world.breakdowns[:]
    world.breakdowns.append(figures_pb2.Breakdown(indicator="cases-opened", dimension="school", rows=rows))

    open_part, _summary, others = as_("lead").text("/figures/2026-Q1").partition("25 more")

    assert [f"key={row.key}" in open_part for row in rows] == [place < 15 for place in range(40)]
    assert [f"key={row.key}" in others for row in rows] == [place >= 15 for place in range(40)]


def test_nothing_counted_is_a_sentence_and_not_a_wall_of_noughts(as_: As, world: World) -> None:
    for figure in world.figures:
        figure.value = 0

    page = as_("lead").text("/figures/2025-Q4")

    assert "No figures for this quarter" in page
    assert "as before" not in page


def test_a_figure_of_requests_opens_the_requests(as_: As, world: World) -> None:
    page = as_("lead").text("/figures/2026-Q1/requests-declined")

    assert "Requests declined" in page
    assert f'href="/incoming/{world.requests[0].request_id}"' in page


def test_without_a_quarter_the_present_one_is_shown(as_: As) -> None:
    assert as_("lead").get("/figures").location == "/figures/2026-Q1"
    assert as_("analyst").get("/national-figures").location == "/national-figures/2026-Q1"


def test_what_a_person_wrote_is_waited_for(as_: As, world: World) -> None:
    lead = as_("lead")
    lead.send(f"/incoming/{number_id(200)}", case_manager_id="later")
    lead.text("/figures/2026-Q1")
    (asked,) = [request for method, request in world.calls if method == "GetProviderFigures"]
    assert asked.min_position == world.position


def test_what_is_not_counted_yet_is_said(as_: As, world: World) -> None:
    world.is_counted = False
    assert "What you saved last is not counted yet." in as_("lead").text("/figures/2026-Q1")


def test_no_figures_are_said_in_words(as_: As, world: World) -> None:
    world.figures.clear()
    world.national.clear()
    assert "No figures for this quarter" in as_("lead").text("/figures/2025-Q4")
    assert "Nothing has been counted yet." in as_("analyst").text("/national-figures/2025-Q4")


def test_hidden_numbers_are_words_not_zeros(as_: As) -> None:
    page = as_("analyst").text("/national-figures/2026-Q1")
    assert "Kererū Attendance Service" in page
    assert page.count("hidden</span>") == 3, "of two providers, and of the quarter before"
    assert "Hidden does not mean zero." in page


def test_the_nation_is_shown_quarter_by_quarter(as_: As) -> None:
    page = as_("analyst").text("/national-figures/2026-Q1")

    assert "All providers, quarter by quarter" in page
    assert 'href="/national-figures/2025-Q4"' in page
    assert "July to September 2025" not in page.partition("All providers, quarter by quarter")[2], "nothing was counted"
    assert page.count('<svg class="chart"') == 3


@pytest.mark.parametrize("quarter", ["2026-Q5", "2026", "x", "1899-Q1", "2026-Q1x", "٢026-Q1"])
def test_a_quarter_that_is_none_is_a_page_that_is_not_there(as_: As, quarter: str) -> None:
    assert as_("lead").get(f"/figures/{quarter}").status_code == 404
