"""The verbs of files."""

import hashlib
from dataclasses import dataclass
from typing import BinaryIO
from uuid import UUID

from kit.actor import Actor
from kit.audit import Audit
from kit.command import finish
from kit.errors import NotFoundError
from kit.jobs import defer
from kit.sweeps import clear_deadline, set_deadline
from services.documents import events
from services.documents.commands.deps import Deps
from services.documents.content import HEAD_BYTES, type_of
from services.documents.domain.files import (
    KEEP_REMOVED,
    SCAN_WITHIN,
    Document,
    Removal,
    ScanState,
    Visibility,
    check_content,
    check_version,
    check_whole,
    described,
    disposed,
    name_with_ending,
    object_key,
    readers_at_school,
    removed,
)
from services.documents.store import files

SCAN = "scan-document"
"""Name of a job, and of the deadline that watches over it."""
DISPOSAL = "dispose-document"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What someone sends with a file, and the school of its case. `sha256` is empty where they do not know it."""

    case_id: UUID
    school_id: UUID | None
    name: str
    description: str = ""
    visibility: Visibility = Visibility.PROVIDER
    sha256: str = ""


def upload_document(deps: Deps, actor: Actor, *, upload: Upload, content: BinaryIO) -> Document:
    """Store a file of a case the actor may see: the bytes first, then the row, so that no row is without its bytes.

    `content` is a spooled file, no larger than the limit by more than a piece. Bytes whose row was never written are
    found by a sweep.

    Raises:
        InvalidArgumentError: empty, too large, damaged on the way, or of a type that is not kept.
        UnavailableError: the object store cannot be reached; nothing was kept.
    """
    sha256, size = _measure(content)
    content_type = type_of(content)
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        types = deps.types.on(tx, now)
    endings = check_content(size=size, content_type=content_type, types=types)
    check_whole(sha256=sha256, expected=upload.sha256)
    document = Document(
        document_id=deps.new_id(),
        case_id=upload.case_id,
        name=name_with_ending(upload.name, endings),
        content_type=content_type,
        size=size,
        sha256=sha256,
        scan_state=ScanState.WAITING if deps.scanner is not None else ScanState.NO_SCANNER,
        uploaded_by=actor.person_id,
        uploaded_at=now,
        description=upload.description,
        visibility=upload.visibility,
        shared_with=readers_at_school(upload.visibility, upload.school_id),
    )
    content.seek(0)
    deps.objects.put(object_key(actor.tenant_id, document.document_id), content, size=size, content_type=content_type)
    with deps.database.tenant(actor) as tx:
        files.insert_document(tx, document)
        if document.is_unscanned:
            defer(tx, SCAN, document_id=document.document_id)
            set_deadline(tx, kind=SCAN, subject_id=document.document_id, due_at=now + SCAN_WITHIN)
        return finish(
            tx,
            document,
            entry=Audit("upload-document", document.document_id),
            events=[events.document_uploaded(document)],
            now=now,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a file is from now on called and said to be, and the school of its case."""

    name: str
    description: str
    visibility: Visibility
    school_id: UUID | None


def describe_document(
    deps: Deps, actor: Actor, *, document_id: UUID, description: Description, expected_version: int
) -> Document:
    """Give a file another name, description or visibility.

    Raises:
        NotFoundError, FailedPreconditionError: it is not there, or was taken out.
        StaleVersionError: someone else was faster.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        document = files.lock_document(tx, document_id)
        if document is None:
            raise NotFoundError("file")
        check_version(document, expected_version)
        document = described(
            document,
            name=description.name,
            description=description.description,
            visibility=description.visibility,
            school_id=description.school_id,
        )
        files.update_document(tx, document)
        return finish(
            tx,
            document,
            entry=Audit("describe-document", document_id),
            events=[events.document_described(document, by=actor.person_id)],
            now=now,
        )


def remove_document(deps: Deps, actor: Actor, *, document_id: UUID, reason: str, expected_version: int) -> Document:
    """Take a file out of its case. The row stays, with the reason; the bytes go when nobody can have erred any more.

    Raises:
        NotFoundError, FailedPreconditionError: it is not there, was taken out before, or is a record.
        StaleVersionError: someone else was faster.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        document = files.lock_document(tx, document_id)
        if document is None:
            raise NotFoundError("file")
        check_version(document, expected_version)
        document = removed(document, Removal(now, actor.person_id, reason))
        files.update_document(tx, document)
        set_deadline(tx, kind=DISPOSAL, subject_id=document_id, due_at=now + KEEP_REMOVED)
        return finish(
            tx,
            document,
            entry=Audit("remove-document", document_id),
            events=[events.document_removed(document)],
            now=now,
        )


def dispose_document(deps: Deps, actor: Actor, document_id: UUID) -> None:
    """Delete the bytes of a file that was removed long enough ago; a repeated call does no harm."""
    # The bytes first: a row that says they are gone while they are not would never be looked at again.
    deps.objects.delete(object_key(actor.tenant_id, document_id))
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        document = files.lock_document(tx, document_id)
        clear_deadline(tx, kind=DISPOSAL, subject_id=document_id)
        if document is None or document.removal is None or document.removal.disposed_at is not None:
            return
        document = disposed(document, now)
        files.update_document(tx, document)
        finish(
            tx,
            None,
            entry=Audit("dispose-document", document_id),
            events=[events.document_disposed(document)],
            now=now,
        )


def _measure(content: BinaryIO) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    content.seek(0)
    while piece := content.read(HEAD_BYTES):
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size
