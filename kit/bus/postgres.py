"""PostgreSQL as the broker: an append-only log with group offsets. The embedded default; Kafka's promises, one server.

Senders take offsets under a row lock per partition, so the log has no gaps that fill later (postgres_schema.py says
why that matters). Readers wait on NOTIFY, one per topic and batch, and look again by themselves every second.
"""

import contextlib
import hashlib
import json
import secrets
import time
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import psycopg
from psycopg import sql

from kit.bus.contract import (
    Broker,
    BrokerUnavailableError,
    Consumer,
    Delivery,
    Producer,
    Record,
    UnknownTopicError,
    check_sizes,
)
from kit.bus.postgres_schema import ensure_schema

_BEATS_PER_LEASE = 10
_MAX_BEAT_SECONDS = 1.0
_TRIM_ROWS = 10_000

_TRIM = """
DELETE FROM bus.record WHERE ctid = ANY (ARRAY (
    SELECT r.ctid FROM bus.record r
    LEFT JOIN (
        SELECT topic, partition, min(next_offset) AS read_to FROM bus.progress GROUP BY topic, partition
    ) g USING (topic, partition)
    WHERE r.appended_at < now() - %(older_than)s
      AND (r."offset" < g.read_to OR r.appended_at < now() - %(unread_older_than)s)
    LIMIT %(rows)s
))
"""

_FETCH = """
SELECT r.topic, r.partition, r."offset", r.key, r.value, r.headers
FROM unnest(%b::text[], %b::int[], %b::bigint[]) WITH ORDINALITY AS w (topic, partition, start, turn)
CROSS JOIN LATERAL (
    SELECT * FROM bus.record
    WHERE topic = w.topic AND partition = w.partition AND "offset" >= w.start
    ORDER BY "offset" LIMIT %b
) r
ORDER BY w.turn, r."offset" LIMIT %b
"""


@dataclass(frozen=True, slots=True, eq=False)
class PostgresBroker(Broker):
    """A PostgreSQL database of its own, at `url`; its user must own it.

    A consumer that is killed loses its partitions at once, since its connection goes with it; one that hangs, after
    `lease_seconds`.
    """

    url: str
    lease_seconds: float = 15.0

    def ensure_topics(self, names: Iterable[str], *, partitions: int) -> None:
        """As `Broker.ensure_topics`."""
        with self.connected() as connection, connection.transaction():
            for name in sorted(set(names)):
                made = connection.execute(
                    "INSERT INTO bus.topic (name, partitions) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING 1",
                    [name, partitions],
                ).fetchone()
                if made:
                    connection.execute(
                        "INSERT INTO bus.partition (topic, number) SELECT %s, generate_series(0, %s - 1)",
                        [name, partitions],
                    )

    def producer(self) -> Producer:
        """As `Broker.producer`."""
        return PostgresBatchProducer(broker=self)

    def consumer(self, *, group: str, topics: Sequence[str]) -> Consumer:
        """As `Broker.consumer`."""
        return PostgresGroupConsumer(broker=self, group=group, topics=topics)

    def unread(self, *, group: str, topics: Sequence[str]) -> int:
        """As `Broker.unread`."""
        with self.connected() as connection:
            row = connection.execute(
                "SELECT count(*) FROM bus.record r LEFT JOIN bus.progress g"
                " ON g.group_name = %s AND g.topic = r.topic AND g.partition = r.partition"
                ' WHERE r.topic = ANY(%s) AND r."offset" >= coalesce(g.next_offset, 0)',
                [group, list(topics)],
            ).fetchone()
        return int(row[0]) if row else 0

    def is_ready(self) -> bool:
        """As `Broker.is_ready`."""
        try:
            with self.connected(seconds=2) as connection:
                connection.execute("SELECT 1")
        except BrokerUnavailableError:
            return False
        return True

    def close(self) -> None:
        """Nothing is held between calls."""

    def trim(self, *, older_than: timedelta, unread_older_than: timedelta) -> int:
        """Delete records older than `older_than` that every group has read; return how many.

        Records that a group of the topic has yet to read stay until `unread_older_than`, so that a consumer that is
        away for a weekend loses nothing and one that is gone for good does not fill the disk. One process at a time:
        0 where another is at it.
        """
        total = 0
        limits = {"older_than": older_than, "unread_older_than": unread_older_than, "rows": _TRIM_ROWS}
        with self.connected() as connection:
            # The connection's own: it is free again when this one ends, however that happens.
            if connection.execute("SELECT pg_try_advisory_lock(hashtextextended('bus.trim', 0))").fetchone() != (True,):
                return 0
            while deleted := connection.execute(_TRIM, limits).rowcount:  # In pieces: no long transaction.
                total += deleted
        return total

    @contextlib.contextmanager
    def connected(self, *, seconds: int = 5) -> Iterator[psycopg.Connection]:
        """A new connection in autocommit, closed afterwards. Raises `BrokerUnavailableError` for its faults."""
        with unavailable(), self.connect(seconds=seconds) as connection:
            yield connection

    def connect(self, *, seconds: int = 5) -> psycopg.Connection:
        """A new connection in autocommit, with limits that keep a stuck one from holding up the others."""
        connection = psycopg.connect(
            self.url,
            autocommit=True,
            connect_timeout=seconds,
            application_name="ascms bus",
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
            options="-c statement_timeout=10s -c idle_in_transaction_session_timeout=10s",
        )
        try:
            ensure_schema(connection)
        except BaseException:
            connection.close()
            raise
        return connection


