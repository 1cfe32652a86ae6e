"""What is done with a case: notes, corrections, pauses, its end, its contact, who opened it."""

from collections.abc import Callable

import pytest

from tests.gateway.pages.conftest import URL, Browser, hidden_fields
from tests.support.stub_world import World, number_id

As = Callable[..., Browser]
CASE, WITHOUT_TASKS = f"/cases/{number_id(303)}", f"/cases/{number_id(304)}"
VISIT = f"{CASE}/entries/{number_id(400)}/correct"


def test_what_is_due_stands_first_the_late_before_the_rest(as_: As) -> None:
    page = as_("manager").text(CASE)
    assert page.index("Progress review") < page.index("Ring Mere about the bus") < page.index("Ask the dean for a plan")
    assert page.index("Ask the dean for a plan") < page.index("What happened")
    assert "overdue 1 day" in page


def test_the_five_parts_of_the_record_stand_with_word_and_day(as_: As) -> None:
    page = as_("manager").text(CASE)
    for words in ("Support", "Actions", "Referrals", "Monitoring", "missing", "stale", "Time by kind"):
        assert words in page


def test_closing_says_what_is_in_the_way_and_leads_there(as_: As) -> None:
    page = as_("lead").text(CASE)
    assert "Closing needs: 2 open tasks to be completed or cancelled." in page
    assert f'href="{CASE}#due"' in page
    assert f'href="{CASE}/close"' not in page
    listed = as_("lead").text(f"{CASE}/close")
    assert "Closing needs these to be completed or cancelled" in listed
    assert "Ring Mere about the bus" in listed
    assert 'name="summary"' not in listed


def test_a_note_is_written(as_: As, world: World) -> None:
    manager = as_("manager")
    response = manager.send(f"{CASE}/notes/new", note="Nan prefers texts.", share="y")
    assert response.status_code == 303
    page = manager.text(response.location)
    assert "Note saved" in page
    assert "Nan prefers texts." in page
    assert world.entries[number_id(303)][0].visibility == 2


def test_an_empty_note_is_asked_for(as_: As) -> None:
    response = as_("manager").send(f"{CASE}/notes/new", note="  ")
    assert response.status_code == 422
    assert "Write the note." in response.text


def test_a_correction_begins_with_what_was_said_and_stands_beside_it(as_: As, world: World) -> None:
    manager = as_("manager")
    form = manager.text(VISIT)
    assert "the early bus is the hard part" in form
    answers = {"outcome": "reached", "minutes": "other", "other_minutes": "45", "happened_on": world.day(-2)}
    response = manager.send(VISIT, reason="It was Monday.", note="Hine was home.", **answers)
    assert response.status_code == 303
    page = manager.text(response.location.partition("#")[0])
    for words in ("Correction saved", "the early bus is the hard part", "Hine was home.", "It was Monday.", "45 min"):
        assert words in page


def test_a_correction_needs_a_reason_and_keeps_the_words(as_: As, world: World) -> None:
    answers = {"outcome": "reached", "minutes": "30", "happened_on": world.day(-1)}
    response = as_("manager").send(VISIT, reason="", note="Hine was home.", **answers)
    assert response.status_code == 422
    assert "Say why it is corrected." in response.text
    assert "Hine was home." in response.text


def test_a_note_is_corrected_without_minutes(as_: As, world: World) -> None:
    manager = as_("manager")
    manager.send(f"{CASE}/notes/new", note="Nan prefers texts.")
    entry = world.entries[number_id(303)][0]
    path = f"{CASE}/entries/{entry.entry_id}/correct"
    assert "Minutes" not in manager.text(path)
    answers = {"happened_on": world.day(), "note": "Koro prefers texts."}
    assert manager.send(path, reason="Koro, not Nan.", **answers).status_code == 303
    assert (entry.corrections[0].note, entry.corrections[0].minutes) == ("Koro prefers texts.", 0)


def test_an_entry_that_is_none_is_not_there(as_: As) -> None:
    assert as_("manager").get(f"{CASE}/entries/{number_id(999)}/correct").status_code == 404


def test_a_case_is_paused_and_says_why_and_until_when(as_: As, world: World) -> None:
    manager = as_("manager")
    answers = {"reason": "bereavement", "wakes_on": world.day(8), "agreed_by": "Nan"}
    response = manager.send(f"{CASE}/pause", **answers)
    assert response.status_code == 303
    page = manager.text(response.location)
    assert "Paused until Thu 12 March: Bereavement or tangihanga. It wakes by itself." in page
    assert "Wake the case" in page
    assert f'href="{CASE}/pause"' not in page
    assert "This cannot be done now" in manager.text(f"{CASE}/pause")


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({"reason": ""}, "Choose a reason."),
        ({"agreed_by": ""}, "Say who agreed."),
        ({"wakes_on": ""}, "Say on which day it wakes."),
        ({"wakes_on": "2026-03-04"}, "it has to be after today"),
        ({"wakes_on": "2026-12-31"}, "This day is too far away."),
    ],
)
def test_a_pause_that_cannot_be_is_explained(as_: As, world: World, answers: dict[str, str], told: str) -> None:
    usual = {"reason": "bereavement", "wakes_on": world.day(8), "agreed_by": "Nan", "conditions": "When Nan rings."}
    response = as_("manager").send(f"{CASE}/pause", **(usual | answers))
    assert response.status_code == 422
    assert told in response.text
    assert "When Nan rings." in response.text


