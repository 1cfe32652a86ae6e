"""A case manager writes a note and corrects it: the note stays, the correction stands beside it. Without scripts."""

import pytest
from playwright.sync_api import Page

from tests.browser.journeys.conftest import PROVIDER, Demo, Opens, new_name, opened

pytestmark = pytest.mark.chromium


def test_a_note_is_written_and_corrected(person: Opens) -> None:
    # Given a case manager at one of their cases
    manager = person("case_manager", PROVIDER)
    page, words = manager.page, new_name()
    page.locator(".work__link").first.click()
    page.wait_for_url("**/cases/*-*")

    # When they write a note
    manager.follows("Write a note")
    page.get_by_label("Your note").fill(f"{words}: Nan prefers texts.")
    manager.presses("Save")
    assert manager.reads("Note saved")

    # And correct it
    page.locator(".timeline__entry").first.get_by_role("link", name="Correct").click()
    page.wait_for_url("**/correct")
    manager.looks()
    page.get_by_label("Why is it corrected?").fill("It is Koro who does.")
    page.get_by_label("Your note").or_(page.locator("#note")).first.fill(f"{words}: Koro prefers texts.")
    manager.presses("Save the correction")

    # Then both stand there, with the reason
    entry = page.locator(".timeline__entry").first.inner_text()
    for part in (f"{words}: Nan prefers texts.", f"{words}: Koro prefers texts.", "It is Koro who does."):
        assert part in entry


def test_a_note_without_scripts(system: Demo, browser: object, size: str) -> None:
    # Given a case manager at a browser without scripts
    who, words = system.person("case_manager", PROVIDER), new_name()
    with opened(browser, size, {"java_script_enabled": False}) as context:  # type: ignore[arg-type]
        page: Page = context.new_page()
        page.goto(f"{system.base_url}/sign-in")
        page.fill("input[name=email]", who["email"])
        page.fill("input[type=password]", who["passphrase"])
        page.click("main button")

        # When they write a note into a case
        page.locator(".work__link").first.click()
        page.get_by_role("link", name="Write a note").click()
        page.fill("#note", words)
        page.get_by_role("button", name="Save").click()

        # Then it stands first
        assert words in page.locator(".timeline__entry").first.inner_text()
