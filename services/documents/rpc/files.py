"""Files: stored, listed, handed out."""

import tempfile
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from ascms.documents.v1 import documents_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from kit.errors import InvalidArgumentError, NotFoundError, Violation
from kit.objects import ObjectMissingError
from kit.paging import DEFAULT_SIZE
from kit.rpc.server import Call, read, write
from services.documents import commands
from services.documents.domain.files import MAX_BYTES, Document, ScanState, check_download, object_key, too_large
from services.documents.rpc.base import Methods
from services.documents.store import files

_STATES = {
    ScanState.WAITING: documents_pb2.SCAN_STATE_WAITING,
    ScanState.CLEAN: documents_pb2.SCAN_STATE_CLEAN,
    ScanState.INFECTED: documents_pb2.SCAN_STATE_INFECTED,
    ScanState.NO_SCANNER: documents_pb2.SCAN_STATE_NO_SCANNER,
}


def encode_document(document: Document) -> documents_pb2.Document:
    """A file as its contract shows it."""
    uploaded_at = Timestamp()
    uploaded_at.FromDatetime(document.uploaded_at)
    return documents_pb2.Document(
        document_id=str(document.document_id),
        case_id=str(document.case_id),
        name=document.name,
        content_type=document.content_type,
        size=document.size,
        sha256=document.sha256,
        scan_state=_STATES[document.scan_state],
        uploaded_by=str(document.uploaded_by),
        uploaded_at=uploaded_at,
    )


def _encode_upload(document: Document) -> documents_pb2.UploadDocumentResponse:
    return documents_pb2.UploadDocumentResponse(document=encode_document(document))


class FileMethods(Methods):
    """Files and their scan state."""

    @write(_encode_upload)
    def UploadDocument(self, requests: Iterator[documents_pb2.UploadDocumentRequest], call: Call) -> Document:
        """Spool the stream to disk, then store it: a slow sender holds no memory."""
        first = next(requests, None)
        if first is None or first.WhichOneof("part") != "header":
            raise InvalidArgumentError.of(Violation("header", "required", "comes first"))
        self.check_case(first.header.case_id, call)
        with tempfile.TemporaryFile() as spooled:
            for request in requests:
                spooled.write(request.chunk)
                if spooled.tell() > MAX_BYTES:
                    raise too_large()
            spooled.seek(0)
            return commands.files.upload_document(
                self.deps,
                call.actor,
                case_id=UUID(first.header.case_id),
                name=first.header.name,
                content=spooled,
            )

    @read
    def DownloadDocument(
        self, request: documents_pb2.DownloadDocumentRequest, call: Call
    ) -> Iterator[documents_pb2.DownloadDocumentResponse]:
        """The file's facts, then its bytes."""
        with self.deps.database.tenant(call.actor) as tx:
            document = files.find_document(tx, UUID(request.document_id))
        if document is None:
            raise NotFoundError("file")
        try:
            self.check_case(str(document.case_id), call)
        except NotFoundError as error:
            # The case's own refusal would tell that the file is there.
            raise NotFoundError("file") from error
        check_download(document)
        try:
            pieces = self.deps.objects.read(object_key(call.actor.tenant_id, document.document_id))
        except ObjectMissingError as error:
            raise NotFoundError("file") from error
        yield documents_pb2.DownloadDocumentResponse(document=encode_document(document))
        for piece in pieces:
            yield documents_pb2.DownloadDocumentResponse(chunk=piece)

    @read
    def ListDocuments(
        self, request: documents_pb2.ListDocumentsRequest, call: Call
    ) -> documents_pb2.ListDocumentsResponse:
        """The files of a case, newest first."""
        self.check_case(request.case_id, call)
        size = request.page_size or DEFAULT_SIZE
        scope = (call.actor.tenant_id, "documents", request.case_id)
        position = self.page_tokens.decode(request.page_token, scope=scope)
        after = (datetime.fromisoformat(position[0]), UUID(position[1])) if position else None
        with self.deps.database.tenant(call.actor) as tx:
            found = files.list_documents(tx, UUID(request.case_id), most=size + 1, after=after)
        answer = documents_pb2.ListDocumentsResponse(documents=map(encode_document, found[:size]))
        if len(found) > size:
            last = found[size - 1]
            answer.next_page_token = self.page_tokens.encode(
                (last.uploaded_at.isoformat(), str(last.document_id)), scope=scope
            )
        return answer
