"""An authoriser says who still needs their access, and wakes what rests; first invitations are sent again."""

from ascms.identity.v1 import invitations_pb2 as v

from tests.gateway.pages.conftest import Browser
from tests.gateway.pages.test_every_page import MANAGER, As
from tests.support.stub_world import World, number_id


def test_who_is_due_is_seen_and_kept_in_two_steps(as_: As, world: World) -> None:
    # Given an authoriser who asks who is due
    authoriser: Browser = as_("authoriser")
    due = authoriser.text("/staff?show=attestation-due")
    assert "Demo Aria Norole" not in due
    assert "Overdue" in due
    # When they say that someone still needs their access
    path = f"/staff/{MANAGER}/attest"
    answer = authoriser.post(path, authoriser.fill(path))
    # Then it is told to identity, and their page says so
    assert [request.person_id for method, request in world.calls if method == "AttestAccess"] == [str(MANAGER)]
    assert "You are asked again in a year." in authoriser.text(answer.location)


def test_nobody_says_so_of_themself(as_: As, world: World) -> None:
    me = world.people["authoriser"].person_id
    page = as_("authoriser").text(f"/staff/{me}")
    assert "You cannot say this of yourself." in page
    assert f"/staff/{me}/attest" not in page


def test_what_rests_says_why_and_wakes(as_: As, world: World) -> None:
    path = f"/staff/{number_id(753)}"
    authoriser: Browser = as_("authoriser")
    page = authoriser.text(path)
    assert "They did not sign in for a long time, so" in page
    assert "Their access goes on until you end it." in page
    answer = authoriser.post(f"{path}/wake", authoriser.fill(f"{path}/wake"))
    assert "It works within a minute." in authoriser.text(answer.location)
    assert [method for method, _request in world.calls if method == "WakeAccess"] == ["WakeAccess"]


def test_the_ministry_sends_a_first_invitation_again_or_takes_it_back(as_: As, world: World) -> None:
    # Given an invitation that went to a wrong address
    admin: Browser = as_("admin")
    page = f"/organisations/{number_id(1)}"
    one = f"{page}/invitations/{number_id(711)}"
    assert "Demo Hana First" in admin.text(page)
    # When it is sent again to another one, and then withdrawn
    admin.post(f"{one}/resend", admin.fill(f"{one}/resend") | {"email": "hana@tui.example"})
    assert "hana@tui.example" in admin.text(page)
    admin.post(f"{one}/withdraw", admin.fill(f"{one}/withdraw"))
    # Then it stands there as withdrawn, and nothing more can be done with it
    assert world.first_invitations[number_id(711)].state == v.INVITATION_STATE_WITHDRAWN
    assert f"{one}/resend" not in admin.text(page)
