"""A case manager adds a task to a case and completes it; once by the keyboard alone."""

import pytest

from tests.browser.journeys.conftest import PROVIDER, Opens, new_name

pytestmark = pytest.mark.chromium


def test_a_case_manager_adds_and_completes_a_task(person: Opens) -> None:
    # Given a case manager at one of their cases
    manager = person("case_manager", PROVIDER)
    page, title = manager.page, f"Ring {new_name()}"
    page.locator(".work__link").first.click()
    page.wait_for_url("**/cases/*-*")

    # When they add a task
    manager.follows("Add a task")
    page.get_by_label("What is to be done").fill(title)
    manager.presses("Add a task")

    # Then it stands under what is due
    assert manager.reads("Task added")
    due = page.locator("#due")
    assert title in due.inner_text()

    # And a tap, a text and a tap complete it
    manager.follows(title)
    page.get_by_label("What came of it?").fill("She will come on Thursday.")
    manager.presses("Complete the task")
    assert manager.reads("Task completed")
    assert page.get_by_role("link", name=title).count() == 0


def test_a_task_by_keyboard_alone(person: Opens) -> None:
    # Given the form of a new task
    manager = person("case_manager", PROVIDER)
    page, title = manager.page, f"Ring {new_name()}"
    page.locator(".work__link").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/cases/*-*")
    page.get_by_role("link", name="Add a task").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/tasks/new")

    # When it is filled in and sent from the keyboard
    page.get_by_label("What is to be done").focus()
    page.keyboard.type(title)
    page.keyboard.press("Enter")
    page.wait_for_url("**done=task-added*")
    manager.looks()

    # Then it is there, and opens from the keyboard
    page.get_by_role("link", name=title).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/tasks/*-*")
    page.get_by_label("What came of it?").focus()
    page.keyboard.type("Done.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**done=task-completed*")
    manager.looks()
