"""A provider asks the school something about its request, the school replies, and the request is declined."""

import pytest

from tests.browser.journeys.conftest import PROVIDER, SCHOOL, Opens, csv_of, new_name

pytestmark = pytest.mark.chromium


def test_a_request_goes_back_and_forth(person: Opens) -> None:
    # Given a request of a school
    name = new_name()
    school = person("attendance_lead", SCHOOL)
    school.goes_to("/requests/import")
    school.page.set_input_files(
        "input[type=file]", {"name": "one.csv", "mimeType": "text/csv", "buffer": csv_of("0417", name).encode()}
    )
    school.presses("Send the file")

    # When a lead looks for the student without macrons before doing anything
    lead = person("workflow_lead", PROVIDER)
    lead.goes_to("/search")
    lead.page.fill("main input[name=q]", name.replace("ā", "a"))
    lead.presses("Find")
    lead.follows(name)
    assert lead.heading.startswith(name)

    # And sends the request back with a question
    lead.follows("Ask the school something")
    lead.page.fill("#question", "Does the bus still come?")
    lead.presses("Send the question")
    assert lead.reads("Your own day waits until then.")

    # Then the school reads it and replies
    school.goes_to("/requests?state=returned")
    school.follows(name)
    assert school.reads("Does the bus still come?")
    school.page.fill("#reply", "Yes, at 7.40.")
    school.presses("Send the reply")
    assert school.reads("Your reply is with the service")

    # When the lead declines it with a reason
    lead.goes_to(lead.page.url.removeprefix(lead.base_url))
    assert lead.reads("Yes, at 7.40.")
    lead.follows("Decline")
    lead.page.get_by_label("More can be tried at the school first").check()
    lead.page.fill("#words", "Try a hui first.")
    lead.presses("Decline the request")
    assert lead.reads("Try a hui first.")

    # Then the school reads why
    school.goes_to(school.page.url.removeprefix(school.base_url).partition("?")[0])
    assert school.reads("More can be tried at the school first")
