"""From an invitation to an open case: what was seen is written down, the mail arrives, training makes the role work."""

import pytest

from tests.browser.journeys import access
from tests.browser.journeys.conftest import PROVIDER, Demo, Opens, Visitor

pytestmark = pytest.mark.chromium


def test_a_colleague_is_invited_and_opens_a_case(visitor: Visitor, person: Opens, system: Demo) -> None:
    # Given an authoriser who has seen the documents of someone new
    authoriser = person("delegated_authoriser", PROVIDER)
    colleague = access.newcomer()

    # When they invite them, and the colleague accepts by the link in the mail and signs in
    access.invites(authoriser, colleague)
    access.accepts(visitor, access.mailed_link(system, colleague.email))
    access.signs_in(visitor, colleague)

    # Then there is nothing for them yet, and the page says why
    assert visitor.heading == "You have no role at the moment"
    visitor.goes_to("/cases")
    assert visitor.reads("Your delegated authoriser gives you a role. That is what is missing now.")

    # When the authoriser, who is told that they wait, gives them a role
    authoriser.goes_to("/")
    assert authoriser.reads(colleague.name)
    access.gives_role(authoriser, colleague, "Case manager")
    person_id = authoriser.page.url.rpartition("/staff/")[2].partition("?")[0]

    # Then the role is there and permits nothing, until the training system says that the training is done
    access.reloads_until(visitor, "/", "The training for this role is not finished.")
    access.training_recorded(system, person_id)
    access.reloads_until(visitor, "/", "You have no case")

    # And a case that the lead gives them opens, without signing in again
    lead = person("workflow_lead", PROVIDER)
    path = access.gives_case(lead, colleague)
    visitor.goes_to(path)
    assert visitor.reads(colleague.name)

    # And the authoriser sees that nothing is missing, and what happened
    access.finds(authoriser, colleague)
    assert authoriser.reads("Nothing is missing: their access works.")
    assert authoriser.reads("Training completed")
