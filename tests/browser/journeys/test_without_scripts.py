"""Everything works where scripts do not."""

import pytest
from playwright.sync_api import Page

from tests.browser.journeys.conftest import PROVIDER, Demo, opened

pytestmark = pytest.mark.chromium


def test_without_scripts(system: Demo, browser: object, size: str) -> None:
    # Given a case manager at a browser without scripts
    who = system.person("case_manager", PROVIDER)
    with opened(browser, size, {"java_script_enabled": False}) as context:  # type: ignore[arg-type]
        page: Page = context.new_page()
        page.goto(f"{system.base_url}/sign-in")
        page.fill("input[name=email]", who["email"])
        page.fill("input[type=password]", who["passphrase"])
        page.click("main button")

        # When they record a visit that took another time
        page.locator(".work__action").first.click()
        page.get_by_label("Another time").check(force=True)
        page.fill("#other_minutes", "25")
        page.get_by_role("button", name="Save").click()

        # Then it stands in the case
        assert "Home visit saved: reached, 25 min" in page.locator("main").inner_text()

        # And what is folded opens, and what is behind the menu can be reached
        page.get_by_text("Show the National Student Number").or_(
            page.get_by_text("No National Student Number was given.")
        ).first.click()
        page.locator(".back").first.click()
        assert page.locator("h1").inner_text() == "Cases"
