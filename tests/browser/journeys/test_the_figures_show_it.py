"""What a person has just written is in the figures they open next; the ministry sees sums."""

import pytest
from playwright.sync_api import Page

from tests.browser.journeys.conftest import MINISTRY, PROVIDER, Opens

pytestmark = pytest.mark.chromium


def visits(page: Page) -> int:
    """The number of home visits on a page of figures."""
    return int(page.locator(".stat", has_text="Home visits").locator(".stat__value").inner_text().replace(",", ""))


def test_the_figures_show_it(person: Opens) -> None:
    # Given a lead who knows how many visits there were
    lead = person("workflow_lead", PROVIDER)
    lead.goes_to("/figures")
    before = visits(lead.page)

    # When they record one more on an active case
    lead.goes_to("/cases?state=active")
    lead.page.locator(".records__link").first.click()
    lead.follows("Record visit")
    lead.presses("Save")

    # Then the figures have it at once
    lead.goes_to("/figures")
    assert visits(lead.page) == before + 1
    assert lead.reads("Counted up to")
    lead.page.get_by_text("What these numbers mean").nth(2).click()
    assert lead.reads("Counted on the day of the visit.")

    # And the ministry reads sums, never a case
    analyst = person("ministry_analyst", MINISTRY)
    analyst.follows("Figures by provider")
    assert analyst.reads("National figures")
    analyst.goes_to("/cases")
    assert analyst.heading == "You cannot open this"
