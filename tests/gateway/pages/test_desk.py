"""The service desk finds out why someone cannot get in."""

from collections.abc import Callable

from tests.gateway.pages.conftest import Browser
from tests.support.stub_world import World

As = Callable[..., Browser]


def test_it_says_what_a_role_lacks_and_what_happens_next(as_: As, world: World) -> None:
    desk = as_("desk")
    form = desk.fill("/access", email="newcomer@people.example", call_number="CALL-17")
    page = desk.post("/access", form)
    assert page.status_code == 200
    assert "Tama Notyet" in page.text
    assert "The training for this role is not finished." in page.text
    assert "within one working day" in page.text
    assert "newcomer@people.example" not in page.request.url
    (request,) = [request for method, request in world.calls if method == "FindAccess"]
    assert request.call_number == "CALL-17"


def test_an_address_that_nobody_has_is_said_plainly(as_: As) -> None:
    desk = as_("desk")
    form = desk.fill("/access", email="nobody@nowhere.example", call_number="CALL-17")
    assert "Nobody signs in with this address" in desk.post("/access", form).text


def test_without_a_call_nobody_is_looked_at(as_: As, world: World) -> None:
    desk = as_("desk")
    form = desk.fill("/access", email="newcomer@people.example", call_number="")
    page = desk.post("/access", form)
    assert page.status_code == 422
    assert "Write the number of the call." in page.text
    assert "newcomer@people.example" in page.text
    assert "FindAccess" not in {method for method, _request in world.calls}


def test_a_call_number_that_breaks_its_rule_comes_back_to_its_field(as_: As) -> None:
    desk = as_("desk")
    form = desk.fill("/access", email="newcomer@people.example", call_number="no spaces please")
    page = desk.post("/access", form)
    assert page.status_code == 422
    assert "call_number-error" in page.text
