"""A lead hands out several cases at once, and reads what became of each."""

import pytest

from tests.browser.journeys.conftest import PROVIDER, Opens

pytestmark = pytest.mark.chromium


def test_a_lead_hands_out_cases(person: Opens) -> None:
    # Given a lead at the cases of one state
    lead = person("workflow_lead", PROVIDER)
    page = lead.page
    lead.goes_to("/cases")
    lead.follows("Hand out several")
    lead.goes_to("/cases/hand-out?state=active")

    # When they give the first of them to who has it already
    first = page.locator("[data-tick]").first
    note = page.locator(".ticks__note").first.inner_text()
    first.check()
    name = note.rpartition("· ")[2]
    page.get_by_role("radio", name=name).first.check()
    lead.presses("Give them the cases")

    # Then each is accounted for
    assert lead.heading == "Cases handed out"
    assert lead.reads("This person has it already.")
    assert lead.reads(f"Case {note.partition(' ')[0]}")
