"""Getting access, and leaving: from an invitation's mail to a case that opens, and to the lead's queue."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests
import yaml

from deploy.story.api import Api
from deploy.story.browser import Browser, Page
from deploy.story.cast import Person
from deploy.story.report import Deviation, expect, expect_that
from deploy.story.signin import Program, try_passphrase
from deploy.story.telling import Story

OK, FORBIDDEN = 200, 403
_DEMO = Path(__file__).parents[1] / "demo" / "people.yaml"
_CHOSEN_WORDS = "seven quiet kererū over the ridge"
_LINK = re.compile(r'href="(http[^"]+/invitation\?key=[^"]+)"')
_A_MINUTE = 60.0
_TIMEOUT_SECONDS = 20


def tell_of_access(story: Story, *, provider: str) -> None:
    """Someone new comes, works and leaves; nothing of it stands in the way of telling it again."""
    if not story.cast.mail_url:
        story.steps.loudly_skip("someone is invited", why="where the system's mail can be read is not known here")
        return
    authoriser = story.cast.one("delegated_authoriser", at=provider)
    lead = story.cast.one("workflow_lead", at=provider)
    mark = uuid4().hex[:8]
    colleague = Person(f"kahu.{mark}@putahi.example", _CHOSEN_WORDS, provider, ())
    browser = _comes(story, authoriser, colleague, name=f"Demo Kahu {mark}")
    person_id = _is_trained(story, authoriser, colleague)
    case_id, before = _works(story, lead, colleague, browser, person_id)
    _leaves(story, authoriser, colleague, person_id)
    _is_handed_out(story, lead, case_id, before)


def _comes(story: Story, authoriser: Person, colleague: Person, *, name: str) -> Browser:
    """Invited by page, accepted by the link in the mail, signed in without a role."""
    browser = Browser(story.cast.base_url)
    with story.steps.step(f"{authoriser.email} writes down what they saw, and invites {colleague.email}, by the page"):
        theirs = story.browser(authoriser)
        form = theirs.get("/staff/invite").form("primary_document", "once")
        seen = {"primary_document": "nz_birth_certificate", "supporting_document": "bank_statement"}
        wanted = {"name": name, "email": colleague.email, "language": "en", **seen}
        refused = theirs.send(form, wanted)
        expect_that("two documents without a photo are refused", "must show a photo" in refused.text, saw=refused.text)
        page = theirs.send(
            refused.form("primary_document", "once"), wanted | {"supporting_document": "nz_driver_licence"}
        )
        expect_that("the invitation is on its way", "on its way" in page.text, saw=(page.status, page.text[:400]))
    with story.steps.step("the mail arrives, and its link makes a profile"):
        accept = browser.get(_until(lambda: _mailed(story.cast.mail_url, colleague.email), "the mail"))
        form = accept.form("passphrase", "key")
        page = browser.send(form, {"name": name, "passphrase": _CHOSEN_WORDS, "language": "en"})
        expect("the page after it", (page.status, page.title.partition(" · ")[0]), (OK, "You have accepted"))
        again = Browser(story.cast.base_url).get(accept.url)
        expect_that("the link says that it was used", "used already" in again.text, saw=again.text[:200])
    with story.steps.step("they sign in, and are told that a role is missing; no case opens"):
        page = try_passphrase(browser, browser.get("/sign-in"), email=colleague.email, passphrase=_CHOSEN_WORDS)
        expect("the first page", page.status, FORBIDDEN)
        expect_that("it says what is missing", "gives you a role" in page.text, saw=page.text[:400])
        expect("the cases", browser.get("/cases").status, FORBIDDEN)
    return browser


def _is_trained(story: Story, authoriser: Person, colleague: Person) -> str:
    """A role by page; training by its system alone."""
    with story.steps.step("the authoriser gives a role by the page, which says what happens next"):
        found = story.api(authoriser).get("/v1/staff", search=colleague.email)["staff"]
        expect("found by address", [one["state"] for one in found], ["ACCESS_STATE_NO_ROLE"])
        person_id: str = found[0]["person_id"]
        theirs = story.browser(authoriser)
        form = theirs.get(f"/staff/{person_id}/roles/new").form("role", "once")
        page = theirs.send(form, {"role": "case_manager", **_today(form.values)})
        expect_that("it waits for training", "training for this role is not finished" in page.text, saw=page.text[:600])
        expect_that("and says when it is invited to", "The invitation to it" in page.text, saw=page.text[:600])
    with story.steps.step("only the training system says that it is done"):
        body = {"course": "attendance-service", "completed_on": "2026-01-12", "expires_on": "2030-12-31"}
        path = f"/v1/people/{person_id}/training"
        expect("the authoriser", story.api(authoriser).ask("POST", path, body=body).status, FORBIDDEN)
        answer = Api(story.cast.base_url, _machine_token(story)).post(path, body)
        expect("roles that work from now on", int(answer["roles_changed"]), 1)
    return person_id


def _works(story: Story, lead: Person, colleague: Person, browser: Browser, person_id: str) -> tuple[str, str]:
    """A case is given to them, and opens; (case, who had it before)."""
    with story.steps.step("a case that the lead gives them opens"):
        cases = story.api(lead).get("/v1/cases", state="CASE_STATE_ACTIVE", page_size=1)["cases"]
        case_id, before = cases[0]["case_id"], cases[0]["case_manager_id"]
        story.api(lead).post(f"/v1/cases/{case_id}:assign", {"case_manager_id": person_id})
        token = Program(story.cast.issuer).tokens_of(colleague).access_token
        got = Api(story.cast.base_url, token).get(f"/v1/cases/{case_id}")
        expect("the case manager", got["case"]["case_manager_id"], person_id)
    with story.steps.step("and in the browser that was signed in all along"):
        # Nothing was kept for it meanwhile: what is kept for a minute is what was allowed, never what was refused.
        expect("the case page", browser.get(f"/cases/{case_id}").status, OK)
    return case_id, before


def _leaves(story: Story, authoriser: Person, colleague: Person, person_id: str) -> None:
    with story.steps.step("the authoriser ends their access in one step, and saw numbers alone"):
        counted = story.api(authoriser).get(f"/v1/people/{person_id}/work")
        expect("open work", counted, {"open_cases": 1, "open_tasks": 0})
        theirs = story.browser(authoriser)
        page = theirs.get(f"/staff/{person_id}/end")
        expect_that("the page says how many", "1 open case, 0 open tasks" in page.text, saw=page.text[:600])
        page = theirs.send(page.form("reason", "once"), {"reason": "left"})
        expect_that("it is ended", "Access has ended." in page.text, saw=page.text[:400])
        page = _sign_in_again(story, colleague)
        expect("who signs in again", page.status, FORBIDDEN)


def _is_handed_out(story: Story, lead: Person, case_id: str, before: str) -> None:
    with story.steps.step("their case stands in the lead's queue within a minute, and is handed out again"):

        def is_new() -> bool | None:
            queue = story.api(lead).get("/v1/cases", state="CASE_STATE_NEW", page_size=200)["cases"]
            return any(one["case_id"] == case_id for one in queue) or None

        _until(is_new, "the case in the queue")
        expect_that("the page shows it", case_id in story.browser(lead).get(f"/cases/{case_id}").html)
        body: dict[str, Any] = {"case_ids": [case_id], "case_manager_id": before}
        given = story.api(lead).post("/v1/cases:assign", body)
        expect("handed out", given["assigned_case_ids"], [case_id])


def _sign_in_again(story: Story, colleague: Person) -> Page:
    browser = Browser(story.cast.base_url)
    return try_passphrase(browser, browser.get("/sign-in"), email=colleague.email, passphrase=_CHOSEN_WORDS)


def _today(values: dict[str, list[str]]) -> dict[str, str]:
    """The days that stand in the form."""
    return {name: value[0] for name, value in values.items() if name.startswith("starts_on")}


def _mailed(mail_url: str, email: str) -> str | None:
    listed = requests.get(mail_url, timeout=_TIMEOUT_SECONDS).text
    found = re.search(rf'<a href="(/[0-9a-f-]{{36}})">[^<]*</a><span>[^<]*{re.escape(email)}', listed)
    if found is None:
        return None
    link = _LINK.search(requests.get(mail_url + found[1], timeout=_TIMEOUT_SECONDS).text)
    return link[1] if link else None


def _machine_token(story: Story) -> str:
    machines = yaml.safe_load(_DEMO.read_text(encoding="utf-8"))["machines"]
    client = next(one for one in machines if "training_system" in one["roles"])
    answer = requests.post(
        f"{story.cast.issuer}/token",
        data={"grant_type": "client_credentials"},
        auth=(client["id"], client["secret"]),
        timeout=_TIMEOUT_SECONDS,
    )
    expect("the training system's token", answer.status_code, OK)
    token: str = answer.json()["access_token"]
    return token


def _until(look: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + _A_MINUTE
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(0.2)
    raise Deviation(f"waited a minute in vain for {what}")
