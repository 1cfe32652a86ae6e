"""Files up and down, by page and by REST: what goes in comes back as it was, what is no file of a case is refused."""

import tempfile
from pathlib import Path

from deploy.story.cast import Person
from deploy.story.report import expect, expect_that
from deploy.story.telling import Story

_OK, _REFUSED, _CONFLICT = 200, 400, 409
_WORDS = "Kōrero with whānau: the early bus is the hard part.\n"
_PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"


def tell_files(story: Story, case_id: str, manager: Person) -> None:
    """A PDF by page and words by REST; a program is refused; what was taken out is had no more."""
    story.steps.chapter("Files of the case")
    browser, api = story.browser(manager), story.api(manager)
    files = f"/v1/cases/{case_id}/documents"
    with story.steps.step("the case manager puts a PDF into the case, by page"):
        form = browser.get(f"/cases/{case_id}/files/new").form("files", "description")
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "Whānau hui.pdf"
            report.write_bytes(_PDF)
            page = browser.send(form, {"description": "From the hui"}, file=("files", report))
        expect("answer", page.status, _OK)
        expect_that("the list shows it", "Whānau hui.pdf" in page.text)
    with story.steps.step("a program puts words into it by REST, and gets them back as they were"):
        answer = api.ask("POST", files, query={"name": "Kōrero.txt"}, content=_WORDS.encode(), key=f"words-{case_id}")
        expect("answer", answer.status, _OK)
        document_id = answer.body["document"]["document_id"]
        expect("again", api.ask("GET", f"/v1/documents/{document_id}/content").body["text"], _WORDS)
    with story.steps.step("what would run on a computer is refused, and the answer says why"):
        answer = api.ask(
            "POST", files, query={"name": "photo.jpg"}, content=b"MZ\x90\x00\x03" + bytes(99), key="program"
        )
        expect("answer", answer.status, _REFUSED)
        expect("rule", [(one["field"], one["reason"]) for one in answer.body["violations"]], [("body", "type")])
    with story.steps.step("what is taken out leaves its reason and is handed out no more"):
        api.post(f"/v1/documents/{document_id}:remove", {"reason": "Told twice"})
        answer = api.ask("GET", f"/v1/documents/{document_id}/content")
        expect("answer", (answer.status, answer.body["reason"]), (_CONFLICT, "removed"))
