"""A lead works through a list with the keyboard alone."""

import pytest

from tests.browser.journeys.conftest import PROVIDER, Opens

pytestmark = pytest.mark.chromium

FOCUSED = "document.activeElement.textContent.trim()"


def test_by_keyboard_alone(person: Opens) -> None:
    # Given a lead at the list of cases
    lead = person("workflow_lead", PROVIDER)
    lead.goes_to("/cases")
    page = lead.page
    names = page.locator(".records__link").all_inner_texts()

    # When they press j, j, k
    places = []
    for key in ("j", "j", "k"):
        page.keyboard.press(key)
        places.append(page.evaluate(FOCUSED))

    # Then they move through it
    assert places == [names[0], names[1], names[0]]

    # And Enter opens the case
    page.keyboard.press("Enter")
    page.wait_for_url("**/cases/*-*")
    assert lead.heading.startswith(names[0])

    # And the first Tab of a page leads past its header
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == "Skip to the main content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
