"""The primary contact of a case is told, reads what was shared of it, and reaches nothing else."""

from uuid import uuid4

import pytest

from tests.browser.journeys.conftest import PROVIDER, Opens, Visitor, new_name
from tests.browser.journeys.own_case import COLLEGE, opens_own_case
from tests.support.waiting import until

pytestmark = pytest.mark.chromium


def hears(contact: Visitor, words: str) -> bool | None:
    contact.page.goto(contact.base_url + "/notices")
    return contact.reads(words) or None


@pytest.mark.parametrize("size", ["phone"])
def test_the_primary_contact_reads_the_case_that_names_them_and_no_more(person: Opens) -> None:
    # Given a case at their school that names them
    lead, name = person("workflow_lead", PROVIDER), new_name()
    path = opens_own_case(lead, name, school="0093")
    lead.goes_to(f"{path}/contact")
    lead.page.get_by_label("Demo Rūpene Contact").check()
    lead.page.locator("main form button[type=submit]").first.click()
    lead.looks()

    # And a note of it that is shared, beside one that is not
    shared, kept = f"Shared {uuid4().hex[:8]}", f"Kept {uuid4().hex[:8]}"
    for words, is_shared in ((shared, True), (kept, False)):
        lead.goes_to(f"{path}/notes/new")
        lead.page.locator("textarea[name=note]").fill(words)
        lead.page.get_by_label("Share this with the school").set_checked(is_shared)
        lead.page.locator("main form button[type=submit]").first.click()
        lead.looks()

    # When the contact looks at their notices
    contact = person("primary_contact", COLLEGE)
    until(lambda: hears(contact, "You are the contact for a student"), "the notice")
    contact.looks()

    # Then they read what was shared, and not the rest
    contact.goes_to(path.replace("/cases/", "/shared/"))
    assert contact.heading.startswith(name)
    assert contact.reads(shared)
    assert not contact.reads(kept)

    # And neither the case itself nor the school's requests are theirs
    for closed in (path, "/requests", "/search"):
        contact.goes_to(closed)
        assert not contact.reads(name)
        assert contact.heading in {"You cannot open this", "We could not find that page"}
