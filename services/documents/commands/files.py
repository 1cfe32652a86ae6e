"""The verbs of files."""

import hashlib
from typing import BinaryIO
from uuid import UUID

from kit.actor import Actor
from kit.audit import Audit
from kit.command import finish
from services.documents import events
from services.documents.commands.deps import Deps
from services.documents.content import HEAD_BYTES, type_of
from services.documents.domain.files import Document, ScanState, check_content, clean_name, object_key
from services.documents.store import files


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
    while piece := content.read(HEAD_BYTES):
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
        files.insert_document(tx, document)
        return finish(
            tx,
            document,
            entry=Audit("upload-document", document.document_id),
            events=[events.document_uploaded(document)],
            now=now,
        )
