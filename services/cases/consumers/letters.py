"""What documents tells about letters: where the PDF is kept."""

from collections.abc import Mapping
from uuid import UUID

from ascms.common.v1.envelope_pb2 import Envelope
from ascms.documents.v1 import letter_events_pb2

from kit.clock import Clock
from kit.consumer import Handler
from kit.db import Transaction
from services.cases.commands.letters import keep_letter_pdf
from services.cases.domain.letters import Pdf


def handlers(clock: Clock) -> Mapping[str, Handler]:
    """What is done for each type of event."""

    def on_letter_rendered(tx: Transaction, _: Envelope, event: letter_events_pb2.LetterRendered) -> None:
        pdf = Pdf(UUID(event.document_id), event.sha256, event.template_version)
        keep_letter_pdf(
            tx, letter_id=UUID(event.letter_id), pdf=pdf, letter_version=event.letter_version, now=clock.now()
        )

    return {letter_events_pb2.LetterRendered.DESCRIPTOR.full_name: on_letter_rendered}
