"""A person switches to te reo Māori, stays where they are, and works on in it."""

import pytest

from tests.browser.journeys.conftest import PROVIDER, Opens

pytestmark = pytest.mark.chromium


def test_in_te_reo_maori(person: Opens) -> None:
    # Given a case manager on the form of a visit
    manager = person("case_manager", PROVIDER)
    page = manager.page
    page.locator(".work__action").first.click()
    page.wait_for_url("**/events/new**")
    before = page.url

    # When they switch the language, by the switch at the foot or head that their screen shows
    page.locator(".language__button:visible").first.click()
    page.wait_for_selector("html[lang=mi]")
    manager.looks()

    # Then they are on the same page, and it is in te reo
    assert page.url == before
    assert manager.heading == "Toronga kāinga"

    # And what they save is confirmed in te reo
    manager.presses("Tiakina")
    assert manager.reads("Kua tiakina: Toronga kāinga: i tutuki, 30 mene")


@pytest.mark.parametrize("size", ["phone"])
def test_help_speaks_te_reo_maori(person: Opens) -> None:
    # Given a lead who reads in te reo
    lead = person("workflow_lead", PROVIDER)
    lead.page.locator(".language__button:visible").first.click()
    lead.page.wait_for_selector("html[lang=mi]")

    # When they open the help from the page of returns
    lead.goes_to("/returns")
    lead.page.locator(".help-link").first.click()
    lead.looks()

    # Then the guide is in te reo, and says so to those who listen to it
    assert lead.page.locator("html").get_attribute("lang") == "mi"
    assert lead.heading == "Te pūrongo hauwhā"
