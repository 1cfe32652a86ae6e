"""The story: a request becomes a case, a visit becomes a figure, through pages and REST API, from outside."""

import base64
import re
import time
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from deploy.story import letters, onboarding, quarter, rows
from deploy.story.access import tell_of_access
from deploy.story.api import Api
from deploy.story.browser import Browser, Page
from deploy.story.cast import Person
from deploy.story.files import tell_files
from deploy.story.report import expect, expect_that
from deploy.story.requests import tell_requests
from deploy.story.sharing import tell_sharing
from deploy.story.signin import try_passphrase
from deploy.story.telling import Story
from deploy.story.work import work_on_a_case

OK = 200
UNPROCESSABLE = 422
MINUTES = 35
PROJECTED_SECONDS = 2.0
_HIDDEN_BELOW = 6
_REFUSED = {403, 404}
_REFUSED_BY_RPC = {"NOT_FOUND", "PERMISSION_DENIED"}
_CASE = re.compile(r"/cases/([0-9a-f-]{36})")


class Spine(Story):
    """From a school's file of requests to the ministry's figures; the other chapters hang on it."""

    def tell(self) -> None:
        """All of it; raises Deviation at the first thing that is not as it should be."""
        self.steps.chapter("The system")
        self._system()
        self.steps.chapter("Organisations and people")
        self._organisations()
        self._people()
        self.steps.chapter("A school's file of requests")
        school = self._school()
        provider = self._import(school)
        lead = self.cast.one("workflow_lead", at=provider)
        manager = self.cast.one("case_manager", at=provider)
        self.steps.chapter("A request becomes a case, a visit is recorded")
        before = self._figures(lead)
        case_id = self._open(lead, manager)
        position = self._visit(manager, case_id)
        tell_requests(self, school, lead)
        tell_files(self, case_id, manager)
        tell_sharing(self, case_id, lead=lead, manager=manager, school=school)
        self.steps.chapter("Nobody else reaches it")
        self._nobody_else(case_id, school, provider)
        self.steps.chapter("The figures")
        self._figures_rise(lead, before, position)
        self._national(lead)
        self.steps.chapter("Work on the case")
        work_on_a_case(self, case_id, manager=manager, lead=lead)
        self.steps.chapter("The quarter that has ended")
        quarter.tell(self, lead, manager, case_id)
        self.steps.chapter("A letter to whānau who do not engage")
        letters.tell(self, school=school, lead=lead, manager=manager)
        onboarding.tell_onboarding(self, provider)
        self.steps.chapter("Getting access, and leaving")
        tell_of_access(self, provider=provider)

    # ---- the system

    def _system(self) -> None:
        anyone = Browser(self.cast.base_url)
        with self.steps.step(f"answers at {self.cast.base_url}, and says that it is ready"):
            expect("health", anyone.get("/health/ready").status, OK)
        with self.steps.step("describes its REST API as OpenAPI 3.1, and shows it as a page"):
            document = Api(self.cast.base_url, "none").ask("GET", "/openapi.json")
            expect("OpenAPI", (document.status, document.body.get("openapi", "")[:3]), (OK, "3.1"))
            expect_that("the API's routes", "/v1/cases/{case_id}" in str(document.body.get("paths", {}).keys()))
            expect("the page", anyone.get("/api/").status, OK)

    # ---- 1

    def _organisations(self) -> None:
        admin = self.cast.one("ministry_admin")
        with self.steps.step("the ministry's administrator sees every organisation, by API and by page"):
            found = self.api(admin).get("/v1/organisations")["organisations"]
            kinds = [one["kind"].removeprefix("ORGANISATION_KIND_").lower() for one in found]
            # Others may have been added since it began.
            of_the_demonstration = {"ministry": 1, "provider": 2, "school": 3}
            too_few = {kind: count for kind, count in of_the_demonstration.items() if kinds.count(kind) < count}
            expect("kinds with too few organisations", too_few, {})
            page = self.browser(admin).get("/organisations")
            missing = [one["name"] for one in found if one["name"] not in page.text]
            expect("organisations that the page lacks", (page.status, missing), (OK, []))

    def _people(self) -> None:
        people = {person.email: person for person in self.cast.people}
        with self.steps.step(f"{len(people)} people sign in on the issuer's pages, one per role and more"):
            for person in people.values():
                self.browser(person)
        with self.steps.step("a wrong passphrase is refused, and nothing is said about who exists"):
            known = self._refused(next(iter(people)))
            unknown = self._refused("nobody@nowhere.example")
            expect("the words for an unknown address", unknown, known)

    def _refused(self, email: str) -> str:
        browser = Browser(self.cast.base_url)
        page = try_passphrase(browser, browser.get("/sign-in"), email=email, passphrase="-".join(["wrong"] * 3))
        expect_that("the passphrase is asked again", bool([one for one in page.forms if one.named("password")]))
        return page.text.replace(email, "…")

    # ---- 2

    def _school(self) -> Person:
        wanted = rows.read_expected().school_number
        for lead in self.cast.all_with("attendance_lead"):
            if self.api(lead).get("/v1/me")["organisation"]["school_number"] == wanted:
                return lead
        raise LookupError(f"no attendance lead of the demo is at the school {wanted} of {rows.FILE.name}")

    def _import(self, school: Person) -> str:
        expected = rows.read_expected()
        with self.steps.step(f"the attendance lead of {school.organisation} sends a file of {rows.ROWS} by the page"):
            fresh = self._import_by_page(school)
        with self.steps.step("the same file by the API adds nothing, and says of each row what became of it"):
            content = base64.b64encode(expected.content).decode()
            again = self.api(school).post("/v1/requests:import", {"content": content})
            self._check_rows(again, expected)
        with self.steps.step("the catchment routed every request to one provider"):
            listed = self.api(school).get("/v1/requests", page_size=200)
            counts = {one["filter"]: int(one["count"]) for one in listed["counts"]}
            expect_that("requests of the school", counts["all"] >= rows.FRESH, saw=counts)
            providers = {one["provider_id"] for one in listed["requests"]}
            expect("providers", len(providers), 1)
            named = self.api(school).get("/v1/organisations:batchGet", organisation_ids=providers.pop())
            provider: str = named["organisations"][0]["name"]
        expect_that("the file was sent whole, now or earlier", fresh in {0, rows.FRESH}, saw=fresh)
        return provider

    def _import_by_page(self, school: Person) -> int:
        """Send the file by the page; how many rows were submitted now."""
        browser = self.browser(school)
        page = browser.send(browser.get("/requests/import").form("file"), {}, file=("file", rows.FILE))
        expect("the page after the file", page.status, OK)
        shown = [int(number) for number in re.findall(r'class="stat__value[^"]*"[^>]*>\s*([0-9]+)', page.html)]
        expect("numbers on the page", len(shown), 3)
        submitted, already, refused = shown
        expect("rows that were refused", refused, rows.ROWS - rows.FRESH - 1)
        expect("rows sent now or open already", submitted + already, rows.FRESH + 1)
        return submitted

    def _check_rows(self, answer: Mapping[str, Any], expected: rows.Expected) -> None:
        found = {int(row["line"]): row for row in answer["rows"]}
        expect("lines answered", sorted(found), sorted(expected.lines))
        faulty = {line: row["violations"][0]["column"] for line, row in found.items() if _result(row) == "refused"}
        expect("faulty lines, and the column of each", faulty, expected.faulty)
        others = {_result(row) for line, row in found.items() if line not in expected.faulty}
        expect("what became of the others", others, {"already_open"})
        expect("submitted now", int(answer["submitted"]), 0)

    # ---- 3

    def _open(self, lead: Person, manager: Person) -> str:
        with self.steps.step(f"{lead.email} opens a request as a case, by the page"):
            waiting = self.api(lead).get("/v1/incoming-requests", state="REQUEST_STATE_SUBMITTED", page_size=1)
            expect_that("a request waits", bool(waiting["requests"]), saw=waiting["counts"])
            browser = self.browser(lead)
            request_id = waiting["requests"][0]["request_id"]
            queue = browser.get("/incoming?state=waiting")
            expect("the queue", queue.status, OK)
            expect_that("the queue shows it", request_id in queue.html, saw=queue.title)
            form = browser.get(f"/incoming/{request_id}").form("case_manager_id", "once")
            page = browser.send(form, {"case_manager_id": "later"})
            case_id = _case_of(page)
            expect("the case", self._case(lead, case_id)["case"]["state"], "CASE_STATE_NEW")
        with self.steps.step(f"assigns it to {manager.email}, by the page"):
            me = self.api(manager).get("/v1/me")["person"]
            form = browser.get(f"/cases/{case_id}/assign").form("case_manager_id", "once")
            expect_that("the case manager can be chosen", me["person_id"] in dict(form.options["case_manager_id"]))
            page = browser.send(form, {"case_manager_id": me["person_id"]})
            expect("the page after it", (page.status, _case_of(page)), (OK, case_id))
            expect_that("the page names the case manager", me["name"] in page.text)
            expect("the case manager", self._case(lead, case_id)["case"]["case_manager_id"], me["person_id"])
        return case_id

    def _visit(self, manager: Person, case_id: str) -> int:
        """Record a home visit by the page; the position that figures have to reach."""
        marker = f"Story visit {uuid4().hex[:12]}: whānau at home, kōrero at the table"
        with self.steps.step(f"the case manager records a home visit of {MINUTES} minutes, by the page"):
            browser = self.browser(manager)
            form = browser.get(f"/cases/{case_id}/events/new?kind=home-visit").form("note", "once")
            given = {"outcome": "reached", "minutes": "other", "other_minutes": str(MINUTES), "note": marker}
            for day in _days_of_quarter():
                page = browser.send(form, {**given, "happened_on": day.isoformat()})
                # Told many times a day, the story fills it: nobody works for more than 24 hours on one.
                if page.status != UNPROCESSABLE or "24 hours" not in page.text:
                    break
            expect("the page after it", (page.status, _case_of(page)), (OK, case_id))
            expect_that("the case page shows the visit", marker in page.text)
        with self.steps.step("the API shows the visit; the form's key sent again answers with the same entry"):
            entries = self._case(manager, case_id)["entries"]
            found = [entry for entry in entries if entry["note"] == marker]
            expect("entries with this note", [entry["minutes"] for entry in found], [MINUTES])
            body = {
                "kind": "EVENT_KIND_HOME_VISIT",
                "happened_on": found[0]["happened_on"],
                "outcome": "OUTCOME_REACHED",
                "minutes": MINUTES,
                "note": marker,
                "visibility": "VISIBILITY_PROVIDER",
            }
            again = self.api(manager).post(f"/v1/cases/{case_id}/events", body, key=form.values["once"][0])
            expect("the entry", again["entry"]["entry_id"], found[0]["entry_id"])
            expect("entries now", len(self._case(manager, case_id)["entries"]), len(entries))
        return int(again["position"])

    def _case(self, person: Person, case_id: str) -> dict[str, Any]:
        return self.api(person).get(f"/v1/cases/{case_id}")

    # ---- 4

    def _nobody_else(self, case_id: str, school: Person, provider: str) -> None:
        strangers = {
            "the second provider's lead": self.cast.one("workflow_lead", not_at=(provider,)),
            "the second provider's case manager": self.cast.one("case_manager", not_at=(provider,)),
            "the other school": self.cast.one("attendance_lead", not_at=(school.organisation,)),
            "the ministry's analyst": self.cast.one("ministry_analyst"),
            "the ministry's administrator": self.cast.one("ministry_admin"),
        }
        nothing = str(uuid4())
        for words, stranger in strangers.items():
            with self.steps.step(f"{words} cannot, by page"):
                for path in (f"/cases/{case_id}", f"/cases/{case_id}/events/new", f"/cases/{case_id}/assign"):
                    page = self.browser(stranger).get(path)
                    expect_that(f"{path} refuses", page.status in _REFUSED, saw=(page.status, page.title))
            with self.steps.step(f"{words} cannot, by API, and learns nothing from the refusal"):
                for path in (f"/v1/cases/{case_id}", f"/v1/cases/{case_id}/events"):
                    seen = self._refusal(stranger, path)
                    expect(
                        f"{path}: as for an id that is none",
                        seen,
                        self._refusal(stranger, path.replace(case_id, nothing)),
                    )
            self._not_by_rpc(words, stranger, case_id)
        self._not_by_nobody(case_id)

    def _refusal(self, stranger: Person, path: str) -> tuple[int, str, str]:
        answer = self.api(stranger).ask("GET", path)
        expect_that(f"{path} refuses", answer.status in _REFUSED, saw=(answer.status, answer.body))
        return answer.status, str(answer.body.get("reason")), str(answer.body.get("detail"))

    def _not_by_rpc(self, words: str, stranger: Person, case_id: str) -> None:
        if self.inside is None:
            why = "the services' own addresses are not known here (another machine, or another BASE_URL)"
            self.steps.loudly_skip(f"{words} cannot, by RPC", why=why)
            return
        with self.steps.step(f"{words} cannot, by RPC"):
            status = self.inside.status_of_case(case_id, access_token=self.token(stranger))
            expect_that("GetCase refuses", status in _REFUSED_BY_RPC, saw=status)

    def _not_by_nobody(self, case_id: str) -> None:
        with self.steps.step("nobody signed in cannot, by page, API or RPC"):
            page = Browser(self.cast.base_url).get(f"/cases/{case_id}")
            expect_that("the page asks to sign in", bool([one for one in page.forms if one.named("password")]))
            expect("the API", Api(self.cast.base_url, "wrong").ask("GET", f"/v1/cases/{case_id}").status, 401)
            if self.inside is not None:
                expect("the RPC", self.inside.status_without_token(case_id), "UNAUTHENTICATED")

    # ---- 5

    def _figures(self, lead: Person, *, position: int = 0) -> dict[str, int]:
        answer = self.api(lead).get(f"/v1/figures/{_quarter()}", min_position=position)
        if position:
            expect("the figures are current", answer["is_current"], True)
        return {one["indicator"]: int(one["value"]) for one in answer["figures"]}

    def _figures_rise(self, lead: Person, before: Mapping[str, int], position: int) -> None:
        with self.steps.step(f"the provider's figures rise by 1 case, 1 visit, {MINUTES} minutes within 2 s"):
            began = time.monotonic()
            after = self._figures(lead, position=position)
            took = time.monotonic() - began
            names = ("cases-opened", "home-visits", "minutes")
            risen = tuple(after[name] - before.get(name, 0) for name in names)
            expect(f"the rise of {names}", risen, (1, 1, MINUTES))
            expect_that("in time", took <= PROJECTED_SECONDS, saw=f"{took:.2f} s")
        with self.steps.step("the provider's page shows the same figures"):
            page = self.browser(lead).get(f"/figures/{_quarter()}")
            for name in ("cases-opened", "home-visits"):
                expect_that(f"{name} on the page", f"{after[name]:,}" in page.text, saw=page.text[:800])

    def _national(self, lead: Person) -> None:
        analyst = self.cast.one("ministry_analyst")
        with self.steps.step("the ministry sees national figures, small numbers hidden, by API"):
            answer = self.api(analyst).get(f"/v1/national-figures/{_quarter()}")
            every = [*answer["totals"], *(figure for one in answer["providers"] for figure in one["figures"])]
            expect_that("there are figures", bool(every))
            shown = [int(one["value"]) for one in every if not one["suppressed"]]
            expect("small numbers that are shown", [one for one in shown if 0 < one < _HIDDEN_BELOW], [])
            told = [one for one in every if one["suppressed"] and int(one["value"])]
            expect("hidden numbers that are told", told, [])
        with self.steps.step("the ministry's page shows the same, and no case"):
            page = self.browser(analyst).get(f"/national-figures/{_quarter()}")
            totals = {one["indicator"]: one for one in answer["totals"]}
            opened = totals["cases-opened"]
            words = "hidden" if opened["suppressed"] else f"{int(opened['value']):,}"
            expect_that("cases opened on the page", page.status == OK and words in page.text, saw=page.text[:800])
            expect("links to cases", _CASE.findall(page.html), [])
        with self.steps.step("the provider cannot see national figures, nor the ministry a provider's own"):
            expect("the lead", self.api(lead).ask("GET", f"/v1/national-figures/{_quarter()}").status, 403)
            expect("the analyst", self.api(analyst).ask("GET", f"/v1/figures/{_quarter()}").status, 403)


def _result(row: Mapping[str, Any]) -> str:
    return str(row["result"]).removeprefix("ROW_RESULT_").lower()


def _case_of(page: Page) -> str:
    found = _CASE.search(page.path)
    expect_that("the browser arrives at a case", found is not None, saw=(page.url, page.status, page.text[:400]))
    assert found is not None
    return found[1]


def _days_of_quarter() -> Iterator[date]:
    """The days of this quarter, today first, back to its first."""
    day = datetime.now(ZoneInfo("Pacific/Auckland")).date()
    quarter = (day.year, (day.month - 1) // 3)
    while (day.year, (day.month - 1) // 3) == quarter:
        yield day
        day -= timedelta(days=1)


def _quarter() -> str:
    today = datetime.now(ZoneInfo("Pacific/Auckland"))
    return f"{today.year}-Q{(today.month + 2) // 3}"
