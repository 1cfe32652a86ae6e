"""What documents tells about letters is spelt as its golden example."""

from datetime import UTC, datetime
from uuid import UUID

from ascms.documents.v1 import letter_events_pb2
from google.protobuf import json_format

from services.documents import letter_events
from services.documents.domain.files import Document, ScanState
from tests.support.services import ROOT

EXAMPLES = ROOT / "proto" / "examples" / "documents"


def test_letter_rendered_is_its_golden_example() -> None:
    document = Document(
        document_id=UUID("01890a5d-ac96-774b-bcce-b302099a8057"),
        case_id=UUID("01890a5d-ac96-774b-bcce-b302099a8058"),
        name="Reta 1 26-00817 2026-03-04.pdf",
        content_type="application/pdf",
        size=22_175,
        sha256="ab" * 32,
        scan_state=ScanState.CLEAN,
        uploaded_by=UUID("01890a5d-ac96-774b-bcce-b302099a8059"),
        uploaded_at=datetime(2026, 3, 4, tzinfo=UTC),
    )
    letter_id = UUID("01890a5d-ac96-774b-bcce-b302099a805e")
    event = letter_events.letter_rendered(document, letter_id=letter_id, letter_version=4, template_version="2026-1")
    assert event.key == document.case_id
    golden = (EXAMPLES / "LetterRendered.binpb").read_bytes()
    assert event.message.SerializeToString(deterministic=True) == golden
    spelt = (EXAMPLES / "LetterRendered.json").read_text(encoding="utf-8")
    assert json_format.Parse(spelt, letter_events_pb2.LetterRendered()) == event.message
