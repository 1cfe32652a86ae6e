"""Events on their way out of a service: relays that die, take over, meet gaps; a broker that is away."""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Self
from uuid import UUID, uuid4

import psycopg
import pytest
from google.protobuf.wrappers_pb2 import StringValue

import kit.relay
from kit import outbox
from kit.actor import system_actor
from kit.bus import Broker, BrokerUnavailableError, Producer, Record
from kit.bus.postgres import PostgresBatchProducer, PostgresBroker
from kit.db import Database, Query
from kit.ids import uuid7
from kit.outbox import Event
from kit.relay import Relay
from kit.service import Threaded
from tests.faults.history import Judge, chance, count, first_of_each, on_the_bus, values_by_key
from tests.support.plumbing import NOW, SERVICE, TOPIC, tell
from tests.support.postgres import ROOT
from tests.support.waiting import until

# A relay that remembers how far it has come, as many are: it steps over what commits later with a smaller id.
_FETCH_BEHIND_A_CURSOR = Query(
    "SELECT * FROM outbox WHERE id > coalesce(nullif(current_setting('probe.reached', true), ''), '0')::bigint"
    " ORDER BY id LIMIT %(most)s",
    {},
)
_MOVE_CURSOR = Query("SELECT set_config('probe.reached', (SELECT max(id) FROM unnest(%(ids)s) id)::text, false)", {})


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


class Writers:
    """Commands that tell events of their keys, turn by turn, until they are stopped."""

    def __init__(self, database: Database, *, keys: int, pause_seconds: float) -> None:
        self.told: dict[str, list[str]] = {str(uuid4()): [] for _ in range(keys)}
        self._database, self._pause_seconds = database, pause_seconds
        self._enough = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=[key]) for key in self.told]

    def _write(self, key: str) -> None:
        tenant = uuid4()
        while not self._enough.is_set():
            value = f"{len(self.told[key]):06}"
            tell(self._database, tenant, key=UUID(key), values=[value])
            self.told[key].append(value)
            self._enough.wait(self._pause_seconds)

    @property
    def total(self) -> int:
        """How many events were told."""
        return sum(map(len, self.told.values()))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join()


def until_empty(database: Database) -> None:
    def look() -> bool | None:
        with database.plumbing() as tx:
            return tx.value(Query("SELECT count(*) FROM outbox", {})) == 0 or None

    until(look, "the outbox is empty", seconds=60)


def test_3_a_relay_killed_again_and_again(
    judge: Judge, database: Database, database_url: str, broker: Broker, bus_url: str
) -> None:
    """Control: a broker that acknowledges what it has not stored yet."""
    kills = judge.size(3, 50)
    with psycopg.connect(bus_url, autocommit=True) as bus, Writers(database, keys=3, pause_seconds=0.01) as writers:
        for _ in range(kills):
            before = count(bus, "bus.record")
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "tests.faults.dying_relay",
                    database_url,
                    bus_url,
                    "" if judge.holds else "early",
                ],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'proto' / 'gen'}"},
            )
            # As soon as it has sent something it dies, at whatever point it has reached.
            until(lambda: count(bus, "bus.record") > before or None, "the relay works", seconds=60)  # noqa: B023
            process.kill()
            process.wait()
    with running(database, broker):
        until_empty(database)
    with psycopg.connect(bus_url) as bus:
        sent = on_the_bus(bus)
    judge.say(f"{kills} kills, {writers.total} events, {len(sent)} records")
    judge.expect_once_in_order("events", first_of_each(values_by_key(sent)), writers.told)
    judge.decide()


