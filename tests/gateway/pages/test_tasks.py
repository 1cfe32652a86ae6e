"""Tasks: the list, one and its end, a new one; and the first pages that show them."""

from collections.abc import Callable

import pytest

from tests.gateway.pages.conftest import Browser
from tests.support.stub_world import World, number_id

As = Callable[..., Browser]
CASE, ADD, TASK = f"/cases/{number_id(303)}", f"/cases/{number_id(303)}/tasks/new", f"/tasks/{number_id(690)}"


def test_a_case_manager_adds_a_task_for_themselves(as_: As, world: World) -> None:
    manager = as_("manager")
    assert "Who does it" not in manager.text(ADD)
    response = manager.send(ADD, title="Ring the dean", due_on=world.day(2), instructions="After ten.")
    assert response.status_code == 303
    page = manager.text(response.location)
    assert "Task added" in page
    assert "Ring the dean" in page
    assert world.tasks[-1].owner_id == world.people["manager"].person_id


def test_a_lead_gives_a_task_to_a_colleague(as_: As, world: World) -> None:
    lead, ana = as_("lead"), world.people["manager2"].person_id
    lead.send(ADD, title="Ring the dean", due_on=world.day(2), owner_id=ana, is_urgent="y")
    assert (world.tasks[-1].owner_id, world.tasks[-1].priority) == (ana, 3)


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({"title": ""}, "Say what is to be done."),
        ({"due_on": ""}, "Say by which day."),
        ({"due_on": "2026-03-03"}, "This day has passed."),
    ],
)
def test_a_task_that_cannot_be_is_explained(as_: As, world: World, answers: dict[str, str], told: str) -> None:
    usual = {"title": "Ring the dean", "due_on": world.day(2), "instructions": "After ten."}
    response = as_("manager").send(ADD, **(usual | answers))
    assert response.status_code == 422
    assert told in response.text
    assert "After ten." in response.text


def test_a_task_is_completed_in_two_taps_and_a_text(as_: As, world: World) -> None:
    manager = as_("manager")
    assert f'href="{TASK}"' in manager.text("/")
    response = manager.send(TASK, outcome="Mere will take the early bus.")
    assert response.location.startswith(CASE)
    page = manager.text(response.location)
    assert "Task completed" in page
    assert "Ring Mere about the bus" not in page
    ended = manager.text(TASK)
    assert "Mere will take the early bus." in ended
    assert 'name="outcome"' not in ended


def test_completing_needs_words(as_: As) -> None:
    response = as_("manager").send(TASK, outcome="")
    assert response.status_code == 422
    assert "Say what came of it." in response.text


def test_a_task_that_ended_meanwhile_keeps_the_words(as_: As) -> None:
    manager = as_("manager")
    form = manager.fill(TASK, outcome="Mere will take the early bus.")
    as_("lead").send(f"{TASK}/cancel", reason="No bus on Fridays.")
    response = manager.post(TASK, form)
    assert response.status_code == 409
    assert "Mere will take the early bus." in response.text
    assert "No bus on Fridays." in response.text


def test_a_task_is_cancelled_with_a_reason(as_: As, world: World) -> None:
    manager = as_("manager")
    assert "Say why." in manager.send(f"{TASK}/cancel", reason="").text
    manager.send(f"{TASK}/cancel", reason="No bus on Fridays.")
    assert (world.tasks[0].state, world.tasks[0].end_note) == (3, "No bus on Fridays.")


def test_a_lead_gives_a_task_to_someone_else(as_: As, world: World) -> None:
    lead, ana = as_("lead"), world.people["manager2"].person_id
    assert "The task is with someone else now." in lead.text(lead.send(f"{TASK}/reassign", owner_id=ana).location)
    assert world.tasks[0].owner_id == ana


def test_an_owner_who_does_not_see_the_case_sees_no_name(as_: As, world: World) -> None:
    world.tasks[0].owner_id = world.people["manager2"].person_id
    ana = as_("manager2")
    page = ana.text(TASK)
    assert "Ring Mere about the bus" in page
    assert "Inventado" not in page
    assert ana.send(TASK, outcome="Done.").location.startswith("/tasks?")


