"""The verbs of documents, and the reading of a file's type by its content."""

import hashlib
from dataclasses import dataclass
from typing import BinaryIO
from uuid import UUID

import puremagic

from kit.actor import Actor
from kit.audit import Audit
from kit.clock import Clock
from kit.command import finish
from kit.db import Database
from kit.ids import NewId
from kit.objects import ObjectStore
from services.documents import events, store
from services.documents.domain import Document, ScanState, check_content, clean_name, object_key

_HEAD_BYTES = 256 * 1024
_CONTROL_BYTES = frozenset(range(32)) - frozenset(b"\t\n\f\r")


@dataclass(frozen=True)
class Deps:
    """What the verbs work with."""

    database: Database
    objects: ObjectStore
    clock: Clock
    new_id: NewId


def upload_document(deps: Deps, actor: Actor, *, case_id: UUID, name: str, content: BinaryIO) -> Document:
    """Store a file of a case the actor may see: the bytes first, then the row, so that no row is without its bytes.

    `content` is a spooled file at its beginning, no larger than the limit by more than a piece. Bytes whose row was
    never written are found by a sweep.

    Raises:
        InvalidArgumentError: empty, too large, or of a type that is not kept.
        UnavailableError: the object store cannot be reached; nothing was kept.
    """
    digest, size = hashlib.sha256(), 0
    head = b""
    while piece := content.read(_HEAD_BYTES):
        head = head or piece
        digest.update(piece)
        size += len(piece)
    content_type = type_of(head)
    check_content(size=size, content_type=content_type)
    now = deps.clock.now()
    document = Document(
        document_id=deps.new_id(),
        case_id=case_id,
        name=clean_name(name),
        content_type=content_type,
        size=size,
        sha256=digest.hexdigest(),
        scan_state=ScanState.NO_SCANNER,
        uploaded_by=actor.person_id,
        uploaded_at=now,
    )
    content.seek(0)
    key = object_key(actor.tenant_id, document.document_id)
    deps.objects.put(key, content, size=size, content_type=content_type)
    with deps.database.tenant(actor) as tx:
        store.insert_document(tx, document)
        return finish(
            tx,
            document,
            entry=Audit("upload-document", document.document_id),
            events=[events.document_uploaded(document)],
            now=now,
        )


def type_of(head: bytes) -> str:
    """The media type by the first bytes, whatever the name says; text is UTF-8 without control bytes."""
    text = _as_text(head)
    if text is not None:
        # Markup is text to us and a page to a browser: it gets a type that is not kept.
        return "text/html" if text.lstrip().startswith("<") else "text/plain"
    try:
        found: str = puremagic.from_string(head, mime=True)
    except (puremagic.PureError, ValueError):
        return "application/octet-stream"
    return found or "application/octet-stream"


def _as_text(head: bytes) -> str | None:
    if _CONTROL_BYTES.intersection(head):
        return None
    # The last character may be cut by the end of the piece.
    for cut in range(4):
        try:
            text = head[: len(head) - cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
        return None if text.startswith(("%PDF-", "{\\rtf")) else text
    return None
