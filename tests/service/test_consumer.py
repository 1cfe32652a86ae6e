"""The consumer loop: every event applied once, none skipped, what cannot work put aside."""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import psycopg
import pytest
from ascms.common.v1.envelope_pb2 import Envelope
from google.protobuf.wrappers_pb2 import Int32Value, StringValue

from kit import inbox, log
from kit.actor import system_actor
from kit.batches import BatchHandler, Told
from kit.bus import Broker, Delivery, Record, open_broker
from kit.consumer import ConsumerLoop, Handler, Limits, parked_topic, replay_parked
from kit.db import Database, Transaction
from kit.errors import UnavailableError
from kit.migrations import with_parts
from kit.service import Threaded
from tests.support import plumbing
from tests.support.plumbing import SERVICE, TOPIC, TYPE, effects
from tests.support.postgres import admin_url, empty

T = TypeVar("T")
NAME = "probe.effects"
PATIENCE_SECONDS = 30.0
FAST = Limits(poll_seconds=0.2, retry_seconds=0.01)


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


@pytest.fixture(scope="module")
def bus_url(worker: str) -> Iterator[str]:
    name = f"test_consumer_bus_{worker}_{os.getpid()}"
    with psycopg.connect(admin_url(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        yield with_parts(admin_url(), database=name)
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def broker(bus_url: str) -> Broker:
    with psycopg.connect(bus_url, autocommit=True) as admin:
        admin.execute("DROP SCHEMA IF EXISTS bus CASCADE")
    broker = open_broker(bus_url)
    broker.ensure_topics([TOPIC], partitions=3)
    return broker


@pytest.fixture
def tenant() -> UUID:
    return uuid4()


def event(tenant: UUID, value: str, *, key: str = "key", position: int = 1) -> Envelope:
    return Envelope(
        event_id=str(uuid4()),
        type=TYPE,
        source="elsewhere",
        tenant_id=str(tenant),
        key=key,
        position=position,
        request_id="request-1",
        payload=StringValue(value=value).SerializeToString(),
    )


def send(broker: Broker, *envelopes: Envelope) -> None:
    with broker.producer() as producer:
        producer.send_batch([Record(TOPIC, each.key, each.SerializeToString()) for each in envelopes])


def send_bytes(broker: Broker, value: bytes) -> None:
    with broker.producer() as producer:
        producer.send_batch([Record(TOPIC, "key", value, {"kept": b"yes"})])


def apply(tx: Transaction, envelope: Envelope, message: StringValue) -> None:
    plumbing.apply(tx, envelope.key, message.value)


@contextlib.contextmanager
def consuming(
    database: Database,
    broker: Broker,
    handler: Handler = apply,
    *,
    limits: Limits = FAST,
    handlers: Mapping[str, Handler] | BatchHandler | None = None,
) -> Iterator[ConsumerLoop]:
    """A loop on a thread of its own."""
    loop = ConsumerLoop(
        name=NAME,
        topics=[TOPIC],
        handlers={TYPE: handler} if handlers is None else handlers,
        database=database,
        broker=broker,
        limits=limits,
    )
    worker = Threaded(loop, name="consumer")
    worker.start()
    try:
        yield loop
    finally:
        worker.stop()


def until_applied(database: Database, tenant: UUID, expected: list[str]) -> None:
    until(lambda: len(effects(database, tenant)) >= len(expected) or None, f"{len(expected)} effects")
    assert effects(database, tenant) == expected


def parked(broker: Broker, count: int) -> list[Delivery]:
    broker.ensure_topics([parked_topic(TOPIC)], partitions=1)
    got: list[Delivery] = []
    with broker.consumer(group=uuid4().hex, topics=[parked_topic(TOPIC)]) as consumer:

        def look() -> bool | None:
            got.extend(consumer.poll(max_records=100, timeout_seconds=0.2))
            return len(got) >= count or None

        until(look, f"{count} parked")
    return got


def test_an_event_delivered_twice_is_applied_once_and_in_its_own_tenant(
    database: Database, broker: Broker, tenant: UUID
) -> None:
    other = uuid4()
    first, second, elsewhere = event(tenant, "1"), event(tenant, "2"), event(other, "other")
    with consuming(database, broker) as loop:
        send(broker, first, second, first, elsewhere, second, event(tenant, "3"))
        until_applied(database, tenant, ["1", "2", "3"])
        until_applied(database, other, ["other"])
        until(lambda: loop.is_ready() or None, "ready")
    assert not loop.is_ready()


def test_the_handler_works_in_the_context_of_the_request_that_caused_the_event(
    database: Database, broker: Broker, tenant: UUID
) -> None:
    seen: list[tuple[str, UUID, str]] = []

    def note(tx: Transaction, envelope: Envelope, message: StringValue) -> None:
        assert tx.actor is not None
        seen.append((log.request_id(), tx.tenant_id, tx.actor.service))
        apply(tx, envelope, message)

    with consuming(database, broker, note):
        send(broker, event(tenant, "1"))
        until_applied(database, tenant, ["1"])
    assert seen == [("request-1", tenant, SERVICE)]


def test_what_is_away_is_waited_for_and_nothing_is_skipped(database: Database, broker: Broker, tenant: UUID) -> None:
    failures = iter([UnavailableError("away", "away"), ConnectionRefusedError(), psycopg.OperationalError()])

    def flaky(tx: Transaction, envelope: Envelope, message: StringValue) -> None:
        apply(tx, envelope, message)
        if message.value == "2":
            for failure in failures:
                raise failure

    with consuming(database, broker, flaky):
        send(broker, *(event(tenant, str(number)) for number in range(1, 6)))
        until_applied(database, tenant, ["1", "2", "3", "4", "5"])


def test_a_database_that_goes_away_is_waited_for(
    database: Database, database_url: str, broker: Broker, tenant: UUID
) -> None:
    name = database_url.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(admin_url(), autocommit=True) as admin, consuming(database, broker) as loop:
        send(broker, event(tenant, "1"))
        until_applied(database, tenant, ["1"])
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        send(broker, event(tenant, "2"), event(tenant, "3"))
        until(lambda: loop.status.fault or None, "the loop says that it waits")
        assert not loop.is_ready()
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        until(lambda: loop.is_ready() or None, "the loop is well again")
        until_applied(database, tenant, ["1", "2", "3"])


def test_a_poison_message_is_parked_and_those_behind_it_go_on(database: Database, broker: Broker, tenant: UUID) -> None:
    tries = 0

    def choke(tx: Transaction, envelope: Envelope, message: StringValue) -> None:
        nonlocal tries
        apply(tx, envelope, message)
        if message.value == "poison":
            tries += 1
            raise LookupError("Aroha Ngata of 12 Rimu Street")

    with consuming(database, broker, choke) as loop:
        send(broker, event(tenant, "1"), event(tenant, "poison"), event(tenant, "3"))
        until_applied(database, tenant, ["1", "3"])
        [delivery] = parked(broker, 1)
        assert loop.is_ready()
    assert tries == FAST.tries
    headers = {name: value.decode() for name, value in delivery.headers.items()}
    assert datetime.now(UTC) - datetime.fromisoformat(headers["parked-at"]) < timedelta(minutes=5)
    assert headers == {
        "parked-at": headers["parked-at"],
        "parked-group": NAME,
        "parked-error": "builtins.LookupError",
        "parked-topic": TOPIC,
        "parked-partition": headers["parked-partition"],
        "parked-offset": "1",
    }
    assert "Aroha" not in repr(delivery)


@pytest.mark.parametrize(
    "broken",
    [b"\xff\xff\xff", b"", Envelope(event_id="x", tenant_id="y", type=TYPE).SerializeToString()],
    ids=["not-an-envelope", "empty", "ids-that-are-none"],
)
def test_a_message_that_cannot_be_read_is_parked_with_its_bytes(
    database: Database, broker: Broker, tenant: UUID, broken: bytes
) -> None:
    with consuming(database, broker):
        send_bytes(broker, broken)
        send(broker, event(tenant, "behind"))
        until_applied(database, tenant, ["behind"])
        [delivery] = parked(broker, 1)
    assert (delivery.value, delivery.headers["kept"]) == (broken, b"yes")


def test_parked_messages_are_replayed_once_the_fault_is_mended(
    database: Database, broker: Broker, tenant: UUID
) -> None:
    is_mended = threading.Event()

    def choke(tx: Transaction, envelope: Envelope, message: StringValue) -> None:
        if message.value == "poison" and not is_mended.is_set():
            raise LookupError
        apply(tx, envelope, message)

    with consuming(database, broker, choke):
        send(broker, event(tenant, "1"), event(tenant, "poison"), event(tenant, "3"))
        until_applied(database, tenant, ["1", "3"])
        parked(broker, 1)
        # Too early: it is sent again, parked again, and the replay neither loops nor loses it.
        assert replay_parked(broker, topic=TOPIC, group=NAME, quiet_seconds=1.0).sent == 1
        assert len(parked(broker, 2)) == 2
        assert replay_parked(broker, topic=TOPIC, group="somebody.else", quiet_seconds=1.0).passed == 2
        is_mended.set()
        assert replay_parked(broker, topic=TOPIC, group=NAME, quiet_seconds=1.0).sent == 1
        until_applied(database, tenant, ["1", "3", "poison"])
        assert replay_parked(broker, topic=TOPIC, group=NAME, quiet_seconds=1.0).sent == 0


def test_a_loop_that_parks_too_much_stops_itself_and_leaves_the_rest(
    database: Database, broker: Broker, tenant: UUID
) -> None:
    def always(_tx: Transaction, _envelope: Envelope, _message: StringValue) -> None:
        raise LookupError

    limits = Limits(poll_seconds=0.2, retry_seconds=0.0, tries=1, parked_limit=3)
    sent = [event(tenant, str(number)) for number in range(10)]
    with consuming(database, broker, always, limits=limits) as loop:
        send(broker, *sent)
        until(lambda: loop.status.has_stopped_itself or None, "it stops itself")
        until(lambda: not loop.status.is_running or None, "it has left")
        assert not loop.is_ready()
    assert len(parked(broker, 4)) == 4
    with consuming(database, broker):
        until_applied(database, tenant, [str(number) for number in range(4, 10)])


def test_types_that_mean_nothing_are_passed_over_and_still_count_as_reached(
    database: Database, broker: Broker, tenant: UUID
) -> None:
    unknown = event(tenant, "?", position=7)
    unknown.type = "ascms.future.v9.NotYetInvented"
    with consuming(database, broker) as loop:
        send(broker, event(tenant, "1", position=6), unknown)
        actor = system_actor(SERVICE, tenant)
        assert inbox.wait_until_reached(
            database, actor, consumer=NAME, source="elsewhere", position=7, timeout_seconds=10
        )
        assert effects(database, tenant) == ["1"]
        assert not loop.status.fault


def test_a_read_waits_for_its_own_write_and_for_no_other(database: Database, broker: Broker, tenant: UUID) -> None:
    def has_reached(position: int, *, of: UUID = tenant, timeout: float = 0.1) -> bool:
        return inbox.wait_until_reached(
            database,
            system_actor(SERVICE, of),
            consumer=NAME,
            source="elsewhere",
            position=position,
            timeout_seconds=timeout,
        )

    with consuming(database, broker):
        send(broker, event(tenant, "1", position=41))
        assert has_reached(41, timeout=10)
        assert effects(database, tenant) == ["1"]
        assert not has_reached(42)
        assert not has_reached(40), "an event that never came is not reached because a later one was"
        assert not has_reached(41, of=uuid4()), "another organisation learns nothing"
        began = time.monotonic()
        assert not has_reached(42, timeout=0.3)
        assert time.monotonic() - began < 2


def test_pruned_positions_still_count_as_reached(database: Database, broker: Broker, tenant: UUID) -> None:
    with consuming(database, broker):
        send(broker, *(event(tenant, str(number), position=number) for number in (3, 5, 9)))
        until_applied(database, tenant, ["3", "5", "9"])
    now = datetime.now(UTC)
    for before in (now - timedelta(hours=1), now + timedelta(hours=1), now + timedelta(hours=1)):
        with database.plumbing() as tx:
            inbox.prune(tx, before=before)
    with database.tenant(system_actor(SERVICE, tenant)) as tx:
        reached = [
            inbox.has_reached(tx, consumer=NAME, source="elsewhere", position=position) for position in (3, 9, 10)
        ]
    assert reached == [True, True, False]


def test_a_handler_for_an_event_nobody_has_declared_is_a_fault_of_the_program(
    database: Database, broker: Broker
) -> None:
    with pytest.raises(KeyError):
        ConsumerLoop(name=NAME, topics=[TOPIC], handlers={"ascms.no.Such": apply}, database=database, broker=broker)


def test_each_type_goes_to_its_own_handler(database: Database, broker: Broker, tenant: UUID) -> None:
    def apply_number(tx: Transaction, envelope: Envelope, message: Int32Value) -> None:
        plumbing.apply(tx, envelope.key, f"number {message.value + 1}")

    number = event(tenant, "")
    number.type, number.payload = Int32Value.DESCRIPTOR.full_name, Int32Value(value=41).SerializeToString()
    with consuming(database, broker, handlers={TYPE: apply, number.type: apply_number}):
        send(broker, event(tenant, "text"), number)
        until_applied(database, tenant, ["text", "number 42"])


def test_a_slow_handler_gives_the_rest_of_its_batch_back(database: Database, broker: Broker, tenant: UUID) -> None:
    with consuming(database, broker, limits=Limits(poll_seconds=0.2, batch_seconds=0.0)):
        send(broker, *(event(tenant, str(number)) for number in range(8)))
        until_applied(database, tenant, [str(number) for number in range(8)])


@dataclass
class Together:
    """Applies what a transaction brings; keeps what each brought, and raises when its time has come."""

    failures: Iterator[Exception] = field(default_factory=lambda: iter(()))
    brought: list[list[str]] = field(default_factory=list)
    types: Collection[str] = frozenset({TYPE})

    def begin(self, tx: Transaction, batch: Sequence[Told]) -> Callable[[Sequence[Told]], None]:
        self.brought.append([told.message.value for told in batch])

        def apply_all(fresh: Sequence[Told]) -> None:
            for told in fresh:
                apply(tx, told.envelope, told.message)
                if told.message.value == "poison":
                    raise LookupError
                if told.message.value == "2":
                    for failure in self.failures:
                        raise failure

        return apply_all


def test_a_batch_is_one_transaction_for_each_tenant_and_applies_each_event_once(
    database: Database, broker: Broker, tenant: UUID
) -> None:
    other, handler = uuid4(), Together()
    unknown = event(tenant, "?", position=7)
    unknown.type = "ascms.future.v9.NotYetInvented"
    twice = event(tenant, "1")
    # There before the loop begins, so that one poll brings them all.
    send(broker, twice, event(other, "other"), event(tenant, "2"), unknown, twice, event(tenant, "3"))
    with consuming(database, broker, handlers=handler):
        until_applied(database, tenant, ["1", "2", "3"])
        until_applied(database, other, ["other"])
        actor = system_actor(SERVICE, tenant)
        assert inbox.wait_until_reached(
            database, actor, consumer=NAME, source="elsewhere", position=7, timeout_seconds=10
        )
    assert handler.brought == [["1", "2", "1", "3"], ["other"]]


def test_what_is_away_is_waited_for_by_a_batch_too(database: Database, broker: Broker, tenant: UUID) -> None:
    other = uuid4()
    handler = Together(iter([UnavailableError("away", "away"), psycopg.OperationalError()]))
    send(broker, event(other, "1"), *(event(tenant, str(number)) for number in range(1, 6)))
    with consuming(database, broker, handlers=handler):
        until_applied(database, tenant, ["1", "2", "3", "4", "5"])
    assert effects(database, other) == ["1"], "what was done before the fault is not done again"


def test_a_poison_message_in_a_batch_is_parked_alone(database: Database, broker: Broker, tenant: UUID) -> None:
    handler = Together()
    values = [str(number) for number in range(100, 140)]
    send(broker, *(event(tenant, value) for value in [*values[:13], "poison", *values[13:]]))
    with consuming(database, broker, handlers=handler) as loop:
        until_applied(database, tenant, values)
        [delivery] = parked(broker, 1)
        assert loop.is_ready()
    assert StringValue.FromString(Envelope.FromString(delivery.value).payload).value == "poison"
    assert len(handler.brought) < 20, "found by halving, not by trying each"


def test_two_loops_share_the_work_and_apply_everything_once(database: Database, broker: Broker, tenant: UUID) -> None:
    keys = [f"key-{number}" for number in range(6)]
    with consuming(database, broker), consuming(database, broker):
        for turn in range(10):
            send(broker, *(event(tenant, f"{key} {turn:02}", key=key) for key in keys))
        until(lambda: len(effects(database, tenant)) >= 60 or None, "all effects")
        got: dict[str, list[Any]] = {key: [] for key in keys}
        for value in effects(database, tenant):
            got[value.split()[0]].append(value)
    assert got == {key: [f"{key} {turn:02}" for turn in range(10)] for key in keys}
