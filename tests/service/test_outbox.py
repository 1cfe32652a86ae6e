"""The relay: from a committed outbox row to an acknowledged record, whatever fails on the way."""

import contextlib
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import TypeVar
from uuid import UUID, uuid4

import psycopg
import pytest
from ascms.common.v1.envelope_pb2 import Envelope
from google.protobuf.wrappers_pb2 import StringValue

from kit import log, outbox
from kit.actor import system_actor
from kit.bus import Broker, open_broker
from kit.bus.contract import MAX_VALUE_BYTES
from kit.db import Database
from kit.migrations import with_parts
from kit.outbox import Event
from kit.relay import Relay
from kit.service import Threaded
from tests.support import plumbing, postgres
from tests.support.plumbing import NOW, SERVICE, TOPIC, tell
from tests.support.postgres import admin_url, empty

T = TypeVar("T")
PATIENCE_SECONDS = 30.0


def until(look: Callable[[], T | None], what: str) -> T:
    """Look again and again until there is an answer."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        answer = look()
        if answer is not None:
            return answer
    pytest.fail(f"waited {PATIENCE_SECONDS:.0f} s in vain: {what}")


@pytest.fixture(scope="module")
def database_url(worker: str) -> Iterator[str]:
    with plumbing.plumbing_database(worker) as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    empty(database_url)
    with contextlib.closing(Database(database_url, SERVICE)) as database:
        yield database


@pytest.fixture
def bus_name(worker: str) -> Iterator[str]:
    with postgres.bus_database(f"outbox_bus_{worker}") as name:
        yield name


@pytest.fixture
def broker(bus_name: str) -> Broker:
    return open_broker(with_parts(admin_url(), database=bus_name))


@contextlib.contextmanager
def running(database: Database, broker: Broker) -> Iterator[Relay]:
    """A relay on a thread of its own."""
    relay = Relay(database=database, broker=broker)
    worker = Threaded(relay, name="relay")
    worker.start()
    try:
        yield relay
    finally:
        worker.stop()


@pytest.fixture
def relay(database: Database, broker: Broker) -> Iterator[Relay]:
    with running(database, broker) as relay:
        yield relay


def envelopes(broker: Broker, count: int) -> list[Envelope]:
    """The first `count` events on the bus, repeated ones left out."""
    broker.ensure_topics([TOPIC], partitions=6)
    got: dict[str, Envelope] = {}

    with broker.consumer(group=uuid4().hex, topics=[TOPIC]) as consumer:

        def look() -> bool | None:
            for delivery in consumer.poll(max_records=500, timeout_seconds=0.5):
                envelope = Envelope.FromString(delivery.value)
                got.setdefault(envelope.event_id, envelope)
            return len(got) >= count or None

        until(look, f"{count} events on the bus")
    return list(got.values())


def value(envelope: Envelope) -> str:
    return StringValue.FromString(envelope.payload).value


def waiting(database: Database) -> int:
    with database.plumbing() as tx:
        return int(tx.connection.execute("SELECT count(*) FROM outbox").fetchone()[0])  # type: ignore[index]


def test_a_committed_event_arrives_as_it_was_told(database: Database, broker: Broker, relay: Relay) -> None:
    tenant, key = uuid4(), uuid4()
    log.bind(request_id="request-1")
    position = tell(database, tenant, key=key, values=["Māui"])
    log.clear()
    [envelope] = envelopes(broker, 1)
    assert (envelope.type, envelope.source, envelope.key) == (plumbing.TYPE, SERVICE, str(key))
    assert (envelope.tenant_id, envelope.position, envelope.request_id) == (str(tenant), position, "request-1")
    assert envelope.occurred_at.ToDatetime(NOW.tzinfo) == NOW
    assert (value(envelope), envelope.actor_id, UUID(envelope.event_id).version) == ("Māui", "", 7)
    until(lambda: waiting(database) == 0 or None, "the outbox is empty")


def test_an_event_of_a_failed_command_is_never_told(database: Database, broker: Broker, relay: Relay) -> None:
    tenant = uuid4()
    with contextlib.suppress(ZeroDivisionError), database.tenant(system_actor(SERVICE, tenant)) as tx:
        outbox.append(tx, Event(uuid4(), StringValue(value="never")), now=NOW)
        tx.flush()
        raise ZeroDivisionError
    tell(database, tenant, key=uuid4(), values=["told"])
    assert [value(envelope) for envelope in envelopes(broker, 1)] == ["told"]


def test_an_event_too_large_for_the_bus_fails_its_command(database: Database) -> None:
    with pytest.raises(ValueError, match="bytes"):
        tell(database, uuid4(), key=uuid4(), values=["x" * MAX_VALUE_BYTES])
    assert waiting(database) == 0


def test_a_command_that_commits_late_is_not_stepped_over(database: Database, broker: Broker, relay: Relay) -> None:
    tenant = uuid4()
    with database.tenant(system_actor(SERVICE, tenant)) as tx:
        outbox.append(tx, Event(uuid4(), StringValue(value="late")), now=NOW)
        tx.flush()  # Its id is taken, and is the smaller one.
        tell(database, tenant, key=uuid4(), values=["early"])
        assert [value(envelope) for envelope in envelopes(broker, 1)] == ["early"]
    assert {value(envelope) for envelope in envelopes(broker, 2)} == {"early", "late"}


def test_events_of_a_key_keep_their_order_under_many_writers(database: Database, broker: Broker, relay: Relay) -> None:
    tenant = uuid4()
    keys = [uuid4() for _ in range(4)]

    def write(key: UUID) -> None:
        for turn in range(40):
            tell(database, tenant, key=key, values=[f"{turn}a", f"{turn}b"])

    writers = [threading.Thread(target=write, args=[key]) for key in keys]
    for writer in writers:
        writer.start()
    got = defaultdict(list)
    for envelope in envelopes(broker, 320):
        got[envelope.key].append(value(envelope))
    for writer in writers:
        writer.join()
    expected = [f"{turn}{half}" for turn in range(40) for half in "ab"]
    assert got == {str(key): expected for key in keys}


def test_commands_go_on_while_the_broker_is_away(
    database: Database, broker: Broker, bus_name: str, relay: Relay
) -> None:
    tenant, key = uuid4(), uuid4()
    tell(database, tenant, key=key, values=["before"])
    envelopes(broker, 1)
    with psycopg.connect(admin_url(), autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {bus_name} ALLOW_CONNECTIONS false")
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [bus_name])
        began = time.monotonic()
        for turn in range(50):
            tell(database, tenant, key=key, values=[str(turn)])
        assert time.monotonic() - began < 5
        until(lambda: relay.status.fault or None, "the relay says what is wrong")
        assert not relay.is_ready()
        assert waiting(database) == 50
        admin.execute(f"ALTER DATABASE {bus_name} ALLOW_CONNECTIONS true")
    assert [value(envelope) for envelope in envelopes(broker, 51)] == ["before", *map(str, range(50))]
    until(lambda: relay.is_ready() or None, "the relay is well again")


def test_one_relay_leads_and_another_takes_over_within_two_seconds(database: Database, broker: Broker) -> None:
    with running(database, broker) as first:
        until(lambda: first.status.is_leader or None, "the first leads")
        with running(database, broker) as second:
            until(lambda: second.is_ready() or None, "the second stands by")
            assert not second.status.is_leader
            with psycopg.connect(admin_url(), autocommit=True) as admin:
                admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'probe relay'"
                )
            began = time.monotonic()
            until(lambda: first.status.is_leader != second.status.is_leader or None, "one of them leads")
            assert time.monotonic() - began < 2
            leader, other = (first, second) if first.status.is_leader else (second, first)
            leader.stop()
            began = time.monotonic()
            until(lambda: other.status.is_leader or None, "the other leads")
            assert time.monotonic() - began < 2
            tell(database, uuid4(), key=uuid4(), values=["told"])
            assert len(envelopes(broker, 1)) == 1
    assert not first.status.is_running
    assert not second.status.is_running
