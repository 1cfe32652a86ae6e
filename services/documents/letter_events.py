"""What documents tells others about letters."""

from uuid import UUID

from ascms.documents.v1 import letter_events_pb2

from kit.outbox import Event
from services.documents.domain.files import Document


def letter_rendered(document: Document, *, letter_id: UUID, letter_version: int, template_version: str) -> Event:
    """The PDF of an approved letter is kept."""
    message = letter_events_pb2.LetterRendered(
        case_id=str(document.case_id),
        letter_id=str(letter_id),
        document_id=str(document.document_id),
        sha256=document.sha256,
        template_version=template_version,
        letter_version=letter_version,
    )
    return Event(document.case_id, message)
