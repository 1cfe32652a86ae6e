"""Documents as the gateway meets it: keeps what is uploaded, with as many rules as pages need to meet their errors."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from ascms.documents.v1 import documents_pb2 as d
from ascms.documents.v1 import files_pb2, sharing_pb2

from kit.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError, StaleVersionError, Violation
from kit.rpc.server import Call, read
from tests.support.stub_world import World, number_id

CONTENT = b"Agreed on Monday.\n"


def furnish_files(world: World) -> None:
    """Files of the case 303: one of each state of the scan, one that was taken out, and a letter."""
    world.documents.clear()
    for number, (name, content_type, state) in enumerate(
        (
            ("Hui 4 March.txt", "text/plain", d.SCAN_STATE_CLEAN),
            ("Whānau hui notes.pdf", "application/pdf", d.SCAN_STATE_NO_SCANNER),
            ("Bus timetable.jpg", "image/jpeg", d.SCAN_STATE_WAITING),
            (
                "Report.doc",
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                d.SCAN_STATE_FAILED,
            ),
            ("Voice.mp3", "audio/mpeg", d.SCAN_STATE_INFECTED),
        )
    ):
        _add(world, number, name=name, content_type=content_type, scan_state=state)
    shared = world.documents[number_id(901)]
    shared.description, shared.visibility = "Who came, and what was agreed", files_pb2.DOCUMENT_VISIBILITY_SCHOOL
    gone = _add(world, 5, name="Other student.pdf", content_type="application/pdf", scan_state=d.SCAN_STATE_CLEAN)
    _take_out(world, gone, "The wrong student")
    letter = "Letter 1 26-00303 2026-03-03.pdf"
    _add(world, 6, name=letter, content_type="application/pdf", scan_state=d.SCAN_STATE_CLEAN, is_record=True)


def _add(world: World, number: int, **fields: Any) -> d.Document:
    document = d.Document(
        document_id=number_id(900 + number),
        case_id=number_id(303),
        size=2_400_000,
        uploaded_by=world.people["manager"].person_id,
        uploaded_at=world.moment(-number),
        visibility=files_pb2.DOCUMENT_VISIBILITY_PROVIDER,
        version=1,
        **fields,
    )
    world.documents[document.document_id] = document
    return document


def _take_out(world: World, document: d.Document, reason: str) -> None:
    document.removed_at.CopyFrom(world.moment())
    document.removed_by, document.removed_reason = world.people["manager"].person_id, reason
    document.version += 1


def _is_shared(document: d.Document) -> bool:
    return document.visibility == files_pb2.DOCUMENT_VISIBILITY_SCHOOL and not document.HasField("removed_at")


def _shared(document: d.Document) -> sharing_pb2.SharedDocument:
    return sharing_pb2.SharedDocument(
        document_id=document.document_id,
        case_id=document.case_id,
        name=document.name,
        content_type=document.content_type,
        size=document.size,
        description=document.description,
        uploaded_by=document.uploaded_by,
        uploaded_at=document.uploaded_at,
        can_download=document.scan_state in (d.SCAN_STATE_CLEAN, d.SCAN_STATE_NO_SCANNER),
        was_scanned=document.scan_state == d.SCAN_STATE_CLEAN,
    )


class FilesStub:
    """Files of the world: a part of the stub of documents."""

    world: World
    met: Callable[[str, Any], None]

    @read
    def ListDocuments(self, request: d.ListDocumentsRequest, call: Call) -> d.ListDocumentsResponse:
        self.met("ListDocuments", request)
        found = [one for one in self.world.documents.values() if one.case_id == request.case_id]
        return d.ListDocumentsResponse(documents=[self._shown(one, call) for one in found])

    @read
    def GetDocument(self, request: files_pb2.GetDocumentRequest, call: Call) -> d.GetDocumentResponse:
        self.met("GetDocument", request)
        return d.GetDocumentResponse(document=self._shown(self._found(request.document_id), call))

    @read
    def DownloadDocument(self, request: d.DownloadDocumentRequest, call: Call) -> Iterator[d.DownloadDocumentResponse]:
        self.met("DownloadDocument", request)
        document = self._shown(self._found(request.document_id), call)
        if "download" not in document.allowed_actions:
            raise FailedPreconditionError("not-scanned", "This file is being checked. Try again in a minute.")
        document.size = len(CONTENT)
        yield d.DownloadDocumentResponse(document=document)
        yield d.DownloadDocumentResponse(chunk=CONTENT)

    @read
    def ListSharedDocuments(
        self, request: sharing_pb2.ListSharedDocumentsRequest, _call: Call
    ) -> sharing_pb2.ListSharedDocumentsResponse:
        self.met("ListSharedDocuments", request)
        found = [one for one in self.world.documents.values() if one.case_id == request.case_id and _is_shared(one)]
        return sharing_pb2.ListSharedDocumentsResponse(documents=[_shared(one) for one in found])

    @read
    def DownloadSharedDocument(
        self, request: sharing_pb2.DownloadSharedDocumentRequest, _call: Call
    ) -> Iterator[sharing_pb2.DownloadSharedDocumentResponse]:
        self.met("DownloadSharedDocument", request)
        document = self._found(request.document_id)
        if not _is_shared(document):
            raise NotFoundError("file")
        shown = _shared(document)
        shown.size = len(CONTENT)
        yield sharing_pb2.DownloadSharedDocumentResponse(document=shown)
        yield sharing_pb2.DownloadSharedDocumentResponse(chunk=CONTENT)

    @read
    def UploadDocument(self, requests: Iterator[d.UploadDocumentRequest], call: Call) -> d.UploadDocumentResponse:
        first, *rest = list(requests)
        self.met("UploadDocument", first.header)
        content = b"".join(part.chunk for part in rest)
        if not content or content.startswith(b"MZ"):
            raise InvalidArgumentError.of(Violation("chunk", "type" if content else "empty", "is no good"))
        number = len(self.world.documents)
        document = _add(self.world, number, name=first.header.name, content_type="text/plain", scan_state=4)
        document.description, document.visibility = first.header.description, first.header.visibility
        document.case_id = first.header.case_id
        return d.UploadDocumentResponse(document=self._shown(document, call), position=self.world.next_position())

    @read
    def DescribeDocument(self, request: files_pb2.DescribeDocumentRequest, call: Call) -> d.DescribeDocumentResponse:
        self.met("DescribeDocument", request)
        document = self._changed(request)
        document.name, document.description, document.visibility = request.name, request.description, request.visibility
        document.version += 1
        return d.DescribeDocumentResponse(document=self._shown(document, call), position=self.world.next_position())

    @read
    def RemoveDocument(self, request: files_pb2.RemoveDocumentRequest, call: Call) -> d.RemoveDocumentResponse:
        self.met("RemoveDocument", request)
        document = self._changed(request)
        if document.is_record:
            raise FailedPreconditionError("is-record", "This letter is a record.")
        _take_out(self.world, document, request.reason)
        return d.RemoveDocumentResponse(document=self._shown(document, call), position=self.world.next_position())

    def _found(self, document_id: str) -> d.Document:
        assert UUID(document_id)
        if document_id not in self.world.documents:
            raise NotFoundError("file")
        return self.world.documents[document_id]

    def _changed(self, request: Any) -> d.Document:
        document = self._found(request.document_id)
        if request.expected_version not in (0, document.version):
            raise StaleVersionError(expected=request.expected_version, actual=document.version)
        return document

    def _shown(self, document: d.Document, call: Call) -> d.Document:
        shown = d.Document()
        shown.CopyFrom(document)
        if not document.HasField("removed_at"):
            can_download = document.scan_state in (d.SCAN_STATE_CLEAN, d.SCAN_STATE_NO_SCANNER)
            shown.allowed_actions.extend(["download"] if can_download else [])
            changes = ["describe"] if document.is_record else ["describe", "remove"]
            shown.allowed_actions.extend(changes if call.actor.may("cases:record") else [])
        return shown
