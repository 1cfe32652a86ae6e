"""A lead reads who opened a student's record."""

import pytest

from tests.browser.journeys.conftest import PROVIDER, Opens

pytestmark = pytest.mark.chromium


def test_a_lead_reads_who_opened_a_record(person: Opens) -> None:
    # Given a case manager who opened a record
    manager = person("case_manager", PROVIDER)
    manager.page.locator(".work__link").first.click()
    manager.page.wait_for_url("**/cases/*-*")
    case = manager.page.url.removeprefix(manager.base_url)
    assert manager.page.get_by_role("link", name="Who opened it").count() == 0

    # When a lead opens it and looks who did
    lead = person("workflow_lead", PROVIDER)
    lead.goes_to(case)
    lead.follows("Who opened it")

    # Then both stand there, the lead first, and no name of a student
    names = lead.page.locator("main .lines strong").all_inner_texts()
    assert len(set(names[:2])) == 2
    assert lead.heading.startswith("Who opened this record")
