"""A file of a case: stored whole or not at all, handed out only to those who may see the case."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from uuid import UUID

import pytest
from ascms.documents.v1 import documents_pb2, files_pb2

from kit.errors import DomainError, InvalidArgumentError, NotFoundError
from kit.ids import uuid7
from services.documents.commands.orphans import OrphanSweep
from services.documents.domain.files import MAX_BYTES, object_key
from tests.service.documents.conftest import CASE, COLLEAGUE, OURS, STRANGER, WORKER, Documents, parts

TEXT = "Kōrero with whānau: agreed on Monday.\n".encode()


def test_a_file_comes_back_as_it_was_sent(documents: Documents) -> None:
    stored = documents.upload(TEXT, name="../Whānau hui.txt").document
    first, *rest = documents.download(stored.document_id)
    assert b"".join(part.chunk for part in rest) == TEXT
    assert first.document == stored
    assert (stored.name, stored.content_type, stored.size) == ("Whānau hui.txt", "text/plain", len(TEXT))
    assert stored.sha256 == hashlib.sha256(TEXT).hexdigest()
    assert stored.scan_state == documents_pb2.SCAN_STATE_NO_SCANNER


def test_an_upload_leaves_row_audit_and_event_together(documents: Documents) -> None:
    answer = documents.upload(TEXT)
    with documents.deps.database.plumbing() as tx:
        (event,) = tx.connection.execute("SELECT id, type, key FROM outbox").fetchall()
    with documents.deps.database.tenant(WORKER) as tx:
        (audit,) = tx.connection.execute("SELECT action, subject_id FROM audit").fetchall()
    assert (event.id, event.type, event.key) == (answer.position, "ascms.documents.v1.DocumentUploaded", str(CASE))
    assert (audit.action, str(audit.subject_id)) == ("upload-document", answer.document.document_id)


@pytest.mark.parametrize("other", [COLLEAGUE, STRANGER])
def test_someone_who_may_not_see_the_case_finds_nothing(documents: Documents, other: object) -> None:
    stored = documents.upload(TEXT).document
    with pytest.raises(NotFoundError):
        documents.download(stored.document_id, as_=other)  # type: ignore[arg-type]
    with pytest.raises(NotFoundError):
        documents.page(as_=other)  # type: ignore[arg-type]
    with pytest.raises(NotFoundError):
        documents.upload(TEXT, as_=other)  # type: ignore[arg-type]
    assert len(documents.objects()) == 1


def test_another_tenant_that_knows_the_case_id_finds_nothing(documents: Documents) -> None:
    stored = documents.upload(TEXT).document
    documents.cases.readers.add((STRANGER.person_id, CASE))
    assert list(documents.page(as_=STRANGER).documents) == []
    with pytest.raises(NotFoundError):
        documents.download(stored.document_id, as_=STRANGER)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty"), (b"x" * (MAX_BYTES + 1), "too-large"), (b"MZ\x90\x00\x03" * 100, "type"), (b"<html>", "type")],
)
def test_what_may_not_be_kept_leaves_nothing(documents: Documents, content: bytes, reason: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        documents.upload(content)
    assert caught.value.violations[0].reason == reason
    assert documents.objects() == []
    assert list(documents.page().documents) == []


def test_the_largest_file_is_kept(documents: Documents) -> None:
    stored = documents.upload(b"a" * MAX_BYTES).document
    assert sum(len(part.chunk) for part in documents.download(stored.document_id)) == MAX_BYTES


def test_what_is_said_with_a_file_is_kept_and_shared_only_where_told(documents: Documents) -> None:
    quiet = documents.upload(TEXT).document
    shared = documents.upload(TEXT, description="Who came", visibility=files_pb2.DOCUMENT_VISIBILITY_SCHOOL).document
    assert (quiet.description, quiet.visibility) == ("", files_pb2.DOCUMENT_VISIBILITY_PROVIDER)
    assert documents.get(shared.document_id) == shared
    assert (shared.description, shared.visibility) == ("Who came", files_pb2.DOCUMENT_VISIBILITY_SCHOOL)


def test_a_file_sent_twice_with_one_key_is_kept_once(documents: Documents) -> None:
    digest = hashlib.sha256(TEXT).hexdigest()
    first = documents.upload(TEXT, sha256=digest, idempotency_key="tap")
    assert documents.upload(TEXT, sha256=digest, idempotency_key="tap") == first
    assert len(documents.page().documents) == len(documents.objects()) == 1


def test_a_key_is_good_for_one_file(documents: Documents) -> None:
    documents.upload(TEXT, sha256=hashlib.sha256(TEXT).hexdigest(), idempotency_key="tap")
    with pytest.raises(InvalidArgumentError) as caught:
        documents.upload(b"Other", sha256=hashlib.sha256(b"Other").hexdigest(), idempotency_key="tap")
    assert caught.value.reason == "idempotency-key-reused"


def test_a_file_that_was_damaged_on_the_way_leaves_nothing(documents: Documents) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        documents.upload(TEXT, sha256=hashlib.sha256(b"Other").hexdigest())
    assert caught.value.violations[0].reason == "sha256"
    assert documents.objects() == []


def test_a_sender_that_stops_half_way_leaves_nothing(documents: Documents) -> None:
    def stopping() -> Iterator[documents_pb2.UploadDocumentRequest]:
        yield from parts(TEXT, name="hui.txt")
        raise ConnectionError("the sender is gone")

    with pytest.raises(DomainError):
        documents.call("UploadDocument", stopping(), as_=WORKER)
    assert documents.objects() == []
    assert list(documents.page().documents) == []
    assert documents.events() == []


def test_a_stream_without_its_header_is_refused(documents: Documents) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        documents.call("UploadDocument", iter(parts(TEXT, name="a.txt")[1:]), as_=WORKER)
    assert caught.value.violations[0].field == "header"


def test_a_list_goes_on_where_it_stopped(documents: Documents) -> None:
    names = [documents.upload(TEXT, name=f"{number}.txt").document.name for number in range(5)]
    first = documents.page(page_size=3)
    second = documents.page(page_size=3, page_token=first.next_page_token)
    assert [each.name for each in (*first.documents, *second.documents)] == names[::-1]
    assert second.next_page_token == ""


def test_a_token_of_another_case_is_refused(documents: Documents) -> None:
    documents.upload(TEXT)
    documents.upload(TEXT)
    token = documents.page(page_size=1).next_page_token
    elsewhere = UUID("01890a5d-ac96-774b-bcce-b302099a8058")
    documents.cases.readers.add((WORKER.person_id, elsewhere))
    request = documents_pb2.ListDocumentsRequest(case_id=str(elsewhere), page_token=token)
    with pytest.raises(InvalidArgumentError) as caught:
        documents.call("ListDocuments", request, as_=WORKER)
    assert caught.value.violations[0].field == "page_token"


def test_bytes_without_a_row_are_swept_and_others_stay(documents: Documents) -> None:
    stored = documents.upload(TEXT).document
    orphan = object_key(OURS, uuid7())
    documents.deps.objects.put(orphan, BytesIO(TEXT), size=len(TEXT), content_type="text/plain")
    documents.deps.clock.moment = datetime.now(UTC) + timedelta(hours=2)  # type: ignore[attr-defined]  # a FixedClock
    assert OrphanSweep(documents.deps, older_than=timedelta(hours=1)).sweep_once() == 1
    assert documents.objects() == [object_key(OURS, UUID(stored.document_id))]


def test_a_fresh_upload_is_not_taken_for_an_orphan(documents: Documents) -> None:
    orphan = object_key(OURS, uuid7())
    documents.deps.objects.put(orphan, BytesIO(TEXT), size=len(TEXT), content_type="text/plain")
    documents.deps.clock.moment = datetime.now(UTC)  # type: ignore[attr-defined]  # a FixedClock
    assert OrphanSweep(documents.deps, older_than=timedelta(hours=1)).sweep_once() == 0


def test_a_row_whose_bytes_are_gone_is_not_found(documents: Documents) -> None:
    stored = documents.upload(TEXT).document
    documents.deps.objects.delete(object_key(OURS, UUID(stored.document_id)))
    with pytest.raises(NotFoundError):
        documents.download(stored.document_id)
