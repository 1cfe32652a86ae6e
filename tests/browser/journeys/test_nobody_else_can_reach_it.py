"""A case is not there for anyone else: not for another provider, the school, or the ministry."""

import pytest

from tests.browser.journeys.conftest import MINISTRY, OTHER_PROVIDER, PROVIDER, SCHOOL, Opens

pytestmark = pytest.mark.chromium


def test_nobody_else_can_reach_it(person: Opens) -> None:
    # Given a case of one provider
    lead = person("workflow_lead", PROVIDER)
    lead.goes_to("/cases")
    lead.page.locator(".records__link").first.click()
    lead.page.wait_for_url("**/cases/*-*")
    path = lead.page.url.removeprefix(lead.base_url)
    name = lead.heading.partition(" case ")[0]

    # When others open its address
    told = []
    for role, organisation in (
        ("workflow_lead", OTHER_PROVIDER),
        ("attendance_lead", SCHOOL),
        ("ministry_analyst", MINISTRY),
    ):
        other = person(role, organisation)
        other.goes_to(path)
        told.append(other.heading)
        assert not other.reads(name)

    # Then it is not there, or not theirs to open
    assert told == ["We could not find that page", "You cannot open this", "You cannot open this"]
