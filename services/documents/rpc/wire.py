"""Files as their contract shows them."""

from collections.abc import Mapping
from datetime import datetime

from ascms.documents.v1 import documents_pb2 as pb
from ascms.documents.v1 import files_pb2, sharing_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from services.documents.domain.files import Document, ScanState, Visibility, allowed_actions, can_download

_STATES: Mapping[ScanState, pb.ScanState.ValueType] = {
    ScanState.WAITING: pb.SCAN_STATE_WAITING,
    ScanState.CLEAN: pb.SCAN_STATE_CLEAN,
    ScanState.INFECTED: pb.SCAN_STATE_INFECTED,
    ScanState.NO_SCANNER: pb.SCAN_STATE_NO_SCANNER,
    ScanState.FAILED: pb.SCAN_STATE_FAILED,
}
_VISIBILITIES: Mapping[Visibility, files_pb2.DocumentVisibility.ValueType] = {
    Visibility.PROVIDER: files_pb2.DOCUMENT_VISIBILITY_PROVIDER,
    Visibility.SCHOOL: files_pb2.DOCUMENT_VISIBILITY_SCHOOL,
}


def visibility_of(number: int) -> Visibility:
    """A visibility of the contract; the provider only where nothing was said."""
    return Visibility.SCHOOL if number == files_pb2.DOCUMENT_VISIBILITY_SCHOOL else Visibility.PROVIDER


def encode_document(document: Document, *, may_record: bool) -> pb.Document:
    """A file, with what someone who may see its case can do with it."""
    message = pb.Document(
        document_id=str(document.document_id),
        case_id=str(document.case_id),
        name=document.name,
        content_type=document.content_type,
        size=document.size,
        sha256=document.sha256,
        scan_state=_STATES[document.scan_state],
        uploaded_by=str(document.uploaded_by),
        uploaded_at=_moment(document.uploaded_at),
        description=document.description,
        visibility=_VISIBILITIES[document.visibility],
        version=document.version,
        allowed_actions=[action.value for action in allowed_actions(document, may_record=may_record)],
        is_record=document.is_record,
    )
    if document.removal is not None:
        message.removed_at.CopyFrom(_moment(document.removal.at))
        message.removed_by = str(document.removal.by)
        message.removed_reason = document.removal.reason
    return message


def encode_shared(document: Document) -> sharing_pb2.SharedDocument:
    """A file, as the school has it that it was shared with."""
    return sharing_pb2.SharedDocument(
        document_id=str(document.document_id),
        case_id=str(document.case_id),
        name=document.name,
        content_type=document.content_type,
        size=document.size,
        sha256=document.sha256,
        description=document.description,
        uploaded_by=str(document.uploaded_by),
        uploaded_at=_moment(document.uploaded_at),
        can_download=can_download(document),
        was_scanned=document.scan_state is ScanState.CLEAN,
    )


def encode_upload(document: Document) -> pb.UploadDocumentResponse:
    """The answer to whoever stored a file."""
    return pb.UploadDocumentResponse(document=encode_document(document, may_record=True))


def encode_described(document: Document) -> pb.DescribeDocumentResponse:
    """The answer to whoever described one."""
    return pb.DescribeDocumentResponse(document=encode_document(document, may_record=True))


def encode_removed(document: Document) -> pb.RemoveDocumentResponse:
    """The answer to whoever took one out."""
    return pb.RemoveDocumentResponse(document=encode_document(document, may_record=True))


def _moment(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
