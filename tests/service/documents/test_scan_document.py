"""A file waits for its scan and is handed out only when it is clean; what waits for too long is looked after."""

import time
from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import pytest
from ascms.documents.v1 import documents_pb2

from kit.actor import system_actor
from kit.errors import FailedPreconditionError, UnavailableError
from kit.jobs import Limits
from services.documents import commands
from services.documents.app import make_jobs, make_sweep
from services.documents.domain.files import SCAN_AGAIN_AFTER, SCAN_WITHIN
from services.documents.scanning import ClamdScanner
from tests.service.documents.conftest import OURS, Documents
from tests.support.clamd import HARMFUL, FakeClamd, fake_clamd

TEXT = b"Agreed on Monday.\n"
SYSTEM = system_actor("documents", OURS)
AWAY = ClamdScanner(("127.0.0.1", 1))


@pytest.fixture
def clamd() -> Iterator[FakeClamd]:
    with fake_clamd() as clamd:
        yield clamd


@pytest.fixture
def scanner_url(clamd: FakeClamd) -> str:
    return clamd.url


def scan(documents: Documents, document_id: str) -> None:
    commands.scans.scan_document(documents.deps, SYSTEM, document_id=UUID(document_id))


def state(documents: Documents, document_id: str) -> str:
    return documents_pb2.ScanState.Name(documents.get(document_id).scan_state).removeprefix("SCAN_STATE_")


def test_a_file_waits_for_its_scan_and_is_not_handed_out(documents: Documents) -> None:
    stored = documents.upload(TEXT).document
    assert state(documents, stored.document_id) == "WAITING"
    assert "download" not in stored.allowed_actions
    with pytest.raises(FailedPreconditionError) as caught:
        documents.download(stored.document_id)
    assert caught.value.reason == "not-scanned"
    assert documents.jobs() == ["scan-document"]
    assert list(documents.deadlines()) == ["scan-document"]


def test_a_clean_file_is_handed_out(documents: Documents) -> None:
    stored = documents.upload(TEXT).document
    scan(documents, stored.document_id)
    assert state(documents, stored.document_id) == "CLEAN"
    assert b"".join(part.chunk for part in documents.download(stored.document_id)) == TEXT
    assert documents.events() == ["DocumentUploaded", "DocumentScanned"]
    assert documents.deadlines() == {}


def test_a_harmful_file_is_deleted_and_says_so(documents: Documents) -> None:
    stored = documents.upload(HARMFUL).document
    scan(documents, stored.document_id)
    assert state(documents, stored.document_id) == "INFECTED"
    assert documents.objects() == []
    with pytest.raises(FailedPreconditionError) as caught:
        documents.download(stored.document_id)
    assert caught.value.reason == "infected"
    assert documents.audit()[-1] == ("scan-document", stored.document_id)


def test_a_scan_that_runs_twice_says_it_once(documents: Documents, clamd: FakeClamd) -> None:
    stored = documents.upload(TEXT).document
    scan(documents, stored.document_id)
    scan(documents, stored.document_id)
    assert clamd.seen == [len(TEXT)]
    assert documents.events() == ["DocumentUploaded", "DocumentScanned"]


def test_a_worker_that_died_after_finding_harm_deletes_the_bytes_when_the_job_comes_again(
    documents: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = documents.upload(HARMFUL).document
    with monkeypatch.context() as dying:
        dying.setattr(type(documents.deps.objects), "delete", _die)
        with pytest.raises(SystemExit):
            scan(documents, stored.document_id)
    assert len(documents.objects()) == 1
    scan(documents, stored.document_id)
    assert documents.objects() == []


def _die(_store: object, _key: str) -> None:
    raise SystemExit


def test_without_its_scanner_a_file_goes_on_waiting(documents: Documents) -> None:
    stored = documents.upload(TEXT).document
    with pytest.raises(UnavailableError):
        commands.scans.scan_document(
            replace(documents.deps, scanner=AWAY), SYSTEM, document_id=UUID(stored.document_id)
        )
    assert state(documents, stored.document_id) == "WAITING"


def test_a_scan_that_was_given_up_is_tried_again_later(documents: Documents) -> None:
    stored = documents.upload(TEXT).document
    commands.scans.give_up_scan(documents.deps, SYSTEM, document_id=UUID(stored.document_id))
    assert state(documents, stored.document_id) == "FAILED"
    assert list(documents.deadlines()) == ["scan-document"]
    scan(documents, stored.document_id)
    assert state(documents, stored.document_id) == "CLEAN"


def test_what_waits_for_too_long_is_said_to_have_failed_and_scanned_again(documents: Documents) -> None:
    stored = documents.upload(TEXT).document
    sweep = make_sweep(documents.deps)
    documents.pass_time(seconds=SCAN_WITHIN.total_seconds() - 1)
    assert sweep.sweep_once() == 0
    documents.pass_time(seconds=1)
    assert sweep.sweep_once() == 1
    assert state(documents, stored.document_id) == "FAILED"
    assert documents.jobs() == ["scan-document", "scan-document"]
    assert documents.deadlines() == {"scan-document": documents.deps.clock.now() + SCAN_AGAIN_AFTER}
    # A second round adds no job while one waits.
    documents.pass_time(seconds=SCAN_AGAIN_AFTER.total_seconds())
    assert sweep.sweep_once() == 1
    assert len(documents.jobs()) == 2


def test_the_jobs_of_the_service_find_their_commands(documents: Documents) -> None:
    stored = documents.upload(TEXT).document
    jobs = make_jobs(documents.deps, documents.letters)
    jobs.limits = Limits(poll_seconds=0.05)
    jobs.start()
    try:
        _await_clean(documents, stored.document_id)
    finally:
        jobs.stop()
    assert documents.jobs() == []


def _await_clean(documents: Documents, document_id: str) -> None:
    deadline = time.monotonic() + 10
    while state(documents, document_id) != "CLEAN":
        assert time.monotonic() < deadline, "nothing scanned it"
        time.sleep(0.02)
