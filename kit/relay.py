"""Carries events from a service's outbox to the broker: one active relay a service, in order, at least once.

The leader is whoever holds an advisory lock *on the very connection it reads and deletes with*. When that connection
goes, leadership goes with it in the same instant, so there are never two that delete, and a second relay takes over
within its next attempt. Rows are read in the order of their ids and deleted after the broker has acknowledged them: a
row whose id is smaller but whose commit came later is simply found by the next read (a cursor `id > last` loses it).
Rows are not locked while they are sent: with one leader nobody else reads them, a lock taken by hand could make
`SKIP LOCKED` send a key's events out of order, and no transaction stays open across the broker's answer.

Nothing here is in the way of a command: when the broker is away, rows wait, and `status` says how many and how long.
"""

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from ascms.common.v1.envelope_pb2 import Envelope
from google.protobuf.timestamp_pb2 import Timestamp
from prometheus_client import Counter, Gauge
from psycopg.rows import namedtuple_row
from sqlalchemy import ARRAY, BigInteger, MetaData, bindparam, delete, extract, func, select

from kit.bus import Broker, BrokerUnavailableError, Producer, Record, UnknownTopicError
from kit.db import Database, prepare
from kit.log import logger
from kit.outbox import outbox_table

_BATCH = 500
_LEAD = "SELECT pg_try_advisory_lock(hashtext('ascms outbox relay'))"
_SHORTEST_WAIT_SECONDS = 0.05
_LONGEST_WAIT_SECONDS = 1.0
_LEADER_RETRY_SECONDS = 0.5
_BACKOFF_SECONDS = (0.2, 5.0)
_COUNT_EVERY_SECONDS = 5.0

_TABLE = outbox_table(MetaData())
_FETCH = prepare(select(_TABLE).order_by(_TABLE.c.id).limit(bindparam("most")))
_DELETE = prepare(delete(_TABLE).where(_TABLE.c.id == func.any(bindparam("ids", type_=ARRAY(BigInteger)))))
_AGE = extract("epoch", func.clock_timestamp() - func.min(_TABLE.c.occurred_at))
_COUNT = prepare(select(func.count(), _AGE).select_from(_TABLE))

_SENT = Counter("ascms_outbox_sent", "Events acknowledged by the broker", ["service"])
_FAILED = Counter("ascms_outbox_failures", "Attempts to send that the broker did not acknowledge", ["service"])
_BACKLOG = Gauge("ascms_outbox_backlog", "Events waiting to be sent, as the leader last counted", ["service"])
_OLDEST = Gauge("ascms_outbox_oldest_seconds", "Age of the oldest event waiting, at the last count", ["service"])
_LEADER = Gauge("ascms_outbox_leader", "1 while this process is the active relay of its service", ["service"])


@dataclass(frozen=True, slots=True)
class RelayStatus:
    """What a relay is doing, for health pages and readiness.

    `backlog` and `oldest_seconds` are as last counted by this relay (every few seconds while it leads), 0 before.
    `fault` names the class of the last failure, empty once an attempt has succeeded since.
    """

    is_running: bool = False
    is_leader: bool = False
    backlog: int = 0
    oldest_seconds: float = 0.0
    fault: str = ""


