"""Files: stored, listed, described, taken out, handed out."""

import tempfile
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from ascms.documents.v1 import documents_pb2, files_pb2

from kit.errors import InvalidArgumentError, NotFoundError, Violation
from kit.paging import DEFAULT_SIZE
from kit.rpc.server import Call, read, write
from services.documents import commands
from services.documents.commands.files import Description, Upload
from services.documents.domain.files import MAX_BYTES, Document, too_large
from services.documents.rpc.base import Methods
from services.documents.rpc.wire import (
    encode_described,
    encode_document,
    encode_removed,
    encode_upload,
    visibility_of,
)
from services.documents.store import files

RECORD = "cases:record"


class FileMethods(Methods):
    """Files and their scan state."""

    @write(encode_upload)
    def UploadDocument(self, requests: Iterator[documents_pb2.UploadDocumentRequest], call: Call) -> Document:
        """Spool the stream to disk, then store it: a slow sender holds no memory."""
        first = next(requests, None)
        if first is None or first.WhichOneof("part") != "header":
            raise InvalidArgumentError.of(Violation("header", "required", "comes first"))
        header = first.header
        school_id = self.check_case(header.case_id, call)
        with tempfile.TemporaryFile() as spooled:
            for request in requests:
                spooled.write(request.chunk)
                if spooled.tell() > MAX_BYTES:
                    raise too_large()
            upload = Upload(
                case_id=UUID(header.case_id),
                school_id=school_id,
                name=header.name,
                description=header.description,
                visibility=visibility_of(header.visibility),
                sha256=header.sha256,
            )
            return commands.files.upload_document(self.deps, call.actor, upload=upload, content=spooled)

    @read
    def DownloadDocument(
        self, request: documents_pb2.DownloadDocumentRequest, call: Call
    ) -> Iterator[documents_pb2.DownloadDocumentResponse]:
        """The file's facts, then its bytes."""
        document, _ = self._find(request.document_id, call)
        with self.open_file(document, call.actor.tenant_id) as pieces:
            yield documents_pb2.DownloadDocumentResponse(document=self._encode(document, call))
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
        answer = documents_pb2.ListDocumentsResponse(documents=[self._encode(one, call) for one in found[:size]])
        if len(found) > size:
            last = found[size - 1]
            answer.next_page_token = self.page_tokens.encode(
                (last.uploaded_at.isoformat(), str(last.document_id)), scope=scope
            )
        return answer

    @read
    def GetDocument(self, request: files_pb2.GetDocumentRequest, call: Call) -> documents_pb2.GetDocumentResponse:
        """One file."""
        document, _ = self._find(request.document_id, call)
        return documents_pb2.GetDocumentResponse(document=self._encode(document, call))

    @write(encode_described)
    def DescribeDocument(self, request: files_pb2.DescribeDocumentRequest, call: Call) -> Document:
        """Another name, description or visibility."""
        _, school_id = self._find(request.document_id, call)
        return commands.files.describe_document(
            self.deps,
            call.actor,
            document_id=UUID(request.document_id),
            description=Description(
                name=request.name,
                description=request.description,
                visibility=visibility_of(request.visibility),
                school_id=school_id,
            ),
            expected_version=request.expected_version,
        )

    @write(encode_removed)
    def RemoveDocument(self, request: files_pb2.RemoveDocumentRequest, call: Call) -> Document:
        """Taken out of its case."""
        self._find(request.document_id, call)
        return commands.files.remove_document(
            self.deps,
            call.actor,
            document_id=UUID(request.document_id),
            reason=request.reason,
            expected_version=request.expected_version,
        )

    def _find(self, document_id: str, call: Call) -> tuple[Document, UUID | None]:
        """A file whose case the caller may see now, and the school of the case; anything else is not found."""
        with self.deps.database.tenant(call.actor) as tx:
            document = files.find_document(tx, UUID(document_id))
        if document is None:
            raise NotFoundError("file")
        try:
            school_id = self.check_case(str(document.case_id), call)
        except NotFoundError as error:
            # The case's own refusal would tell that the file is there.
            raise NotFoundError("file") from error
        return document, school_id

    def _encode(self, document: Document, call: Call) -> documents_pb2.Document:
        return encode_document(document, may_record=call.actor.may(RECORD))
