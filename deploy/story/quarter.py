"""The quarter that has ended: a late visit, the provider's return, how the ministry decides, and what nobody sees."""

import hashlib
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from deploy.story.browser import Browser
from deploy.story.cast import Person
from deploy.story.report import expect, expect_that
from deploy.story.telling import Story

_OK = 200
_SETTLED = {"RETURN_STATE_SUBMITTED", "RETURN_STATE_ACCEPTED"}


def tell(story: Story, lead: Person, manager: Person, case_id: str) -> None:
    """The chapter. Safe to repeat: a return that stands is reopened first, as the ministry may."""
    ended, last_day = _ended_quarter()
    admin = story.cast.one("ministry_admin")
    _visit_late(story, lead, manager, case_id, last_day=last_day)
    filed = _open_return(story, lead, admin, ended)
    _submit(story, lead, ended)
    _download(story, lead, ended)
    _decide(story, admin, lead, ended, provider_id=filed["provider_id"])


def _visit_late(story: Story, lead: Person, manager: Person, case_id: str, *, last_day: date) -> None:
    ended = _quarter_of(last_day)
    with story.steps.step(f"a visit of {last_day} that is recorded late counts in its own quarter, and opens its case"):
        visit = {
            "kind": "EVENT_KIND_HOME_VISIT",
            "happened_on": last_day.isoformat(),
            "outcome": "OUTCOME_REACHED",
            "minutes": 1,
            "note": "Recorded late.",
        }
        position = story.api(manager).post(f"/v1/cases/{case_id}/events", visit)["position"]
        answer = story.api(lead).get(f"/v1/figures/{ended}", min_position=int(position))
        visits = next(one for one in answer["figures"] if one["indicator"] == "home-visits")
        expect_that("visits of the quarter", int(visits["value"]) >= 1, saw=visits)
        page = story.browser(lead).get(f"/figures/{ended}/home-visits")
        expect_that("the case behind the figure", f"/cases/{case_id}" in page.html, saw=page.text[:400])


def _open_return(story: Story, lead: Person, admin: Person, ended: str) -> dict[str, Any]:
    filed: dict[str, Any] = story.api(lead).get(f"/v1/returns/{ended}")["provider_return"]
    if filed["state"] in _SETTLED:
        with story.steps.step("the ministry reopens the return of an earlier telling, with a reason"):
            path = f"/v1/provider-returns/{ended}/{filed['provider_id']}:reopen"
            story.api(admin).post(path, {"reason": "The story is told again."})
    return filed


def _submit(story: Story, lead: Person, ended: str) -> None:
    with story.steps.step(
        f"the lead has the return of {ended} checked, explains what is found, and submits it, by page"
    ):
        browser, path = story.browser(lead), f"/returns/{ended}"
        page = browser.send(browser.get(path).form("comment_cases"), {"comment_cases": "As counted.", "do": "check"})
        explained = dict.fromkeys(_asked(browser, path), "Told late.")
        browser.send(browser.get(path).form("comment_cases"), {**explained, "do": "check"})
        page = browser.get(f"{path}/submit")
        page = browser.send(next(form for form in page.forms if form.path.endswith("/submit")), {})
        expect_that("it is frozen", "Submitted" in page.text, saw=(page.url, page.status, page.text[:600]))


def _asked(browser: Browser, path: str) -> list[str]:
    form = browser.get(path).form("comment_cases")
    return [name for name in form.values if name.startswith("explanation_")]


def _download(story: Story, lead: Person, ended: str) -> None:
    with story.steps.step("what is frozen has its checksum, and comes as Excel, CSV and PDF"):
        answer = story.api(lead).get(f"/v1/returns/{ended}")
        frozen = hashlib.sha256(answer["frozen"].encode()).hexdigest()
        expect("the checksum of the frozen bytes", frozen, answer["provider_return"]["sha256"])
        for kind in ("xlsx", "csv", "pdf"):
            expect(f"the {kind}", story.browser(lead).get(f"/returns/{ended}/{kind}").status, _OK)


def _decide(story: Story, admin: Person, lead: Person, ended: str, *, provider_id: str) -> None:
    with story.steps.step("the ministry sees that it is there and accepts it; the analyst decides nothing"):
        story.api(admin).post(f"/v1/provider-returns/{ended}/{provider_id}:accept")
        page = story.browser(story.cast.one("ministry_analyst")).get(f"/provider-returns/{ended}")
        expect_that("accepted, for the analyst", "Accepted" in page.text, saw=page.text[:600])
        expect("ways to decide", [link for link, _words in page.links if "/accept" in link], [])
        expect_that("accepted, for the lead", "Accepted" in story.browser(lead).get(f"/returns/{ended}").text)
    with story.steps.step("the national tables hide small numbers, by page and as a file, and lead to no case"):
        analyst = story.browser(story.cast.one("ministry_analyst"))
        page = analyst.get(f"/national-figures/{ended}")
        expect_that("figures by region", page.status == _OK and "Figures by region" in page.text, saw=page.text[:600])
        expect("links to cases", [link for link, _words in page.links if "/cases" in link], [])
        expect("the file", analyst.get(f"/national-figures/{ended}/csv").status, _OK)


def _ended_quarter() -> tuple[str, date]:
    """The quarter that ended last, and its last day."""
    today = datetime.now(ZoneInfo("Pacific/Auckland")).date()
    first = date(today.year, 3 * ((today.month - 1) // 3) + 1, 1)
    last_day = first - timedelta(days=1)
    return _quarter_of(last_day), last_day


def _quarter_of(day: date) -> str:
    return f"{day.year}-Q{(day.month + 2) // 3}"
