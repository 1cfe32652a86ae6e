"""A case manager finds help from the page they are on; the ministry changes it, and the next reader sees that."""

from uuid import uuid4

import pytest

from tests.browser.journeys.conftest import MINISTRY, PROVIDER, Opens

pytestmark = pytest.mark.chromium


def test_help_is_where_the_work_is(person: Opens) -> None:
    # Given a case manager who wonders why they are asked something
    manager = person("case_manager", PROVIDER)
    manager.goes_to("/guidance")
    assert manager.reads("Getting started as a case manager")
    manager.follows("Why are we asking this?")
    assert manager.heading == "Why are we asking this?"

    # When the ministry writes it anew, in both languages
    words = f"Demo words {uuid4().hex[:8]}."
    admin = person("ministry_admin", MINISTRY)
    admin.goes_to("/guidance/why-we-ask/edit")
    admin.page.get_by_label("Text in English").fill(words)
    admin.page.get_by_label("Text in te reo Māori").fill(f"Kupu. {words}")
    admin.presses("Save the draft and look at it")
    assert admin.reads(words)
    admin.presses("Publish in both languages")
    assert admin.reads("Published in both languages.")

    # Then the next reader sees it, and what stood there before can still be read
    manager.goes_to("/guidance/why-we-ask")
    assert manager.reads(words)
    manager.goes_to("/guidance/why-we-ask?version=1")
    assert manager.reads("This is an earlier version.")
