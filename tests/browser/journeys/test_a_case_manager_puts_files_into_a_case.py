"""A case manager puts a photo and a PDF into a case and takes one out again; a file that is refused says why."""

import pytest
from playwright.sync_api import FilePayload, Page

from tests.browser.journeys.conftest import PROVIDER, Opens, Visitor

pytestmark = pytest.mark.chromium

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001"
    "a5f645400000000049454e44ae426082"
)
PHOTO = FilePayload(name="Whānau hui whiteboard.png", mimeType="image/png", buffer=PNG)
REPORT = FilePayload(
    name="School report.pdf", mimeType="application/pdf", buffer=b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"
)
PROGRAM = FilePayload(name="setup.exe", mimeType="application/octet-stream", buffer=b"MZ\x90\x00\x03" + bytes(500))


def files_of_first_case(manager: Visitor) -> Page:
    """The files of the first case of someone's work."""
    page = manager.page
    page.locator(".work__link").first.click()
    page.wait_for_url("**/cases/*")
    manager.goes_to(page.url.removeprefix(manager.base_url).partition("?")[0] + "/files")
    return page


def test_a_photo_and_a_pdf_go_in_and_one_comes_out_again(person: Opens) -> None:
    # Given a case manager at the files of a case
    manager = person("case_manager", PROVIDER)
    page = files_of_first_case(manager)

    # When they put a photo and a PDF into it
    manager.follows("Add files")
    page.get_by_label("Files").set_input_files([PHOTO, REPORT])
    page.get_by_label("What they show or say").fill("From Monday's hui")
    page.get_by_label("Share with the school").check(force=True)
    manager.presses("Put into the case")

    # Then both stand first, say what they are, and can be saved
    assert manager.reads("The files are in the case")
    rows = page.locator("[data-list-item]")
    both = rows.nth(0).inner_text() + rows.nth(1).inner_text()
    assert "Whānau hui whiteboard.png" in both
    assert "School report.pdf" in both
    assert both.count("Shared with the school") == 2
    with page.expect_download() as saving:
        page.get_by_role("link", name="Whānau hui whiteboard.png", exact=True).first.click()
    assert saving.value.suggested_filename == "Whānau hui whiteboard.png"
    assert saving.value.path().read_bytes() == PNG

    # When they take one out again
    page.get_by_role("link", name="Take out School report.pdf").first.click()
    manager.looks()
    page.get_by_label("Why does it not belong here?").fill("It is about another student")
    manager.presses("Take it out")

    # Then it cannot be had any more, and the reason stands in its place
    gone = page.locator("[data-list-item]", has_text="It is about another student").first
    assert "Taken out" in gone.inner_text()
    assert gone.get_by_role("link").count() == 0


def test_a_file_that_is_refused_says_why_and_the_other_is_kept(person: Opens) -> None:
    # Given a case manager who adds files
    manager = person("case_manager", PROVIDER)
    page = files_of_first_case(manager)
    manager.follows("Add files")

    # When one of two is a program
    page.get_by_label("Files").set_input_files([PROGRAM, PHOTO])
    page.get_by_label("What they show or say").fill("From Monday's hui")
    manager.presses("Put into the case")

    # Then it is named with its rule, the other is kept, and what was written is still there
    assert manager.reads("setup.exe is of a kind that we do not keep")
    assert manager.reads("These are in the case: Whānau hui whiteboard.png")
    assert page.get_by_label("What they show or say").input_value() == "From Monday's hui"