class Relay:
    """Sends one service's outbox to the broker for as long as it runs. Its thread is `kit.service.Threaded`."""

    def __init__(self, *, database: Database, broker: Broker, partitions: int = 6) -> None:
        """A relay for `database.service`. Topics that do not exist yet are made with `partitions`."""
        self._database = database
        self._broker = broker
        self._partitions = partitions
        self._service = database.service
        self._stopping = threading.Event()
        self._next_count = 0.0
        self._status = RelayStatus()

    @property
    def status(self) -> RelayStatus:
        """What it is doing now. May be read from any thread."""
        return self._status

    def is_ready(self) -> bool:
        """Whether events flow, or would if there were any: leading or standing by, with no fault."""
        return self._status.is_running and not self._status.fault

    def run(self) -> None:
        """Lead whenever possible, until `stop`. Faults are waited out, and `status` names them meanwhile."""
        self._note(is_running=True)
        backoff = _Backoff(self._stopping)
        while not self._stopping.is_set():
            try:
                with self._leading() as connection, self._broker.producer() as producer:
                    self._note(is_leader=True)
                    self._lead(connection, producer, backoff)
            except _Stopped:
                break
            except Exception as error:  # noqa: BLE001 - whatever it is, events wait meanwhile and the status says so
                self._report(error)
                backoff.wait()
            finally:
                self._note(is_leader=False)
        self._note(is_running=False)

    def stop(self) -> None:
        """Make `run` return after the batch it is sending, and give up the lead. Does not wait for it."""
        self._stopping.set()
        self._database.outbox_grew.set()

    def _lead(self, connection: psycopg.Connection[Any], producer: Producer, backoff: "_Backoff") -> None:
        """Send batch after batch. Returns when stopped; the database's faults rise."""
        wait = _SHORTEST_WAIT_SECONDS
        self._next_count = 0.0
        while not self._stopping.is_set():
            # Cleared before the read: what is committed from here on sets it again.
            self._database.outbox_grew.clear()
            rows = connection.execute(_FETCH.sql, {**_FETCH.values, "most": _BATCH}).fetchall()
            if time.monotonic() >= self._next_count:
                self._count(connection)
            if rows:
                try:
                    self._send(producer, rows)
                except BrokerUnavailableError as error:
                    self._report(error)
                    backoff.wait()
                    continue
                connection.execute(_DELETE.sql, {**_DELETE.values, "ids": [row.id for row in rows]})
                _SENT.labels(self._service).inc(len(rows))
                self._note(fault="")
                backoff.reset()
                wait = _SHORTEST_WAIT_SECONDS
            elif self._status.fault:
                self._note(fault="")
            if len(rows) < _BATCH:
                if self._database.outbox_grew.wait(wait):
                    wait = _SHORTEST_WAIT_SECONDS
                else:
                    wait = min(wait * 2, _LONGEST_WAIT_SECONDS)

    def _send(self, producer: Producer, rows: Sequence[Any]) -> None:
        records = [record_of(row, source=self._service) for row in rows]
        try:
            producer.send_batch(records)
        except UnknownTopicError:
            self._broker.ensure_topics({record.topic for record in records}, partitions=self._partitions)
            producer.send_batch(records)

    @contextlib.contextmanager
    def _leading(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection that holds the lock of the service's relay; waits until it is the one."""
        with psycopg.connect(
            self._database.url,
            autocommit=True,
            row_factory=namedtuple_row,
            connect_timeout=5,
            application_name=f"{self._service} relay",
            # The server notices within seconds that this machine has gone silent, and frees the lock.
            options="-c statement_timeout=10s -c timezone=UTC -c tcp_keepalives_idle=1 -c tcp_keepalives_interval=1"
            " -c tcp_keepalives_count=1",
        ) as connection:
            connection.execute(f"SET ROLE {self._service}_plumbing")
            while True:
                row = connection.execute(_LEAD).fetchone()
                if row is not None and row[0]:
                    break
                self._note(fault="")
                if self._stopping.wait(_LEADER_RETRY_SECONDS):
                    raise _Stopped
            yield connection

    def _count(self, connection: psycopg.Connection[Any]) -> None:
        row = connection.execute(_COUNT.sql, _COUNT.values).fetchone()
        assert row is not None
        backlog, oldest = row
        age = max(float(oldest or 0), 0.0)
        _BACKLOG.labels(self._service).set(backlog)
        _OLDEST.labels(self._service).set(age)
        self._note(backlog=backlog, oldest_seconds=age)
        self._next_count = time.monotonic() + _COUNT_EVERY_SECONDS

    def _report(self, error: Exception) -> None:
        _FAILED.labels(self._service).inc()
        fault = type(error).__name__
        if fault != self._status.fault:  # Once for each kind of trouble, not once for each attempt.
            logger().warning("outbox-relay-waits", fault=fault, backlog=self._status.backlog)
        self._note(fault=fault)

    def _note(self, **changes: Any) -> None:
        self._status = replace(self._status, **changes)
        if "is_leader" in changes:
            _LEADER.labels(self._service).set(1 if changes["is_leader"] else 0)


class _Stopped(Exception):  # noqa: N818 - not an error: the way out of waiting for the lock
    """`stop` was called."""


class _Backoff:
    """Waits that double from the first to the last of `_BACKOFF_SECONDS`, and end early when stopping."""

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping
        self._seconds = _BACKOFF_SECONDS[0]

    def wait(self) -> None:
        self._stopping.wait(self._seconds)
        self._seconds = min(self._seconds * 2, _BACKOFF_SECONDS[1])

    def reset(self) -> None:
        self._seconds = _BACKOFF_SECONDS[0]


def record_of(row: Any, *, source: str) -> Record:
    """An outbox row as it travels: the envelope, and in headers what a tool needs without decoding it."""
    occurred_at = Timestamp()
    occurred_at.FromDatetime(row.occurred_at)
    envelope = Envelope(
        event_id=str(row.event_id),
        type=row.type,
        source=source,
        tenant_id=str(row.tenant_id),
        key=row.key,
        position=row.id,
        occurred_at=occurred_at,
        request_id=row.request_id,
        traceparent=row.traceparent,
        actor_id=str(row.actor_id) if row.actor_id else "",
        payload=row.payload,
    )
    headers = {"type": row.type.encode()}
    if row.traceparent:
        headers["traceparent"] = row.traceparent.encode()
    if row.request_id:
        headers["request-id"] = row.request_id.encode()
    return Record(row.topic, row.key, envelope.SerializeToString(), headers)
