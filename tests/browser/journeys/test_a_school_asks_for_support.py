"""A school asks for support for one student: office staff begin, the attendance lead goes on and sends it."""

import pytest

from tests.browser.journeys.conftest import SCHOOL, Opens, new_name

pytestmark = pytest.mark.chromium


def test_a_school_asks_for_support(person: Opens) -> None:
    # Given someone of the school's office on the first page, and a student with one name
    name = new_name()
    office = person("office_support", SCHOOL)
    assert office.heading == "Support for your students"

    # When they begin a request and want to check it too early
    office.follows("Ask for support")
    page = office.page
    page.fill("#given_names", name)
    page.fill("#concern", "Away most mornings since July.")
    office.presses("Save and check")

    # Then what is wrong is listed, and the cursor goes where a line of the list leads
    assert office.reads("There is a problem")
    page.get_by_role("link", name="Choose the student’s year.").click()
    assert page.evaluate("document.activeElement.id") == "year_level"
    assert page.input_value("#given_names") == name

    # When they put it aside, and the attendance lead, who sees what all have begun, goes on with it
    office.presses("Save for later")
    lead = person("attendance_lead", SCHOOL)
    lead.goes_to("/requests/drafts")
    lead.follows(name)
    assert lead.reads("Some answers are missing")
    lead.follows("Change the answers")
    page = lead.page
    page.fill("#date_of_birth-day", "4")
    page.fill("#date_of_birth-month", "march")
    page.fill("#date_of_birth-year", "2013")
    page.select_option("#year_level", "8")
    page.fill("#caregiver_1_name", "Nanny Pretend")
    page.select_option("#term_1", index=1)
    page.fill("#present_half_days_1", "20")
    page.fill("#total_half_days_1", "50")
    lead.presses("Save and check")

    # Then they see all of it at one look, and how it looks by the criteria of the day
    assert lead.heading == "Check your answers"
    assert lead.reads("chronic absence")
    assert lead.reads("People decide.")
    lead.presses("Send the request")

    # Then they see with whom the request is and by when it is answered
    assert lead.heading.startswith(name)
    assert lead.reads("Sent: The request is with")
    assert lead.reads("Waiting for an answer")
    assert name not in page.title()

    # And it stands first in their list
    lead.follows("All requests")
    assert page.locator(".records__link").first.inner_text() == name

    # And not in the list of the office, who sees what it sent itself
    office.goes_to("/requests")
    assert not office.reads(name)
