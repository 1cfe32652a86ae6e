"""Files as the school reads them that they were shared with: as a guest, by granted columns, under its own policy."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, tuple_

from kit.db import Transaction, prepare
from services.documents.domain.files import Document, ScanState, SharedDocument, Visibility
from services.documents.store.tables import DOCUMENT

_C = DOCUMENT.c
_READ = select(*(_C[name] for name in DOCUMENT.info["guest_reads"]))
_FIND = prepare(_READ.where(_C.id == bindparam("document")))
_NEWEST = (
    _READ.where(_C.case_id == bindparam("case")).order_by(_C.uploaded_at.desc(), _C.id.desc()).limit(bindparam("most"))
)
_LIST = prepare(_NEWEST)
_LIST_AFTER = prepare(
    _NEWEST.where(
        tuple_(_C.uploaded_at, _C.id)
        < tuple_(bindparam("last_at", type_=_C.uploaded_at.type), bindparam("last_id", type_=_C.id.type))
    )
)


def find_document(tx: Transaction, document_id: UUID) -> SharedDocument | None:
    """One file that was shared with the guest."""
    row = tx.first(_FIND, document=document_id)
    return None if row is None else _shared(row)


def list_documents(
    tx: Transaction, case_id: UUID, *, most: int, after: tuple[datetime, UUID] | None
) -> list[SharedDocument]:
    """Files of a case that were shared with the guest, newest first; those behind `after` (the last one seen)."""
    if after is None:
        rows = tx.all(_LIST, case=case_id, most=most)
    else:
        rows = tx.all(_LIST_AFTER, case=case_id, most=most, last_at=after[0], last_id=after[1])
    return [_shared(row) for row in rows]


def _shared(row: Any) -> SharedDocument:
    document = Document(
        document_id=row.id,
        case_id=row.case_id,
        name=row.name,
        content_type=row.content_type,
        size=row.size,
        sha256=row.sha256,
        scan_state=ScanState(row.scan_state),
        uploaded_by=row.uploaded_by,
        uploaded_at=row.uploaded_at,
        description=row.description,
        visibility=Visibility.SCHOOL,
        shared_with=row.guest_id,
    )
    return SharedDocument(row.tenant_id, document)
