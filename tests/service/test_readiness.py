"""Readiness follows what a process needs: each service as its own `app.build` makes it, its dependencies taken away."""

import contextlib
import importlib
import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import psycopg
import pytest
from ascms.identity.v1 import identity_pb2
from google.protobuf.wrappers_pb2 import StringValue
from grpc_health.v1 import health_pb2, health_pb2_grpc

from kit import outbox
from kit.actor import system_actor
from kit.db import Database
from kit.housekeeping import Housekeeping
from kit.migrations import with_parts
from kit.outbox import Event
from kit.rpc.server import serve
from kit.service import Service, Threaded, run
from tests.support import postgres
from tests.support.postgres import admin_url, database_of
from tests.support.services import services_with_tables
from tests.support.stubs import Stub
from tests.support.tokens import public_keys, verifier
from tests.support.waiting import until

NAMES = ("cases", "documents", "identity", "notifications", "reporting")
DOORS = {name: {"database", "keys"} for name in NAMES} | {"documents": {"database", "keys", "files"}}
WORKERS = {
    "cases": {"consumer", "relay"},
    "documents": {"consumer", "jobs", "relay"},
    "identity": {"relay"},
    "notifications": {"consumer", "jobs"},
    "reporting": {"consumer", "relay"},
}
OK, UNAVAILABLE = 200, 503
SERVING = health_pb2.HealthCheckResponse.SERVING


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Process:
    """A service that runs on threads of this process."""

    service: Service
    rpc_port: int
    health_port: int

    def ready(self) -> tuple[int, dict[str, bool]]:
        """Status and checks of /health/ready."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.health_port}/health/ready", timeout=20) as answer:
                return answer.status, json.load(answer)["checks"]
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, json.load(answer)["checks"]

    def is_alive(self) -> bool:
        """Whether /health/live answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.health_port}/health/live", timeout=20) as answer:
                return bool(answer.status == OK)
        except urllib.error.URLError:
            return False

    def is_serving(self) -> bool:
        """What gRPC health says."""
        with grpc.insecure_channel(f"127.0.0.1:{self.rpc_port}") as channel:
            request = health_pb2.HealthCheckRequest()
            answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=10, wait_for_ready=True)
        return bool(answer.status == SERVING)

    def until_serving(self, *, expected: bool) -> None:
        until(lambda: self.is_serving() is expected or None, f"serving: {expected}")

    def until_ready(self, status: int) -> dict[str, bool]:
        def look() -> dict[str, bool] | None:
            answer, checks = self.ready()
            return checks if answer == status else None

        return until(look, f"/health/ready answers {status}")


@dataclass(frozen=True)
class Place:
    """A database that can be made to refuse connections."""

    url: str

    def refuse(self) -> None:
        self._as_admin("ALTER DATABASE {} ALLOW_CONNECTIONS false")
        with psycopg.connect(admin_url(), autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [self._name])

    def admit(self) -> None:
        self._as_admin("ALTER DATABASE {} ALLOW_CONNECTIONS true")

    @property
    def _name(self) -> str:
        return self.url.partition("?")[0].rpartition("/")[2]

    def _as_admin(self, statement: str) -> None:
        with psycopg.connect(admin_url(), autocommit=True) as admin:
            admin.execute(statement.format(self._name))


Start = Callable[..., Process]


@pytest.fixture
def bus(worker: str) -> Iterator[Place]:
    with postgres.bus_database(f"ready_bus_{worker}") as name:
        yield Place(with_parts(admin_url(), database=name))


@pytest.fixture
def place_of(worker: str) -> Iterator[Callable[[str], Place]]:
    """The database of a service."""
    extra_roles = {each.name: each.extra_roles for each in services_with_tables()}
    with contextlib.ExitStack() as stack:

        def make(name: str) -> Place:
            url = database_of(name, worker=f"ready_{worker}", extra_roles=extra_roles[name])
            return Place(stack.enter_context(url))

        yield make


@contextlib.contextmanager
def identity_at(port: int) -> Iterator[None]:
    """An identity that publishes the tests' keys."""
    stub = Stub("identity")
    stub.on("GetSigningKeys", identity_pb2.GetSigningKeysResponse(jwks=json.dumps(public_keys())))
    server = serve(address=f"127.0.0.1:{port}", servicers=[stub.servicer()], verifier=verifier())
    try:
        yield
    finally:
        server.stop(0)


@pytest.fixture
def identity_address() -> Iterator[str]:
    port = free_port()
    with identity_at(port):
        yield f"127.0.0.1:{port}"


@pytest.fixture
def start(bus: Place, identity_address: str, tmp_path: Path) -> Iterator[Start]:
    """`start("cases", place, role="all")`: a service as its own `app.build` makes it, stopped at the end."""
    with contextlib.ExitStack() as stack:

        def begin(name: str, place: Place, *, role: str = "all", identity: str = "") -> Process:
            app: Any = importlib.import_module(f"services.{name}.app")
            rpc_port, health_port = free_port(), free_port()
            values = {
                "database_url": place.url,
                "broker_url": bus.url,
                "rpc_address": f"127.0.0.1:{rpc_port}",
                "health_address": f"127.0.0.1:{health_port}",
                "identity_address": identity or identity_address,
                **own_settings(name, tmp_path),
            }
            service: Service = app.build(app.Settings(**values))
            stop = threading.Event()
            thread = threading.Thread(target=run, args=(service,), kwargs={"role": role, "stop": stop})
            stack.callback(thread.join, 20)
            stack.callback(stop.set)
            thread.start()
            process = Process(service, rpc_port, health_port)
            until(lambda: process.is_alive() or None, "/health/live answers")
            return process

        yield begin


