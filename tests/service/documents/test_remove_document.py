"""A file is taken out of its case: the reason stays in its place, the bytes go when nobody can have erred any more."""

import pytest

from kit.errors import FailedPreconditionError, InvalidArgumentError
from services.documents.app import make_sweep
from services.documents.domain.files import KEEP_REMOVED
from tests.service.documents.conftest import WORKER, Documents

TEXT = b"Agreed on Monday.\n"


def test_what_was_taken_out_leaves_who_when_and_why(documents: Documents) -> None:
    stored = documents.upload(TEXT).document
    gone = documents.remove(stored.document_id, reason="Belongs to the sister's case").document
    assert list(documents.page().documents) == [gone]
    assert (gone.removed_reason, gone.removed_by) == ("Belongs to the sister's case", str(WORKER.person_id))
    assert gone.removed_at.ToSeconds() == int(documents.deps.clock.now().timestamp())
    assert list(gone.allowed_actions) == []
    assert documents.events() == ["DocumentUploaded", "DocumentRemoved"]
    assert documents.audit()[-1] == ("remove-document", stored.document_id)


def test_what_was_taken_out_is_handed_out_no_more(documents: Documents) -> None:
    stored = documents.upload(TEXT).document
    documents.remove(stored.document_id)
    with pytest.raises(FailedPreconditionError) as caught:
        documents.download(stored.document_id)
    assert caught.value.reason == "removed"


def test_a_reason_is_needed(documents: Documents) -> None:
    stored = documents.upload(TEXT).document
    with pytest.raises(InvalidArgumentError) as caught:
        documents.remove(stored.document_id, reason="")
    assert caught.value.violations[0].field == "reason"


def test_its_bytes_are_deleted_when_their_time_is_over_and_its_row_stays(documents: Documents) -> None:
    stored = documents.upload(TEXT).document
    documents.remove(stored.document_id)
    sweep = make_sweep(documents.deps)
    documents.pass_time(seconds=KEEP_REMOVED.total_seconds() - 1)
    assert sweep.sweep_once() == 0
    assert len(documents.objects()) == 1
    documents.pass_time(seconds=1)
    assert sweep.sweep_once() == 1
    assert sweep.sweep_once() == 0
    assert documents.objects() == []
    assert documents.get(stored.document_id).removed_reason == "The wrong student"
    assert documents.events()[-1] == "DocumentDisposed"
    assert documents.deadlines() == {}
