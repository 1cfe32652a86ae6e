"""A chapter of the story: a letter in te reo Māori, returned, approved, printed, sent and answered."""

import shutil
import subprocess
import time
from typing import Any
from uuid import uuid4

from deploy.story.cast import Person
from deploy.story.report import expect, expect_that
from deploy.story.telling import Story

OK, FORBIDDEN = 200, 403
PRINTED_SECONDS = 20.0
_TRIED = ("EVENT_KIND_HOME_VISIT", "EVENT_KIND_CONTACT_ATTEMPT", "EVENT_KIND_CONTACT_ATTEMPT")
_SUPPORT = "He waka hari i ia ata, i tukuna ngā wā e rua. Kāore i hiahiatia."
_MACRONS = ("Tēnā koe Kererū Tauira", "Mā Te Tāhuhu o te Mātauranga", _SUPPORT)


def tell(story: Story, *, school: Person, lead: Person, manager: Person) -> None:
    """All of it, with a student of its own, so that it can be told again."""
    case_id = _case(story, school, lead, manager)
    letter = _draft(story, manager, case_id)
    _approve(story, letter, lead, manager)
    _print(story, letter, manager)
    _send(story, letter, manager, case_id)


def _case(story: Story, school: Person, lead: Person, manager: Person) -> str:
    name = f"Tāwhiri {uuid4().hex[:8]}"
    with story.steps.step("a student whose nan may be contacted safely, and who does not want to talk"):
        asked = {
            "student": {"given_names": name, "date_of_birth": "2013-05-06", "year_level": 8},
            "caregivers": [{"name": "Kererū Tauira", "relationship": "nan", "safe_to_contact": True}],
            "attendance": {"term": "2026-T1", "present_half_days": 20, "total_half_days": 60},
            "concern": "Away most mornings.",
        }
        request = story.api(school).post("/v1/requests", asked)["request"]["request_id"]
        me = story.api(manager).get("/v1/me")["person"]["person_id"]
        opening = {"case_manager_id": me}
        case = story.api(lead).post(f"/v1/incoming-requests/{request}:open", opening)["case"]
        case_id: str = case["case_id"]
        for kind in _TRIED:
            story.api(manager).post(
                f"/v1/cases/{case_id}/events",
                {"kind": kind, "happened_on": _today(case), "outcome": "OUTCOME_REFUSED"},
            )
    return case_id


def _today(case: dict[str, Any]) -> str:
    # The moment of opening is the server's own idea of today, in UTC; its day is never after New Zealand's.
    return str(case["opened_at"])[:10]


def _draft(story: Story, manager: Person, case_id: str) -> str:
    with story.steps.step("the case manager writes a letter in te reo Māori by the page, and looks at its PDF"):
        browser = story.browser(manager)
        listed = browser.get(f"/cases/{case_id}/letters")
        expect_that("attempts are enough", "3 of 3" in listed.text and "2 of 2" in listed.text, saw=listed.text[:600])
        form = browser.get(f"/cases/{case_id}/letters/new").form("support", "once")
        written = {
            "which": "chronic-absence.1",
            "language": "maori",
            "recipients": "Kererū Tauira",
            "address": "1 Nowhere Street\nŌtautahi",
            "support": _SUPPORT,
            "contact_name": "Hēmi Tauira",
        }
        page = browser.send(form, written)
        expect("the letter's page", page.status, OK)
        expect_that("it names what is missing", "the phone number to call" in page.text, saw=page.text[:600])
        letter = page.path.rsplit("/", 1)[-1]
        kind, content = browser.download(f"/letters/{letter}/preview.pdf")
        expect("the preview", (kind, content[:5]), ("application/pdf", b"%PDF-"))
        form = browser.get(f"/letters/{letter}/edit").form("support", "once")
        page = browser.send(form, {**written, "contact_phone": "06 555 0101"})
        expect_that("nothing is missing", "Handing it in needs" not in page.text, saw=page.text[:600])
    return letter


def _approve(story: Story, letter: str, lead: Person, manager: Person) -> None:
    with story.steps.step("a lead gives it back with words; the case manager hands it in again; the lead approves it"):
        author, approver = story.browser(manager), story.browser(lead)
        own = story.api(manager).ask("POST", f"/v1/letters/{letter}:approve", body={})
        expect("the author's own approval", own.status, FORBIDDEN)
        story.api(manager).post(f"/v1/letters/{letter}:submit")
        expect_that("it stands in the lead's queue", letter in approver.get("/letters").html)
        form = approver.get(f"/letters/{letter}/return").form("note", "once")
        approver.send(form, {"note": "Say when the ride would come."})
        page = author.get(f"/letters/{letter}")
        expect_that("the author reads why", "Say when the ride would come." in page.text, saw=page.text[:600])
        page = author.send(_button(page, "/submit"), {})
        expect_that("it awaits approval again", "Awaiting approval" in page.text, saw=page.text[:600])
        page = approver.send(_button(approver.get(f"/letters/{letter}"), "/approve"), {})
        expect_that("it is approved", "Approved, to be sent" in page.text, saw=page.text[:600])


def _button(page: Any, ending: str) -> Any:
    found = next((form for form in page.forms if form.action.endswith(ending)), None)
    expect_that(f"the page has a button to {ending}", found is not None, saw=page.text[:600])
    return found


def _print(story: Story, letter: str, manager: Person) -> None:
    with story.steps.step(f"its PDF is there within {PRINTED_SECONDS:.0f} s, with every macron"):
        until = time.monotonic() + PRINTED_SECONDS
        found: dict[str, Any] = {}
        while not found.get("document_id") and time.monotonic() < until:
            found = story.api(manager).get(f"/v1/letters/{letter}")["letter"]
            time.sleep(0.2)
        expect_that("the PDF is kept", bool(found.get("document_id")), saw=found.get("state"))
        kind, content = story.browser(manager).download(f"/letters/{letter}/letter.pdf")
        expect("the file", (kind, content[:5]), ("application/pdf", b"%PDF-"))
    reader = shutil.which("pdftotext")
    if reader is None:
        story.steps.loudly_skip("the words in the PDF", why="pdftotext (poppler-utils) is not on this machine")
        return
    with story.steps.step("its words are those of the letter, macrons and all"):
        read = subprocess.run([reader, "-raw", "-", "-"], input=content, capture_output=True, check=True)
        text = " ".join(read.stdout.decode().split())
        expect("words that are missing", [words for words in _MACRONS if words not in text], [])
        expect_that("it is no draft", "Tauira:" not in text and "Draft" not in text)


def _send(story: Story, letter: str, manager: Person, case_id: str) -> None:
    with story.steps.step("it goes out by post, the case waits for an answer, and the answer is recorded"):
        browser = story.browser(manager)
        page = browser.send(browser.get(f"/letters/{letter}/send").form("mode", "once"), {"mode": "post"})
        expect_that("it is sent", "Sent, answer awaited" in page.text, saw=page.text[:600])
        closing = {"reason": "enrolled", "outcome": "back_in_education", "summary": "At school."}
        refused = story.api(manager).ask("POST", f"/v1/cases/{case_id}:close", body=closing)
        expect("closing meanwhile", refused.body.get("reason"), "closing-needs-letters")
        form = browser.get(f"/letters/{letter}/answer").form("answer", "once")
        page = browser.send(form, {"answer": "responded", "note": "I waea mai a nan."})
        expect_that("the answer is there", "I waea mai a nan." in page.text, saw=page.text[:600])
        shown = browser.get(f"/cases/{case_id}")
        expect_that("the timeline shows it", "Letter sent" in shown.text, saw=shown.text[:600])
