"""Rows of files. The bytes are in the object store, under a key made of the row's ids."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, insert, or_, select, update

from kit.db import Transaction, prepare
from services.documents.domain.files import Document, Removal, ScanState, Visibility
from services.documents.store.tables import DOCUMENT

_ALL = select(*DOCUMENT.c)
_INSERT = prepare(insert(DOCUMENT).values(dict.fromkeys(DOCUMENT.c.keys())))
_FIND = prepare(_ALL.where(DOCUMENT.c.tenant_id == bindparam("tenant"), DOCUMENT.c.id == bindparam("document")))
_LOCK = prepare(
    _ALL.where(DOCUMENT.c.tenant_id == bindparam("tenant"), DOCUMENT.c.id == bindparam("document")).with_for_update()
)
_CHANGING = (
    "name",
    "scan_state",
    "description",
    "visibility",
    "version",
    "removed_at",
    "removed_by",
    "removed_reason",
    "disposed_at",
    "guest_id",
)
_UPDATE = prepare(
    update(DOCUMENT)
    .where(DOCUMENT.c.tenant_id == bindparam("tenant"), DOCUMENT.c.id == bindparam("document"))
    .values({name: bindparam(f"new_{name}") for name in _CHANGING})
)
_NEWEST = (
    _ALL.where(DOCUMENT.c.tenant_id == bindparam("tenant"), DOCUMENT.c.case_id == bindparam("case"))
    .order_by(DOCUMENT.c.uploaded_at.desc(), DOCUMENT.c.id.desc())
    .limit(bindparam("most"))
)
_LIST = prepare(_NEWEST)
_LIST_AFTER = prepare(
    _NEWEST.where(
        or_(
            DOCUMENT.c.uploaded_at < bindparam("last_at"),
            and_(DOCUMENT.c.uploaded_at == bindparam("last_at"), DOCUMENT.c.id < bindparam("last_id")),
        )
    )
)


def insert_document(tx: Transaction, document: Document) -> None:
    """Queue a new row."""
    tx.later(
        _INSERT,
        tenant_id=tx.tenant_id,
        id=document.document_id,
        case_id=document.case_id,
        content_type=document.content_type,
        size=document.size,
        sha256=document.sha256,
        uploaded_by=document.uploaded_by,
        uploaded_at=document.uploaded_at,
        is_record=document.is_record,
        **_changing(document),
    )


def update_document(tx: Transaction, document: Document) -> None:
    """Queue a row's present state: everything that may change after the upload."""
    changed = {f"new_{name}": value for name, value in _changing(document).items()}
    tx.later(_UPDATE, tenant=tx.tenant_id, document=document.document_id, **changed)


def lock_document(tx: Transaction, document_id: UUID) -> Document | None:
    """One file of the tenant, which nobody else changes until the end of the transaction."""
    row = tx.first(_LOCK, tenant=tx.tenant_id, document=document_id)
    return None if row is None else _document(row)


def find_document(tx: Transaction, document_id: UUID) -> Document | None:
    """One file of the tenant."""
    row = tx.first(_FIND, tenant=tx.tenant_id, document=document_id)
    return None if row is None else _document(row)


def list_documents(tx: Transaction, case_id: UUID, *, most: int, after: tuple[datetime, UUID] | None) -> list[Document]:
    """Files of a case, newest first, at most `most`; those behind `after` (time and id of the last one seen)."""
    if after is None:
        rows = tx.all(_LIST, tenant=tx.tenant_id, case=case_id, most=most)
    else:
        rows = tx.all(_LIST_AFTER, tenant=tx.tenant_id, case=case_id, most=most, last_at=after[0], last_id=after[1])
    return [_document(row) for row in rows]


def _changing(document: Document) -> dict[str, Any]:
    removal = document.removal
    return {
        "name": document.name,
        "scan_state": document.scan_state.value,
        "description": document.description,
        "visibility": document.visibility.value,
        "version": document.version,
        "removed_at": removal.at if removal else None,
        "removed_by": removal.by if removal else None,
        "removed_reason": removal.reason if removal else "",
        "disposed_at": removal.disposed_at if removal else None,
        "guest_id": document.shared_with,
    }


def _document(row: Any) -> Document:
    removal = None
    if row.removed_at is not None:
        removal = Removal(row.removed_at, row.removed_by, row.removed_reason, row.disposed_at)
    return Document(
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
        visibility=Visibility(row.visibility),
        version=row.version,
        removal=removal,
        is_record=row.is_record,
        shared_with=row.guest_id,
    )
