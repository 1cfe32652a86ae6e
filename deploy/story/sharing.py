"""What a school sees of a case: what was shared and nothing else, and who there is told."""

import time
from uuid import uuid4

from deploy.story.cast import Person
from deploy.story.report import expect, expect_that
from deploy.story.telling import Story

_OK, _NOT_FOUND = 200, 404
_TOLD_SECONDS = 10.0
_WORDS = "What the whānau and the school agreed on.\n"


def tell_sharing(story: Story, case_id: str, *, lead: Person, manager: Person, school: Person) -> None:
    """One note shared and one kept; the school's attendance lead, named as the contact, reads the one and is told."""
    story.steps.chapter("What the school sees")
    shared, kept = f"Story shared {uuid4().hex[:12]}", f"Story kept {uuid4().hex[:12]}"
    me = story.api(school).get("/v1/me")["person"]["person_id"]
    with story.steps.step(f"{lead.email} names {school.email} as the one at the school who gets the notices"):
        before = _notices(story, school)
        case = story.api(lead).get(f"/v1/cases/{case_id}")["case"]
        if case["primary_contact_id"] != me:
            answer = story.api(lead).post(f"/v1/cases/{case_id}:setPrimaryContact", {"person_id": me})
            expect("the contact", answer["case"]["primary_contact_id"], me)
    with story.steps.step("the case manager shares one note with the school and keeps another, by page"):
        browser = story.browser(manager)
        for note, more in ((shared, {"share": "y"}), (kept, {})):
            form = browser.get(f"/cases/{case_id}/notes/new").form("note", "once")
            expect("the page after it", browser.send(form, {"note": note, **more}).status, _OK)
    with story.steps.step("the school reads the shared one by page and API, and the other nowhere"):
        page = story.browser(school).get(f"/shared/{case_id}")
        expect("the page", (page.status, shared in page.text, kept in page.text), (_OK, True, False))
        notes = [one["note"] for one in story.api(school).get(f"/v1/shared-cases/{case_id}")["entries"]]
        expect("the API", (shared in notes, kept in notes), (True, False))
        expect_that("the list", f"/shared/{case_id}" in story.browser(school).get("/shared").html)
    others = [one for one in story.cast.all_with("attendance_lead") if one.organisation != school.organisation]
    with story.steps.step("another school's attendance lead finds no such case"):
        expect("the page", [story.browser(one).get(f"/shared/{case_id}").status for one in others], [_NOT_FOUND])
    _tell_shared_file(story, case_id, manager=manager, school=school, other=others[0])
    with story.steps.step("who is named is told once that something was shared"):
        until = time.monotonic() + _TOLD_SECONDS
        while time.monotonic() < until and _notices(story, school) == before:
            time.sleep(0.1)
        expect("notices of something shared", _notices(story, school) - before, 1)


def _tell_shared_file(story: Story, case_id: str, *, manager: Person, school: Person, other: Person) -> None:
    name, files = f"Story file {uuid4().hex[:12]}.txt", f"/v1/cases/{case_id}/documents"
    with story.steps.step("the school saves a file that is shared, by page and API; another school gets neither"):
        said = {"name": name, "visibility": "DOCUMENT_VISIBILITY_SCHOOL"}
        stored = story.api(manager).ask("POST", files, query=said, content=_WORDS.encode(), key=f"file-{case_id}")
        document_id = stored.body["document"]["document_id"]
        expect_that("the page", name in story.browser(school).get(f"/shared/{case_id}").text)
        content = f"/v1/shared-documents/{document_id}/content"
        expect("the API", story.api(school).ask("GET", content).body["text"], _WORDS)
        expect("another school", story.api(other).ask("GET", content).status, _NOT_FOUND)
    with story.steps.step("what is shared no more is gone for the school"):
        story.api(manager).post(f"/v1/documents/{document_id}:describe", {"name": name})
        expect("the API", story.api(school).ask("GET", content).status, _NOT_FOUND)
        expect_that("the page", name not in story.browser(school).get(f"/shared/{case_id}").text)


def _notices(story: Story, person: Person) -> int:
    """How many notices of something shared there are among the latest."""
    found = story.api(person).get("/v1/notices", page_size=200)["notices"]
    return sum(one["kind"] == "NOTICE_KIND_ENTRY_SHARED" for one in found)
