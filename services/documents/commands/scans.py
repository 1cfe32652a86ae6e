"""What the scanner says about files. Each command runs at least once and looks at the facts first."""

from datetime import datetime
from uuid import UUID

from prometheus_client import Counter

from kit.actor import Actor
from kit.audit import Audit
from kit.command import finish
from kit.db import Transaction
from kit.jobs import defer
from kit.objects import ObjectMissingError
from kit.sweeps import clear_deadline, set_deadline
from services.documents import events
from services.documents.commands.deps import Deps
from services.documents.commands.files import SCAN
from services.documents.domain.files import SCAN_AGAIN_AFTER, Document, ScanState, object_key, scanned
from services.documents.store import files

_SCANNED = Counter("ascms_files_scanned", "Files that the scanner has spoken about, or could not", ["result"])
_LATE = Counter("ascms_file_scans_late", "Times a file was found waiting for its scan for longer than it may")
for _state in (ScanState.CLEAN, ScanState.INFECTED, ScanState.FAILED):
    # Told from the start: an alert cannot see something rise from nothing.
    _SCANNED.labels(_state.value)


def scan_document(deps: Deps, actor: Actor, *, document_id: UUID) -> None:
    """Have a file looked at. What is harmful is deleted at once; its row stays and says so.

    Raises:
        UnavailableError: the scanner or the store cannot be reached; the job tries again.
    """
    with deps.database.tenant(actor) as tx:
        document = files.find_document(tx, document_id)
    if document is None:
        return
    key = object_key(actor.tenant_id, document_id)
    if document.is_unscanned:
        document = _write_down(deps, actor, document_id, _ask(deps, key))
    if document is not None and document.scan_state is ScanState.INFECTED:
        # After the commit: a worker that dies in between leaves the job, and comes here again.
        deps.objects.delete(key)


def give_up_scan(deps: Deps, actor: Actor, *, document_id: UUID) -> None:
    """Write down that the scanner could not say; the deadline has it tried again."""
    _write_down(deps, actor, document_id, ScanState.FAILED)


def chase_scan(deps: Deps, actor: Actor, document_id: UUID) -> None:
    """A file has waited for too long: say so, and have it scanned again."""
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        document = files.lock_document(tx, document_id)
        clear_deadline(tx, kind=SCAN, subject_id=document_id)
        if document is None or not document.is_unscanned:
            return
        tx.after_commit(_LATE.inc)
        defer(tx, SCAN, once=str(document_id), document_id=document_id)
        set_deadline(tx, kind=SCAN, subject_id=document_id, due_at=now + SCAN_AGAIN_AFTER)
        _change(tx, document, ScanState.FAILED, now=now)


def _ask(deps: Deps, key: str) -> ScanState:
    if deps.scanner is None:
        return ScanState.NO_SCANNER
    try:
        pieces = deps.objects.read(key)
    except ObjectMissingError:
        return ScanState.FAILED
    with pieces:
        return ScanState.CLEAN if deps.scanner.is_clean(pieces) else ScanState.INFECTED


def _write_down(deps: Deps, actor: Actor, document_id: UUID, state: ScanState) -> Document | None:
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        document = files.lock_document(tx, document_id)
        if document is None or not document.is_unscanned:
            return document
        if state is not ScanState.FAILED:
            clear_deadline(tx, kind=SCAN, subject_id=document_id)
        return _change(tx, document, state, now=now)


def _change(tx: Transaction, document: Document, state: ScanState, *, now: datetime) -> Document:
    if document.scan_state is state:
        return document
    document = scanned(document, state)
    files.update_document(tx, document)
    tx.after_commit(_SCANNED.labels(state.value).inc)
    return finish(
        tx,
        document,
        entry=Audit("scan-document", document.document_id),
        events=[events.document_scanned(document)],
        now=now,
    )
