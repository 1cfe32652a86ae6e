"""What people were told and why, how they want it, and what did not arrive."""

from collections.abc import Callable

import pytest
from ascms.notifications.v1 import notifications_pb2 as n
from flask import Flask

from kit.errors import UnavailableError
from services.gateway.notices.pages import FAULTS, KINDS, STATES
from tests.gateway.pages.conftest import Browser
from tests.support.stub_world import World, number_id

As = Callable[..., Browser]
EVERY = [kind for kind in n.NoticeKind.values() if kind != n.NOTICE_KIND_UNSPECIFIED]


@pytest.mark.parametrize("kind", EVERY, ids=n.NoticeKind.Name)
def test_every_kind_of_notice_says_what_and_why(kind: int, as_: As, world: World) -> None:
    world.notices[0].kind = kind  # type: ignore[assignment]
    for path in ("/", "/notices"):
        page = as_("manager").text(path)
        assert str(KINDS[kind].text) in page
        assert "A notice<" not in page
    assert str(KINDS[kind].why) in page


def test_no_two_kinds_say_the_same_and_every_state_and_fault_has_words() -> None:
    assert len({str(kind.text) for kind in KINDS.values()}) == len(KINDS) == len(EVERY)
    assert set(STATES) == set(n.DeliveryState.values()) - {n.DELIVERY_STATE_UNSPECIFIED}
    assert set(FAULTS) == set(n.DeliveryFault.values()) - {n.DELIVERY_FAULT_UNSPECIFIED}


def test_notices_are_unread_until_they_are_marked_as_read(as_: As, world: World) -> None:
    manager = as_("manager")
    assert "1 unread" in manager.text("/notices")
    response = manager.send("/notices")
    assert (response.status_code, response.location) == (303, "/notices")
    page = manager.text("/notices")
    assert "0 unread" in page
    assert "Mark all as read" not in page
    assert [method for method, _request in world.calls].count("MarkNoticesRead") == 1


def test_a_notice_that_did_not_arrive_says_what_to_do(as_: As, world: World) -> None:
    world.notices[0].state, world.notices[0].fault = n.DELIVERY_STATE_FAILED, n.DELIVERY_FAULT_ADDRESS
    page = as_("manager").text("/notices")
    assert "Did not arrive" in page
    assert "Tell the service desk the right one." in page


def test_who_looks_after_people_sees_whose_email_did_not_arrive(as_: As, world: World) -> None:
    page = as_("authoriser").text("/notices")
    assert "Ana Placeholder" in page
    assert "The address does not exist: ask them for the right one." in page
    assert "Email that did not arrive" not in as_("manager").text("/notices")
    world.failures["ListFailedDeliveries"] = UnavailableError("database-away", "away")
    assert "What you were told" in as_("authoriser").text("/notices")


def test_nobody_told_of_anything_is_said_so(as_: As, world: World) -> None:
    world.notices = []
    assert "No notice yet" in as_("contact").text("/notices")


def test_someone_chooses_how_they_get_each_kind(as_: As, world: World) -> None:
    manager = as_("manager")
    chosen = {"case-assigned": "daily", "task-due": "page", "task-overdue": "at-once"}
    response = manager.send("/notices/preferences", **chosen)
    assert response.status_code == 303
    assert "From now on you get your notices like this." in manager.text(response.location)
    assert world.chosen == {
        n.NOTICE_KIND_CASE_ASSIGNED: n.NOTICE_DELIVERY_DAILY,
        n.NOTICE_KIND_TASK_DUE: n.NOTICE_DELIVERY_PAGE,
        n.NOTICE_KIND_TASK_OVERDUE: n.NOTICE_DELIVERY_AT_ONCE,
    }


def test_what_is_mandatory_is_said_and_cannot_be_chosen(as_: As) -> None:
    page = as_("manager").text("/notices/preferences")
    assert 'name="training-ending"' not in page
    assert "Always by email at once" in page
    assert "There is nothing to choose" in as_("analyst").text("/notices/preferences")


def test_a_choice_that_is_none_is_refused_and_the_rest_kept(as_: As, world: World) -> None:
    response = as_("manager").send("/notices/preferences", **{"case-assigned": "pigeon", "task-due": "page"})
    assert response.status_code == 422
    assert "Choose one of the answers." in response.text
    assert '<option value="page" selected' in response.text
    assert world.chosen == {}


def test_a_choice_is_kept_while_the_service_is_away(as_: As, world: World) -> None:
    world.failures["SetNoticePreferences"] = UnavailableError("database-away", "away")
    response = as_("manager").send("/notices/preferences", **{"task-due": "daily"})
    assert response.status_code == 503
    assert '<option value="daily" selected' in response.text


def test_every_notice_leads_to_a_page(app: Flask) -> None:
    adapter = app.url_map.bind("localhost")
    for kind in KINDS.values():
        assert adapter.match(kind.path.format(number_id(1)).partition("?")[0])
