"""Cases: the list, the page, who works on one, what happened."""

from collections.abc import Callable

import pytest

from kit.errors import UnavailableError
from tests.gateway.pages.conftest import Browser, hidden_fields
from tests.support.stub_world import World, number_id

As = Callable[..., Browser]
CASE, UNASSIGNED = f"/cases/{number_id(303)}", f"/cases/{number_id(305)}"
RECORD = f"{CASE}/events/new?kind=home-visit"


def test_a_lead_sees_every_case_and_a_case_manager_their_own(as_: As) -> None:
    assert "Anna Nguyễn-Sample" in as_("lead").text("/cases")
    assert "Anna Nguyễn-Sample" not in as_("manager").text("/cases")


def test_the_list_is_filtered_by_state_and_by_whose(as_: As, world: World) -> None:
    lead = as_("lead")
    assert "Māia Pretend" in lead.text("/cases?state=assigned")
    assert "Hine Inventado" not in lead.text("/cases?state=assigned")
    assert "No case fits" in lead.text("/cases?manager=me")
    assert "Hēmi Testcase" in lead.text(f"/cases?manager={world.people['manager'].person_id}&state=new")


def test_the_page_says_who_what_state_and_what_happened(as_: As) -> None:
    page = as_("manager").text(CASE)
    for words in (
        "Hine Inventado-Tāmati-Ngātai",
        "Hinepūkohurangi Wikitōria Inventado-Tāmati-Ngātai",
        "case 26-00817",
        "Active",
        "Hēmi Testcase",
        "Yesterday",
        "the early bus is the hard part",
        "Shared with the school",
        "2 h 15",
        "58%, chronic absence",
        "Safe to contact",
        "What worried the school",
    ):
        assert words in page


def test_the_student_number_is_folded_away_until_asked_for(as_: As) -> None:
    page = as_("manager").text(CASE)
    before, _found, _after = page.partition("111222333")
    assert before.rindex("<details") > before.rindex("</details>")
    assert "<details open" not in page


def test_no_name_stands_in_the_title_or_the_address(as_: As) -> None:
    page = as_("manager").text(CASE)
    title = page.partition("<title>")[2].partition("</title>")[0]
    assert title == "Case 26-00817 · Attendance Service"


def test_an_unassigned_case_offers_to_assign_and_says_why_nothing_can_be_recorded(as_: As) -> None:
    page = as_("lead").text(UNASSIGNED)
    assert f'href="{UNASSIGNED}/assign"' in page
    assert "Record visit" not in page
    assert "Recording needs a case manager." in page
    assert "Nothing recorded yet" in page


def test_a_case_manager_is_not_offered_what_only_a_lead_may_do(as_: As) -> None:
    page = as_("manager").text(CASE)
    assert "/assign" not in page
    assert "Record visit" in page


def test_someone_elses_case_is_not_there(as_: As) -> None:
    assert as_("manager").get(UNASSIGNED).status_code == 404
    assert as_("manager2").get(CASE).status_code == 404


def test_only_visits_are_shown_when_asked(as_: As) -> None:
    page = as_("manager").text(f"{CASE}?show=visits")
    assert "the early bus is the hard part" in page
    assert "Bus card arranged." not in page


def test_older_entries_follow_by_page_tokens(as_: As, world: World) -> None:
    entries = world.entries[number_id(303)]
    entries.extend(entries[3:] * 20)
    manager = as_("manager")
    assert "older=20" in manager.text(f"{CASE}?show=all")
    assert "Back to the newest" in manager.text(f"{CASE}?older=20")


def test_a_visit_needs_only_its_words(as_: As, world: World) -> None:
    manager = as_("manager")
    response = manager.send(
        RECORD, outcome="reached", minutes="30", happened_on=world.day(), note="Koro was home.\nHe will bring her."
    )
    assert response.status_code == 303
    page = manager.text(response.location)
    assert "Home visit saved:" in page
    assert "reached, 30 min" in page
    assert "He will bring her." in page
    entry = world.entries[number_id(303)][0]
    assert (entry.minutes, entry.happened_on, entry.visibility) == (30, "2026-03-04", 1)
    assert "Home visit saved:" in manager.text(response.location), "the confirmation stands after a reload"


def test_the_form_proposes_today_and_what_is_usual(as_: As) -> None:
    page = as_("manager").text(RECORD)
    assert 'value="2026-03-04"' in page
    assert 'max="2026-03-04"' in page
    assert page.count(" checked") == 2


