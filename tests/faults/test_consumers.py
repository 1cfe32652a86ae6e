"""Events on their way in: consumers that die, come and go, meet poison, are slow."""

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from ascms.common.v1.envelope_pb2 import Envelope
from google.protobuf.wrappers_pb2 import StringValue

from kit import inbox
from kit.bus import Broker, Consumer, Delivery, Record
from kit.bus.postgres import PostgresBroker, PostgresGroupConsumer
from kit.consumer import ConsumerLoop, Handler, Limits, replay_parked
from kit.db import Database, Transaction
from kit.migrations import with_parts
from kit.service import Threaded
from tests.faults.history import Judge, chance, effects_by_key
from tests.support import plumbing
from tests.support.plumbing import TOPIC, TYPE
from tests.support.postgres import ROOT, admin_url
from tests.support.waiting import until

GROUP = "probe.effects"
FAST = Limits(poll_seconds=0.2, retry_seconds=0.01, max_records=20)


def apply(tx: Transaction, envelope: Envelope, message: StringValue) -> None:
    plumbing.apply(tx, envelope.key, message.value)


@contextlib.contextmanager
def consuming(
    database: Database, broker: Broker, handler: Handler = apply, *, limits: Limits = FAST, name: str = GROUP
) -> Iterator[ConsumerLoop]:
    """A loop on a thread of its own."""
    loop = ConsumerLoop(
        name=name, topics=[TOPIC], handlers={TYPE: handler}, database=database, broker=broker, limits=limits
    )
    worker = Threaded(loop, name="consumer")
    worker.start()
    try:
        yield loop
    finally:
        worker.stop()


def send(broker: Broker, values: Mapping[str, Iterable[str]], *, tenant: UUID) -> None:
    """Events of several keys, by turns."""
    with broker.producer() as producer:
        for turn in zip(*values.values(), strict=True):
            envelopes = [event(key, value, tenant=tenant) for key, value in zip(values, turn, strict=True)]
            producer.send_batch([Record(TOPIC, each.key, each.SerializeToString()) for each in envelopes])


def event(key: str, value: str, *, tenant: UUID) -> Envelope:
    return Envelope(
        event_id=str(uuid4()),
        type=TYPE,
        source="elsewhere",
        tenant_id=str(tenant),
        key=key,
        position=1,
        payload=StringValue(value=value).SerializeToString(),
    )


@pytest.fixture
def effects(database_url: str) -> Iterator[psycopg.Connection]:
    """Where effects can be read, past every policy."""
    name = database_url.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(with_parts(admin_url(), database=name), autocommit=True) as connection:
        yield connection


def until_applied(effects: psycopg.Connection, number: int, *, seconds: float = 60.0) -> None:
    """Wait for effects; what is missing then is for the judge to tell."""
    ends = time.monotonic() + seconds
    while sum(map(len, effects_by_key(effects).values())) < number and time.monotonic() < ends:
        time.sleep(0.02)


def keys_of(number: int, turns: int) -> dict[str, list[str]]:
    return {f"key-{key}": [f"{turn:05}" for turn in range(turns)] for key in range(number)}


def test_7_a_consumer_killed_between_effect_and_offset(
    judge: Judge, database: Database, database_url: str, broker: Broker, bus_url: str,
    effects: psycopg.Connection,
) -> None:  # fmt: skip
    """Control: an inbox that remembers nothing."""
    kills = judge.size(3, 50)
    wanted = keys_of(4, kills + 5)
    send(broker, wanted, tenant=uuid4())
    for _ in range(kills):
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.faults.dying_consumer",
                database_url,
                bus_url,
                GROUP,
                "3",
                "" if judge.holds else "forgets",
            ],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'proto' / 'gen'}"},
            check=False,
            timeout=100,
        )
        judge.expect("how it ended", done.returncode, -signal.SIGKILL)
    total = sum(map(len, wanted.values()))
    with consuming(database, broker):
        until_applied(effects, total)
    judge.say(f"{kills} kills, {total} events")
    judge.expect_once_in_order("effects", effects_by_key(effects), wanted)
    judge.decide()


class DeafConsumer(PostgresGroupConsumer):
    """A member whose commits do not arrive, as of one that is shut out each time it commits."""

    def commit(self, deliveries: Iterable[Delivery]) -> None:
        pass


class StormyBroker(PostgresBroker):
    def consumer(self, *, group: str, topics: Any) -> Consumer:
        kind = DeafConsumer if next(_MEMBERS) % 2 else PostgresGroupConsumer
        return kind(broker=self, group=group, topics=topics)


_MEMBERS = itertools.count(1)
_MOST_MEMBERS = 4


