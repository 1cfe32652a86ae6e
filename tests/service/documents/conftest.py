"""Documents' real server on a real database and folder, beside a small cases that knows who may see which case."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from ascms.cases.v1 import cases_pb2, cases_pb2_grpc
from ascms.documents.v1 import documents_pb2, documents_pb2_grpc, files_pb2, sharing_pb2

from kit.actor import Actor
from kit.clock import FixedClock
from kit.db import Database
from kit.errors import NotFoundError
from kit.ids import uuid7
from kit.objects import FolderStore
from kit.paging import PageTokens
from kit.rpc.client import Backend, Channels
from kit.rpc.server import Call, Servicer, read, serve
from services.documents.commands.deps import Deps
from services.documents.rpc import servicer as documents_servicer
from services.documents.scanning import open_scanner
from services.documents.store import EXTRA_ROLES
from tests.service.documents.letters import FakeLetters
from tests.support.postgres import database_of, empty
from tests.support.rpc import Caller, running
from tests.support.tokens import person, verifier

OURS, THEIRS, SCHOOL = UUID(int=1), UUID(int=2), UUID(int=3)
WORKER = person(1, "cases:read", "cases:record", tenant=OURS)
COLLEAGUE = person(2, "cases:read", "cases:record", tenant=OURS)
STRANGER = person(3, "cases:read", "cases:record", tenant=THEIRS)
CASE = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


@dataclass
class KnownCases(cases_pb2_grpc.CasesServiceServicer):
    """Says who may see which case; the rest of cases is not asked for."""

    readers: set[tuple[UUID, UUID]] = field(default_factory=set)
    school_id: str = str(SCHOOL)
    school_readers: set[tuple[UUID, UUID]] = field(default_factory=set)

    @read
    def CheckCase(self, request: cases_pb2.CheckCaseRequest, call: Call) -> cases_pb2.CheckCaseResponse:
        if (call.actor.person_id, UUID(request.case_id)) not in self.readers:
            raise NotFoundError("case")
        return cases_pb2.CheckCaseResponse(number="26-00001", school_id=self.school_id)

    @read
    def CheckSharedCase(
        self, request: cases_pb2.CheckSharedCaseRequest, call: Call
    ) -> cases_pb2.CheckSharedCaseResponse:
        if (call.actor.person_id, UUID(request.case_id)) not in self.school_readers:
            raise NotFoundError("case")
        return cases_pb2.CheckSharedCaseResponse(number="26-00001")


@dataclass(frozen=True)
class Documents:
    """The service under test."""

    call: Caller
    deps: Deps
    folder: Path
    cases: KnownCases
    letters: FakeLetters

    def upload(self, content: bytes, *, name: str = "hui.txt", as_: Actor = WORKER, **options: Any) -> Any:
        key = options.pop("idempotency_key", "")
        stream = iter(parts(content, name=name, **options))
        return self.call("UploadDocument", stream, as_=as_, idempotency_key=key)

    def download(self, document_id: str, *, as_: Actor = WORKER) -> list[Any]:
        request = documents_pb2.DownloadDocumentRequest(document_id=document_id)
        return list(self.call("DownloadDocument", request, as_=as_))

    def page(self, *, as_: Actor = WORKER, page_size: int = 0, page_token: str = "") -> Any:
        request = documents_pb2.ListDocumentsRequest(case_id=str(CASE), page_size=page_size, page_token=page_token)
        return self.call("ListDocuments", request, as_=as_)

    def get(self, document_id: str, *, as_: Actor = WORKER) -> Any:
        request = files_pb2.GetDocumentRequest(document_id=document_id)
        return self.call("GetDocument", request, as_=as_).document

    def describe(self, document_id: str, *, as_: Actor = WORKER, **fields: Any) -> Any:
        request = files_pb2.DescribeDocumentRequest(document_id=document_id, **fields)
        return self.call("DescribeDocument", request, as_=as_)

    def remove(self, document_id: str, *, as_: Actor = WORKER, **fields: Any) -> Any:
        fields = {"reason": "The wrong student", **fields}
        return self.call("RemoveDocument", files_pb2.RemoveDocumentRequest(document_id=document_id, **fields), as_=as_)

    def shared(self, *, as_: Actor, page_size: int = 0, page_token: str = "") -> Any:
        request = sharing_pb2.ListSharedDocumentsRequest(case_id=str(CASE), page_size=page_size, page_token=page_token)
        return self.call("ListSharedDocuments", request, as_=as_)

    def download_shared(self, document_id: str, *, as_: Actor) -> list[Any]:
        request = sharing_pb2.DownloadSharedDocumentRequest(document_id=document_id)
        return list(self.call("DownloadSharedDocument", request, as_=as_))

    def events(self) -> list[str]:
        """Types of the events so far, in their order."""
        with self.deps.database.plumbing() as tx:
            rows = tx.connection.execute("SELECT type FROM outbox ORDER BY id").fetchall()
        return [row.type.rpartition(".")[2] for row in rows]

    def audit(self) -> list[tuple[str, str]]:
        with self.deps.database.tenant(WORKER) as tx:
            rows = tx.connection.execute("SELECT action, subject_id FROM audit ORDER BY id").fetchall()
        return [(row.action, str(row.subject_id)) for row in rows]

    def deadlines(self) -> dict[str, datetime]:
        """When what is due, by its kind."""
        with self.deps.database.plumbing() as tx:
            rows = tx.connection.execute("SELECT kind, due_at FROM deadline").fetchall()
        return {row.kind: row.due_at for row in rows}

    def jobs(self) -> Sequence[str]:
        """Tasks that wait in the queue."""
        with self.deps.database.plumbing() as tx:
            rows = tx.connection.execute("SELECT task_name FROM jobs.procrastinate_jobs WHERE status = 'todo'")
        return [row.task_name for row in rows]

    def pass_time(self, **by: float) -> None:
        """Let the service's clock go on: `minutes=10`."""
        self.deps.clock.moment += timedelta(**by)  # type: ignore[attr-defined]  # a FixedClock

    def objects(self) -> list[str]:
        return [found.key for found in self.deps.objects.list("")]


