"""A school changes its request with the reply to a question; the lead sees before and now, and opens the case."""

import pytest

from tests.browser.journeys.conftest import PROVIDER, SCHOOL, Opens, csv_of, new_name

pytestmark = pytest.mark.chromium


def test_a_request_is_accepted_after_a_reply(person: Opens) -> None:
    # Given a request about which the provider has asked something
    name = new_name()
    school = person("attendance_lead", SCHOOL)
    school.goes_to("/requests/import")
    school.page.set_input_files(
        "input[type=file]", {"name": "one.csv", "mimeType": "text/csv", "buffer": csv_of("0417", name).encode()}
    )
    school.presses("Send the file")
    lead = person("workflow_lead", PROVIDER)
    lead.goes_to("/search")
    lead.page.fill("main input[name=q]", name)
    lead.presses("Find")
    lead.follows(name)
    address = lead.page.url.removeprefix(lead.base_url)
    lead.follows("Ask the school something")
    lead.page.fill("#question", "How is it since the bus was cut?")
    lead.presses("Send the question")

    # When the school replies and changes what it had said
    school.goes_to("/requests?state=returned")
    school.follows(name)
    school.follows("Reply and change the request")
    page = school.page
    page.locator("#reply").fill("Better since the neighbour drives her.")
    page.locator("#present_half_days_1").fill("40")
    page.get_by_label("Getting to school").check()
    school.presses("Send the reply")
    assert school.reads("Your reply is with the service")

    # Then the lead sees what stood there before and what does now
    lead.goes_to(address)
    assert lead.reads("What the school changed with its reply")
    assert lead.reads("12 of 60 half-days")
    assert lead.reads("40 of 60 half-days")

    # And opens the case with what was said last
    lead.page.get_by_label("Decide later").check()
    lead.presses("Open the case")
    assert lead.heading.startswith(name)
    school.goes_to(school.page.url.removeprefix(school.base_url).partition("?")[0])
    assert school.reads("has opened a case and will be in touch")
