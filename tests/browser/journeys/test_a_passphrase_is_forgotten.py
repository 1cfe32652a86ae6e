"""Someone who forgot their passphrase chooses a new one by a link in the mail; someone who knows it changes it."""

import pytest

from tests.browser.journeys import access
from tests.browser.journeys.conftest import PROVIDER, Demo, Opens, Visitor

pytestmark = pytest.mark.chromium

SECOND, THIRD = "nine loud tūī in the harakeke", "four slow boats past the heads"


def test_a_passphrase_is_forgotten(visitor: Visitor, person: Opens, system: Demo) -> None:
    # Given a colleague who has a profile, and has forgotten the passphrase
    authoriser = person("delegated_authoriser", PROVIDER)
    colleague = access.newcomer()
    access.invites(authoriser, colleague)
    access.accepts(visitor, access.mailed_link(system, colleague.email))
    visitor.goes_to("/")
    visitor.follows("Sign in")
    visitor.follows("Forgotten your passphrase?")

    # When they ask for a link, and choose a new one behind it
    visitor.page.get_by_label("Email address").fill(colleague.email)
    visitor.presses("Send the link")
    assert visitor.heading == "Look into your email"
    link = access.mailed_link(system, colleague.email, path=access.NEW_PASSPHRASE)
    visitor.page.goto(link)
    visitor.looks()
    visitor.page.get_by_label("New passphrase").fill("too short")
    visitor.presses("Change it")
    assert visitor.reads("Choose a passphrase of 12 characters or more.")
    visitor.page.get_by_label("New passphrase").fill(SECOND)
    visitor.presses("Change it")
    assert visitor.heading == "Your passphrase is changed"

    # Then the link says that it was used, and the new passphrase signs in
    visitor.page.goto(link)
    visitor.looks()
    assert visitor.heading == "This link was used already"
    visitor.page.goto(f"{system.issuer}/passphrase")
    visitor.page.get_by_label("Email address").fill(colleague.email)
    visitor.page.get_by_label("Passphrase").fill(SECOND)
    visitor.presses("Sign in")
    assert visitor.heading == "Change your passphrase"

    # And knowing it they change it again, where they are signed in
    visitor.page.get_by_label("Present passphrase").fill(SECOND)
    visitor.page.get_by_label("New passphrase").fill(THIRD)
    visitor.presses("Change it")
    assert visitor.reads("Everywhere else you are signed out.")
