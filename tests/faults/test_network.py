"""A bad network between a service and what it stands on: late, reset, swallowed, a byte a second."""

import contextlib
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import psycopg
import pytest

from kit.actor import system_actor
from kit.bus import BrokerUnavailableError, Producer, open_broker
from kit.db import Database
from kit.errors import UnavailableError
from kit.relay import Relay
from tests.faults.history import Judge
from tests.faults.test_consumers import consuming
from tests.faults.test_relay import running
from tests.support.plumbing import SERVICE, apply, effects, tell
from tests.support.postgres import admin_url
from tests.support.proxy import Fault, Proxy, postgres_proxy
from tests.support.waiting import until

FAULTS = [Fault.LATENCY, Fault.RESET, Fault.BLACK_HOLE, Fault.DRIP]


@pytest.fixture
def proxy() -> Iterator[tuple[Proxy, str]]:
    """Before the test server; the proxy and the folder to name as its host."""
    sockets = parse_qs(urlsplit(admin_url()).query)["host"][0]
    with tempfile.TemporaryDirectory(prefix="ascms-proxy-") as folder, postgres_proxy(sockets, Path(folder)) as made:
        yield made, folder


def by_way_of(folder: str, url: str) -> str:
    """The same database, through the proxy."""
    return url.replace(parse_qs(urlsplit(url).query)["host"][0], folder)


def test_16_between_a_service_and_its_database(
    judge: Judge, database: Database, database_url: str, proxy: tuple[Proxy, str]
) -> None:
    """Each command is done or not, and all is well once the network is. Control: a command in two transactions."""
    network, folder = proxy
    actor = system_actor(SERVICE, uuid4())
    attempts, failed = 0, 0
    with contextlib.closing(Database(by_way_of(folder, database_url), SERVICE, pool_size=2)) as far:

        def command() -> None:
            with far.tenant(actor) as tx:
                apply(tx, "key", f"{attempts} first")
                if judge.holds:
                    apply(tx, "key", f"{attempts} second")
            if not judge.holds:
                network.fault = Fault.RESET
                with far.tenant(actor) as tx:
                    apply(tx, "key", f"{attempts} second")

        for fault in FAULTS * judge.size(1, 10):
            command() if judge.holds else None
            network.fault = fault
            attempts += 1
            mending = Mending(network, after_seconds=0.5)
            try:
                command()
            except (psycopg.Error, UnavailableError):
                failed += 1
            mending.join()
            network.mend()
            began = time.monotonic()
            until(lambda: far.is_ready() or None, "the service is ready")
            judge.expect_time(f"ready after {fault.value}", time.monotonic() - began, at_most=3)
            attempts += 1
    found = effects(database, actor.tenant_id)
    firsts = {value.split()[0] for value in found if "first" in value}
    seconds = {value.split()[0] for value in found if "second" in value}
    judge.say(f"{attempts} commands, {failed} of them failed")
    judge.expect("commands half done", firsts ^ seconds, set())
    judge.decide()


def test_16_between_a_service_and_its_broker(
    judge: Judge, database: Database, bus_url: str, proxy: tuple[Proxy, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Events arrive once and in order, whatever happens on their way. Control: an error is taken for an answer."""
    if not judge.holds:
        send = Relay._send

        def careless(self: Relay, producer: Producer, rows: Sequence[Any]) -> None:
            with contextlib.suppress(BrokerUnavailableError):
                send(self, producer, rows)

        monkeypatch.setattr(Relay, "_send", careless)
    network, folder = proxy
    tenant, key = uuid4(), uuid4()
    far = open_broker(by_way_of(folder, bus_url))
    far.ensure_topics(["ascms.probe.v1"], partitions=3)
    wanted: list[str] = []
    with running(database, far), consuming(database, far):
        for fault in [Fault.NONE, *FAULTS * judge.size(1, 10)]:
            network.fault = fault
            mending = Mending(network, after_seconds=1.0)
            for _ in range(20):
                wanted.append(f"{len(wanted):05}")
                tell(database, tenant, key=key, values=wanted[-1:])
            mending.join()
            began = time.monotonic()
            patience = 60 if judge.holds else 3
            while len(effects(database, tenant)) < len(wanted) and time.monotonic() < began + patience:
                time.sleep(0.02)
            judge.expect_time(f"all there after {fault.value}", time.monotonic() - began, at_most=10)
    judge.say(f"{len(wanted)} events, {len(FAULTS)} faults")
    judge.expect_once_in_order("effects", {str(key): effects(database, tenant)}, {str(key): wanted})
    judge.decide()


class Mending:
    """The network is mended a little later, whoever waits."""

    def __init__(self, network: Proxy, *, after_seconds: float) -> None:
        self._timer = threading.Timer(after_seconds, network.mend)
        self._timer.start()

    def join(self) -> None:
        self._timer.join()