class PostgresBatchProducer(Producer):
    """Appends a batch in one transaction: all of it or nothing."""

    def __init__(self, *, broker: PostgresBroker) -> None:
        """Made by `PostgresBroker.producer`; connects when first used."""
        self._broker = broker
        self._connection: psycopg.Connection | None = None
        self._partitions: dict[str, int] = {}

    def send_batch(self, records: Sequence[Record]) -> None:
        """As `Producer.send_batch`."""
        check_sizes(records)
        if not records:
            return
        try:
            with unavailable():
                if self._connection is None:
                    self._connection = self._broker.connect()
                self._require_topics(self._connection, records)
                self._append(self._connection, records)
        except BrokerUnavailableError:
            self.close()
            raise

    def close(self) -> None:
        """As `Producer.close`."""
        connection, self._connection = self._connection, None
        self._partitions.clear()
        if connection is not None:
            connection.close()

    def _require_topics(self, connection: psycopg.Connection, records: Sequence[Record]) -> None:
        new = {record.topic for record in records} - self._partitions.keys()
        if not new:
            return
        rows = connection.execute("SELECT name, partitions FROM bus.topic WHERE name = ANY (%s)", [list(new)])
        self._partitions.update(rows.fetchall())
        if missing := new - self._partitions.keys():
            msg = f"no such topic: {', '.join(sorted(missing))}"
            raise UnknownTopicError(msg)

    def _append(self, connection: psycopg.Connection, records: Sequence[Record]) -> None:
        places = [
            (record.topic, zlib.crc32(record.key.encode()) % self._partitions[record.topic]) for record in records
        ]
        counts = Counter(places)
        topics, numbers = [place[0] for place in counts], [place[1] for place in counts]
        with connection.transaction():
            # Ordered, so that two senders never wait for each other in a ring.
            rows = connection.execute(
                "SELECT p.topic, p.number, p.next_offset FROM bus.partition p"
                " JOIN unnest(%b::text[], %b::int[]) AS w (topic, number) USING (topic, number)"
                " ORDER BY p.topic, p.number FOR UPDATE OF p",
                [topics, numbers],
            ).fetchall()
            offset = {(topic, number): next_offset for topic, number, next_offset in rows}
            offsets = []
            for place in places:
                offsets.append(offset[place])
                offset[place] += 1
            with connection.pipeline():
                connection.execute(
                    'INSERT INTO bus.record (topic, partition, "offset", key, value, headers)'
                    " SELECT * FROM unnest(%b::text[], %b::int[], %b::bigint[], %b::text[], %b::bytea[], %b::text[])",
                    [
                        [place[0] for place in places],
                        [place[1] for place in places],
                        offsets,
                        [record.key for record in records],
                        [record.value for record in records],
                        [_dump_headers(record.headers) for record in records],
                    ],
                )
                connection.execute(
                    "UPDATE bus.partition p SET next_offset = w.next_offset"
                    " FROM unnest(%b::text[], %b::int[], %b::bigint[]) AS w (topic, number, next_offset)"
                    " WHERE p.topic = w.topic AND p.number = w.number",
                    [topics, numbers, [offset[place] for place in counts]],
                )
                for topic in dict.fromkeys(topics):
                    connection.execute("SELECT pg_notify(%s, '')", [_channel(topic)])