def test_a_paused_case_is_woken_by_hand(as_: As, world: World) -> None:
    manager = as_("manager")
    manager.send(f"{CASE}/pause", reason="bereavement", wakes_on=world.day(8), agreed_by="Nan")
    page = manager.text(manager.send(f"{CASE}/resume").location)
    assert "The case is awake" in page
    assert "woken by Hēmi Testcase" in page


def test_a_case_is_closed_and_reopened_by_a_lead(as_: As) -> None:
    lead = as_("lead")
    answers = {"reason": "enrolled", "outcome": "attending_regularly", "summary": "He goes every day."}
    page = lead.text(lead.send(f"{WITHOUT_TASKS}/close", **answers).location)
    for words in ("The case is closed", "Closed on Wed 4 March: Enrolled at a school.", "He goes every day."):
        assert words in page
    assert "Record visit" not in page
    again = lead.text(lead.send(f"{WITHOUT_TASKS}/reopen", reason="Away again.").location)
    assert "The case is open again" in again
    assert "Away again." in again


def test_closing_asks_for_all_three(as_: As) -> None:
    response = as_("lead").send(f"{WITHOUT_TASKS}/close", reason="", outcome="", summary="")
    assert response.status_code == 422
    for words in ("Choose a reason.", "Choose what came of it.", "Write what was done and achieved."):
        assert words in response.text


def test_who_was_faster_is_shown_and_nothing_is_lost(as_: As, world: World) -> None:
    lead = as_("lead")
    form = lead.fill(f"{CASE}/pause", reason="bereavement", wakes_on=world.day(8), agreed_by="Nan")
    world.cases[0].version += 1
    world.cases[0].case_manager_id = world.people["manager2"].person_id
    response = lead.post(f"{CASE}/pause", form)
    assert response.status_code == 409
    for words in ("Someone else changed this while you were writing", "Ana Placeholder", 'value="Nan"'):
        assert words in response.text
    again = {**form, **hidden_fields(response.text)}
    assert lead.post(f"{CASE}/pause", again).status_code == 303


def test_what_was_written_survives_the_loss_of_the_case(as_: As, world: World) -> None:
    manager = as_("manager")
    form = manager.fill(f"{CASE}/notes/new", note="Nan prefers texts.")
    world.cases[0].case_manager_id = world.people["manager2"].person_id
    response = manager.post(f"{CASE}/notes/new", form)
    assert response.status_code == 404
    assert "Nan prefers texts." in response.text
    assert "Inventado" not in response.text


def test_a_closing_that_meets_a_new_task_keeps_the_summary(as_: As, world: World) -> None:
    lead = as_("lead")
    answers = {"reason": "enrolled", "outcome": "not_known", "summary": "He goes every day."}
    form = lead.fill(f"{WITHOUT_TASKS}/close", **answers)
    lead.send(f"{WITHOUT_TASKS}/tasks/new", title="Ring the dean", due_on=world.day(2))
    response = lead.post(f"{WITHOUT_TASKS}/close", form)
    assert response.status_code == 409
    assert "He goes every day." in response.text
    assert "Ring the dean" in response.text


def test_someone_of_the_school_becomes_the_contact(as_: As, world: World) -> None:
    lead = as_("lead")
    assert "Kiri Madeup" in lead.text(f"{CASE}/contact")
    response = lead.send(f"{CASE}/contact", person_id=world.people["contact"].person_id)
    assert "The contact at the school is saved." in lead.text(response.location)
    assert world.cases[0].primary_contact_id == world.people["contact"].person_id
    lead.send(f"{CASE}/contact", person_id="nobody")
    assert world.cases[0].primary_contact_id == ""


def test_a_lead_reads_who_opened_the_record_and_a_case_manager_does_not(as_: As) -> None:
    page = as_("lead").text(f"{CASE}/access")
    for words in ("Who opened this record", "Rāwiri Sample", "Hēmi Testcase", "Yesterday"):
        assert words in page
    assert "Inventado" not in page
    assert as_("manager").get(f"{CASE}/access").status_code == 403
    assert f'href="{CASE}/access"' not in as_("manager").text(CASE)


def test_a_contact_attempt_says_how_and_whom(as_: As, world: World) -> None:
    manager = as_("manager")
    path = f"{CASE}/events/new?kind=contact-attempt"
    answers = {"outcome": "reached", "minutes": "15", "happened_on": world.day(), "note": ""}
    response = manager.send(path, channel="text-message", target="Mere, 021 555 0101", **answers)
    assert "by text message" in manager.text(response.location)
    assert world.entries[number_id(303)][0].target == "Mere, 021 555 0101"
    refused = manager.send(path, channel="pigeon", **answers)
    assert "Choose how you tried." in refused.text


def test_who_was_at_a_hui_is_said(as_: As, world: World) -> None:
    manager = as_("manager")
    answers = {"minutes": "60", "happened_on": world.day(), "note": "A plan."}
    response = manager.send(f"{CASE}/events/new?kind=hui", attendees="Nan and the dean", **answers)
    assert "There: Nan and the dean" in manager.text(response.location)


@pytest.mark.parametrize(
    ("shown", "there", "not_there"), [("hui", "A shorter day", "Bus card"), ("support", "Bus card", "A shorter day")]
)
def test_the_timeline_shows_one_kind(as_: As, shown: str, there: str, not_there: str) -> None:
    page = as_("manager").text(f"{CASE}?show={shown}")
    assert there in page
    assert not_there not in page


def test_a_confirmation_that_is_not_so_is_not_said(as_: As) -> None:
    page = as_("manager").text(f"{CASE}?done=closed")
    assert "The case is closed" not in page
    assert as_("manager").client.get(f"{CASE}?done=%00", base_url=URL).status_code in (200, 400)
