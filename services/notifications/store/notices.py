"""Rows of notices and of plans to tell people. No name and no address is kept: both are asked for when sending."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    Text,
    and_,
    bindparam,
    cast,
    func,
    literal_column,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql

from kit.audit import audit_table
from kit.db import Transaction, prepare
from kit.idempotency import idempotency_table
from kit.inbox import inbox_mark_table, inbox_table
from kit.outbox import outbox_table
from kit.sweeps import deadline_table
from kit.tables import tenant_table
from services.notifications.domain import NO_CONTACT, DeliveryState, Notice, NoticeKind, Plan

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
    Column("daily_id", postgresql.UUID),
    Index("notice_person", "tenant_id", "person_id", "created_at", "id"),
    Index("notice_held", "tenant_id", "person_id", "created_at", postgresql_where=text("state = 'held'")),
    Index("notice_failed", "tenant_id", "ended_at", "id", postgresql_where=text("state = 'failed'")),
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
    .where(
        NOTICE.c.tenant_id == bindparam("tenant"),
        NOTICE.c.person_id == bindparam("person"),
        NOTICE.c.kind != NoticeKind.DAILY.value,
    )
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
_OF_PERSON = (NOTICE.c.tenant_id == bindparam("tenant"), NOTICE.c.person_id == bindparam("person"))
_IS_HELD = NOTICE.c.state == DeliveryState.HELD.value
_HELD = prepare(
    select(*NOTICE.c)
    .where(*_OF_PERSON, _IS_HELD, NOTICE.c.daily_id.is_(None))
    .order_by(NOTICE.c.created_at, NOTICE.c.id)
)
_CARRIED = prepare(
    select(*NOTICE.c)
    .where(*_OF_PERSON, _IS_HELD, NOTICE.c.daily_id == bindparam("daily"))
    .order_by(NOTICE.c.created_at, NOTICE.c.id)
)
_CARRY = prepare(
    update(NOTICE).where(*_OF_PERSON, _IS_HELD, NOTICE.c.daily_id.is_(None)).values(daily_id=bindparam("daily"))
)
_END_CARRIED = prepare(
    update(NOTICE)
    .where(*_OF_PERSON, _IS_HELD, NOTICE.c.daily_id == bindparam("daily"))
    .values(state=bindparam("new_state"), ended_at=bindparam("ended"), fault=bindparam("new_fault"))
)
_LOCK_PERSON = prepare(
    select(func.pg_advisory_xact_lock(func.hashtextextended(cast(bindparam("whose"), Text), literal_column("0"))))
)
_FAILURES = (
    select(*NOTICE.c)
    .where(
        NOTICE.c.tenant_id == bindparam("tenant"),
        NOTICE.c.state == DeliveryState.FAILED.value,
        NOTICE.c.kind != NoticeKind.DAILY.value,
        NOTICE.c.fault != NO_CONTACT,
        NOTICE.c.ended_at > bindparam("since"),
    )
    .order_by(NOTICE.c.ended_at.desc(), NOTICE.c.id.desc())
    .limit(bindparam("most"))
)
_LIST_FAILED = prepare(_FAILURES)
_LIST_FAILED_AFTER = prepare(
    _FAILURES.where(
        or_(
            NOTICE.c.ended_at < bindparam("last_at"),
            and_(NOTICE.c.ended_at == bindparam("last_at"), NOTICE.c.id < bindparam("last_id")),
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


def lock_person(tx: Transaction, person_id: UUID) -> None:
    """Let nobody else hold notices for a person, or gather them, until this transaction ends."""
    tx.run(_LOCK_PERSON, whose=f"daily {tx.tenant_id} {person_id}")


def list_held(tx: Transaction, person_id: UUID) -> list[Notice]:
    """A person's notices that wait for the e-mail of a day and are in none, oldest first."""
    return [_notice(row) for row in tx.all(_HELD, tenant=tx.tenant_id, person=person_id)]


def list_carried(tx: Transaction, daily: Notice) -> list[Notice]:
    """The notices that a daily e-mail carries, oldest first."""
    return [
        _notice(row) for row in tx.all(_CARRIED, tenant=tx.tenant_id, person=daily.person_id, daily=daily.notice_id)
    ]


def carry_held(tx: Transaction, daily: Notice) -> None:
    """Queue that a daily e-mail carries what was held."""
    tx.later(_CARRY, tenant=tx.tenant_id, person=daily.person_id, daily=daily.notice_id)


def end_carried(tx: Transaction, daily: Notice) -> None:
    """Queue that what a daily e-mail carried has ended as it did."""
    tx.later(
        _END_CARRIED,
        tenant=tx.tenant_id,
        person=daily.person_id,
        daily=daily.notice_id,
        new_state=daily.state,
        ended=daily.ended_at,
        new_fault=daily.fault,
    )


def list_failed(
    tx: Transaction, *, since: datetime, most: int, after: tuple[datetime, UUID] | None = None
) -> list[Notice]:
    """Notices of the present tenant that did not arrive since a moment, newest first; not those to who has left."""
    where = {"tenant": tx.tenant_id, "since": since, "most": most}
    if after is not None:
        where |= {"last_at": after[0], "last_id": after[1]}
    return [_notice(row) for row in tx.all(_LIST_FAILED_AFTER if after else _LIST_FAILED, **where)]


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
        daily_id=row.daily_id,
    )


def _plan(row: Any) -> Plan:
    return Plan(
        plan_id=row.id,
        kind=NoticeKind(row.kind),
        subject_id=row.subject_id,
        created_at=row.created_at,
        done_at=row.done_at,
    )
