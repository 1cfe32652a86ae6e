"""What every local server has in common: a cache, a state folder, a process that is started once and stopped cleanly.

A kind of server (Kafka, S3, …) says how its files are fetched, what its command line is and when it answers;
`Running` does the rest, the same for all: ports that are free and then kept, one process at a time (a file lock),
a record of the process that survives the starter, a wait for health, a stop that leaves nothing behind.
"""

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

_POLL_SECONDS = 0.1


class ServerError(Exception):
    """The server could not be fetched, started or stopped; the message is one line that says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How to run one server: the command line, what is added to the environment, and the facts others need.

    `account` is another system user to run as; empty for whoever starts it.
    """

    argv: tuple[str, ...]
    account: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)


class Kind(ABC):
    """One kind of server. `ports` names the ports it needs; the first is the one that clients use."""

    name: ClassVar[str]
    ports: ClassVar[tuple[str, ...]]
    health_seconds: ClassVar[float] = 60.0
    stop_seconds: ClassVar[float] = 30.0
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    @abstractmethod
    def is_fetched(self, *, cache: Path) -> bool:
        """Whether everything needed to start is in `cache` already."""

    @abstractmethod
    def fetch(self, *, cache: Path) -> None:
        """Bring what is needed into `cache`; does nothing when it is there. Raises `ServerError`."""

    @abstractmethod
    def prepare(self, *, cache: Path, folder: Path, ports: Mapping[str, int]) -> Launch:
        """Write configuration and data folders below `folder` (kept between starts) and say how to launch."""

    @abstractmethod
    def is_healthy(self, *, ports: Mapping[str, int]) -> bool:
        """Whether it answers a real request now. Returns within about a second."""


def log(message: str) -> None:
    """Progress for people goes to standard error, so that standard output stays one JSON document."""
    print(f"servers: {message}", file=sys.stderr, flush=True)


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def started_at(pid: int) -> str | None:
    """When the process `pid` began, in whatever unit the system gives; None when there is no such process.

    Together with the number it names a process for good: numbers are used again, after a reboot at the latest.
    """
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            after_name = stat.read_text().rpartition(")")[2].split()
        except OSError:
            return None
        state, started = after_name[0], after_name[19]
        return None if state in {"Z", "X"} else started
    answer = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return answer.stdout.strip() or None


