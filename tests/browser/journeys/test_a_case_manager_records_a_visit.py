"""A case manager records a home visit: from "my work", one tap, the words, one tap."""

import pytest

from tests.browser.journeys.conftest import PROVIDER, Opens

pytestmark = pytest.mark.chromium


def test_a_case_manager_records_a_visit(person: Opens) -> None:
    # Given a case manager who looks at their work
    manager = person("case_manager", PROVIDER)
    assert manager.heading == "My work"
    page = manager.page

    # When they tap, say what happened, and tap again
    page.locator(".work__action").first.click()
    manager.looks()
    page.get_by_label("What was said, seen and agreed").fill("Koro was home.\nHe brings her on Thursday.")
    manager.presses("Save")

    # Then the case shows it, first and confirmed
    assert manager.reads("Home visit saved: reached, 30 min")
    first = page.locator(".timeline__entry").first
    assert "He brings her on Thursday." in first.inner_text()
    assert "Just saved" in first.inner_text()
    assert page.locator(".timeline__heading").first.inner_text() == "Today"

    # And the confirmation is still there after a reload, and nothing was doubled
    page.reload()
    assert manager.reads("Home visit saved: reached, 30 min")
    assert page.get_by_text("Just saved").count() == 1


def test_a_double_tap_records_once(person: Opens) -> None:
    # Given a form that is filled in
    manager = person("case_manager", PROVIDER)
    page = manager.page
    page.locator(".work__action").first.click()
    page.get_by_label("Nobody there").check()
    page.get_by_label("15", exact=True).check(force=True)

    # When the same form arrives twice at the same time
    sent = page.evaluate(
        """async () => {
          const form = document.querySelector("main form");
          const send = () => fetch(form.action, {method: "POST", body: new URLSearchParams(new FormData(form))});
          return (await Promise.all([send(), send()])).map((answer) => [answer.status, answer.url]);
        }"""
    )

    # Then both answers lead to the one entry
    assert [status for status, _url in sent] == [200, 200]
    assert sent[0] == sent[1]
    page.goto(sent[0][1])
    manager.looks()
    assert page.get_by_text("Just saved").count() == 1


def test_the_main_action_stays_under_the_thumb(person: Opens, size: str) -> None:
    # Given a case page, scrolled to its end
    manager = person("case_manager", PROVIDER)
    page = manager.page
    page.locator(".work__link").first.click()
    page.wait_for_url("**/cases/*")
    page.evaluate(f"window.scrollTo(0, {int(size == 'phone')} * document.body.scrollHeight)")

    # Then the main action can be reached
    box = page.get_by_role("link", name="Record visit").bounding_box()
    assert box is not None
    assert 0 <= box["y"] <= 900 - box["height"]
    assert box["height"] >= 40
