"""What cases tells about letters becomes a job: making a PDF takes longer than a handler may."""

from collections.abc import Mapping
from uuid import UUID

from ascms.cases.v1 import letter_events_pb2
from ascms.common.v1.envelope_pb2 import Envelope

from kit import jobs
from kit.consumer import Handler
from kit.db import Transaction
from services.documents.commands.letters import RENDER_LETTER

CONSUMER = "documents.letters"
TOPICS = ("ascms.cases.v1",)


def handlers() -> Mapping[str, Handler]:
    """What is done for each type of event."""

    def on_pdf_wanted(
        tx: Transaction,
        envelope: Envelope,
        event: letter_events_pb2.LetterApproved | letter_events_pb2.LetterPdfMissing,
    ) -> None:
        # The file gets the event's id: one event, one file, however often its job runs.
        jobs.defer(
            tx,
            RENDER_LETTER,
            once=f"{RENDER_LETTER} {event.letter_id}",
            letter_id=UUID(event.letter_id),
            document_id=UUID(envelope.event_id),
        )

    return {
        letter_events_pb2.LetterApproved.DESCRIPTOR.full_name: on_pdf_wanted,
        letter_events_pb2.LetterPdfMissing.DESCRIPTOR.full_name: on_pdf_wanted,
    }
