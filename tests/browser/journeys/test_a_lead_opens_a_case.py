"""A workflow lead answers the request that is due first: opens its case, and gives it to a case manager."""

from pathlib import Path

import pytest

from tests.browser.journeys.conftest import PROVIDER, SCHOOL, Opens, csv_of, new_name

pytestmark = pytest.mark.chromium


def test_a_lead_opens_a_case(person: Opens, tmp_path: Path) -> None:
    # Given a school that has asked for support
    file = tmp_path / "requests.csv"
    file.write_text(csv_of("0417", new_name()), encoding="utf-8")
    school = person("attendance_lead", SCHOOL)
    school.goes_to("/requests/import")
    school.page.set_input_files("#file", file)
    school.presses("Send the file")

    # And a lead who sees what is waiting
    lead = person("workflow_lead", PROVIDER)
    assert lead.heading == "What is waiting"
    assert lead.reads("Requests to answer")
    page = lead.page

    # When they open the request that is due first
    lead.goes_to("/incoming?state=waiting")
    student = page.locator(".records__link").first.inner_text()
    page.locator(".records__link").first.click()
    page.wait_for_url("**/incoming/*-*")
    lead.looks()
    assert lead.heading.startswith(student)
    assert lead.reads("Answer due:")

    # And decide later who works on it
    page.get_by_label("Decide later").check()
    lead.presses("Open the case")

    # Then the case is open, and says what it needs first
    assert lead.reads("The case is open: Nobody works on it yet.")
    assert lead.reads("Recording needs a case manager. Choose one first.")

    # When they give it to a case manager
    lead.follows("Choose a case manager")
    page.get_by_label("Demo Hēmi Walker").check()
    lead.presses("Give them the case")

    # Then the case says who has it
    assert lead.reads("The case is with Demo Hēmi Walker.")
    assert lead.reads("Assigned")
