"""What documents tells is spelt as its golden examples."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from kit.outbox import Event
from services.documents import events
from services.documents.domain.files import Document, Removal, ScanState, Visibility
from tests.support.services import ROOT

PERSON = UUID("01890a5d-ac96-774b-bcce-b302099a8059")
NOW = datetime(2026, 3, 4, tzinfo=UTC)
DOCUMENT = Document(
    document_id=UUID("01890a5d-ac96-774b-bcce-b302099a8057"),
    case_id=UUID("01890a5d-ac96-774b-bcce-b302099a8058"),
    name="Whānau hui.pdf",
    content_type="application/pdf",
    size=48_213,
    sha256="",
    scan_state=ScanState.INFECTED,
    uploaded_by=PERSON,
    uploaded_at=NOW,
    visibility=Visibility.SCHOOL,
)
GONE = replace(DOCUMENT, removal=Removal(NOW, PERSON, "The wrong student"))


@pytest.mark.parametrize(
    "event",
    [
        events.document_uploaded(DOCUMENT),
        events.document_scanned(DOCUMENT),
        events.document_described(DOCUMENT, by=PERSON),
        events.document_removed(GONE),
        events.document_disposed(GONE),
    ],
    ids=lambda event: event.message.DESCRIPTOR.name,
)
def test_an_event_is_its_golden_example(event: Event) -> None:
    name = event.message.DESCRIPTOR.name
    golden = (ROOT / "proto" / "examples" / "documents" / f"{name}.binpb").read_bytes()
    assert event.key == DOCUMENT.case_id
    assert event.message.SerializeToString(deterministic=True) == golden
