"""The inbox: which events a consumer has applied. It turns at-least-once delivery into effects that happen once.

A claim is a row of the transaction that applies the event, so the two commit together. The rows double as the record
of how far a projection has come: a write answers with its `position` (outbox id in the source service), and a read
that names it as `min_position` waits until that very event has been applied here.

A service with consumers declares both tables, `inbox_table` and `inbox_mark_table`.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    MetaData,
    Table,
    Text,
    bindparam,
    delete,
    exists,
    func,
    select,
)
from sqlalchemy.dialects import postgresql

from kit import arrays
from kit.actor import Actor
from kit.db import Database, Later, Query, Transaction, prepare
from kit.tables import plumbing_table

_WAIT_SECONDS = (0.01, 0.1)


def inbox_table(metadata: MetaData) -> Table:
    """Events applied, by consumer. Rows are claimed in a tenant's transaction and pruned by the machinery."""
    return plumbing_table(
        "inbox",
        metadata,
        Column("consumer", Text, primary_key=True),
        Column("event_id", postgresql.UUID, primary_key=True),
        Column("tenant_id", postgresql.UUID, nullable=False),
        Column("source", Text, nullable=False),
        Column("position", BigInteger, nullable=False),
        Column("processed_at", DateTime(timezone=True), nullable=False),
        Index("inbox_position", "tenant_id", "consumer", "source", "position"),
        Index("inbox_processed_at", "processed_at"),
        tenants_append=True,
    )


def inbox_mark_table(metadata: MetaData) -> Table:
    """The highest position pruned from the inbox: everything up to it counts as applied, long ago."""
    return plumbing_table(
        "inbox_mark",
        metadata,
        Column("tenant_id", postgresql.UUID, primary_key=True),
        Column("consumer", Text, primary_key=True),
        Column("source", Text, primary_key=True),
        Column("position", BigInteger, nullable=False),
        tenants_append=True,
    )


_METADATA = MetaData()
_INBOX = inbox_table(_METADATA)
_MARK = inbox_mark_table(_METADATA)

