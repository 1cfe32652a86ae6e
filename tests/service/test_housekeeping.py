"""Housekeeping: what is old goes, what is young stays, and nobody is held up by it."""

import contextlib
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from prometheus_client import REGISTRY

from kit import idempotency, inbox
from kit.actor import system_actor
from kit.bus import Broker, Record, open_broker
from kit.clock import FixedClock
from kit.db import Database
from kit.housekeeping import Housekeeping
from kit.idempotency import Answering
from kit.ids import uuid7
from kit.inbox import Claim
from kit.migrations import with_parts
from kit.service import Threaded
from services.identity.commands import Deps, forget_expired
from services.identity.secrets import MasterSecret, Passphrases
from tests.support import plumbing, postgres
from tests.support.plumbing import NOW, SERVICE, TOPIC
from tests.support.postgres import admin_url, database_of, empty
from tests.support.tokens import person

OURS = person(1, tenant=UUID(int=1))
METHOD = "/ascms.probe.v1.Probe/Write"
CONSUMER = "probe.effects"


@pytest.fixture(scope="module")
def database_url(worker: str) -> Iterator[str]:
    with plumbing.plumbing_database(f"{worker}_keeping") as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    empty(database_url)
    with contextlib.closing(Database(database_url, SERVICE)) as database:
        yield database


@pytest.fixture(scope="module")
def bus_url(worker: str) -> Iterator[str]:
    with postgres.bus_database(f"keeping_bus_{worker}") as name:
        yield with_parts(admin_url(), database=name)


@pytest.fixture
def broker(bus_url: str) -> Broker:
    with psycopg.connect(bus_url, autocommit=True) as admin:
        admin.execute("DROP SCHEMA IF EXISTS bus CASCADE")
    broker = open_broker(bus_url)
    broker.ensure_topics([TOPIC], partitions=1)
    return broker


@pytest.fixture
def housekeeping(database: Database, broker: Broker, clock: FixedClock) -> Housekeeping:
    """The clock stands at NOW."""
    assert clock.now() == NOW
    return Housekeeping(database=database, broker=broker, clock=clock)


def answered(key: str) -> Answering:
    call = Answering(METHOD, lambda result: result, key=key, request_hash=idempotency.hash_request(METHOD, b""))
    call.message = StringValue(value=key)
    return call


def answer(database: Database, *keys: str, at: datetime) -> None:
    with database.tenant(OURS) as tx:
        for key in keys:
            idempotency.store_answer(tx, answered(key), now=at)


def known(database: Database, keys: Sequence[str]) -> list[str]:
    return [key for key in keys if idempotency.find_answer(database, OURS, answered(key)) is not None]


def claim_of(position: int) -> Claim:
    return Claim(
        consumer=CONSUMER, event_id=UUID(int=position), tenant_id=OURS.tenant_id, source="cases", position=position
    )


def claims(database: Database, *positions: int, at: datetime) -> list[int]:
    """Claim events; the positions that were not claimed before."""
    new = []
    with database.tenant(system_actor(SERVICE, OURS.tenant_id)) as tx:
        for position in positions:
            new += [position] * inbox.claim(tx, claim_of(position), now=at)
    return new


def send(broker: Broker, *values: str) -> None:
    with broker.producer() as producer:
        producer.send_batch([Record(TOPIC, "key", value.encode()) for value in values])


def read(broker: Broker, count: int) -> None:
    """A group reads the first `count` records."""
    with broker.consumer(group=CONSUMER, topics=[TOPIC]) as consumer:
        deliveries = consumer.poll(max_records=count, timeout_seconds=10)
        assert len(deliveries) == count
        consumer.commit(deliveries)


def age(bus_url: str, *days: int) -> None:
    """Each record of the log, in its order, as old as that."""
    with psycopg.connect(bus_url, autocommit=True) as admin:
        for offset, number in enumerate(days):
            admin.execute(
                'UPDATE bus.record SET appended_at = now() - make_interval(days => %s) WHERE "offset" = %s',
                [number, offset],
            )


def kept(bus_url: str) -> list[str]:
    with psycopg.connect(bus_url) as admin:
        return [bytes(value).decode() for (value,) in admin.execute('SELECT value FROM bus.record ORDER BY "offset"')]