def own_settings(name: str, folder: Path) -> Mapping[str, str]:
    settings: dict[str, dict[str, str]] = {
        "cases": {"student_hash_key": "a key for tests, thirty-two bytes"},
        "documents": {"store_url": f"folder://{folder}/files", "cases_address": "127.0.0.1:1"},
        "identity": {"secret": "a secret for tests " * 3, "service_secret": "another for tests " * 3},
        "notifications": {
            "mail_url": f"folder://{folder}/mails",
            "mail_from": "attendance@example.nz",
            "public_url": "http://localhost",
            "sign_in_url": "http://localhost",
        },
        "reporting": {},
    }
    return settings[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_service_is_ready_when_what_it_needs_is_there(
    name: str, place_of: Callable[[str], Place], start: Start
) -> None:
    process = start(name, place_of(name))

    process.until_ready(OK)
    process.until_serving(expected=True)
    checks = until(lambda: every(process.ready()[1]), "its workers are at work, too")

    assert set(checks) == DOORS[name] | WORKERS[name]
    loops = [worker._loop for worker in process.service.workers if isinstance(worker, Threaded)]
    assert sum(isinstance(loop, Housekeeping) for loop in loops) == 1


def every(checks: dict[str, bool]) -> dict[str, bool] | None:
    return checks if all(checks.values()) else None


def only_without(name: str, checks: dict[str, bool]) -> dict[str, bool] | None:
    return checks if [each for each, is_well in checks.items() if not is_well] == [name] else None


def none_of(names: set[str], checks: dict[str, bool]) -> dict[str, bool] | None:
    return checks if not any(checks[name] for name in names) else None


@pytest.mark.parametrize("name", NAMES)
def test_each_role_asks_for_what_it_uses(name: str, place_of: Callable[[str], Place], start: Start) -> None:
    place = place_of(name)

    door = start(name, place, role="rpc").until_ready(OK)
    worker = start(name, place, role="worker").until_ready(OK)

    assert set(door) == DOORS[name]
    assert set(worker) == {"database"} | WORKERS[name]


def test_calls_are_refused_while_the_database_refuses_and_taken_again_afterwards(
    place_of: Callable[[str], Place], start: Start
) -> None:
    place = place_of("cases")
    process = start("cases", place)
    process.until_serving(expected=True)

    place.refuse()
    process.until_serving(expected=False)
    checks = process.until_ready(UNAVAILABLE)
    place.admit()
    process.until_serving(expected=True)

    assert checks["database"] is False
    process.until_ready(OK)


@pytest.mark.parametrize("name", ["cases", "reporting"])
def test_workers_say_that_they_wait_for_the_broker(
    name: str, place_of: Callable[[str], Place], bus: Place, start: Start
) -> None:
    place = place_of(name)
    process = start(name, place, role="worker")
    process.until_ready(OK)

    bus.refuse()
    tell(place.url, name)
    process.until_ready(UNAVAILABLE)
    until(lambda: none_of(WORKERS[name], process.ready()[1]), "every worker says that it waits")
    status, waiting = process.ready()
    bus.admit()
    process.until_ready(OK)

    assert status == UNAVAILABLE
    assert waiting == {"database": True, **dict.fromkeys(WORKERS[name], False)}


@pytest.mark.parametrize("name", ["cases", "reporting"])
def test_calls_are_answered_without_the_broker(
    name: str, place_of: Callable[[str], Place], bus: Place, start: Start
) -> None:
    place = place_of(name)
    process = start(name, place)
    process.until_serving(expected=True)

    bus.refuse()
    tell(place.url, name)
    until(lambda: none_of(WORKERS[name], process.ready()[1]), "the workers' state is shown")
    status, checks = process.ready()

    assert (status, process.is_serving()) == (OK, True)
    assert checks == {"database": True, "keys": True, **dict.fromkeys(WORKERS[name], False)}
    bus.admit()


def tell(url: str, service: str) -> None:
    """An event for the relay to send: with nothing to send it would not notice that the broker is away."""
    with contextlib.closing(Database(url, service)) as database, database.tenant(system_actor(service, uuid4())) as tx:
        outbox.append(tx, Event(uuid4(), StringValue(value="x")), now=datetime.now(UTC))


def test_documents_needs_its_object_store(place_of: Callable[[str], Place], start: Start, tmp_path: Path) -> None:
    process = start("documents", place_of("documents"))
    process.until_serving(expected=True)

    (tmp_path / "files").rename(tmp_path / "gone")
    process.until_serving(expected=False)
    process.until_ready(UNAVAILABLE)
    checks = until(lambda: only_without("files", process.ready()[1]), "the files are away, and nothing else")
    (tmp_path / "gone").rename(tmp_path / "files")
    process.until_serving(expected=True)

    assert checks == {"database": True, "keys": True, "files": False, **dict.fromkeys(WORKERS["documents"], True)}


def test_identity_is_needed_until_its_keys_are_known(place_of: Callable[[str], Place], start: Start) -> None:
    port = free_port()
    process = start("cases", place_of("cases"), identity=f"127.0.0.1:{port}")
    early = process.until_ready(UNAVAILABLE)
    is_serving_early = process.is_serving()
    with identity_at(port):
        process.until_serving(expected=True)
    checks = process.until_ready(OK)

    assert (early["keys"], is_serving_early) == (False, False)
    assert checks["keys"] is True, "they are kept: an identity that went away does no harm"
