"""A lead looks for a student, finds nobody, and opens a case at a school that they find in the register."""

import pytest

from tests.browser.journeys.conftest import PROVIDER, Opens, new_name
from tests.browser.journeys.own_case import COLLEGE, opens_own_case

pytestmark = pytest.mark.chromium


def test_own_work_begins_with_a_search_that_finds_nobody(person: Opens) -> None:
    # Given a lead and a student whom nobody has asked for
    lead, name = person("workflow_lead", PROVIDER), new_name()

    # When they open a case of their own, at a school written without its macron
    path = opens_own_case(lead, name, school="pohutukawa")

    # Then the case has the school, and the next search finds it
    assert lead.reads(COLLEGE)
    lead.goes_to("/search")
    lead.page.fill("main input[name=q]", name)
    lead.presses("Find")
    lead.follows(name)
    assert lead.page.url.startswith(lead.base_url + path)