def test_a_double_tap_records_once(as_: As, world: World) -> None:
    manager, before = as_("manager"), len(world.entries[number_id(303)])
    form = manager.fill(RECORD, outcome="no-answer", minutes="15", happened_on=world.day(), note="")
    assert manager.post(RECORD, form).location == manager.post(RECORD, form).location
    assert len(world.entries[number_id(303)]) == before + 1


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({"outcome": ""}, "Choose how it went."),
        ({"minutes": ""}, "Choose how long it took."),
        ({"minutes": "other", "other_minutes": "1441"}, "number from 0 to 1440"),
        ({"minutes": "other", "other_minutes": "½"}, "number from 0 to 1440"),
        ({"happened_on": "2026-03-05"}, "This day is still to come."),
        ({"happened_on": "2026-02-30"}, "There is no such day."),
        ({"happened_on": ""}, "Say which day it was."),
        ({"note": "a\0b"}, "There is a character in this text that we cannot read."),
    ],
)
def test_a_wrong_answer_is_explained_and_the_words_are_kept(
    as_: As, world: World, answers: dict[str, str], told: str
) -> None:
    usual = {"outcome": "reached", "minutes": "30", "happened_on": world.day(), "note": "Koro was home."}
    response = as_("manager").send(RECORD, **(usual | answers))
    assert response.status_code == 422
    assert told in response.text
    assert (usual | answers)["note"].replace("\0", "") in response.text
    assert "RecordEvent" not in [method for method, _request in world.calls]


def test_another_time_and_sharing_are_sent(as_: As, world: World) -> None:
    manager = as_("manager")
    manager.send(
        RECORD, outcome="refused", minutes="other", other_minutes="25", happened_on="2026-03-02", note="", share="y"
    )
    entry = next(one for one in world.entries[number_id(303)] if one.minutes == 25)
    assert (entry.outcome, entry.visibility, entry.happened_on) == (4, 2, "2026-03-02")


def test_other_kinds_are_recorded_without_an_outcome(as_: As, world: World) -> None:
    path = f"{CASE}/events/new?kind=progress-review"
    manager = as_("manager")
    assert "How did it go?" not in manager.text(path)
    assert manager.send(path, minutes="15", happened_on=world.day(), note="Better.").status_code == 303
    assert as_("manager").get(f"{CASE}/events/new?kind=party").status_code == 404


def test_while_the_service_is_away_the_words_stay_in_the_form(as_: As, world: World) -> None:
    manager = as_("manager")
    form = manager.fill(RECORD, outcome="reached", minutes="30", happened_on=world.day(), note="Koro was home.")
    world.failures |= dict.fromkeys(("RecordEvent", "GetCase"), UnavailableError("database-away", "away"))
    response = manager.post(RECORD, form)
    assert response.status_code == 503
    assert "What you wrote is still here" in response.text
    assert "Koro was home." in response.text
    assert str(form["once"]) in response.text, "sent again it counts once"


def test_who_lost_the_case_meanwhile_keeps_their_words(as_: As, world: World) -> None:
    manager = as_("manager")
    form = manager.fill(RECORD, outcome="reached", minutes="30", happened_on=world.day(), note="Koro was home.")
    world.cases[0].case_manager_id = world.people["manager2"].person_id
    response = manager.post(RECORD, form)
    assert response.status_code == 404
    assert "It was given to someone else while you were writing" in response.text
    assert "Koro was home." in response.text
    assert "Inventado" not in response.text


def test_nothing_can_be_recorded_while_nobody_has_the_case(as_: As) -> None:
    page = as_("lead").text(f"{UNASSIGNED}/events/new")
    assert "Nothing can be recorded now" in page
    assert 'name="note"' not in page


def test_a_case_is_given_to_a_case_manager(as_: As, world: World) -> None:
    lead = as_("lead")
    response = lead.send(f"{UNASSIGNED}/assign", case_manager_id=world.people["manager2"].person_id)
    assert response.status_code == 303
    assert "The case is with Ana Placeholder." in lead.text(response.location)


def test_assigning_over_a_colleagues_change_shows_both(as_: As, world: World) -> None:
    lead, manager = as_("lead"), world.people["manager"]
    form = lead.fill(f"{UNASSIGNED}/assign", case_manager_id=manager.person_id)
    as_("lead").send(f"{UNASSIGNED}/assign", case_manager_id=world.people["manager2"].person_id)
    response = lead.post(f"{UNASSIGNED}/assign", form)
    assert response.status_code == 409
    assert "Someone else changed this while you were writing" in response.text
    assert "Ana Placeholder" in response.text
    assert "Hēmi Testcase" in response.text


def test_after_the_conflict_saving_again_decides(as_: As, world: World) -> None:
    lead, manager = as_("lead"), world.people["manager"]
    path = f"{UNASSIGNED}/assign"
    form = lead.fill(path, case_manager_id=manager.person_id)
    as_("lead").send(path, case_manager_id=world.people["manager2"].person_id)
    from_conflict = lead.post(path, form).text
    decided = lead.client.post(
        path,
        data=hidden_fields(from_conflict) | {"case_manager_id": manager.person_id},
        base_url="http://localhost",
    )
    assert decided.status_code == 303
    assert world.cases[2].case_manager_id == manager.person_id


def test_who_has_the_case_already_is_said(as_: As, world: World) -> None:
    response = as_("lead").send(f"{CASE}/assign", case_manager_id=world.people["manager"].person_id)
    assert response.status_code == 409
    assert "This person is the case manager already." in response.text


def test_nobody_to_assign_to_leads_to_the_people(as_: As, world: World) -> None:
    for key in ("manager", "manager2"):
        world.people[key].roles[0].works = False
    page = as_("lead").text(f"{UNASSIGNED}/assign")
    assert "Nobody can take the case" in page
    assert 'href="/people"' in page
