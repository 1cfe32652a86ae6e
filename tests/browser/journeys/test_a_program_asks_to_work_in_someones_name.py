"""A program on someone's machine works in their name only after they read what that means, and allowed it."""

from urllib.parse import urlencode

import pytest

from tests.browser.journeys.conftest import PROVIDER, Demo, Opens

pytestmark = pytest.mark.chromium

HERE = "http://127.0.0.1:53682/callback"


def test_a_program_asks_to_work_in_someones_name(person: Opens, system: Demo) -> None:
    # Given someone at work, and a program of theirs that listens on their machine
    manager = person("case_manager", PROVIDER)
    manager.page.route(f"{HERE}*", lambda route: route.fulfill(body="<h1>The program</h1>", content_type="text/html"))
    asked = {
        "response_type": "code",
        "client_id": "program",
        "redirect_uri": HERE,
        "scope": "openid",
        "state": "made-up-state",
        "nonce": "made-up-nonce",
        "code_challenge": "a" * 43,
        "code_challenge_method": "S256",
    }
    # When it asks, they read what it could do, and do not allow it
    manager.page.goto(f"{system.issuer}/authorize?{urlencode(asked)}")
    manager.looks()
    assert manager.heading == "Let a program work in your name?"
    assert manager.reads("it is recorded as done by you")
    manager.page.get_by_role("button", name="Do not allow it").click()
    manager.page.wait_for_url(f"{HERE}*error=access_denied*")
    # Then it has nothing; and when it asks again and they allow it, it has its code
    manager.page.goto(f"{system.issuer}/authorize?{urlencode(asked)}")
    manager.page.get_by_role("button", name="Allow it", exact=True).click()
    manager.page.wait_for_url(f"{HERE}*code=*")
