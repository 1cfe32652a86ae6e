"""What only the PostgreSQL broker has to prove: that its log has no gap that fills later, its leases, its retention."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest

from kit.bus import Record
from kit.bus.postgres import PostgresBroker
from tests.contract.test_brokers import group, send, take, until, values

LONG, SHORT = timedelta(days=30), timedelta(0)


@pytest.fixture
def broker(bus_database: str) -> PostgresBroker:
    return PostgresBroker(bus_database)


@pytest.fixture
def topic(broker: PostgresBroker) -> str:
    """A topic of one partition, so that every sender meets every other."""
    name = f"test.{uuid4().hex}"
    broker.ensure_topics([name], partitions=1)
    return name


@pytest.fixture
def slow_writer(broker: PostgresBroker, topic: str) -> Iterator[psycopg.Connection]:
    """A sender that has taken offset 0 and neither commits nor gives up until the test says so."""
    with broker.connected() as connection:
        connection.autocommit = False
        connection.execute("SELECT next_offset FROM bus.partition WHERE topic = %s FOR UPDATE", [topic])
        connection.execute(
            'INSERT INTO bus.record (topic, partition, "offset", key, value, headers)'
            " VALUES (%s, 0, 0, 'key', 'slow', '{}')",
            [topic],
        )
        connection.execute("UPDATE bus.partition SET next_offset = 1 WHERE topic = %s", [topic])
        yield connection


@pytest.mark.parametrize(("ending", "expected"), [("commit", ["slow", "fast"]), ("rollback", ["fast"])])
def test_a_reader_never_steps_over_a_slower_writer(
    broker: PostgresBroker, topic: str, slow_writer: psycopg.Connection, ending: str, expected: list[str]
) -> None:
    with (
        broker.consumer(group=group(), topics=[topic]) as consumer,
        ThreadPoolExecutor(1) as threads,
    ):
        fast = threads.submit(send, broker, topic, ["fast"])
        until(lambda: _is_someone_waiting(broker, topic) or None, "the fast writer waits for the slow one")
        assert consumer.poll(max_records=10, timeout_seconds=0.2) == []
        getattr(slow_writer, ending)()
        fast.result()
        got = take(consumer, len(expected))
        assert values(got) == expected
        assert [delivery.offset for delivery in got] == list(range(len(expected)))


def test_without_the_row_lock_a_reader_does_step_over(broker: PostgresBroker, topic: str) -> None:
    """The negative control: an offset taken as an identity column takes it, before and apart from the commit."""
    append = (
        "INSERT INTO bus.record (topic, partition, \"offset\", key, value, headers) VALUES (%s, 0, %s, 'key', %s, '{}')"
    )
    with (
        broker.connected() as slow,
        broker.connected() as fast,
        broker.consumer(group=group(), topics=[topic]) as consumer,
    ):
        with slow.transaction():
            slow.execute(append, [topic, 0, b"slow"])
            fast.execute(append, [topic, 1, b"fast"])
            deliveries = take(consumer, 1)
        consumer.commit(deliveries)
        consumer.rewind()
        assert values(deliveries) == ["fast"]
        assert consumer.poll(max_records=10, timeout_seconds=0.2) == [], "the slow one is lost"


def test_a_consumer_that_hangs_loses_its_partitions_and_cannot_commit(bus_database: str, topic: str) -> None:
    broker = PostgresBroker(bus_database, lease_seconds=0.5)
    send(broker, topic, ["1", "2", "3"])
    ours = group()
    with broker.consumer(group=ours, topics=[topic]) as hanging, broker.consumer(group=ours, topics=[topic]) as other:
        held = take(hanging, 3)
        began = time.monotonic()
        taken_over = take(other, 3)
        assert time.monotonic() - began > 0.3
        other.commit(taken_over[:1])
        hanging.commit(held)
        other.rewind()
        assert values(take(other, 2)) == ["2", "3"]
        # It comes back as any member does: there is one partition, and it has an owner.
        assert hanging.poll(max_records=10, timeout_seconds=0.2) == []


def test_a_consumer_that_is_cut_off_is_replaced_at_once(broker: PostgresBroker, topic: str) -> None:
    send(broker, topic, ["1"])
    ours = group()
    with broker.consumer(group=ours, topics=[topic]) as cut_off, broker.consumer(group=ours, topics=[topic]) as other:
        take(cut_off, 1)
        with broker.connected() as admin:
            admin.execute(
                "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN bus.member m"
                " ON l.locktype = 'advisory' AND (l.classid::bigint << 32) + l.objid::bigint = m.id"
                " WHERE m.group_name = %s",
                [ours],
            )
        began = time.monotonic()
        assert values(take(other, 1)) == ["1"]
        assert time.monotonic() - began < broker.lease_seconds / 3


def test_partitions_are_shared_fairly_as_members_come_and_go(bus_database: str) -> None:
    broker = PostgresBroker(bus_database, lease_seconds=1.0)
    name, ours = f"test.{uuid4().hex}", group()
    broker.ensure_topics([name], partitions=7)
    members = [broker.consumer(group=ours, topics=[name]) for _ in range(3)]

    def shares() -> list[int]:
        for member in members:
            member.poll(max_records=1, timeout_seconds=0.0)
        with broker.connected() as connection:
            rows = connection.execute(
                "SELECT count(*) FROM bus.progress WHERE group_name = %s AND owner IS NOT NULL GROUP BY owner", [ours]
            ).fetchall()
        return sorted(count for (count,) in rows)

    until(lambda: shares() == [2, 2, 3] or None, "three share seven")
    members.pop().close()
    until(lambda: shares() == [3, 4] or None, "two share seven")
    members.append(broker.consumer(group=ours, topics=[name]))
    until(lambda: shares() == [2, 2, 3] or None, "three share seven again")
    for member in members:
        member.close()


def test_retention_keeps_what_a_group_has_yet_to_read(broker: PostgresBroker, topic: str) -> None:
    send(broker, topic, ["1", "2", "3"])
    with broker.consumer(group=group(), topics=[topic]) as consumer:
        consumer.commit(take(consumer, 3)[:2])
        broker.trim(older_than=LONG, unread_older_than=LONG)
        assert _count(broker, topic) == 3
        broker.trim(older_than=SHORT, unread_older_than=LONG)
        assert _count(broker, topic) == 1
        consumer.rewind()
        assert values(take(consumer, 1)) == ["3"]
        broker.trim(older_than=SHORT, unread_older_than=SHORT)
        assert _count(broker, topic) == 0
        send(broker, topic, ["4"])
        assert values(take(consumer, 1)) == ["4"]


def test_the_schema_is_made_once_by_many(bus_database: str) -> None:
    together = threading.Barrier(4)

    def connect() -> int:
        together.wait()
        with PostgresBroker(bus_database).connected() as connection:
            return len(connection.execute("SELECT 1 FROM bus.topic LIMIT 0").fetchall())

    with psycopg.connect(bus_database, autocommit=True) as admin:
        admin.execute("DROP SCHEMA IF EXISTS bus CASCADE")
    with ThreadPoolExecutor(4) as threads:
        assert [answer.result() for answer in [threads.submit(connect) for _ in range(4)]] == [0, 0, 0, 0]


def test_a_key_with_a_quote_or_a_macron_is_only_a_key(broker: PostgresBroker, topic: str) -> None:
    with broker.producer() as producer:
        producer.send_batch([Record(topic, "O'Brien; Māui {x} %s", b"")])
    with broker.consumer(group=group(), topics=[topic]) as consumer:
        assert take(consumer, 1)[0].key == "O'Brien; Māui {x} %s"


def _is_someone_waiting(broker: PostgresBroker, topic: str) -> bool:
    with broker.connected() as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%%FOR UPDATE OF p'",
        ).fetchone()
    return row is not None and row[0] > 0


def _count(broker: PostgresBroker, topic: str) -> int:
    with broker.connected() as connection:
        row = connection.execute("SELECT count(*) FROM bus.record WHERE topic = %s", [topic]).fetchone()
    assert row is not None
    return int(row[0])