_CLAIM = prepare(
    postgresql.insert(_INBOX)
    .values(dict.fromkeys(_INBOX.c.keys()))
    .on_conflict_do_nothing(index_elements=[_INBOX.c.consumer, _INBOX.c.event_id])
)
_CLAIM_MANY = Query(
    "INSERT INTO inbox (consumer, tenant_id, processed_at, event_id, source, position)"
    " SELECT %(consumer)s, %(tenant)s, %(now)s, * FROM unnest(%(events)s::uuid[], %(sources)s::text[],"
    " %(positions)s::bigint[]) ON CONFLICT (consumer, event_id) DO NOTHING RETURNING event_id",
    {},
)
_REACHED = prepare(
    select(
        exists().where(
            _INBOX.c.tenant_id == bindparam("tenant"),
            _INBOX.c.consumer == bindparam("name"),
            _INBOX.c.source == bindparam("origin"),
            _INBOX.c.position == bindparam("wanted", type_=BigInteger),
        )
        | exists().where(
            _MARK.c.tenant_id == bindparam("tenant"),
            _MARK.c.consumer == bindparam("name"),
            _MARK.c.source == bindparam("origin"),
            _MARK.c.position >= bindparam("wanted", type_=BigInteger),
        )
    )
)
_REACHED_ANYWHERE = prepare(
    select(
        exists().where(
            _INBOX.c.consumer == bindparam("name"),
            _INBOX.c.source == bindparam("origin"),
            _INBOX.c.position == bindparam("wanted", type_=BigInteger),
        )
        | exists().where(
            _MARK.c.consumer == bindparam("name"),
            _MARK.c.source == bindparam("origin"),
            _MARK.c.position >= bindparam("wanted", type_=BigInteger),
        )
    )
)
_OLD = _INBOX.alias("old")
_NEWEST_OF_BATCH = (
    select(_OLD.c.processed_at)
    .where(_OLD.c.processed_at < bindparam("before"))
    .order_by(_OLD.c.processed_at)
    .offset(bindparam("most") - 1)
    .limit(1)
    .scalar_subquery()
)
_PRUNED = (
    delete(_INBOX)
    .where(
        _INBOX.c.processed_at < bindparam("before"),
        _INBOX.c.processed_at <= func.coalesce(_NEWEST_OF_BATCH, bindparam("before")),
    )
    .returning(_INBOX.c.tenant_id, _INBOX.c.consumer, _INBOX.c.source, _INBOX.c.position)
    .cte("pruned")
)
_RAISE_MARKS = postgresql.insert(_MARK).from_select(
    ["tenant_id", "consumer", "source", "position"],
    select(_PRUNED.c.tenant_id, _PRUNED.c.consumer, _PRUNED.c.source, func.max(_PRUNED.c.position)).group_by(
        _PRUNED.c.tenant_id, _PRUNED.c.consumer, _PRUNED.c.source
    ),
)
_PRUNE = prepare(
    select(func.count())
    .select_from(_PRUNED)
    .add_cte(
        _RAISE_MARKS.on_conflict_do_update(
            index_elements=[_MARK.c.tenant_id, _MARK.c.consumer, _MARK.c.source],
            set_={"position": func.greatest(_MARK.c.position, _RAISE_MARKS.excluded.position)},
        )
        .returning(_MARK.c.tenant_id)
        .cte("raised")
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One event and who applies it. `source` and `position`: the outbox it came from and its id there."""

    consumer: str
    event_id: UUID
    tenant_id: UUID
    source: str
    position: int


def claim(tx: Transaction, claim: Claim, *, now: datetime) -> bool:
    """Take an event for a consumer in the transaction that applies it; False when it was applied before.

    Another transaction that holds the same claim uncommitted is waited for.
    """
    return tx.run(_CLAIM, **_row(claim, now)) == 1


def claim_many(tx: Transaction, claims: Sequence[Claim], *, now: datetime) -> Later:
    """Queue the claims of a batch of the present tenant's events; its rows are those not applied before.

    In the order of their ids, so that two consumers who hold the same events never wait for each other crosswise.
    """
    ordered = sorted(claims, key=lambda each: each.event_id)
    return tx.later(
        _CLAIM_MANY,
        consumer=ordered[0].consumer,
        tenant=tx.tenant_id,
        now=now,
        events=arrays.plain(each.event_id for each in ordered),
        sources=arrays.quoted([each.source for each in ordered]),
        positions=arrays.plain(each.position for each in ordered),
    )


def pass_over(tx: Transaction, claims: Sequence[Claim], *, now: datetime) -> None:
    """Note events that mean nothing to the consumer, so that a read waiting for them does not wait in vain.

    To be called after the events before them have been applied. `tx` is a plumbing transaction.
    """
    for each in claims:
        tx.later(_CLAIM, **_row(each, now))


def has_reached(tx: Transaction, *, consumer: str, source: str, position: int) -> bool:
    """Whether a consumer has applied the present tenant's event at `position` of `source`.

    One event, not all before it: but a command's events have one key, so they arrive in order, and the position a
    command answers with is its last.
    """
    return bool(tx.value(_REACHED, tenant=tx.tenant_id, name=consumer, origin=source, wanted=position))


def wait_until_reached(
    database: Database, actor: Actor, *, consumer: str, source: str, position: int, timeout_seconds: float = 2.0
) -> bool:
    """Wait until `has_reached`, for at most `timeout_seconds`; False when it was not, and the read is "as at" now.

    Each look is a transaction of its own, so none is open while waiting.
    """

    def look() -> bool:
        with database.tenant(actor) as tx:
            return has_reached(tx, consumer=consumer, source=source, position=position)

    return _wait(look, timeout_seconds)


def wait_until_reached_anywhere(
    database: Database, *, consumer: str, source: str, position: int, timeout_seconds: float = 2.0
) -> bool:
    """As `wait_until_reached`, for an event of whichever tenant: for reads over all of them, by the machinery.

    A service that offers such reads has an index over (consumer, source, position).
    """

    def look() -> bool:
        with database.plumbing() as tx:
            return bool(tx.value(_REACHED_ANYWHERE, name=consumer, origin=source, wanted=position))

    return _wait(look, timeout_seconds)


def _wait(look: Callable[[], bool], timeout_seconds: float) -> bool:
    deadline = time.monotonic() + timeout_seconds
    wait, longest = _WAIT_SECONDS
    while not look():
        if time.monotonic() + wait > deadline:
            return False
        time.sleep(wait)
        wait = min(wait * 2, longest)
    return True


def prune(tx: Transaction, *, before: datetime, most: int = 5_000) -> int:
    """Forget the `most` oldest events of those applied before a moment, and say how many; 0 when none is left.

    How far each consumer had come is kept. `tx` is a plumbing transaction. An event delivered again after it was
    forgotten would be applied again: keep rows for longer than the broker keeps what a group has read. (A replay of
    parked messages is for the one group that had not applied them.)
    """
    return int(tx.value(_PRUNE, before=before, most=most))


def _row(claim: Claim, now: datetime) -> dict[str, object]:
    return {
        "consumer": claim.consumer,
        "event_id": claim.event_id,
        "tenant_id": claim.tenant_id,
        "source": claim.source,
        "position": claim.position,
        "processed_at": now,
    }
