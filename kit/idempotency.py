"""One key, one effect: a repeated `Idempotency-Key` gets the first answer again, and nothing happens twice.

The key's row carries the serialised answer and commits with the effect. Two requests with one key at the same moment
both try; the unique key lets one commit, and the other is answered with what that one wrote.
"""

import hashlib
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from google.protobuf.message import Message
from sqlalchemy import (
    Column,
    DateTime,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
)
from sqlalchemy.dialects import postgresql

from kit.actor import Actor
from kit.db import Database, Transaction, prepare
from kit.errors import InvalidArgumentError, Violation
from kit.tables import tenant_table


def idempotency_table(metadata: MetaData) -> Table:
    """Keys seen, with the answers given. Pruned after a day."""
    return tenant_table(
        "idempotency",
        metadata,
        Column("actor_id", postgresql.UUID, nullable=False),
        Column("key", Text, nullable=False),
        Column("method", Text, nullable=False),
        Column("request_hash", LargeBinary, nullable=False),
        Column("response", LargeBinary, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False),
        Index("idempotency_created_at", "created_at"),
        key=("actor_id", "key"),
    )


_TABLE = idempotency_table(MetaData())
_COLUMNS = _TABLE.c
_FIND = prepare(
    select(_COLUMNS.method, _COLUMNS.request_hash, _COLUMNS.response).where(
        _COLUMNS.tenant_id == bindparam("tenant"),
        _COLUMNS.actor_id == bindparam("actor"),
        _COLUMNS.key == bindparam("idempotency_key"),
    )
)
_INSERT = prepare(insert(_TABLE).values(dict.fromkeys(_COLUMNS.keys())))
# By its moment alone: that is all the machinery may read of a key.
_OLD = _TABLE.alias("old")
_NEWEST_OF_BATCH = (
    select(_OLD.c.created_at)
    .where(_OLD.c.created_at < bindparam("before"))
    .order_by(_OLD.c.created_at)
    .offset(bindparam("most") - 1)
    .limit(1)
    .scalar_subquery()
)
_PRUNE = prepare(
    delete(_TABLE).where(
        _COLUMNS.created_at < bindparam("before"),
        _COLUMNS.created_at <= func.coalesce(_NEWEST_OF_BATCH, bindparam("before")),
    )
)


@dataclass(slots=True)
class Answering:
    """The call being answered: how its result becomes a message, and the key that guards it, if any."""

    method: str
    encode: Callable[[Any], Message]
    key: str = ""
    request_hash: bytes = b""
    message: Message | None = None


answering: ContextVar[Answering | None] = ContextVar("answering", default=None)


def hash_request(method: str, request: bytes) -> bytes:
    """What makes two requests the same: the method and every byte."""
    return hashlib.sha256(method.encode() + b"\0" + request).digest()


def find_answer(database: Database, actor: Actor, call: Answering) -> bytes | None:
    """The answer given before to this key, serialised; None for a new key.

    Raises:
        InvalidArgumentError: the key was used with another method or body.
    """
    with database.tenant(actor) as tx:
        row = tx.first(_FIND, tenant=actor.tenant_id, actor=actor.person_id, idempotency_key=call.key)
    if row is None:
        return None
    if row.method != call.method or bytes(row.request_hash) != call.request_hash:
        raise InvalidArgumentError(
            "idempotency-key-reused",
            "This Idempotency-Key was used before with another request. Use a new key.",
            violations=[Violation("Idempotency-Key", "reused", "was used before with another request")],
        )
    return bytes(row.response)


def store_answer(tx: Transaction, call: Answering, *, now: datetime) -> None:
    """Queue the key's row with the answer that `call.message` holds."""
    assert call.message is not None
    assert tx.actor is not None
    tx.later(
        _INSERT,
        tenant_id=tx.tenant_id,
        actor_id=tx.actor.person_id,
        key=call.key,
        method=call.method,
        request_hash=call.request_hash,
        response=call.message.SerializeToString(),
        created_at=now,
    )


def prune(tx: Transaction, *, before: datetime, most: int = 5_000) -> int:
    """Forget the `most` oldest keys of those from before a moment, and say how many. `tx` is a plumbing transaction."""
    return tx.run(_PRUNE, before=before, most=most)
