"""The whole system as `make up` runs it, on free ports and in a state folder of its own."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.local.up import options, ports, processes
from deploy.local.up.options import Complaint
from tests.support.postgres import ROOT

READY_SECONDS = 180.0
STOP_SECONDS = 40.0
_FIRST_PORT, _LAST_PORT = 20_000, 31_000
_APART = 40
_WORKERS = 4


@dataclass(eq=False)
class System:
    """A system that runs, or ran, in `state`. Started by `start`; `log` is what it printed."""

    state: Path
    port: int
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        """The gateway's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """Everything it has printed so far, of all its lives."""
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    @property
    def demo(self) -> dict[str, Any]:
        """What it wrote down for scripts."""
        found: dict[str, Any] = json.loads((self.state / "demo.json").read_text(encoding="utf-8"))
        return found

    def launch(self, *command: str) -> subprocess.Popen[bytes]:
        """Begin, by its own entry or by `command`, and do not wait."""
        self.state.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as output:
            self.process = subprocess.Popen(
                command or (sys.executable, "-m", "deploy.local.up.run"),
                cwd=ROOT,
                env=self.variables(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self.process

    def start(self, *command: str) -> float:
        """Begin and wait until it answers; how many seconds that took."""
        began = time.monotonic()
        (self.state / "demo.json").unlink(missing_ok=True)  # Left by a life that was killed.
        process = self.launch(*command)
        while not (self.state / "demo.json").exists():
            assert process.poll() is None, f"it ended with {process.returncode}:\n{self.log[-4000:]}"
            assert time.monotonic() - began < READY_SECONDS, f"it did not get ready:\n{self.log[-4000:]}"
            time.sleep(0.05)
        assert ports.answers(f"{self.base_url}/health/ready"), self.log[-4000:]
        return time.monotonic() - began

    def variables(self) -> dict[str, str]:
        """The environment it is started with; scripts that drive it need the same."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("ASCMS_", "GRPC_"))}
        named = {"ASCMS_STATE": str(self.state), "ASCMS_PORT": str(self.port)}
        return {**inherited, **named, **self.environment}

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; its status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)

    def forget(self) -> None:
        """End it if it runs, and delete its data wherever they are."""
        if self.process is not None and self.process.poll() is None:
            self.end()
        self.script("deploy.local.up.cli", "clean-state", seconds=60)

    def processes(self) -> dict[str, int]:
        """Its processes by name."""
        found: dict[str, int] = json.loads((self.state / "processes.json").read_text(encoding="utf-8"))
        return found

    def script(self, module: str, *arguments: str, seconds: float = 300.0) -> subprocess.CompletedProcess[str]:
        """Run a script against it."""
        command = [sys.executable, "-m", module, *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.variables(), capture_output=True, text=True, check=False, timeout=seconds
        )

    @property
    def log_path(self) -> Path:
        """Where it prints."""
        return self.state.parent / f"{self.state.name}.log"


@contextlib.contextmanager
def running_system(folder: Path, *, environment: Mapping[str, str] | None = None) -> Iterator[System]:
    """A system that runs for the length of the block."""
    system = System(folder / "state", free_base_port(), environment=dict(environment or {}))
    try:
        system.start()
        yield system
    finally:
        system.forget()


def free_base_port() -> int:
    """A number whose ports, counted from it as the system does, are all free now."""
    # Workers that look at the same moment look at different numbers.
    first = _FIRST_PORT + _APART * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % _WORKERS)
    for _ in range(50):
        port = random.randrange(first, _LAST_PORT, _APART * _WORKERS)  # noqa: S311 - no secret
        wanted = options.Options(state=ROOT, port=port)
        with contextlib.suppress(Complaint):
            ports.require_free(processes.listening(wanted), patience_seconds=0)
            return port
    raise AssertionError("no free ports were found")


def members_of(sessions: list[int]) -> list[int]:
    """Every live process of these sessions: what a system started, and what that started in turn."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            after_name = (folder / "stat").read_text().rpartition(")")[2].split()
            if after_name[0] not in {"Z", "X"} and int(after_name[3]) in sessions:
                found.append(int(folder.name))
    return found