class PostgresGroupConsumer(Consumer):
    """A member of a group: owns its fair share of the partitions for as long as it keeps its membership."""

    def __init__(self, *, broker: PostgresBroker, group: str, topics: Sequence[str]) -> None:
        """Made by `PostgresBroker.consumer`; connects when first used."""
        self._broker = broker
        self._group = group
        self._topics = sorted(set(topics))
        self._beat_seconds = min(broker.lease_seconds / _BEATS_PER_LEASE, _MAX_BEAT_SECONDS)
        self._connection: psycopg.Connection | None = None
        self._member = 0
        self._next_beat = 0.0
        self._positions: dict[tuple[str, int], int] = {}
        """The next offset to read of each partition that is ours."""

    def poll(self, *, max_records: int, timeout_seconds: float) -> list[Delivery]:
        """As `Consumer.poll`."""
        deadline = time.monotonic() + timeout_seconds
        with self._connected() as connection:
            while True:
                if time.monotonic() >= self._next_beat:
                    self._keep_membership(connection)
                if deliveries := self._fetch(connection, max_records=max_records):
                    return deliveries
                now = time.monotonic()
                if now >= deadline:
                    return []
                # Anything sent since the fetch has been announced on this connection, so nothing is slept through.
                for _ in connection.notifies(timeout=max(min(deadline, self._next_beat) - now, 0.0), stop_after=1):
                    pass

    def commit(self, deliveries: Iterable[Delivery]) -> None:
        """As `Consumer.commit`."""
        reached: dict[tuple[str, int], int] = {}
        for delivery in deliveries:
            place = (delivery.topic, delivery.partition)
            reached[place] = max(reached.get(place, 0), delivery.offset + 1)
        if not reached or self._connection is None:
            return
        with self._connected() as connection:
            connection.execute(
                "UPDATE bus.progress p SET next_offset = w.next_offset"
                " FROM unnest(%b::text[], %b::int[], %b::bigint[]) AS w (topic, partition, next_offset)"
                " WHERE p.group_name = %s AND p.owner = %s AND p.topic = w.topic AND p.partition = w.partition"
                "   AND p.next_offset < w.next_offset",
                [
                    [place[0] for place in reached],
                    [place[1] for place in reached],
                    list(reached.values()),
                    self._group,
                    self._member,
                ],
            )

    def rewind(self) -> None:
        """As `Consumer.rewind`."""
        self._positions.clear()
        self._next_beat = 0.0

    def lag(self) -> int:
        """As `Consumer.lag`."""
        with self._connected() as connection:
            row = connection.execute(
                "SELECT coalesce(sum(p.next_offset - g.next_offset), 0)::bigint FROM bus.progress g"
                " JOIN bus.partition p ON p.topic = g.topic AND p.number = g.partition"
                " WHERE g.group_name = %s AND g.owner = %s",
                [self._group, self._member],
            ).fetchone()
        return int(row[0]) if row else 0

    def close(self) -> None:
        """As `Consumer.close`."""
        connection, self._connection = self._connection, None
        self._positions.clear()
        if connection is not None:
            # The others would see our lock gone anyway; the row makes them see it without trying.
            with contextlib.suppress(psycopg.Error):
                connection.execute(
                    "DELETE FROM bus.member WHERE group_name = %s AND id = %s", [self._group, self._member]
                )
            connection.close()

    @contextlib.contextmanager
    def _connected(self) -> Iterator[psycopg.Connection]:
        """The connection, made on first use; a fault of it drops it, and with it our membership."""
        try:
            with unavailable():
                if self._connection is None:
                    self._connection = self._join()
                yield self._connection
        except BrokerUnavailableError:
            connection, self._connection = self._connection, None
            self._positions.clear()
            if connection is not None:
                connection.close()
            raise

    def _join(self) -> psycopg.Connection:
        """Connect as a new member. The lock on its id lives as long as the connection: that is how death shows."""
        connection = self._broker.connect()
        try:
            # Lost offsets of the last moments before a crash mean redelivery, which the inbox absorbs.
            connection.execute("SET synchronous_commit = off")
            self._member = secrets.randbits(62)
            connection.execute("SELECT pg_advisory_lock(%s)", [self._member])
            for topic in self._topics:
                connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(_channel(topic))))
        except BaseException:
            connection.close()
            raise
        self._next_beat = 0.0
        return connection

    def _keep_membership(self, connection: psycopg.Connection) -> None:
        rows = connection.execute(
            "SELECT * FROM bus.keep_membership(%s, %s, %s, %s)",
            [self._group, self._member, self._topics, timedelta(seconds=self._broker.lease_seconds)],
        ).fetchall()
        self._next_beat = time.monotonic() + self._beat_seconds
        if any(is_new for is_new, *_ in rows):
            self._positions.clear()
        self._positions = {
            (topic, partition): self._positions.get((topic, partition), int(committed))
            for _, topic, partition, committed in rows
        }

    def _fetch(self, connection: psycopg.Connection, *, max_records: int) -> list[Delivery]:
        if not self._positions:
            return []
        rows = connection.cursor(binary=True).execute(
            _FETCH,
            [
                [place[0] for place in self._positions],
                [place[1] for place in self._positions],
                list(self._positions.values()),
                max_records,
                max_records,
            ],
        )
        deliveries = [
            Delivery(topic, partition, offset, key, value, _load_headers(headers))
            for topic, partition, offset, key, value, headers in rows
        ]
        for delivery in deliveries:
            # Taken out and put last: the next fetch begins with the partitions that had to wait.
            place = (delivery.topic, delivery.partition)
            self._positions.pop(place)
            self._positions[place] = delivery.offset + 1
        return deliveries


@contextlib.contextmanager
def unavailable() -> Iterator[None]:
    """Say `BrokerUnavailableError` for every fault of the server or the network, not for faults of ours."""
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError) as error:
        msg = f"the broker's PostgreSQL: {type(error).__name__}"
        raise BrokerUnavailableError(msg) from error


def _channel(topic: str) -> str:
    """The NOTIFY channel of a topic; hashed, since channel names end at 63 bytes."""
    return "bus_" + hashlib.sha256(topic.encode()).hexdigest()[:32]


def _dump_headers(headers: Mapping[str, bytes]) -> str:
    """Headers as JSON text: each byte a code point below 256, escaped where needed, so that even NUL survives."""
    return json.dumps({name: value.decode("latin-1") for name, value in headers.items()}) if headers else "{}"


def _load_headers(text: str) -> dict[str, bytes]:
    return {} if text == "{}" else {name: value.encode("latin-1") for name, value in json.loads(text).items()}