def test_4_commands_that_commit_late_or_never(
    judge: Judge,
    database: Database,
    broker: Broker,
    bus_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Control: a relay that remembers the last id, and asks for what lies behind it."""
    if not judge.holds:
        monkeypatch.setattr(kit.relay, "_FETCH", _FETCH_BEHIND_A_CURSOR)
        monkeypatch.setattr(kit.relay, "_DELETE", _MOVE_CURSOR)
    turns, never = judge.size(40, 2_000), set[str]()
    told: dict[str, list[str]] = {str(uuid4()): [] for _ in range(5)}

    def write(key: str) -> None:
        luck, tenant = chance(list(told).index(key)), uuid4()
        for turn in range(turns):
            value = f"{turn:06}"
            is_rolled_back = luck.random() < 0.2
            with contextlib.suppress(ZeroDivisionError), database.tenant(system_actor(SERVICE, tenant)) as tx:
                outbox.append(tx, Event(UUID(key), StringValue(value=value)), now=NOW)
                tx.flush()  # Its id is taken; others take theirs and commit meanwhile.
                time.sleep(luck.choice([0, 0, 0.001, 0.02]))
                if is_rolled_back:
                    never.add(f"{key} {value}")
                    raise ZeroDivisionError
            if not is_rolled_back:
                told[key].append(value)

    with running(database, broker):
        threads = [threading.Thread(target=write, args=[key]) for key in told]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        last = tell(database, uuid4(), key=uuid7(), values=["last"])
        with psycopg.connect(bus_url, autocommit=True) as bus:
            until(lambda: ("last" in [value for _, value in on_the_bus(bus)]) or None, "the last event", seconds=60)
            sent = on_the_bus(bus)
    judge.say(f"{last} ids taken, {len(never)} commands rolled back, {len(sent)} records")
    judge.expect_once_in_order("events", values_by_key(sent), told)
    judge.decide()


class Watch:
    """Counts the batches in which a relay sends what was sent before."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self.repeats = 0


class WatchedProducer(PostgresBatchProducer):
    def __init__(self, watch: Watch, broker: PostgresBroker) -> None:
        super().__init__(broker=broker)
        self._watch = watch

    def send_batch(self, records: Sequence[Record]) -> None:
        super().send_batch(records)
        values = {record.value for record in records}
        self._watch.repeats += bool(values & self._watch.seen)
        self._watch.seen |= values


class WatchedBroker(PostgresBroker):
    def producer(self) -> Producer:
        return WatchedProducer(WATCHES[self.url], self)


WATCHES: dict[str, Watch] = {}
"""By the address of the broker, for a broker itself is frozen."""


def test_5_two_relays_and_one_lead(
    judge: Judge,
    database: Database,
    broker: Broker,
    bus_url: str,
    admin: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The leader's connection is ended again and again. Control: nobody asks for the lead."""
    if not judge.holds:
        monkeypatch.setattr(kit.relay, "_LEAD", "SELECT true")
    takeovers, slowest, watched, watch = (
        judge.size(3, 60),
        0.0,
        WatchedBroker(bus_url),
        WATCHES.setdefault(bus_url, Watch()),
    )
    with Writers(database, keys=3, pause_seconds=0.005) as writers:  # noqa: SIM117 - they outlive the two
        with running(database, watched) as first, running(database, watched) as second:
            for _ in range(takeovers):
                until(lambda: first.status.is_leader or second.status.is_leader or None, "one of them leads")
                before = _leaders(admin)
                admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'probe relay'"
                    " AND pid = ANY (%s) AND datname = %s",
                    [list(before), database.url.partition("?")[0].rpartition("/")[2]],
                )
                began, seen = time.monotonic(), len(watch.seen)
                until(lambda: len(watch.seen) > seen or None, "events flow again")  # noqa: B023
                slowest = max(slowest, time.monotonic() - began)
    with running(database, watched):
        until_empty(database)
    with psycopg.connect(bus_url) as bus:
        sent = on_the_bus(bus)
    judge.say(f"{takeovers} takeovers, {writers.total} events, {len(sent)} records, {watch.repeats} batches sent twice")
    judge.expect_once_in_order("events", first_of_each(values_by_key(sent)), writers.told)
    judge.expect_that("no more batches are sent twice than there were takeovers", is_so=watch.repeats <= takeovers)
    judge.expect_time("the slowest takeover", slowest, at_most=2.0)
    judge.decide()


def _leaders(admin: psycopg.Connection) -> set[int]:
    """The servers' processes that hold the lead of any relay."""
    rows = admin.execute("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted").fetchall()
    return {pid for (pid,) in rows}


def test_6_a_broker_that_is_away(
    judge: Judge,
    database: Database,
    broker: Broker,
    bus_name: str,
    bus_url: str,
    admin: psycopg.Connection,
) -> None:
    """Commands go on, and the backlog drains by itself. Control: commands that tell the broker themselves."""
    away_seconds, keys, done, refused = judge.size(2, 60), [uuid4() for _ in range(4)], 0, 0
    tenant, values = uuid4(), [f"{number:03}" for number in range(25)]
    wanted: dict[str, list[str]] = {str(key): [] for key in keys}
    direct = broker.producer()
    with running(database, broker) as relay:
        tell(database, tenant, key=keys[0], values=["before"])
        wanted[str(keys[0])].append("before")
        until_empty(database)
        admin.execute(f"ALTER DATABASE {bus_name} ALLOW_CONNECTIONS false")
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [bus_name])
        ends = time.monotonic() + away_seconds
        while time.monotonic() < ends:
            key, turn = keys[done % len(keys)], [f"{done} {value}" for value in values]
            try:
                if not judge.holds:
                    direct.send_batch([Record(TOPIC, str(key), b"")])
                tell(database, tenant, key=key, values=turn)
                wanted[str(key)] += turn
                done += 1
            except BrokerUnavailableError:
                refused += 1
        if judge.holds:
            until(lambda: relay.status.fault or None, "the relay says that it waits")
        admin.execute(f"ALTER DATABASE {bus_name} ALLOW_CONNECTIONS true")
        until(lambda: relay.is_ready() or None, "the relay is well again", seconds=60)
        began = time.monotonic()
        backlog = count_of_outbox(database)
        until_empty(database)
        seconds = time.monotonic() - began
    with psycopg.connect(bus_url) as bus:
        sent = on_the_bus(bus)
    judge.say(
        f"{away_seconds} s away, {done} commands, {refused} refused, {len(sent)} events,"
        f" {backlog / seconds:.0f} events/s at the end"
    )
    judge.expect_that("at least 99.9 % of the commands are done", is_so=done >= 0.999 * (done + refused))
    judge.expect_once_in_order("events", first_of_each(values_by_key(sent)), wanted)
    if judge.is_long:
        judge.expect_that("the backlog drains at 2,000 events a second or more", is_so=backlog / seconds >= 2_000)
    judge.decide()


def count_of_outbox(database: Database) -> int:
    with database.plumbing() as tx:
        return int(tx.value(Query("SELECT count(*) FROM outbox", {})))
