"""Someone leaves: their access ends in one step, and the lead finds their case among those that nobody has."""

import pytest

from tests.browser.journeys import access
from tests.browser.journeys.conftest import PROVIDER, Demo, Opens, Visitor
from tests.support.waiting import until

pytestmark = pytest.mark.chromium


def test_a_leavers_work_falls_to_the_queue(visitor: Visitor, person: Opens, system: Demo) -> None:
    # Given a case manager with a case, at work
    authoriser, lead = person("delegated_authoriser", PROVIDER), person("workflow_lead", PROVIDER)
    leaver = access.newcomer()
    access.works_on_cases(system, authoriser, visitor, leaver)
    path = access.gives_case(lead, leaver)
    access.signs_in(visitor, leaver)
    visitor.goes_to(path)

    # When the authoriser ends their access, having read in numbers what follows
    access.finds(authoriser, leaver)
    authoriser.follows("End all access")
    assert authoriser.reads("1 open case, 0 open tasks")
    authoriser.page.get_by_label("They have left").check()
    authoriser.presses("End their access")
    assert authoriser.reads("Access has ended.")
    assert authoriser.page.get_by_role("link", name="Cases").count() == 0, "an authoriser sees no case"

    # Then the case stands in the lead's queue within the minute
    def is_unassigned() -> bool | None:
        lead.page.goto(f"{system.base_url}{path}")
        return lead.reads("New") or None

    until(is_unassigned, "the case is with nobody", seconds=60, pause_seconds=0.5)
    lead.goes_to("/cases?state=new")
    assert lead.page.locator(f'a[href="{path}"]').count() == 1

    # And the leaver, who was signed in, can open nothing
    visitor.page.goto(f"{system.base_url}{path}")
    assert not visitor.reads(leaver.name)

    # And the lead gives it to someone else, who goes on where it stood
    lead.goes_to(f"{path}/assign")
    lead.page.get_by_label("Demo Hēmi Walker").check()
    lead.presses("Give them the case")
    assert lead.reads("Active")
