"""A case manager lets a case rest until a day, and wakes it by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.browser.journeys.conftest import PROVIDER, Opens

pytestmark = pytest.mark.chromium


def test_a_case_is_paused_and_woken(person: Opens) -> None:
    # Given a case on which work has begun
    manager = person("case_manager", PROVIDER)
    page = manager.page
    page.locator(".work__action").first.click()
    page.wait_for_url("**/events/new**")
    manager.presses("Save")

    # When its case manager pauses it
    manager.follows("Pause the case")
    page.get_by_label("Bereavement or tangihanga").check()
    page.get_by_label("It wakes by itself on").fill((datetime.now(UTC).date() + timedelta(days=9)).isoformat())
    page.get_by_label("Who agreed?").fill("Nan")
    manager.presses("Pause the case")

    # Then it says why it rests and until when
    assert manager.reads("Bereavement or tangihanga. It wakes by itself.")
    assert page.get_by_role("link", name="Pause the case").count() == 0

    # And it is woken by hand
    manager.follows("Wake the case")
    manager.presses("Wake the case")
    assert manager.reads("The case is awake")
    assert page.get_by_role("link", name="Wake the case").count() == 0