def test_the_list_is_filtered_and_counts(as_: As) -> None:
    lead = as_("lead")
    page = lead.text("/tasks")
    assert "Ring Mere about the bus" in page
    assert "Ask the dean for a plan" in page
    late = lead.text("/tasks?show=overdue")
    assert "Ring Mere about the bus" in late
    assert "Ask the dean for a plan" not in late
    assert "No task fits" in lead.text("/tasks?show=completed")
    assert "Nothing is due" in lead.text("/tasks?whose=me")


def test_the_first_page_of_a_lead_says_who_has_how_much_and_what_waits(as_: As) -> None:
    page = as_("lead").text("/")
    for words in (
        "overdue tasks",
        "letters to approve",
        "Who has how much",
        "Hēmi Testcase",
        "Woke today",
        "Anna Nguyễn-Sample",
    ):
        assert words in page


def test_many_cases_are_handed_out_at_once_and_what_was_not_given_is_said(as_: As, world: World) -> None:
    lead, manager = as_("lead"), world.people["manager"].person_id
    form = lead.fill("/cases/hand-out?state=active")
    boxes = [f"{case.case_id}~{case.number}" for case in world.cases]
    response = lead.post("/cases/hand-out", {**form, "case_manager_id": manager, "cases": boxes})
    assert response.status_code == 303
    page = lead.text(response.location)
    for words in ("1 case was given to Hēmi Testcase.", "Not given", "Case 26-00817", "This person has it already."):
        assert words in page
    assert world.cases[2].case_manager_id == manager


def test_everything_that_was_not_given_is_said_however_much_it_is(as_: As, world: World) -> None:
    lead, manager = as_("lead"), world.people["manager"].person_id
    form = lead.fill("/cases/hand-out?state=active")
    gone = [f"{number_id(9_000 + number)}~26-{number:05d}" for number in range(60)]
    response = lead.post("/cases/hand-out", {**form, "case_manager_id": manager, "cases": gone})
    assert response.status_code == 200
    assert all(f"Case 26-{number:05d}" in response.text for number in range(60))


def test_cases_with_overdue_tasks_are_found(as_: As) -> None:
    page = as_("lead").text("/cases?work=overdue")
    assert "Those due first" in page
    assert page.count("data-list-item") == 1
    assert "Something overdue" in page


def test_handing_out_asks_for_cases_and_for_someone(as_: As) -> None:
    response = as_("lead").send("/cases/hand-out")
    assert response.status_code == 422
    for words in ("Tick the cases to hand out.", "Choose a case manager."):
        assert words in response.text


def test_what_was_ticked_stays_ticked(as_: As, world: World) -> None:
    case = world.cases[2]
    response = as_("lead").send("/cases/hand-out?state=new", cases=f"{case.case_id}~{case.number}")
    assert f'value="{case.case_id}~{case.number}" checked' in response.text


@pytest.mark.parametrize("query", ["given=x&to=1", "refused=a~b~c", "refused=%00&given=99999999999999999999"])
def test_a_result_that_no_page_made_does_no_harm(as_: As, query: str) -> None:
    assert as_("lead").get(f"/cases/hand-out/result?{query}").status_code in (200, 400, 404)


def test_a_list_has_a_way_back_from_every_page(as_: As, world: World) -> None:
    template = world.tasks[1]
    for number in range(120):
        task = type(template)()
        task.CopyFrom(template)
        task.task_id = number_id(5_000 + number)
        world.tasks.append(task)
    lead = as_("lead")
    assert "Previous page" not in lead.text("/tasks")
    second = lead.text("/tasks?page=50")
    assert 'rel="prev" href="/tasks"' in second
    assert 'rel="next" href="/tasks?page=100&amp;back=50"' in second
    assert 'rel="prev" href="/tasks?page=50"' in lead.text("/tasks?page=100&back=50")
