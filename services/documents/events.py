"""What documents tells others."""

from uuid import UUID

from ascms.documents.v1 import events_pb2

from kit.outbox import Event
from services.documents.domain.files import Document


def document_uploaded(document: Document) -> Event:
    """A file was stored with a case."""
    message = events_pb2.DocumentUploaded(
        document_id=str(document.document_id),
        case_id=str(document.case_id),
        size=document.size,
        uploaded_by=str(document.uploaded_by),
    )
    return Event(document.case_id, message)


def document_scanned(document: Document) -> Event:
    """The scanner has said what it found, or could not say."""
    message = events_pb2.DocumentScanned(
        document_id=str(document.document_id),
        case_id=str(document.case_id),
        result=document.scan_state.value,
        uploaded_by=str(document.uploaded_by),
    )
    return Event(document.case_id, message)


def document_described(document: Document, *, by: UUID) -> Event:
    """A file got another name, description or visibility."""
    message = events_pb2.DocumentDescribed(
        document_id=str(document.document_id),
        case_id=str(document.case_id),
        visibility=document.visibility.value,
        described_by=str(by),
    )
    return Event(document.case_id, message)


def document_removed(document: Document) -> Event:
    """A file was taken out of its case."""
    assert document.removal is not None
    message = events_pb2.DocumentRemoved(
        document_id=str(document.document_id), case_id=str(document.case_id), removed_by=str(document.removal.by)
    )
    return Event(document.case_id, message)


def document_disposed(document: Document) -> Event:
    """The bytes of a removed file were deleted for good."""
    message = events_pb2.DocumentDisposed(document_id=str(document.document_id), case_id=str(document.case_id))
    return Event(document.case_id, message)
