"""The whole way on both brokers: command → outbox → relay → broker → loop → effect, once and in order."""

import contextlib
import random
import threading
from collections import defaultdict
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from ascms.common.v1.envelope_pb2 import Envelope
from google.protobuf.wrappers_pb2 import StringValue

from kit import inbox
from kit.actor import system_actor
from kit.bus import Broker
from kit.consumer import ConsumerLoop, Handler, Limits, replay_parked
from kit.db import Database, Transaction
from kit.relay import Relay
from kit.service import Threaded
from tests.contract.test_brokers import until
from tests.support import plumbing
from tests.support.plumbing import SERVICE, TYPE, effects, tell
from tests.support.postgres import empty

STORM_JOINS = 8


@pytest.fixture(scope="module")
def database_url(worker: str) -> Iterator[str]:
    with plumbing.plumbing_database(f"events_{worker}") as url:
        yield url


@pytest.fixture
def database(database_url: str, broker: Broker) -> Iterator[Database]:
    """The service's database, its outbox on the way to the broker."""
    empty(database_url)
    with contextlib.closing(Database(database_url, SERVICE)) as database:
        relay = Threaded(Relay(database=database, broker=broker, partitions=3), name="relay")
        relay.start()
        yield database
        relay.stop()


@pytest.fixture
def name() -> str:
    """A group of the test's own: topics and groups outlive a test on a broker that is shared."""
    return f"probe.{uuid4().hex}"


@contextlib.contextmanager
def consuming(database: Database, broker: Broker, name: str, handler: Handler) -> Iterator[ConsumerLoop]:
    loop = ConsumerLoop(
        name=name,
        topics=[plumbing.TOPIC],
        handlers={TYPE: handler},
        database=database,
        broker=broker,
        limits=Limits(poll_seconds=0.2, retry_seconds=0.0, max_records=20),
    )
    worker = Threaded(loop, name="consumer")
    worker.start()
    try:
        yield loop
    finally:
        worker.stop()


def of(tenant: UUID) -> Handler:
    """Applies what this test tells; what others told on the shared topic is not ours."""

    def handle(tx: Transaction, envelope: Envelope, message: StringValue) -> None:
        if envelope.tenant_id == str(tenant):
            plumbing.apply(tx, envelope.key, message.value)

    return handle


def test_a_command_is_seen_by_the_read_that_waits_for_it(database: Database, broker: Broker, name: str) -> None:
    tenant = uuid4()
    with consuming(database, broker, name, of(tenant)):
        for value in ("1", "2", "3"):
            position = tell(database, tenant, key=uuid4(), values=[f"{value}a", f"{value}b"])
            assert inbox.wait_until_reached(
                database,
                system_actor(SERVICE, tenant),
                consumer=name,
                source=SERVICE,
                position=position,
                timeout_seconds=30,
            )
            assert effects(database, tenant)[-2:] == [f"{value}a", f"{value}b"]


def test_loops_that_come_and_go_apply_everything_once_and_in_order(
    database: Database, broker: Broker, name: str
) -> None:
    tenant, keys = uuid4(), [uuid4() for _ in range(5)]
    chance = random.Random(20260304)  # noqa: S311 - a fixed seed, so that a failure comes again
    enough = threading.Event()
    turns = 0

    def write() -> None:
        nonlocal turns
        while not enough.is_set():
            for key in keys:
                tell(database, tenant, key=key, values=[f"{turns:05}"])
            turns += 1
            enough.wait(0.01)

    writer = threading.Thread(target=write)
    writer.start()
    with contextlib.ExitStack() as stack:
        members = [stack.enter_context(contextlib.ExitStack())]
        members[0].enter_context(consuming(database, broker, name, of(tenant)))
        for _ in range(STORM_JOINS):
            before = len(effects(database, tenant))
            if len(members) > 1 and chance.random() < 0.5:
                members.pop(chance.randrange(len(members))).close()
            else:
                members.append(stack.enter_context(contextlib.ExitStack()))
                members[-1].enter_context(consuming(database, broker, name, of(tenant)))
            until(lambda: len(effects(database, tenant)) > before or None, "the group goes on")  # noqa: B023
        enough.set()
        writer.join()
        total = turns * len(keys)
        until(lambda: len(effects(database, tenant)) >= total or None, f"all {total} effects")
    got = defaultdict(list)
    with database.tenant(system_actor(SERVICE, tenant)) as tx:
        for row in tx.connection.execute("SELECT key, value FROM effect ORDER BY id"):
            got[row.key].append(row.value)
    assert got == {str(key): [f"{turn:05}" for turn in range(turns)] for key in keys}
    print(f"{STORM_JOINS} rebalances, {total} events")  # noqa: T201 - the size of the history


def test_poison_is_parked_and_replayed(database: Database, broker: Broker, name: str) -> None:
    tenant = uuid4()
    is_mended = threading.Event()
    apply = of(tenant)

    def choke(tx: Transaction, envelope: Envelope, message: StringValue) -> None:
        if envelope.tenant_id == str(tenant) and message.value == "poison" and not is_mended.is_set():
            raise LookupError
        apply(tx, envelope, message)

    with consuming(database, broker, name, choke):
        tell(database, tenant, key=uuid4(), values=["before", "poison", "behind"])
        until(lambda: effects(database, tenant) == ["before", "behind"] or None, "those behind go on")
        is_mended.set()
        assert replay_parked(broker, topic=plumbing.TOPIC, group=name).sent == 1
        until(lambda: effects(database, tenant) == ["before", "behind", "poison"] or None, "the replayed one")
