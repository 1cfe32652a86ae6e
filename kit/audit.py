"""The audit trail: one row per command and tenant, in the command's transaction. Ids and verbs, never free text."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, DateTime, MetaData, Table, Text, insert
from sqlalchemy.dialects import postgresql

from kit.db import Transaction, prepare
from kit.ids import uuid7
from kit.log import request_id
from kit.tables import tenant_table


def audit_table(metadata: MetaData) -> Table:
    """Who did what to which thing, when, in which request."""
    return tenant_table(
        "audit",
        metadata,
        Column("id", postgresql.UUID, nullable=False),
        Column("action", Text, nullable=False),
        Column("subject_id", postgresql.UUID, nullable=False),
        Column("actor_kind", Text, nullable=False),
        Column("actor_id", postgresql.UUID),
        Column("actor_tenant_id", postgresql.UUID, nullable=False),
        Column("reason", Text, nullable=False),
        Column("request_id", Text, nullable=False),
        Column("occurred_at", DateTime(timezone=True), nullable=False),
    )


_TABLE = audit_table(MetaData())
_WRITE = prepare(insert(_TABLE).values(dict.fromkeys(_TABLE.c.keys())))


@dataclass(frozen=True, slots=True)
class Audit:
    """What to write down: the verb ("assign-case"), the thing it was done to, and a coded reason where there is one."""

    action: str
    subject_id: UUID
    reason: str = ""


def write(tx: Transaction, entry: Audit, *, now: datetime) -> None:
    """Queue an audit row in the tenant whose rows are visible now; the actor may belong to another."""
    assert tx.actor is not None, "the machinery itself is not audited"
    tx.later(
        _WRITE,
        tenant_id=tx.tenant_id,
        id=uuid7(),
        action=entry.action,
        subject_id=entry.subject_id,
        actor_kind=tx.actor.kind.value,
        actor_id=tx.actor.actor_id,
        actor_tenant_id=tx.actor.tenant_id,
        reason=entry.reason,
        request_id=request_id(),
        occurred_at=now,
    )
