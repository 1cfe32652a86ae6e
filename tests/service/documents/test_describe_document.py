"""A file gets another name, description or visibility; its content never changes."""

import pytest
from ascms.documents.v1 import files_pb2

from kit.actor import Actor
from kit.errors import ConflictError, FailedPreconditionError, NotFoundError
from tests.service.documents.conftest import COLLEAGUE, STRANGER, WORKER, Documents

TEXT = b"Agreed on Monday.\n"


def test_a_file_is_described_with_audit_and_event(documents: Documents) -> None:
    stored = documents.upload(TEXT).document
    answer = documents.describe(
        stored.document_id,
        name="Hui at the marae",
        description="Who came, what was agreed",
        visibility=files_pb2.DOCUMENT_VISIBILITY_SCHOOL,
        expected_version=stored.version,
    )
    assert answer.document == documents.get(stored.document_id)
    assert (answer.document.name, answer.document.version) == ("Hui at the marae.txt", 2)
    assert answer.document.visibility == files_pb2.DOCUMENT_VISIBILITY_SCHOOL
    assert documents.events() == ["DocumentUploaded", "DocumentDescribed"]
    assert documents.audit()[-1] == ("describe-document", stored.document_id)
    assert answer.position


def test_the_second_of_two_is_told(documents: Documents) -> None:
    stored = documents.upload(TEXT).document
    documents.describe(stored.document_id, name="One", expected_version=stored.version)
    with pytest.raises(ConflictError) as caught:
        documents.describe(stored.document_id, name="Two", expected_version=stored.version)
    assert caught.value.reason == "stale-version"
    assert documents.get(stored.document_id).name == "One.txt"


@pytest.mark.parametrize("other", [COLLEAGUE, STRANGER])
def test_someone_who_may_not_see_the_case_changes_nothing(documents: Documents, other: Actor) -> None:
    stored = documents.upload(TEXT).document
    with pytest.raises(NotFoundError):
        documents.describe(stored.document_id, name="Mine", as_=other)
    with pytest.raises(NotFoundError):
        documents.remove(stored.document_id, as_=other)
    with pytest.raises(NotFoundError):
        documents.get(stored.document_id, as_=other)
    assert documents.get(stored.document_id, as_=WORKER) == stored


def test_what_was_taken_out_is_described_no_more(documents: Documents) -> None:
    stored = documents.upload(TEXT).document
    documents.remove(stored.document_id)
    with pytest.raises(FailedPreconditionError):
        documents.describe(stored.document_id, name="Again")