def metric(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(f"ascms_housekeeping_{name}", {"service": SERVICE, **labels})


def test_an_idempotency_key_is_kept_for_a_day(
    database: Database, housekeeping: Housekeeping, clock: FixedClock
) -> None:
    answer(database, "old", "also-old", at=NOW - timedelta(hours=25))
    answer(database, "young", at=NOW - timedelta(hours=23))
    answer(database, "new", at=NOW)

    first = housekeeping.run_once()
    left = known(database, ["old", "also-old", "young", "new"])
    again = housekeeping.run_once()
    clock.moment = NOW + timedelta(hours=2)
    later = housekeeping.run_once()

    assert (first["idempotency"], again["idempotency"], later["idempotency"]) == (2, 0, 1)
    assert left == ["young", "new"]
    assert known(database, ["young", "new"]) == ["new"]


def test_an_applied_event_is_remembered_for_thirty_days_and_counts_as_reached_for_ever(
    database: Database, housekeeping: Housekeeping, clock: FixedClock
) -> None:
    claims(database, 3, 5, at=NOW - timedelta(days=31))
    claims(database, 8, at=NOW - timedelta(days=29))

    removed = housekeeping.run_once()["inbox"]

    assert removed == 2
    assert claims(database, 8, at=NOW) == [], "still known"
    with database.tenant(system_actor(SERVICE, OURS.tenant_id)) as tx:
        reached = [
            inbox.has_reached(tx, consumer=CONSUMER, source="cases", position=position) for position in (3, 5, 8, 9)
        ]
    assert reached == [True, True, True, False]
    clock.moment = NOW + timedelta(days=2)
    assert housekeeping.run_once()["inbox"] == 1


@pytest.mark.parametrize("step", [timedelta(minutes=1), timedelta()], ids=["one-after-another", "all-at-once"])
def test_old_rows_go_in_batches_and_all_of_them(database: Database, step: timedelta) -> None:
    old = NOW - timedelta(days=90)
    for number in range(1, 13):
        answer(database, f"key-{number}", at=old + number * step)
        claims(database, number, at=old + number * step)
    answer(database, "young", at=NOW)
    claims(database, 100, at=NOW)

    batches: dict[str, list[int]] = {"idempotency": [], "inbox": []}
    for _ in range(4):
        with database.plumbing() as tx:
            batches["idempotency"].append(idempotency.prune(tx, before=NOW, most=5))
            batches["inbox"].append(inbox.prune(tx, before=NOW, most=5))

    # Those of one and the same moment go together: a batch has no end in the middle of them.
    expected = {timedelta(minutes=1): [5, 5, 2, 0], timedelta(): [12, 0, 0, 0]}[step]
    assert batches == {"idempotency": expected, "inbox": expected}
    assert known(database, ["key-12", "young"]) == ["young"]
    assert claims(database, 12, 100, at=NOW) == [12]


def test_the_log_is_kept_for_two_weeks_and_what_is_unread_for_two_months(
    housekeeping: Housekeeping, broker: Broker, bus_url: str
) -> None:
    send(broker, "read, old", "read, young", "unread, old", "unread, very old", "new")
    read(broker, 2)
    age(bus_url, 15, 13, 59, 61, 0)

    removed = housekeeping.run_once()["log"]

    assert removed == 2
    assert kept(bus_url) == ["read, young", "unread, old", "new"]
    assert housekeeping.run_once()["log"] == 0


def test_one_process_at_a_time_trims_the_log(housekeeping: Housekeeping, broker: Broker, bus_url: str) -> None:
    send(broker, "old")
    read(broker, 1)
    age(bus_url, 15)
    with psycopg.connect(bus_url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(hashtextextended('bus.trim', 0))")
        meanwhile = housekeeping.run_once()["log"]
    afterwards = housekeeping.run_once()["log"]

    assert (meanwhile, afterwards) == (0, 1)


def test_a_chore_that_fails_is_counted_and_keeps_none_of_the_others_waiting(
    database: Database, broker: Broker, clock: FixedClock
) -> None:
    def break_down() -> int:
        raise ConnectionError

    housekeeping = Housekeeping(database=database, broker=broker, clock=clock, chores={"broken": break_down})
    answer(database, "old", at=NOW - timedelta(days=2))

    removed = housekeeping.run_once()

    assert removed == {"idempotency": 1, "inbox": 0, "log": 0}
    assert metric("failures_total", chore="broken") == 1
    assert metric("last_success_timestamp_seconds", chore="idempotency") == NOW.timestamp()
    assert metric("last_success_timestamp_seconds", chore="broken") is None


def test_it_begins_by_itself_comes_again_and_stops_in_the_middle_of_a_long_chore(
    database: Database, broker: Broker, clock: FixedClock
) -> None:
    rounds = threading.Semaphore(0)
    is_endless = threading.Event()

    def count() -> int:
        rounds.release()
        return int(is_endless.is_set())

    housekeeping = Housekeeping(
        database=database,
        broker=broker,
        clock=clock,
        chores={"count": count},
        first_seconds=0.01,
        interval_seconds=0.01,
    )
    thread = threading.Thread(target=housekeeping.run)
    thread.start()
    for _ in range(3):
        assert rounds.acquire(timeout=20)
    is_endless.set()
    for _ in range(3):
        assert rounds.acquire(timeout=20)
    housekeeping.stop()
    thread.join(timeout=2)

    assert not thread.is_alive()


def test_one_that_waits_for_its_hour_stops_at_once(housekeeping: Housekeeping) -> None:
    worker = Threaded(housekeeping, name="housekeeping")
    worker.start()
    worker.stop()

    assert metric("last_success_timestamp_seconds", chore="log") == NOW.timestamp(), "a watchdog counts from the start"


def test_identity_forgets_what_expired_a_day_ago(worker: str, clock: FixedClock) -> None:
    with database_of("identity", worker=f"keeping_{worker}", extra_roles=("person", "signin")) as url:
        name = url.partition("?")[0].rpartition("/")[2]
        with psycopg.connect(with_parts(admin_url(), database=name), autocommit=True) as admin:
            for bucket, hours in ((b"old", 25), (b"young", 23)):
                admin.execute(
                    "INSERT INTO sign_in_attempt (bucket, failures, window_ends_at) VALUES (%s, 1, %s)",
                    [bucket, NOW - timedelta(hours=hours)],
                )
            database = Database(url, "identity", pool_size=2)
            deps = Deps(database, clock, uuid7, MasterSecret("a secret for tests " * 3), Passphrases())
            removed = [forget_expired(deps), forget_expired(deps)]
            database.close()
            left = admin.execute("SELECT bucket FROM sign_in_attempt").fetchall()

    assert removed == [1, 0]
    assert [bytes(bucket) for (bucket,) in left] == [b"young"]


def test_what_is_removed_is_counted(database: Database, housekeeping: Housekeeping) -> None:
    before = metric("removed_total", chore="idempotency") or 0
    answer(database, *(str(uuid4()) for _ in range(7)), at=NOW - timedelta(days=2))

    housekeeping.run_once()

    assert metric("removed_total", chore="idempotency") == before + 7
