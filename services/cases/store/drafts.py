"""What a school has written so far of requests."""

from collections.abc import Sequence
from datetime import datetime
from itertools import product
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, tuple_, update

from kit.db import Transaction, prepare
from services.cases.domain.drafts import SavedDraft
from services.cases.store.tables import REQUEST_DRAFT

_C = REQUEST_DRAFT.c
_IS_DRAFT = _C.id == bindparam("draft_id")
_CHANGING = ("content", "student_name", "saved_at", "kept_until", "version")
_FIND = prepare(select(REQUEST_DRAFT).where(_IS_DRAFT))
_LOCK = prepare(select(REQUEST_DRAFT).where(_IS_DRAFT).with_for_update())
_INSERT = prepare(insert(REQUEST_DRAFT).values(dict.fromkeys(_C.keys())))
_UPDATE = prepare(
    update(REQUEST_DRAFT)
    .where(_IS_DRAFT)
    .values({name: bindparam(f"new_{name}", type_=_C[name].type) for name in _CHANGING})
)
_DELETE = prepare(delete(REQUEST_DRAFT).where(_IS_DRAFT))
_LISTED = select(REQUEST_DRAFT).order_by(_C.saved_at.desc(), _C.id.desc()).limit(bindparam("most"))
_OWN = _C.begun_by == bindparam("whose")
_AFTER = tuple_(_C.saved_at, _C.id) < tuple_(
    bindparam("after_at", type_=_C.saved_at.type), bindparam("after_id", type_=_C.id.type)
)
_LIST = {
    (is_own, after): prepare(_LISTED.where(*([_OWN] if is_own else []), *([_AFTER] if after else [])))
    for is_own, after in product((False, True), repeat=2)
}


def find_draft(tx: Transaction, draft_id: UUID) -> SavedDraft | None:
    """A draft of the school."""
    row = tx.first(_FIND, draft_id=draft_id)
    return _draft(row) if row is not None else None


def lock_draft(tx: Transaction, draft_id: UUID) -> SavedDraft | None:
    """A draft of the school, locked."""
    row = tx.first(_LOCK, draft_id=draft_id)
    return _draft(row) if row is not None else None


def insert_draft(tx: Transaction, draft: SavedDraft) -> None:
    """Queue a new draft of the present tenant, the school."""
    tx.later(_INSERT, tenant_id=tx.tenant_id, id=draft.id, begun_by=draft.begun_by, **_changing(draft))


def update_draft(tx: Transaction, draft: SavedDraft) -> None:
    """Queue what was saved."""
    tx.later(_UPDATE, draft_id=draft.id, **{f"new_{name}": value for name, value in _changing(draft).items()})


def delete_draft(tx: Transaction, draft_id: UUID) -> None:
    """Queue the end of a draft."""
    tx.later(_DELETE, draft_id=draft_id)


def list_drafts(
    tx: Transaction, *, whose: UUID | None, after: tuple[datetime, UUID] | None, most: int
) -> Sequence[SavedDraft]:
    """The school's drafts, or those one person began; saved last first, after one saved at a moment with an id."""
    position = {"after_at": after[0], "after_id": after[1]} if after is not None else {}
    person = {"whose": whose} if whose is not None else {}
    query = _LIST[whose is not None, after is not None]
    return [_draft(row) for row in tx.all(query, **person, **position, most=most)]


def _changing(draft: SavedDraft) -> dict[str, Any]:
    return {
        "content": draft.content,
        "student_name": draft.student_name,
        "saved_at": draft.saved_at,
        "kept_until": draft.kept_until,
        "version": draft.version,
    }


def _draft(row: Any) -> SavedDraft:
    return SavedDraft(
        id=row.id,
        content=bytes(row.content),
        student_name=row.student_name,
        begun_by=row.begun_by,
        saved_at=row.saved_at,
        kept_until=row.kept_until,
        version=row.version,
    )
