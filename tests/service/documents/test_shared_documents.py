"""A school has the files that were shared with it while the student is its own; nothing else, and nobody else."""

from uuid import UUID

import pytest
from ascms.documents.v1 import files_pb2

from kit.actor import Actor
from kit.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError, PermissionDeniedError
from tests.service.documents.conftest import CASE, COLLEAGUE, OURS, SCHOOL, WORKER, Documents
from tests.support.tokens import person

TEXT = b"Agreed on Monday.\n"
SHARED = files_pb2.DOCUMENT_VISIBILITY_SCHOOL
READER = person(11, "cases:read-shared", tenant=SCHOOL)
NOT_NAMED = person(12, "cases:read-shared", tenant=SCHOOL)
OTHER_SCHOOL = person(13, "cases:read-shared", tenant=UUID(int=4))


@pytest.fixture
def documents(documents: Documents) -> Documents:
    """The service, beside a cases that lets one person of the school see the case."""
    documents.cases.school_readers.add((READER.person_id, CASE))
    return documents


def test_the_school_has_what_was_shared_and_nothing_else(documents: Documents) -> None:
    kept = documents.upload(TEXT, name="kept.txt").document
    shared = documents.upload(TEXT, name="shared.txt", description="Who came", visibility=SHARED).document
    (seen,) = documents.shared(as_=READER).documents
    assert (seen.document_id, seen.name, seen.description) == (shared.document_id, "shared.txt", "Who came")
    assert seen.can_download
    first, *rest = documents.download_shared(shared.document_id, as_=READER)
    assert (first.document, b"".join(part.chunk for part in rest)) == (seen, TEXT)
    with pytest.raises(NotFoundError):
        documents.download_shared(kept.document_id, as_=READER)


def test_the_provider_reads_who_at_the_school_had_a_file(documents: Documents) -> None:
    shared = documents.upload(TEXT, visibility=SHARED).document
    documents.download_shared(shared.document_id, as_=READER)
    with documents.deps.database.tenant(WORKER) as tx:
        (row,) = tx.connection.execute("SELECT * FROM audit ORDER BY id DESC LIMIT 1").fetchall()
    assert (row.action, str(row.subject_id)) == ("download-shared-document", shared.document_id)
    assert (row.tenant_id, row.actor_id, row.actor_tenant_id) == (OURS, READER.person_id, SCHOOL)


@pytest.mark.parametrize("other", [NOT_NAMED, OTHER_SCHOOL], ids=["not named in the case", "another school"])
def test_who_may_not_see_the_case_finds_nothing(documents: Documents, other: Actor) -> None:
    shared = documents.upload(TEXT, visibility=SHARED).document
    with pytest.raises(NotFoundError) as refused:
        documents.download_shared(shared.document_id, as_=other)
    with pytest.raises(NotFoundError) as unknown:
        documents.download_shared(str(CASE), as_=other)
    assert str(refused.value) == str(unknown.value)
    with pytest.raises(NotFoundError):
        documents.shared(as_=other)


def test_another_tenant_that_is_told_it_may_see_the_case_has_nothing_of_it(documents: Documents) -> None:
    shared = documents.upload(TEXT, visibility=SHARED).document
    documents.cases.school_readers.add((OTHER_SCHOOL.person_id, CASE))
    assert list(documents.shared(as_=OTHER_SCHOOL).documents) == []
    with pytest.raises(NotFoundError):
        documents.download_shared(shared.document_id, as_=OTHER_SCHOOL)


@pytest.mark.parametrize("who", [WORKER, COLLEAGUE])
def test_it_is_the_schools_way_in_alone(documents: Documents, who: Actor) -> None:
    shared = documents.upload(TEXT, visibility=SHARED).document
    with pytest.raises(PermissionDeniedError):
        documents.download_shared(shared.document_id, as_=who)
    with pytest.raises(PermissionDeniedError):
        documents.download(shared.document_id, as_=READER)


def test_what_is_shared_no_more_is_gone_for_the_school(documents: Documents) -> None:
    shared = documents.upload(TEXT, visibility=SHARED).document
    documents.describe(shared.document_id, name="a.txt", visibility=files_pb2.DOCUMENT_VISIBILITY_PROVIDER)
    assert list(documents.shared(as_=READER).documents) == []
    with pytest.raises(NotFoundError):
        documents.download_shared(shared.document_id, as_=READER)
    documents.describe(shared.document_id, name="a.txt", visibility=SHARED)
    assert len(documents.shared(as_=READER).documents) == 1


def test_what_was_taken_out_is_gone_for_the_school(documents: Documents) -> None:
    shared = documents.upload(TEXT, visibility=SHARED).document
    documents.remove(shared.document_id)
    assert list(documents.shared(as_=READER).documents) == []
    with pytest.raises(NotFoundError):
        documents.download_shared(shared.document_id, as_=READER)


def test_a_student_who_left_the_school_takes_the_files_along(documents: Documents) -> None:
    shared = documents.upload(TEXT, visibility=SHARED).document
    documents.cases.school_readers.clear()
    with pytest.raises(NotFoundError):
        documents.download_shared(shared.document_id, as_=READER)


def test_a_case_without_a_school_shares_with_nobody(documents: Documents) -> None:
    documents.cases.school_id = ""
    documents.upload(TEXT, visibility=SHARED)
    assert list(documents.shared(as_=READER).documents) == []


def test_a_list_goes_on_where_it_stopped_for_its_reader_alone(documents: Documents) -> None:
    names = [documents.upload(TEXT, name=f"{number}.txt", visibility=SHARED).document.name for number in range(3)]
    first = documents.shared(as_=READER, page_size=2)
    second = documents.shared(as_=READER, page_size=2, page_token=first.next_page_token)
    assert [each.name for each in (*first.documents, *second.documents)] == names[::-1]
    documents.cases.school_readers.add((NOT_NAMED.person_id, CASE))
    with pytest.raises(InvalidArgumentError):
        documents.shared(as_=NOT_NAMED, page_token=first.next_page_token)


@pytest.mark.parametrize("scanner_url", ["clamd://127.0.0.1:1"])
def test_what_was_not_looked_at_yet_is_seen_and_not_had(documents: Documents) -> None:
    shared = documents.upload(TEXT, visibility=SHARED).document
    (seen,) = documents.shared(as_=READER).documents
    assert not seen.can_download
    with pytest.raises(FailedPreconditionError) as caught:
        documents.download_shared(shared.document_id, as_=READER)
    assert caught.value.reason == "not-scanned"
