"""A service's process: build it, run its doors, stop it cleanly. `python -m services.cases [rpc|worker|all]`."""

import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from kit import log, tracing
from kit.config import ServiceSettings, SettingsError
from kit.db import Database
from kit.health import Readiness, serve_health
from kit.rpc.server import Server, ServerOptions, Servicer, serve
from kit.tokens import Verifier

_GRACE_SECONDS = 5.0
_CHECK_SECONDS = 2.0
_ROLES = ("rpc", "worker", "all")


class Worker(Protocol):
    """Something that runs beside the RPC server: relay, consumer loop, jobs, sweeps. Each has its own thread."""

    def start(self) -> None:
        """Begin, and return at once."""
        ...

    def stop(self) -> None:
        """Finish what is under way and return within a few seconds."""
        ...


class Running(Protocol):
    """Something with a loop: the relay, a consumer. `stop` makes `run` return soon and does not wait."""

    def run(self) -> None:
        """Work until stopped."""
        ...

    def stop(self) -> None:
        """Ask `run` to return."""
        ...


class Threaded:
    """A loop as a worker: on a thread of its own, awaited when stopped."""

    def __init__(self, loop: Running, *, name: str) -> None:
        """`name` is the thread's, for stack dumps."""
        self._loop = loop
        self._thread = threading.Thread(target=loop.run, name=name, daemon=True)

    def start(self) -> None:
        """Begin, and return at once."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the loop to end and wait for it."""
        self._loop.stop()
        self._thread.join(timeout=10)


@dataclass(frozen=True)
class Service:
    """What `app.build(settings)` returns: everything, constructed, nothing started."""

    name: str
    settings: ServiceSettings
    database: Database
    servicers: Sequence[Servicer]
    verifier: Verifier
    workers: Sequence[Worker] = ()
    checks: Mapping[str, Callable[[], bool]] = field(default_factory=dict)
    """What its calls need besides the database and the keys to verify tokens with: "files"."""
    worker_checks: Mapping[str, Callable[[], bool]] = field(default_factory=dict)
    """What its workers need besides the database: "relay", "consumer", "jobs". Calls are answered without them."""
    rpc_threads: int = 4


def main(name: str, build: Callable[[], Service]) -> None:
    """Run a service until SIGTERM or SIGINT; exits with 2 and one clear line where it cannot start."""
    role = sys.argv[1] if len(sys.argv) > 1 else "all"
    if role not in _ROLES:
        sys.exit(f"services.{name}: the role is one of {', '.join(_ROLES)}, not {role!r}")
    try:
        service = build()
    except SettingsError as error:
        print(f"services.{name}: wrong settings\n{error}", file=sys.stderr)  # noqa: T201 - before there is a log
        sys.exit(2)
    log.configure(service=name, level=service.settings.log_level)
    tracing.configure(service=name, ratio=service.settings.trace_ratio, file=service.settings.trace_file)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        run(service, role=role, stop=stop)
    except OSError as error:
        print(f"services.{name}: {error}", file=sys.stderr)  # noqa: T201 - for whoever started it by hand
        sys.exit(2)


def run(service: Service, *, role: str, stop: threading.Event) -> None:
    """Start the doors that `role` names, wait for `stop`, and end them in the reverse order."""
    readiness = readiness_of(service, role=role)
    health = serve_health(service.settings.health_address, readiness)
    server: Server | None = None
    if role in ("rpc", "all"):
        server = serve(
            address=service.settings.rpc_address,
            servicers=service.servicers,
            verifier=service.verifier,
            database=service.database,
            threads=service.rpc_threads,
            options=ServerOptions(
                share_port=service.settings.rpc_share_port, is_development=service.settings.is_development
            ),
        )
        server.set_ready(is_ready=False)
    workers = list(service.workers) if role in ("worker", "all") else []
    for worker in workers:
        worker.start()
    log.logger().info("started", role=role)
    while not stop.is_set():
        is_ready = readiness.is_ready()
        if server is not None:
            server.set_ready(is_ready=is_ready)
        stop.wait(_CHECK_SECONDS)
    if server is not None:
        server.stop(_GRACE_SECONDS)
    for worker in reversed(workers):
        worker.stop()
    health.shutdown()
    health.server_close()
    service.database.close()
    log.logger().info("stopped", role=role)


def readiness_of(service: Service, *, role: str) -> Readiness:
    """What a process in a role depends on.

    A door: the database, the keys, what its calls need besides. Workers: the database, and that they are at work,
    which they are not while the broker is away. In a process that is both, the workers' state is shown and no more:
    the broker's absence must not take the calls away, since events wait in the outbox.
    """
    database = {"database": service.database.is_ready}
    if role == "worker":
        return Readiness({**database, **service.worker_checks})
    doors = {**database, "keys": service.verifier.is_ready, **service.checks}
    return Readiness(doors, service.worker_checks if role == "all" else {})
