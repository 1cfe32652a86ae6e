"""Who opened which record."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, select, tuple_

from kit.db import Query, Transaction, prepare
from services.cases.store.tables import ACCESS_LOG

_C = ACCESS_LOG.c


class Access(NamedTuple):
    """Someone opened a record, for an organisation: None for the provider itself, in lines of before it was kept."""

    id: UUID
    actor_id: UUID
    opened_at: datetime
    organisation_id: UUID | None


def _listed(*, after: bool) -> Query:
    query = select(_C.id, _C.actor_id, _C.opened_at, _C.actor_tenant_id).where(_C.subject_id == bindparam("of_subject"))
    if after:
        position = (bindparam("after_at", type_=_C.opened_at.type), bindparam("after_id", type_=_C.id.type))
        query = query.where(tuple_(_C.opened_at, _C.id) < tuple_(*position))
    return prepare(query.order_by(_C.opened_at.desc(), _C.id.desc()).limit(bindparam("most")))


_LIST = {after: _listed(after=after) for after in (False, True)}


def list_access(
    tx: Transaction, subject_id: UUID, *, after: tuple[datetime, UUID] | None = None, most: int
) -> list[Access]:
    """Who opened a record, the latest first, after a line at a moment with an id."""
    position = {} if after is None else {"after_at": after[0], "after_id": after[1]}
    rows = tx.all(_LIST[after is not None], of_subject=subject_id, most=most, **position)
    return [Access(row.id, row.actor_id, row.opened_at, row.actor_tenant_id) for row in rows]