class Running:
    """One server of a kind, with its state below `state/<kind>/`."""

    def __init__(self, *, kind: Kind, cache: Path, state: Path) -> None:
        """Does nothing yet. `cache` and `state` are absolute."""
        self.kind = kind
        self.cache = cache
        self.folder = state / kind.name
        self._record = self.folder / "process.json"
        self._log = self.folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        """The process, while we are its parent: it has to be reaped."""

    def start(self, *, ports: Mapping[str, int]) -> dict[str, Any]:
        """Start it, or find it started, and return its status once it is healthy.

        `ports` are wishes by name; what is not wished is what it had last time, else any free one.
        Raises `ServerError` when it cannot be fetched, ends early or does not answer in time.
        """
        self.kind.fetch(cache=self.cache)
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._locked():
            record = self._read()
            if record is not None and self._is_alive(record):
                if any(record["ports"][name] != port for name, port in ports.items()):
                    msg = f"{self.kind.name} is running on other ports already: {record['ports']}; stop it first"
                    raise ServerError(msg)
                self._wait_for_health(record)
                return self._status(record)
            chosen = self._choose_ports(ports, last=record["ports"] if record else {})
            launch = self.kind.prepare(cache=self.cache, folder=self.folder, ports=chosen)
            log(f"{self.kind.name}: starting on 127.0.0.1:{chosen[self.kind.ports[0]]}")
            with self._log.open("ab") as output:
                self._process = subprocess.Popen(
                    launch.argv,
                    # Another user may not be let into a folder of ours.
                    cwd="/" if launch.account else self.folder,
                    user=launch.account or None,
                    group=launch.account or None,
                    extra_groups=[] if launch.account else None,
                    env={**os.environ, **launch.environment},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            record = {
                "pid": self._process.pid,
                "started_at": started_at(self._process.pid),
                "ports": chosen,
                "facts": dict(launch.facts),
            }
            self._write(record)
            try:
                self._wait_for_health(record)
            except ServerError:
                self._end(record)
                raise
            return self._status(record)

    def stop(self, *, kill: bool = False) -> dict[str, Any]:
        """End it and return its status; data and ports are kept. `kill` ends it as a power cut would."""
        if not self.folder.exists():
            return self._status(None)
        with self._locked():
            record = self._read()
            if record is not None:
                self._end(record, kill=kill)
            return self._status(record)

    def status(self) -> dict[str, Any]:
        """What it is now: `{"name", "running", "healthy", "pid", "ports", "log", …facts}`."""
        return self._status(self._read())

    def watch(self, *, owner: int) -> None:
        """Stop the server as soon as the process `owner` is gone; return when the server has ended anyway."""
        began = started_at(owner)
        record = self._read()
        while record is not None and self._is_alive(record):
            if began is None or started_at(owner) != began:
                self.stop()
                return
            time.sleep(_POLL_SECONDS * 3)
            record = self._read()

    def _status(self, record: dict[str, Any] | None) -> dict[str, Any]:
        if record is None:
            return {"name": self.kind.name, "running": False, "healthy": False}
        running = self._is_alive(record)
        return {
            "name": self.kind.name,
            "running": running,
            "healthy": running and self.kind.is_healthy(ports=record["ports"]),
            "pid": record["pid"] if running else None,
            "ports": record["ports"],
            "log": str(self._log),
            **record["facts"],
        }

    def _choose_ports(self, wished: Mapping[str, int], *, last: Mapping[str, int]) -> dict[str, int]:
        chosen: dict[str, int] = {}
        for name in self.kind.ports:
            port = wished.get(name) or last.get(name) or free_port()
            with socket.socket() as probe:
                # As the servers do: a port that a closed connection still lingers on is not busy.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError as error:
                    msg = (
                        f"{self.kind.name}: port {port} ({name}) is busy; "
                        f"name another with --port, or remove {self.folder}"
                    )
                    raise ServerError(msg) from error
            chosen[name] = port
        return chosen

    def _wait_for_health(self, record: dict[str, Any]) -> None:
        deadline = time.monotonic() + self.kind.health_seconds
        while not self.kind.is_healthy(ports=record["ports"]):
            if not self._is_alive(record):
                msg = f"{self.kind.name} ended while starting; its log ends:\n{self._tail()}"
                raise ServerError(msg)
            if time.monotonic() > deadline:
                seconds = self.kind.health_seconds
                msg = f"{self.kind.name} did not answer in {seconds:.0f} s; its log ends:\n{self._tail()}"
                raise ServerError(msg)
            time.sleep(_POLL_SECONDS)

    def _end(self, record: dict[str, Any], *, kill: bool = False) -> None:
        """Ask it to end, wait, then insist. The whole process group goes, so that no child of it is left."""
        if self._is_alive(record):
            self._signal(record, signal.SIGKILL if kill else self.kind.stop_signal)
            deadline = time.monotonic() + self.kind.stop_seconds
            while self._is_alive(record):
                if time.monotonic() > deadline:
                    self._signal(record, signal.SIGKILL)
                    deadline = float("inf")
                time.sleep(_POLL_SECONDS / 2)
        if self._process is not None:
            self._process.wait()
            self._process = None

    @staticmethod
    def _signal(record: dict[str, Any], number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(record["pid"], number)

    @staticmethod
    def _is_alive(record: dict[str, Any]) -> bool:
        return record["started_at"] is not None and started_at(record["pid"]) == record["started_at"]

    def _read(self) -> dict[str, Any] | None:
        try:
            record: dict[str, Any] = json.loads(self._record.read_text())
        except FileNotFoundError:
            return None
        return record

    def _write(self, record: dict[str, Any]) -> None:
        partial = self._record.with_suffix(".partial")
        partial.write_text(json.dumps(record))
        partial.rename(self._record)

    def _tail(self) -> str:
        try:
            return "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])
        except OSError:
            return "(no log)"

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One starter or stopper at a time: several test workers may ask for the same server at once."""
        with (self.folder / "lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
