"""Rows of notices and of plans to tell people. No name and no address is kept: both are asked for when sending."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime, Index, Integer, MetaData, Text, and_, bindparam, or_, select, update
from sqlalchemy.dialects import postgresql

from kit.audit import audit_table
from kit.db import Transaction, prepare
from kit.idempotency import idempotency_table
from kit.inbox import inbox_mark_table, inbox_table
from kit.outbox import outbox_table
from kit.sweeps import deadline_table
from kit.tables import tenant_table
from services.notifications.domain import DeliveryState, Notice, NoticeKind, Plan

METADATA = MetaData()
for _plumbing in (outbox_table, inbox_table, inbox_mark_table, deadline_table, audit_table, idempotency_table):
    _plumbing(METADATA)

NOTICE = tenant_table(
    "notice",
    METADATA,
    Column("id", postgresql.UUID, nullable=False),
    Column("person_id", postgresql.UUID),
    Column("kind", Text, nullable=False),
    Column("subject_id", postgresql.UUID, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("attempt_until", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    Column("fault", Text, nullable=False),
    Index("notice_person", "tenant_id", "person_id", "created_at", "id"),
)
PLAN = tenant_table(
    "plan",
    METADATA,
    Column("id", postgresql.UUID, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject_id", postgresql.UUID, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("done_at", DateTime(timezone=True)),
)

_INSERT_NOTICE = prepare(
    postgresql.insert(NOTICE)
    .values(dict.fromkeys(NOTICE.c.keys()))
    .on_conflict_do_nothing(index_elements=[NOTICE.c.tenant_id, NOTICE.c.id])
)
_LOCK_NOTICE = prepare(
    select(*NOTICE.c)
    .where(NOTICE.c.tenant_id == bindparam("tenant"), NOTICE.c.id == bindparam("notice"))
    .with_for_update()
)
_UPDATE_NOTICE = prepare(
    update(NOTICE)
    .where(NOTICE.c.tenant_id == bindparam("tenant"), NOTICE.c.id == bindparam("notice"))
    .values(
        state=bindparam("new_state"),
        attempts=bindparam("new_attempts"),
        attempt_until=bindparam("until"),
        ended_at=bindparam("ended"),
        fault=bindparam("new_fault"),
    )
)
_NEWEST = (
    select(*NOTICE.c)
    .where(NOTICE.c.tenant_id == bindparam("tenant"), NOTICE.c.person_id == bindparam("person"))
    .order_by(NOTICE.c.created_at.desc(), NOTICE.c.id.desc())
    .limit(bindparam("most"))
)
_LIST = prepare(_NEWEST)
_LIST_AFTER = prepare(
    _NEWEST.where(
        or_(
            NOTICE.c.created_at < bindparam("last_at"),
            and_(NOTICE.c.created_at == bindparam("last_at"), NOTICE.c.id < bindparam("last_id")),
        )
    )
)
_INSERT_PLAN = prepare(postgresql.insert(PLAN).values(dict.fromkeys(PLAN.c.keys())).on_conflict_do_nothing())
_OF_PLAN = (PLAN.c.tenant_id == bindparam("tenant"), PLAN.c.id == bindparam("plan"))
_FIND_PLAN = prepare(select(*PLAN.c).where(*_OF_PLAN))
_LOCK_PLAN = prepare(select(*PLAN.c).where(*_OF_PLAN).with_for_update())
_END_PLAN = prepare(update(PLAN).where(*_OF_PLAN).values(done_at=bindparam("ended")))


def insert_notice(tx: Transaction, notice: Notice) -> None:
    """Queue a new notice; one that is there already stays as it is."""
    row = asdict(notice)
    tx.later(_INSERT_NOTICE, tenant_id=tx.tenant_id, id=row.pop("notice_id"), **row)


def lock_notice(tx: Transaction, notice_id: UUID) -> Notice | None:
    """A notice of the present tenant, its row locked; None without one."""
    row = tx.first(_LOCK_NOTICE, tenant=tx.tenant_id, notice=notice_id)
    return _notice(row) if row is not None else None


def update_notice(tx: Transaction, notice: Notice) -> None:
    """Queue what became of a notice's delivery."""
    tx.later(
        _UPDATE_NOTICE,
        tenant=tx.tenant_id,
        notice=notice.notice_id,
        new_state=notice.state,
        new_attempts=notice.attempts,
        until=notice.attempt_until,
        ended=notice.ended_at,
        new_fault=notice.fault,
    )


def list_notices(
    tx: Transaction, person_id: UUID, *, most: int, after: tuple[datetime, UUID] | None = None
) -> list[Notice]:
    """A person's notices at the present tenant, newest first, from the one after `after` on."""
    where = {"tenant": tx.tenant_id, "person": person_id, "most": most}
    rows = tx.all(_LIST_AFTER, **where, last_at=after[0], last_id=after[1]) if after else tx.all(_LIST, **where)
    return [_notice(row) for row in rows]


def insert_plan(tx: Transaction, plan: Plan) -> None:
    """Queue a new plan; one that is there already stays as it is."""
    row = asdict(plan)
    tx.later(_INSERT_PLAN, tenant_id=tx.tenant_id, id=row.pop("plan_id"), **row)


def find_plan(tx: Transaction, plan_id: UUID) -> Plan | None:
    """A plan of the present tenant."""
    row = tx.first(_FIND_PLAN, tenant=tx.tenant_id, plan=plan_id)
    return _plan(row) if row is not None else None


def lock_plan(tx: Transaction, plan_id: UUID) -> Plan | None:
    """A plan of the present tenant, its row locked; None without one."""
    row = tx.first(_LOCK_PLAN, tenant=tx.tenant_id, plan=plan_id)
    return _plan(row) if row is not None else None


def end_plan(tx: Transaction, plan_id: UUID, *, now: datetime) -> None:
    """Queue that a plan was carried out."""
    tx.later(_END_PLAN, tenant=tx.tenant_id, plan=plan_id, ended=now)


def _notice(row: Any) -> Notice:
    return Notice(
        notice_id=row.id,
        person_id=row.person_id,
        kind=NoticeKind(row.kind),
        subject_id=row.subject_id,
        created_at=row.created_at,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        attempt_until=row.attempt_until,
        ended_at=row.ended_at,
        fault=row.fault,
    )


def _plan(row: Any) -> Plan:
    return Plan(
        plan_id=row.id,
        kind=NoticeKind(row.kind),
        subject_id=row.subject_id,
        created_at=row.created_at,
        done_at=row.done_at,
    )
