"""Someone says who still needs their access; the ministry sends a first invitation again, or takes it back."""

from uuid import uuid4

import pytest

from tests.browser.journeys import access
from tests.browser.journeys.conftest import MINISTRY, PROVIDER, Demo, Opens, Visitor

pytestmark = pytest.mark.chromium


def test_access_is_attested(person: Opens, system: Demo) -> None:
    # Given an authoriser at the page of a colleague
    authoriser = person("delegated_authoriser", PROVIDER)
    authoriser.goes_to("/staff")
    authoriser.page.get_by_label("Name or email address").fill(system.person("case_manager", PROVIDER)["email"])
    authoriser.presses("Find")
    authoriser.page.locator("a.records__link").first.click()
    authoriser.looks()
    assert authoriser.reads("It is asked again before this day")
    page = authoriser.page.url.partition("?")[0].removeprefix(authoriser.base_url)
    # When they say that the access is still needed
    authoriser.goes_to(f"{page}/attest")
    assert authoriser.reads("They keep every role they hold here for another year.")
    authoriser.presses("They need it")
    # Then it stands in what happened, with who said it
    assert authoriser.reads("You are asked again in a year.")
    assert authoriser.reads("Access still needed")
    # And where nothing rests there is nothing to wake
    authoriser.goes_to(f"{page}/wake")
    assert authoriser.reads("Nothing rests")


def test_a_first_invitation_goes_out_again_and_is_taken_back(visitor: Visitor, person: Opens, system: Demo) -> None:
    # Given a new provider whose first person was invited at a wrong address
    admin = person("ministry_admin", MINISTRY)
    wrong, right = access.newcomer(), access.newcomer()
    admin.goes_to("/organisations/new")
    admin.page.get_by_label("A provider").check()
    admin.page.get_by_label("Name").fill(f"Ngā Hoa {uuid4().hex[:8]} (demo)")
    admin.page.get_by_label("Region").select_option("08")
    admin.presses("Add the organisation")
    admin.follows("Invite the first person")
    admin.page.get_by_label("Name", exact=True).fill(wrong.name)
    admin.page.get_by_label("Email address").fill(wrong.email)
    admin.page.get_by_label("Main document").select_option(label="New Zealand full birth certificate")
    admin.page.get_by_label("Second document").select_option(label="Kiwi Access card")
    admin.presses("Send the invitation")
    assert admin.reads(f"Sent to {wrong.email}. The link works until")
    # When it is sent again to the right one
    admin.follows("Send it again")
    admin.page.get_by_label("Email address").fill(right.email)
    admin.presses("Send again")
    link = access.mailed_link(system, right.email)
    visitor.page.goto(link)
    visitor.looks()
    assert visitor.heading == "Accept your invitation"
    # And then taken back
    admin.follows("Withdraw")
    admin.presses("Withdraw it")
    assert admin.reads("The invitation is withdrawn.")
    visitor.page.goto(link)
    visitor.looks()
    assert visitor.heading == "This invitation was withdrawn"
