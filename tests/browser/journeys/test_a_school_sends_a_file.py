"""A school sends a file of requests: each row is answered, and loading the answer again sends nothing again."""

from pathlib import Path

import pytest

from tests.browser.journeys.conftest import OTHER_SCHOOL, Opens, Visitor, csv_of, new_name

pytestmark = pytest.mark.chromium


def test_a_school_sends_a_file(person: Opens, tmp_path: Path) -> None:
    # Given a file with two good rows and one without a name
    file = tmp_path / "requests.csv"
    file.write_text(csv_of("9002", new_name(), new_name(), ""), encoding="utf-8")
    lead = person("attendance_lead", OTHER_SCHOOL)
    lead.goes_to("/requests")
    before = counted(lead)

    # When the attendance lead sends it
    lead.follows("Send a file of requests")
    lead.page.set_input_files("#file", file)
    lead.presses("Send the file")

    # Then each row has its result, the fault first and in words
    assert lead.heading == "What became of your file"
    assert lead.page.locator(".records__name").all_inner_texts() == ["Line 4", "Line 2", "Line 3"]
    assert lead.reads("1 row was not sent.")
    assert lead.reads("This cell is empty, and it is needed.")

    # And loading the page again, which sends the form again, adds nothing
    lead.page.reload()
    assert lead.heading == "What became of your file"
    assert lead.page.locator(".stat__value").all_inner_texts() == ["2", "0", "1"]
    lead.goes_to("/requests")
    assert counted(lead) == before + 2


def counted(visitor: Visitor) -> int:
    """How many requests the list counts."""
    words = visitor.page.locator(".filter__link").first.locator(".count").inner_text()
    return int(words.replace(",", ""))
