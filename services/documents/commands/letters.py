"""The verbs of letters: shown as a draft, and made into the PDF that is kept."""

import hashlib
from io import BytesIO
from uuid import UUID

from kit.actor import Actor
from kit.audit import Audit
from kit.clock import local_date
from kit.command import finish
from kit.errors import NotFoundError
from services.documents import events, letter_events
from services.documents.commands.deps import Deps
from services.documents.domain.files import Document, ScanState, object_key
from services.documents.domain.letters import PrintedLetter, Wording
from services.documents.letters import Letters
from services.documents.rendering import render_letter
from services.documents.store import files, letters

RENDER_LETTER = "render-letter"
"""Name of the job."""
_PDF = "application/pdf"


def preview_letter(deps: Deps, source: Letters, actor: Actor, *, letter_id: UUID, token: str) -> bytes:
    """A letter as it would be printed now, marked as a draft on every page. Nothing is kept.

    Raises:
        NotFoundError: no such letter, or not the caller's to see.
    """
    content, _ = _render(deps, actor, source.find_draft(letter_id, token=token))
    return content


def render_approved_letter(deps: Deps, source: Letters, actor: Actor, *, letter_id: UUID, document_id: UUID) -> None:
    """Make the PDF of an approved letter, and keep it as a file of its case. A job: it may run more than once.

    `document_id` was fixed by the event that asked for it, so that a second run finds what the first one kept. The
    bytes go first, then the row, as with every file.
    """
    with deps.database.tenant(actor) as tx:
        if files.find_document(tx, document_id) is not None:
            return
    try:
        letter = source.find_approved(actor.tenant_id, letter_id)
    except NotFoundError:
        return  # It was given back or withdrawn meanwhile: nobody waits for its PDF.
    if letter.document_id is not None:
        return
    content, version = _render(deps, actor, letter.printed)
    now = deps.clock.now()
    document = Document(
        document_id=document_id,
        case_id=letter.case_id,
        name=_name(letter.printed),
        content_type=_PDF,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        # Made here, of text alone: there is nothing that a scanner could find.
        scan_state=ScanState.CLEAN,
        uploaded_by=letter.approved_by,
        uploaded_at=now,
        is_record=True,
    )
    key = object_key(actor.tenant_id, document_id)
    deps.objects.put(key, BytesIO(content), size=document.size, content_type=_PDF)
    with deps.database.tenant(actor) as tx:
        files.insert_document(tx, document)
        told = [
            events.document_uploaded(document),
            letter_events.letter_rendered(
                document, letter_id=letter_id, letter_version=letter.version, template_version=version
            ),
        ]
        finish(tx, None, entry=Audit("render-letter", letter_id), events=told, now=now)


def _render(deps: Deps, actor: Actor, letter: PrintedLetter) -> tuple[bytes, str]:
    today = local_date(deps.clock.now())
    with deps.database.tenant(actor) as tx:
        replacing = {
            language: letters.find_wording(tx, family=letter.family, stage=letter.stage, language=language, today=today)
            for language in letter.languages
        }

    def find(_family: str, _stage: int, language: str) -> Wording | None:
        return replacing[language]

    return render_letter(letter, find)


def _name(letter: PrintedLetter) -> str:
    words = {"mi": "Reta", "en": "Letter"}
    kind = words[letter.languages[0]]
    return f"{kind} {letter.stage} {letter.case_number} {letter.dated_on.isoformat()}.pdf"
