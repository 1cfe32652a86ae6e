"""What documents tells others."""

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
