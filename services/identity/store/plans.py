"""Plans of register files, of the organisation that keeps the register."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import bindparam, delete, insert, select, update

from kit.db import Transaction, prepare
from services.identity.domain.register import Action, Difference, Subject
from services.identity.store.tables import register_plan

_OURS = (register_plan.c.tenant_id == bindparam("tenant"), register_plan.c.id == bindparam("wanted"))
_PLAN_COLUMNS = [column for column in register_plan.c if column.name != "content"]
_INSERT = prepare(insert(register_plan).values(dict.fromkeys(register_plan.c.keys())))
_FIND = prepare(select(*_PLAN_COLUMNS).where(*_OURS))
_LOCK = prepare(select(*_PLAN_COLUMNS).where(*_OURS).with_for_update())
_CONTENT = prepare(select(register_plan.c.content).where(*_OURS))
_APPLY = prepare(update(register_plan).where(*_OURS).values(applied_at=bindparam("now")))
_PRUNE = prepare(delete(register_plan).where(register_plan.c.expires_at < bindparam("before")))


@dataclass(frozen=True, slots=True)
class LinedDifference:
    """A difference, and the line of the file that asks for it; 0 for what the file no longer holds."""

    difference: Difference
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a file would do to the register as it was. `differences` holds the first of `change_count`."""

    id: UUID
    register_version: int
    differences: Sequence[LinedDifference]
    change_count: int
    planned_by: UUID | None
    planned_at: datetime
    expires_at: datetime
    applied_at: datetime | None = None


def insert_plan(tx: Transaction, plan: Plan, *, content: bytes) -> None:
    """Queue a new plan of the present organisation."""
    tx.later(
        _INSERT,
        tenant_id=tx.tenant_id,
        id=plan.id,
        content=content,
        register_version=plan.register_version,
        differences=Jsonb([_packed(item) for item in plan.differences]),
        change_count=plan.change_count,
        planned_by=plan.planned_by,
        planned_at=plan.planned_at,
        applied_at=None,
        expires_at=plan.expires_at,
    )


def find_plan(tx: Transaction, plan_id: UUID) -> Plan | None:
    """One plan of the present organisation."""
    row = tx.first(_FIND, tenant=tx.tenant_id, wanted=plan_id)
    return _plan(row) if row is not None else None


def lock_plan(tx: Transaction, plan_id: UUID) -> Plan | None:
    """The same, locked."""
    row = tx.first(_LOCK, tenant=tx.tenant_id, wanted=plan_id)
    return _plan(row) if row is not None else None


def find_content(tx: Transaction, plan_id: UUID) -> bytes | None:
    """The file of a plan."""
    found = tx.value(_CONTENT, tenant=tx.tenant_id, wanted=plan_id)
    return bytes(found) if found is not None else None


def mark_applied(tx: Transaction, plan_id: UUID, *, now: datetime) -> None:
    """Queue that a plan was applied."""
    tx.later(_APPLY, tenant=tx.tenant_id, wanted=plan_id, now=now)


def prune_plans(tx: Transaction, *, before: datetime) -> int:
    """Forget plans that expired before a moment; how many. `tx` is a plumbing transaction."""
    return tx.run(_PRUNE, before=before)


def _packed(item: LinedDifference) -> dict[str, Any]:
    one = item.difference
    return {
        "line": item.line,
        "action": one.action.value,
        "subject": one.subject.value,
        "key": one.key,
        "name": one.name,
        "place": list(one.place),
        "fields": [list(field) for field in one.fields],
    }


def _plan(row: Any) -> Plan:
    return Plan(
        id=row.id,
        register_version=row.register_version,
        differences=[_unpacked(item) for item in row.differences],
        change_count=row.change_count,
        planned_by=row.planned_by,
        planned_at=row.planned_at,
        expires_at=row.expires_at,
        applied_at=row.applied_at,
    )


def _unpacked(item: dict[str, Any]) -> LinedDifference:
    return LinedDifference(
        Difference(
            action=Action(item["action"]),
            subject=Subject(item["subject"]),
            key=item["key"],
            name=item["name"],
            place=tuple(item["place"]),
            fields=tuple((name, before, after) for name, before, after in item["fields"]),
        ),
        item["line"],
    )
