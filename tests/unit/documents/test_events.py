"""What documents tells is spelt as its golden example."""

from datetime import UTC, datetime
from uuid import UUID

from services.documents import events
from services.documents.domain.files import Document, ScanState
from tests.support.services import ROOT


def test_document_uploaded_is_its_golden_example() -> None:
    document = Document(
        document_id=UUID("01890a5d-ac96-774b-bcce-b302099a8057"),
        case_id=UUID("01890a5d-ac96-774b-bcce-b302099a8058"),
        name="Whānau hui.pdf",
        content_type="application/pdf",
        size=48_213,
        sha256="",
        scan_state=ScanState.NO_SCANNER,
        uploaded_by=UUID("01890a5d-ac96-774b-bcce-b302099a8059"),
        uploaded_at=datetime(2026, 3, 4, tzinfo=UTC),
    )
    event = events.document_uploaded(document)
    golden = (ROOT / "proto" / "examples" / "documents" / "DocumentUploaded.binpb").read_bytes()
    assert event.key == document.case_id
    assert event.message.SerializeToString(deterministic=True) == golden