def parts(
    content: bytes, *, name: str, case_id: UUID = CASE, **header_fields: Any
) -> list[documents_pb2.UploadDocumentRequest]:
    header = documents_pb2.UploadHeader(case_id=str(case_id), name=name, **header_fields)
    size = 1024 * 1024
    return [
        documents_pb2.UploadDocumentRequest(header=header),
        *(
            documents_pb2.UploadDocumentRequest(chunk=content[start : start + size])
            for start in range(0, len(content), size)
        ),
    ]


@pytest.fixture(scope="session")
def documents_url(worker: str) -> Iterator[str]:
    with database_of("documents", worker=worker, extra_roles=EXTRA_ROLES) as url:
        yield url


@pytest.fixture
def scanner_url() -> str:
    """No scanner, unless a file of tests says otherwise."""
    return ""


@pytest.fixture
def documents(documents_url: str, tmp_path: Path, clock: FixedClock, scanner_url: str) -> Iterator[Documents]:
    empty(documents_url)
    database = Database(documents_url, service="documents")
    known = KnownCases({(WORKER.person_id, CASE)})  # type: ignore[abstract]  # two methods are all that is called
    cases_server = serve(
        address="127.0.0.1:0",
        servicers=[
            Servicer(
                known,
                cases_pb2_grpc.add_CasesServiceServicer_to_server,
                cases_pb2.DESCRIPTOR.services_by_name["CasesService"],
            )
        ],
        verifier=verifier(),
    )
    cases = Backend(Channels(f"127.0.0.1:{cases_server.port}", count=1), cases_pb2_grpc.CasesServiceStub)
    deps = Deps(database, FolderStore(tmp_path), clock, uuid7, open_scanner(scanner_url))
    letters = FakeLetters()
    servicer = documents_servicer(deps, cases, PageTokens("tests"), letters)
    with running(servicer, documents_pb2_grpc.DocumentsServiceStub, database=database) as call:
        yield Documents(call, deps, tmp_path, known, letters)
    cases.close()
    cases_server.stop(0)
    database.close()
