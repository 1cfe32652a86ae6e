"""Closing a case waits for its tasks; a lead takes it up again."""

import pytest

from tests.browser.journeys.conftest import PROVIDER, Opens, new_name

pytestmark = pytest.mark.chromium


def test_a_case_is_closed_and_reopened(person: Opens) -> None:
    # Given a case with an open task
    manager = person("case_manager", PROVIDER)
    page, title = manager.page, f"Ring {new_name()}"
    page.locator(".work__link").last.click()
    page.wait_for_url("**/cases/*-*")
    case = page.url.partition("?")[0].removeprefix(manager.base_url)
    manager.follows("Add a task")
    page.get_by_label("What is to be done").fill(title)
    manager.presses("Add a task")

    # Then it cannot be closed, and says what is in the way
    assert manager.reads("Closing needs:")
    manager.goes_to(f"{case}/close")
    assert manager.reads(title)

    # When the tasks are done
    for _each in range(page.locator(".due__link").count()):
        page.locator(".due__link").first.click()
        page.wait_for_url("**/tasks/*")
        page.get_by_label("What came of it?").fill("She comes every day.")
        manager.presses("Complete the task")
        manager.goes_to(f"{case}/close")

    # Then it is closed, with its reason
    page.get_by_label("Why does the work end?").select_option("enrolled")
    page.get_by_label("What came of it?").select_option("attending_regularly")
    page.get_by_label("Closing summary").fill("Enrolled and there every day.")
    manager.presses("Close the case")
    assert manager.reads("The case is closed")

    # And a lead takes it up again
    lead = person("workflow_lead", PROVIDER)
    lead.goes_to(case)
    lead.follows("Reopen the case")
    lead.page.get_by_label("Why is it taken up again?").fill("Away again since Monday.")
    lead.presses("Reopen the case")
    assert lead.reads("The case is open again")
