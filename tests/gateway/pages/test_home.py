"""The first page says what is waiting for whoever opens it."""

from collections.abc import Callable

import pytest
from ascms.notifications.v1 import notifications_pb2

from kit.errors import UnavailableError
from tests.gateway.pages.conftest import Browser
from tests.support.stub_world import World

As = Callable[..., Browser]


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("lead", ["What is waiting", "overdue requests", "Āwhi Example-Tūī", "overdue 2 days", "Anna Nguyễn-Sample"]),
        ("manager", ["My work", "Hine Inventado-Tāmati-Ngātai", "Record visit", "You were given a case"]),
        ("attendance", ["Support for your students", "Ask for support", "Send a file of requests", "Siaosi"]),
        ("office", ["Support for your students", "Ask for support"]),
        ("analyst", ["The country this quarter", "1,252", "January to March 2026"]),
        ("admin", ["Organisations", "Kererū Attendance Service", "9901"]),
        ("authoriser", ["Who has access", "Demo Aria Norole", "Demo Moana Expired", "Send it again"]),
        ("contact", ["Your students", "Cases for which you are the contact", "Hine Inventado-Tāmati-Ngātai"]),
        ("desk", ["Kia ora, Joan Testcase", "Someone cannot get in"]),
    ],
)
def test_each_role_sees_its_own_first_page(as_: As, key: str, told: list[str]) -> None:
    page = as_(key).text("/")
    assert [words for words in told if words not in page] == []


def test_a_role_without_training_is_told_what_is_missing_and_what_happens_next(as_: As) -> None:
    page = as_("newcomer").text("/")
    assert "Does not work yet" in page
    assert "The training for this role is not finished." in page
    assert "within one working day" in page
    assert "/cases" not in page


def test_someone_with_a_role_that_works_is_told_of_the_other_that_does_not(as_: As, world: World) -> None:
    world.people["lead"].roles.append(world.people["newcomer"].roles[0])
    page = as_("lead").text("/")
    assert "What is waiting" in page
    assert "Case manager does not work yet." in page


def test_signed_out_the_page_says_what_this_is_and_shows_the_way_in(as_: As) -> None:
    page = as_("").text("/")
    assert "Every student back where they belong" in page
    assert 'href="/sign-in?next=/"' in page


def test_what_is_away_is_said_where_it_would_stand_and_the_rest_is_shown(as_: As, world: World) -> None:
    world.failures["ListNotices"] = UnavailableError("database-away", "away")
    page = as_("manager").text("/")
    assert "Notices cannot be shown just now" in page
    assert "Hine Inventado-Tāmati-Ngātai" in page


def test_a_lead_sees_cases_while_requests_are_away(as_: As, world: World) -> None:
    world.failures["ListIncomingRequests"] = UnavailableError("database-away", "away")
    page = as_("lead").text("/")
    assert "Requests cannot be shown just now" in page
    assert "Anna Nguyễn-Sample" in page


def test_nothing_to_do_is_said_in_words(as_: As, world: World) -> None:
    world.requests.clear()
    world.cases.clear()
    world.notices.clear()
    assert "No request is waiting" in as_("lead").text("/")
    assert "You have no case" in as_("manager").text("/")
    assert "Your school has not asked for support yet" in as_("attendance").text("/")


def test_a_notice_leads_to_what_it_is_about_and_says_when_its_email_failed(as_: As, world: World) -> None:
    world.notices[0].state = notifications_pb2.DELIVERY_STATE_FAILED
    page = as_("manager").text("/")
    assert f"/cases/{world.notices[0].subject_id}" in page
    assert "Māia Pretend · <time" in page
    assert "its email did not arrive" in page
