"""A chapter: work on a case, by page and by API: a task, a note, a pause, its end and its reopening."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from deploy.story.browser import Page
from deploy.story.cast import Person
from deploy.story.report import expect, expect_that
from deploy.story.telling import Story

_OK = 200


def work_on_a_case(story: Story, case_id: str, *, manager: Person, lead: Person) -> None:
    """Everything that is done with a case besides recording; afterwards it is open and its case manager's again."""
    case = f"/cases/{case_id}"
    title = f"Story task {uuid4().hex[:8]}"
    with story.steps.step("the case manager adds a task by the page; closing then says what is in the way"):
        page = _send(story, manager, f"{case}/tasks/new", {"title": title}, "title")
        expect_that("the case shows the task", title in page.text, saw=page.text[:600])
        refused = story.api(manager).ask("POST", f"/v1{case}:close", body=_closing(), key=str(uuid4()))
        expect("closing", (refused.status, refused.body.get("reason")), (409, "closing-needs-tasks"))
    with story.steps.step("the API lists it, and the page completes it"):
        tasks = story.api(manager).get("/v1/tasks", case_id=case_id)["tasks"]
        mine = [task["task_id"] for task in tasks if task["title"] == title]
        expect("tasks of this title", len(mine), 1)
        _send(story, manager, f"/tasks/{mine[0]}", {"outcome": "It was done."}, "outcome")
        done = story.api(manager).get(f"/v1/tasks/{mine[0]}")["task"]
        expect("the task", (done["state"], done["end_note"]), ("TASK_STATE_COMPLETED", "It was done."))
    with story.steps.step("a note is written by the page and corrected by the API; both stand on the page"):
        first, second = f"Story note {uuid4().hex[:8]}", f"Story correction {uuid4().hex[:8]}"
        _send(story, manager, f"{case}/notes/new", {"note": first}, "note")
        entry = next(one for one in _case(story, manager, case_id)["entries"] if one["note"] == first)
        correction = {"reason": "Misheard.", "happened_on": entry["happened_on"], "note": second}
        story.api(manager).post(f"/v1{case}/entries/{entry['entry_id']}:correct", correction)
        text = story.browser(manager).get(case).text
        expect_that("the page shows both", first in text and second in text and "Misheard." in text, saw=text[:900])
    with story.steps.step("it is paused by the page, says until when, and is woken by the API"):
        wakes_on = (datetime.now(ZoneInfo("Pacific/Auckland")).date() + timedelta(days=10)).isoformat()
        answers = {"reason": "bereavement", "wakes_on": wakes_on, "agreed_by": "Nan"}
        page = _send(story, manager, f"{case}/pause", answers, "agreed_by")
        expect_that("the page says why", "It wakes by itself." in page.text, saw=page.text[:600])
        expect("its state", _case(story, manager, case_id)["case"]["wakes_on"], wakes_on)
        story.api(manager).post(f"/v1{case}:resume")
        expect("its state", _case(story, manager, case_id)["case"]["state"], "CASE_STATE_ACTIVE")
    with story.steps.step("it is closed by the page, and the lead reopens it by the page"):
        _end_tasks(story, manager, case_id)
        page = _send(story, manager, f"{case}/close", _closing(), "summary")
        expect_that("the page says so", "The case is closed" in page.text, saw=page.text[:600])
        page = _send(story, lead, f"{case}/reopen", {"reason": "Away again."}, "reason")
        expect_that("the page says so", "The case is open again" in page.text, saw=page.text[:600])
        case_now = _case(story, manager, case_id)["case"]
        expect("its state", case_now["state"], "CASE_STATE_ACTIVE")
    with story.steps.step("the lead reads who opened the record, by page and by API; the case manager may not"):
        lines = story.api(lead).get(f"/v1{case}/access")["lines"]
        expect_that("both opened it", len({line["opened_by"] for line in lines}) > 1, saw=len(lines))
        expect("the page", story.browser(lead).get(f"{case}/access").status, _OK)
        expect("the case manager", story.api(manager).ask("GET", f"/v1{case}/access").status, 403)


def _closing() -> dict[str, str]:
    return {"reason": "enrolled", "outcome": "attending_regularly", "summary": "There every day."}


def _case(story: Story, who: Person, case_id: str) -> dict[str, Any]:
    return story.api(who).get(f"/v1/cases/{case_id}")


def _send(story: Story, who: Person, path: str, answers: Mapping[str, str], field: str) -> Page:
    """Fill in the form at a path and send it; the page after it."""
    browser = story.browser(who)
    page = browser.send(browser.get(path).form(field, "once"), answers)
    expect(f"the page after {path.rpartition('/')[2]}", (page.status, page.path.startswith("/cases/")), (_OK, True))
    return page


def _end_tasks(story: Story, who: Person, case_id: str) -> None:
    """Cancel what other tellings left open."""
    for task in story.api(who).get("/v1/tasks", case_id=case_id)["tasks"]:
        story.api(who).post(f"/v1/tasks/{task['task_id']}:cancel", {"reason": "Not needed for the story."})
