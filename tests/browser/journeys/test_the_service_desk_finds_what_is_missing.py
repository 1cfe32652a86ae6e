"""Someone calls the service desk and cannot get in: it sees what their access lacks, and nothing else."""

import pytest

from tests.browser.journeys.conftest import MINISTRY, Opens

pytestmark = pytest.mark.chromium


def test_the_service_desk_finds_what_is_missing(person: Opens) -> None:
    # Given someone at the service desk, and a call
    desk = person("service_desk", MINISTRY)
    desk.follows("Someone cannot get in")

    # When they look without the number of the call
    desk.page.fill("#email", "wiremu.potae@putahi.example")
    desk.presses("Look")

    # Then nothing is shown, and what they wrote is still there
    assert desk.reads("Write the number of the call.")
    assert desk.page.input_value("#email") == "wiremu.potae@putahi.example"

    # When they write it
    desk.page.fill("#call_number", "CALL-2041")
    desk.presses("Look")

    # Then they see what the role lacks, and what happens next
    assert desk.reads("Demo Wiremu Pōtae")
    assert desk.reads("The training for this role is not finished.")
    assert "wiremu" not in desk.page.url

    # And a case is nowhere in reach
    desk.goes_to("/cases")
    assert desk.heading == "You cannot open this"
