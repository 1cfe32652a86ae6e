"""Letters as PDF: shown as a draft, made once when approved, kept as a file of the case."""

import subprocess
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest
from ascms.cases.v1 import letter_events_pb2 as cases_events
from ascms.common.v1.envelope_pb2 import Envelope
from ascms.documents.v1 import documents_pb2, letter_events_pb2, letters_pb2
from psycopg.rows import dict_row

from kit.actor import system_actor
from kit.errors import FailedPreconditionError, NotFoundError, UnavailableError
from kit.ids import uuid7
from kit.migrations import with_parts
from services.documents.commands.letters import render_approved_letter
from services.documents.consumers import handlers
from services.documents.letters import ApprovedLetter
from tests.service.documents.conftest import CASE, OURS, STRANGER, WORKER, Documents
from tests.service.documents.letters import printed
from tests.support.postgres import admin_url

LETTER = UUID("01890a5d-ac96-774b-bcce-b302099a805e")
SYSTEM = system_actor("documents", OURS)
APPROVED = ApprovedLetter(printed(), CASE, 4, WORKER.person_id, None)


@pytest.fixture
def rows(documents_url: str, documents: Documents) -> Callable[..., list[dict[str, Any]]]:
    """What stands in the database, past every policy."""
    name = documents_url.partition("?")[0].rpartition("/")[2]

    def select(query: str) -> list[dict[str, Any]]:
        with psycopg.connect(with_parts(admin_url(), database=name), row_factory=dict_row, autocommit=True) as admin:
            cursor = admin.execute(query)
            return cursor.fetchall() if cursor.description else []

    return select


def render(documents: Documents, document_id: UUID) -> None:
    render_approved_letter(documents.deps, documents.letters, SYSTEM, letter_id=LETTER, document_id=document_id)


def read(pdf: bytes) -> str:
    done = subprocess.run(["/usr/bin/pdftotext", "-raw", "-", "-"], input=pdf, capture_output=True, check=True)
    return done.stdout.decode()


def test_a_draft_is_shown_as_one_and_not_kept(documents: Documents) -> None:
    documents.letters.drafts[LETTER] = printed(recipients=(), contact_name="")
    request = letters_pb2.PreviewLetterRequest(letter_id=str(LETTER))
    pdf = documents.call("PreviewLetter", request, as_=WORKER).content
    text = read(pdf)
    assert "Tauira" in text
    assert "Te Ara Whai Mātauranga" in text
    assert documents.objects() == []
    with pytest.raises(NotFoundError):
        documents.call("PreviewLetter", letters_pb2.PreviewLetterRequest(letter_id=str(CASE)), as_=STRANGER)


def test_the_pdf_of_an_approved_letter_is_a_file_of_its_case(documents: Documents, rows: Any) -> None:
    documents.letters.approved[LETTER] = APPROVED
    document_id = uuid7()
    render(documents, document_id)
    render(documents, document_id)

    [document] = documents.page().documents
    assert (document.document_id, document.content_type) == (str(document_id), "application/pdf")
    assert document.name == "Reta 1 26-00817 2026-03-04.pdf"
    assert document.scan_state == documents_pb2.SCAN_STATE_CLEAN
    content = b"".join(part.chunk for part in documents.download(str(document_id)))
    assert "Tēnā koe Kererū Example," in read(content)
    told = rows("SELECT payload FROM outbox WHERE type = 'ascms.documents.v1.LetterRendered'")
    assert [letter_events_pb2.LetterRendered.FromString(row["payload"]) for row in told] == [
        letter_events_pb2.LetterRendered(
            case_id=str(CASE),
            letter_id=str(LETTER),
            document_id=str(document_id),
            sha256=document.sha256,
            template_version="2026-1",
            letter_version=4,
        )
    ]


def test_a_letter_is_a_record_and_is_never_taken_out(documents: Documents, rows: Any) -> None:
    documents.letters.approved[LETTER] = APPROVED
    document_id = uuid7()
    render(documents, document_id)
    letter = documents.get(str(document_id))
    assert (letter.is_record, list(letter.allowed_actions)) == (True, ["download", "describe"])
    with pytest.raises(FailedPreconditionError) as refused:
        documents.remove(str(document_id))
    assert (refused.value.reason, "record" in str(refused.value)) == ("is-record", True)
    assert len(documents.download(str(document_id))) > 1
    # Nor by whatever statement that forgets to ask.
    with pytest.raises(psycopg.errors.CheckViolation):
        rows("UPDATE document SET removed_at = now(), removed_by = id, removed_reason = 'x'")


def test_nothing_is_made_of_a_letter_that_was_given_back_or_has_its_pdf(documents: Documents) -> None:
    render(documents, uuid7())
    documents.letters.approved[LETTER] = replace(APPROVED, document_id=uuid7())
    render(documents, uuid7())
    assert documents.objects() == []


def test_while_cases_is_away_the_job_fails_and_is_tried_again(documents: Documents) -> None:
    documents.letters.approved[LETTER] = APPROVED
    documents.letters.faults = [UnavailableError("service-away", "Away.")]
    document_id = uuid7()
    with pytest.raises(UnavailableError):
        render(documents, document_id)
    render(documents, document_id)
    assert len(documents.objects()) == 1


def test_wording_is_replaced_from_a_day_on_without_a_release(documents: Documents, rows: Any) -> None:
    rows(
        "INSERT INTO letter_wording VALUES"
        " ('chronic_absence', 1, 'mi', '2026-03-04', 'tahi', 'Mō {student}', 'Kia ora. [support]'),"
        " ('chronic_absence', 1, 'mi', '2026-03-05', 'rua', 'Āpōpō', 'Āpōpō')"
    )
    documents.letters.approved[LETTER] = APPROVED
    document_id = uuid7()
    render(documents, document_id)
    content = b"".join(part.chunk for part in documents.download(str(document_id)))
    assert "Mō Tūī Example" in read(content)
    assert "Āpōpō" not in read(content)
    rows("DELETE FROM letter_wording")


@pytest.mark.parametrize("kind", [cases_events.LetterApproved, cases_events.LetterPdfMissing])
def test_what_cases_tells_becomes_one_job(documents: Documents, rows: Any, kind: Any) -> None:
    envelope = Envelope(event_id=str(uuid7()))
    event = kind(letter_id=str(LETTER), case_id=str(CASE))
    for _ in range(2):
        with documents.deps.database.tenant(SYSTEM) as tx:
            handlers()[kind.DESCRIPTOR.full_name](tx, envelope, event)
    [job] = rows("SELECT task_name, args -> 'ids' AS ids FROM jobs.procrastinate_jobs")
    assert job == {
        "task_name": "render-letter",
        "ids": {"letter_id": str(LETTER), "document_id": envelope.event_id},
    }
