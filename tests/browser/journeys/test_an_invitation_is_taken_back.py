"""The link of an invitation says that it was replaced, withdrawn or used before any form is shown."""

import pytest

from tests.browser.journeys import access
from tests.browser.journeys.conftest import PROVIDER, Demo, Opens, Visitor

pytestmark = pytest.mark.chromium


def opens(visitor: Visitor, link: str) -> str:
    """Open a link: its heading, and no form to accept by."""
    visitor.page.goto(link)
    visitor.looks()
    assert visitor.page.get_by_label("Passphrase").count() == 0
    return visitor.heading


def test_an_invitation_is_taken_back(visitor: Visitor, person: Opens, system: Demo) -> None:
    # Given an invitation that was sent, and sent again to another address
    authoriser = person("delegated_authoriser", PROVIDER)
    first, second = access.newcomer(), access.newcomer()
    access.invites(authoriser, first)
    page = authoriser.page.url
    old = access.mailed_link(system, first.email)
    authoriser.follows("Send it again")
    authoriser.page.get_by_label("Email address").fill(second.email)
    authoriser.presses("Send again")
    assert authoriser.reads("The link sent before does not work any more.")
    new = access.mailed_link(system, second.email)

    # Then the first link does not work, and the second one does
    assert opens(visitor, old) == "This link does not work"
    visitor.page.goto(new)
    visitor.looks()
    assert visitor.heading == "Accept your invitation"

    # When the authoriser withdraws it, having read what follows
    authoriser.follows("Withdraw")
    assert authoriser.reads("At once the link in the mail stops working.")
    authoriser.presses("Withdraw it")
    assert authoriser.page.url.startswith(page.partition("?")[0])
    assert authoriser.reads("The invitation is withdrawn.")

    # Then the link says so before anything is asked
    assert opens(visitor, new) == "This invitation was withdrawn"


def test_an_invitation_is_used_once(visitor: Visitor, person: Opens, system: Demo) -> None:
    # Given someone who accepted
    authoriser = person("delegated_authoriser", PROVIDER)
    colleague = access.newcomer()
    access.invites(authoriser, colleague)
    link = access.mailed_link(system, colleague.email)
    access.accepts(visitor, link)

    # When anyone opens the link again
    # Then it says that it was used
    assert opens(visitor, link) == "This invitation was used already"
