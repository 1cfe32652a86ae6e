"""The transactional outbox: an event is a row of the command's transaction, and a relay carries it to the broker."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from google.protobuf.message import Message
from sqlalchemy import BigInteger, Column, DateTime, Identity, LargeBinary, MetaData, Table, Text, insert
from sqlalchemy.dialects import postgresql

from kit import tracing
from kit.bus.contract import MAX_VALUE_BYTES
from kit.db import Later, Transaction, prepare
from kit.ids import uuid7
from kit.log import request_id
from kit.tables import plumbing_table

_MAX_PAYLOAD_BYTES = MAX_VALUE_BYTES - 8 * 1024
"""Leaves room for the envelope's other fields."""


def outbox_table(metadata: MetaData) -> Table:
    """The outbox of a service: appended to by tenants' commands, emptied by the relay."""
    return plumbing_table(
        "outbox",
        metadata,
        Column("id", BigInteger, Identity(), primary_key=True),
        Column("tenant_id", postgresql.UUID, nullable=False),
        Column("topic", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("event_id", postgresql.UUID, nullable=False),
        Column("type", Text, nullable=False),
        Column("payload", LargeBinary, nullable=False),
        Column("actor_id", postgresql.UUID),
        Column("request_id", Text, nullable=False),
        Column("traceparent", Text, nullable=False),
        Column("occurred_at", DateTime(timezone=True), nullable=False),
        tenants_append=True,
    )


_TABLE = outbox_table(MetaData())
_APPEND = prepare(
    insert(_TABLE)
    .values({name: None for name in _TABLE.c.keys() if name != "id"})  # noqa: SIM118 - a collection, not a dict
    .returning(_TABLE.c.id)
)


@dataclass(frozen=True, slots=True)
class Event:
    """A fact to tell: the message, and the id of what it is about (events of one key stay in order)."""

    key: UUID
    message: Message


def append(tx: Transaction, event: Event, *, now: datetime) -> Later:
    """Queue one event of the present tenant; its value after the commit is the event's position.

    The aggregate's row must be locked already, so that the order of ids is the order of commits for one key. Raises
    ValueError for an event that no broker would take: it would block the outbox for ever.
    """
    payload = event.message.SerializeToString()
    if len(payload) > _MAX_PAYLOAD_BYTES:
        raise ValueError(f"{event.message.DESCRIPTOR.full_name} has {len(payload)} bytes: events carry ids and facts")
    tx.after_commit(tx.outbox_grew.set)
    return tx.later(
        _APPEND,
        tenant_id=tx.tenant_id,
        topic=f"ascms.{tx.service}.v1",
        key=str(event.key),
        event_id=uuid7(),
        type=event.message.DESCRIPTOR.full_name,
        payload=payload,
        actor_id=tx.actor.actor_id if tx.actor else None,
        request_id=request_id(),
        traceparent=tracing.traceparent(),
        occurred_at=now,
    )
