"""A case manager shares what happened, the school's attendance lead reads that and nothing else."""

from uuid import uuid4

import pytest
from playwright.sync_api import FilePayload

from tests.browser.journeys.conftest import OTHER_SCHOOL, PROVIDER, SCHOOL, Opens

pytestmark = pytest.mark.chromium


def test_an_attendance_lead_reads_the_shared_entry_and_not_the_other(person: Opens) -> None:
    # Given a case of the school, in which one visit is shared and one is not
    manager = person("case_manager", PROVIDER)
    page = manager.page
    shared, kept = f"Shared {uuid4().hex[:8]}", f"Kept {uuid4().hex[:8]}"
    page.locator(".work__link").first.click()
    page.wait_for_url("**/cases/*")
    case_id = page.url.rpartition("/")[2]
    for words, is_shared in ((shared, True), (kept, False)):
        manager.goes_to(f"/cases/{case_id}/notes/new")
        page.locator("textarea[name=note]").fill(words)
        page.get_by_label("Share this with the school").set_checked(is_shared)
        page.locator("main form button[type=submit]").first.click()
        manager.looks()
    file = FilePayload(name=f"{shared}.txt", mimeType="text/plain", buffer=b"What was agreed.\n")
    manager.goes_to(f"/cases/{case_id}/files/new")
    page.get_by_label("Files").set_input_files([file])
    page.get_by_label("Share with the school").check(force=True)
    manager.presses("Put into the case")

    # When the school's attendance lead opens the case
    lead = person("attendance_lead", SCHOOL)
    lead.goes_to("/shared")
    lead.goes_to(f"/shared/{case_id}")

    # Then they read what was shared, and nothing else
    assert lead.reads(shared)
    assert not lead.reads(kept)
    assert lead.reads("Whom to talk to")

    # And they save the file that was shared
    lead.goes_to(f"/shared/{case_id}/files")
    with lead.page.expect_download() as saving:
        lead.page.get_by_role("link", name=f"{shared}.txt").click()
    assert saving.value.path().read_bytes() == file["buffer"]

    # And another school finds no such case
    stranger = person("attendance_lead", OTHER_SCHOOL)
    stranger.goes_to(f"/shared/{case_id}")
    assert stranger.heading == "We could not find that page"


def test_someone_chooses_how_they_get_their_notices(person: Opens) -> None:
    # Given a case manager who looks at their notices
    manager = person("case_manager", PROVIDER)
    manager.goes_to("/notices")

    # When they want tasks that are due in one email a day
    manager.follows("Choose how you get them")
    manager.page.get_by_label("A task of yours is due").select_option("daily")
    manager.presses("Save")

    # Then that is said, and stands when they come back
    assert manager.reads("From now on you get your notices like this.")
    manager.goes_to("/notices/preferences")
    assert manager.page.get_by_label("A task of yours is due").input_value() == "daily"
    manager.page.get_by_label("A task of yours is due").select_option("at-once")
    manager.presses("Save")
