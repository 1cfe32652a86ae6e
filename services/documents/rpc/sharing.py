"""What a school has of a case's files: those that were shared with it, and nothing about any other."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from ascms.documents.v1 import sharing_pb2

from kit.errors import NotFoundError
from kit.paging import DEFAULT_SIZE
from kit.rpc.server import Call, read
from services.documents import commands
from services.documents.rpc.base import Methods
from services.documents.rpc.wire import encode_shared
from services.documents.store import sharing


class SharingMethods(Methods):
    """Shared files. That a file is shared stands in its row; who at the school reads it now, cases says."""

    @read
    def ListSharedDocuments(
        self, request: sharing_pb2.ListSharedDocumentsRequest, call: Call
    ) -> sharing_pb2.ListSharedDocumentsResponse:
        """See the contract."""
        self.check_shared_case(request.case_id, call)
        size = request.page_size or DEFAULT_SIZE
        scope = (call.actor.tenant_id, "shared-documents", call.actor.person_id, request.case_id)
        position = self.page_tokens.decode(request.page_token, scope=scope)
        after = (datetime.fromisoformat(position[0]), UUID(position[1])) if position else None
        with self.deps.database.guest(call.actor) as tx:
            found = sharing.list_documents(tx, UUID(request.case_id), most=size + 1, after=after)
        answer = sharing_pb2.ListSharedDocumentsResponse(
            documents=[encode_shared(one.document) for one in found[:size]]
        )
        if len(found) > size:
            last = found[size - 1].document
            answer.next_page_token = self.page_tokens.encode(
                (last.uploaded_at.isoformat(), str(last.document_id)), scope=scope
            )
        return answer

    @read
    def DownloadSharedDocument(
        self, request: sharing_pb2.DownloadSharedDocumentRequest, call: Call
    ) -> Iterator[sharing_pb2.DownloadSharedDocumentResponse]:
        """The file's facts, then its bytes."""
        with self.deps.database.guest(call.actor) as tx:
            shared = sharing.find_document(tx, UUID(request.document_id))
        if shared is None:
            raise NotFoundError("file")
        try:
            self.check_shared_case(str(shared.document.case_id), call)
        except NotFoundError as error:
            # The case's own refusal would tell that the file is there.
            raise NotFoundError("file") from error
        with self.open_file(shared.document, shared.provider_id) as pieces:
            commands.sharing.log_download(self.deps, call.actor, shared)
            yield sharing_pb2.DownloadSharedDocumentResponse(document=encode_shared(shared.document))
            for piece in pieces:
                yield sharing_pb2.DownloadSharedDocumentResponse(chunk=piece)
