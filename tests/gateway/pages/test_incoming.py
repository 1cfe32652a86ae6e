"""A provider's queue of requests, and the form that opens a case."""

from collections.abc import Callable

from kit.errors import InvalidArgumentError, Violation
from tests.gateway.pages.conftest import Browser
from tests.support.stub_world import World, number_id

As = Callable[..., Browser]
WAITING = f"/incoming/{number_id(200)}"


def test_the_queue_shows_what_is_due_first_and_counts_every_filter(as_: As) -> None:
    page = as_("lead").text("/incoming")
    assert page.index("Āwhi Example-Tūī") < page.index("Te Ariki O’Madeup") < page.index("Siaosi")
    assert "overdue 2 days" in page
    assert 'href="/incoming?state=overdue"' in page


def test_only_what_is_overdue_is_shown_when_asked(as_: As) -> None:
    page = as_("lead").text("/incoming?state=overdue")
    assert "Āwhi Example-Tūī" in page
    assert "Siaosi" not in page


def test_a_request_offers_case_managers_whose_access_works(as_: As) -> None:
    page = as_("lead").text(WAITING)
    assert "Hēmi Testcase" in page
    assert "Tama Notyet" not in page
    assert "Decide later" in page


def test_opening_a_case_leads_to_it_and_says_who_has_it(as_: As, world: World) -> None:
    lead, manager = as_("lead"), world.people["manager"]
    response = lead.send(WAITING, case_manager_id=manager.person_id)
    assert response.status_code == 303
    page = lead.text(response.location)
    assert "The case is open" in page
    assert "The case is with Hēmi Testcase." in page
    assert world.cases[0].case_manager_id == manager.person_id


def test_a_case_may_be_opened_without_a_case_manager(as_: As, world: World) -> None:
    lead = as_("lead")
    response = lead.send(WAITING, case_manager_id="later")
    assert world.cases[0].case_manager_id == ""
    assert "Recording needs a case manager." in lead.text(response.location)


def test_opening_needs_a_decision(as_: As) -> None:
    response = as_("lead").send(WAITING)
    assert response.status_code == 422
    assert "Choose a case manager, or that you decide later." in response.text


def test_a_form_sent_twice_opens_one_case(as_: As, world: World) -> None:
    lead, before = as_("lead"), len(world.cases)
    form = lead.fill(WAITING, case_manager_id="later")
    assert lead.post(WAITING, form).location == lead.post(WAITING, form).location
    assert len(world.cases) == before + 1


def test_when_a_colleague_was_faster_both_versions_are_shown(as_: As, world: World) -> None:
    lead, manager = as_("lead"), world.people["manager"]
    form = lead.fill(WAITING, case_manager_id=manager.person_id)
    as_("lead").send(WAITING, case_manager_id="later")
    response = lead.post(WAITING, form)
    assert response.status_code == 409
    assert "Someone else changed this while you were writing" in response.text
    assert "Hēmi Testcase" in response.text
    assert f"/cases/{world.cases[0].case_id}" in response.text


def test_a_case_manager_whose_access_ended_meanwhile_is_refused_in_words(as_: As, world: World) -> None:
    world.failures["OpenCase"] = InvalidArgumentError.of(
        Violation("case_manager_id", "not-a-case-manager", "must be a case manager of yours whose access works")
    )
    response = as_("lead").send(WAITING, case_manager_id=world.people["manager"].person_id)
    assert response.status_code == 422
    assert "The access of that person does not work at the moment." in response.text


def test_an_answered_request_leads_to_its_case(as_: As) -> None:
    page = as_("lead").text(f"/incoming/{number_id(203)}")
    assert f'href="/cases/{number_id(303)}"' in page
    assert "Decide later" not in page