def test_8_members_that_come_and_go(
    judge: Judge, database: Database, broker: Broker, bus_url: str, effects: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A storm of rebalances in which every second member's commits are lost. Control: an inbox without memory."""
    if not judge.holds:
        monkeypatch.setattr(inbox, "claim", lambda *_args, **_names: True)
    joins, luck, stormy = judge.size(6, 80), chance("storm"), StormyBroker(bus_url)
    wanted: dict[str, list[str]] = {f"key-{number}": [] for number in range(24)}
    tenant, enough = uuid4(), threading.Event()

    def write() -> None:
        turn = 0
        while not enough.is_set():
            send(broker, {key: [f"{turn:05}"] for key in wanted}, tenant=tenant)
            for values in wanted.values():
                values.append(f"{turn:05}")
            turn += 1
            enough.wait(0.01)

    def member(stack: contextlib.ExitStack) -> contextlib.ExitStack:
        """Joins the group, and is one of it once it has applied something."""
        applied: list[str] = []

        def handle(tx: Transaction, envelope: Envelope, message: StringValue) -> None:
            apply(tx, envelope, message)
            applied.append(message.value)

        own = stack.enter_context(contextlib.ExitStack())
        own.enter_context(consuming(database, stormy, handle))
        until(lambda: applied or None, "it has a share", seconds=60)
        return own

    writer = threading.Thread(target=write)
    writer.start()
    with contextlib.ExitStack() as stack:
        members = [member(stack)]
        for _ in range(joins):
            if len(members) == _MOST_MEMBERS or (len(members) > 1 and luck.random() < 0.5):
                members.pop(luck.randrange(len(members))).close()
            else:
                members.append(member(stack))
        enough.set()
        writer.join()
        total = sum(map(len, wanted.values()))
        until_applied(effects, total)
    judge.say(f"{joins} rebalances, {total} events")
    judge.expect_once_in_order("effects", effects_by_key(effects), wanted)
    judge.decide()


def test_9_poison(judge: Judge, database: Database, broker: Broker, effects: psycopg.Connection) -> None:
    """Parked, so that those behind go on, and replayed once mended. Control: a loop that never gives up."""
    luck, is_mended, tenant = chance("poison"), threading.Event(), uuid4()
    wanted = keys_of(10, judge.size(20, 500))
    places = [(key, value) for key, values in wanted.items() for value in values]
    poison = set(luck.sample(places, 6))

    def choke(tx: Transaction, envelope: Envelope, message: StringValue) -> None:
        if (envelope.key, message.value) in poison and not is_mended.is_set():
            raise LookupError
        apply(tx, envelope, message)

    limits = Limits(poll_seconds=0.2, retry_seconds=0.05, tries=3 if judge.holds else 500)
    send(broker, wanted, tenant=tenant)
    with consuming(database, broker, choke, limits=limits):
        began = time.monotonic()
        until_applied(effects, len(places) - len(poison), seconds=60 if judge.holds else 2)
        judge.expect_time("those behind the poison", time.monotonic() - began, at_most=10)
        healthy = {key: [v for v in values if (key, v) not in poison] for key, values in wanted.items()}
        judge.expect_once_in_order("effects before the mending", effects_by_key(effects), healthy)
        if judge.holds:
            is_mended.set()
            judge.expect(
                "replayed", replay_parked(broker, topic=TOPIC, group=GROUP, quiet_seconds=1.0).sent, len(poison)
            )
            until_applied(effects, len(places))
            found = {key: sorted(values) for key, values in effects_by_key(effects).items()}
            judge.expect_once_in_order("effects after the replay", found, wanted)
    judge.say(f"{len(places)} events, {len(poison)} of them poison")
    judge.decide()


def test_10_a_slow_consumer_holds_up_nobody_else(
    judge: Judge, database: Database, broker: Broker, effects: psycopg.Connection
) -> None:
    """Two groups, one slow beyond the time of its batches. Control: one loop for both."""
    wanted, tenant = keys_of(5, judge.size(16, 400)), uuid4()
    total, quick, slow_when_quick_was_done = sum(map(len, wanted.values())), [0], [0]

    def be_slow(tx: Transaction, envelope: Envelope, message: StringValue) -> None:
        time.sleep(0.01)
        apply(tx, envelope, message)
        if not judge.holds:
            be_quick(tx, envelope, message)

    def be_quick(_tx: Transaction, _envelope: Envelope, _message: StringValue) -> None:
        quick[0] += 1
        if quick[0] == total:
            slow_when_quick_was_done[0] = sum(map(len, effects_by_key(effects).values()))

    send(broker, wanted, tenant=tenant)
    limits = Limits(poll_seconds=0.2, batch_seconds=0.1)
    with contextlib.ExitStack() as stack:
        slow = stack.enter_context(consuming(database, broker, be_slow, limits=limits))
        if judge.holds:
            stack.enter_context(consuming(database, broker, be_quick, name="probe.quick"))
        until(lambda: quick[0] >= total or None, "the quick ones", seconds=60)
        judge.expect_that("the slow one is well", is_so=not slow.status.has_stopped_itself)
        until_applied(effects, total)
    judge.say(f"{total} events; the slow one had {slow_when_quick_was_done[0]} when the quick one was done")
    judge.expect_that("the quick one does not wait for the slow one", is_so=slow_when_quick_was_done[0] < 0.8 * total)
    judge.expect_once_in_order("effects", effects_by_key(effects), wanted)
    judge.decide()
