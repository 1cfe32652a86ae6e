"""Runs the processes of the system: starts them, prefixes what they say, starts again what dies, ends them all.

honcho ends everything when one process ends, and keeps a Python process beside each; the promise that a killed service
comes back needs the opposite (docs/adr/0001-own-supervisor.md). One thread, one loop; standard library only.
"""

import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from deploy.local.up import state
from deploy.local.up.options import ROOT, Complaint

_COLOURS = ("36", "33", "32", "35", "34", "96", "93", "92", "95")
_TURN_SECONDS = 0.05
_LONG_LIFE_SECONDS = 10.0
_BACKOFF_SECONDS = (0.0, 0.5, 1.0, 2.0, 5.0)
_ATTEMPTS_TO_START = 3
_STOP_SECONDS = 12.0
_KEPT_LINES = 15
_PR_SET_PDEATHSIG = 1
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):  # noqa: N818 - not an error: the way out of whatever is being waited for
    """A person or the machine asked us to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One process to run. `account` is another system user to run as.

    `ready_url` answers 200 when it can work: `ready_answers` times in a row where several workers answer in turn.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready_url: str = ""
    ready_answers: int = 1
    account: str = ""
    stop_signal: signal.Signals = signal.SIGTERM


@dataclass(eq=False)
class _Child:
    """A program and the process that runs it now, if any."""

    program: Program
    colour: str
    process: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    failures: int = 0
    start_at: float = 0.0
    is_wanted: bool = True
    rest: bytes = b""
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=_KEPT_LINES))


class Supervisor:
    """The processes of one running system. `record` is a file that names them: `{"name": pid}`."""

    def __init__(self, *, record: Path) -> None:
        """Nothing runs yet."""
        self.has_started = False
        """Set once everything was ready: from then on a process that dies is started again for ever."""
        self._record = record
        self._children: list[_Child] = []
        self._selector = selectors.DefaultSelector()
        self._stop_asked = ""
        self._width = 12

    def obey_signals(self) -> None:
        """From here on SIGINT, SIGTERM and SIGHUP end the system, in order, instead of this process at once."""
        for number in _STOPPING:
            signal.signal(number, self._ask)

    def start(self, program: Program) -> None:
        """Start a program and keep it running."""
        child = _Child(program, _COLOURS[len(self._children) % len(_COLOURS)])
        self._children.append(child)
        self._spawn(child)

    def run(self, program: Program, *, seconds: float) -> None:
        """Run a program to its end while the others go on; raise Complaint when it fails or takes longer."""
        child = _Child(program, "90", is_wanted=False)
        self._children.append(child)
        self._spawn(child)
        process = child.process
        assert process is not None
        self.until(lambda: child.process is None, seconds=seconds, waiting_for=program.name)
        self._children.remove(child)
        if process.returncode != 0:
            last = next((line for line in reversed(child.lines) if line.strip()), "it said nothing")
            raise Complaint(f"{program.name}: {last}")

    def until(self, is_done: Callable[[], bool], *, seconds: float, waiting_for: str) -> None:
        """Go on until `is_done`; raise Complaint after `seconds`, Stopped when asked to end."""
        deadline = time.monotonic() + seconds
        while not is_done():
            self.turn()
            if time.monotonic() > deadline:
                raise Complaint(f"{waiting_for} did not get ready in {seconds:.0f} s: see its lines above")

    def turn(self) -> None:
        """One round: pass on what was said, notice who died, start again who is due. Raises Stopped when asked."""
        if self._stop_asked:
            raise Stopped(self._stop_asked)
        self._listen(_TURN_SECONDS)
        now = time.monotonic()
        for child in self._children:
            if child.process is not None and child.process.poll() is not None:
                self._bury(child)
            if child.process is None and child.is_wanted and now >= child.start_at:
                self._spawn(child)

    def stop(self) -> None:
        """End every process, those started last first, and the first one (the database) when all others are gone."""
        for child in self._children:
            child.is_wanted = False
        for group in (self._children[1:], self._children[:1]):
            self._end(group)
        self._record.unlink(missing_ok=True)

    def processes(self) -> dict[str, int]:
        """The processes that run now, by name."""
        return {child.program.name: child.process.pid for child in self._children if child.process is not None}

    def say(self, text: str = "") -> None:
        """A line of our own."""
        self._print("ascms", "1", text)

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        self._stop_asked = signal.Signals(number).name

    def _spawn(self, child: _Child) -> None:
        program = child.program
        child.process = subprocess.Popen(
            program.command,
            cwd="/" if program.account else ROOT,
            env=environment_of(program),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # A session of its own: Ctrl-C reaches only us, and whatever it starts can be ended with it.
            start_new_session=True,
            preexec_fn=_DieWithParent(program.stop_signal, os.getpid()),  # noqa: PLW1509 - this process has one thread
            user=program.account or None,
            group=program.account or None,
            extra_groups=[] if program.account else None,
        )
        child.began = time.monotonic()
        child.rest = b""
        assert child.process.stdout is not None
        os.set_blocking(child.process.stdout.fileno(), False)
        self._selector.register(child.process.stdout, selectors.EVENT_READ, child)
        state.write_json(self._record, self.processes())

    def _bury(self, child: _Child) -> None:
        process = child.process
        assert process is not None
        assert process.stdout is not None
        _signal_group(process.pid, signal.SIGKILL)  # What it had started itself must not go on without it.
        self._read(child)
        if child.rest:
            self._pass_on(child, b"\n")
        with contextlib.suppress(KeyError):
            self._selector.unregister(process.stdout)
        process.stdout.close()
        child.process = None
        if not child.is_wanted:
            return
        lived = time.monotonic() - child.began
        child.failures = 1 if lived > _LONG_LIFE_SECONDS else child.failures + 1
        if not self.has_started and child.failures >= _ATTEMPTS_TO_START:
            last = next((line for line in reversed(child.lines) if line.strip()), "it said nothing")
            raise Complaint(f"{child.program.name} does not start: {last}")
        delay = _BACKOFF_SECONDS[min(child.failures, len(_BACKOFF_SECONDS)) - 1]
        child.start_at = time.monotonic() + delay
        self.say(f"{child.program.name} ended ({_describe(process.returncode)}); starting it again in {delay:g} s")

    def _end(self, children: Sequence[_Child]) -> None:
        deadline = time.monotonic() + _STOP_SECONDS
        for child in reversed(children):
            if child.process is not None:
                # To the process alone: it ends its own children in order.
                with contextlib.suppress(ProcessLookupError):
                    child.process.send_signal(child.program.stop_signal)
        while any(child.process is not None for child in children):
            self._listen(_TURN_SECONDS)
            for child in children:
                if child.process is None:
                    continue
                if child.process.poll() is None and time.monotonic() > deadline:
                    self.say(f"{child.program.name} does not end; killing it")
                    _signal_group(child.process.pid, signal.SIGKILL)
                    child.process.wait()
                if child.process.poll() is not None:
                    self._bury(child)

    def _listen(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            self._read(key.data)

    def _read(self, child: _Child) -> None:
        assert child.process is not None
        assert child.process.stdout is not None
        while True:
            try:
                chunk = os.read(child.process.stdout.fileno(), 65_536)
            except BlockingIOError:
                return
            if not chunk:
                # Closed, and the process may live on: an end of file would wake every select from here on.
                with contextlib.suppress(KeyError):
                    self._selector.unregister(child.process.stdout)
                return
            self._pass_on(child, chunk)

    def _pass_on(self, child: _Child, chunk: bytes) -> None:
        *lines, child.rest = (child.rest + chunk).split(b"\n")
        for line in lines:
            text = line.decode("utf-8", "replace")
            child.lines.append(text)
            self._print(child.program.name, child.colour, text)

    def _print(self, name: str, colour: str, text: str) -> None:
        prefix = f"{name:<{self._width}} |"
        if sys.stdout.isatty():
            prefix = f"\033[{colour}m{prefix}\033[0m"
        with contextlib.suppress(OSError, ValueError):
            print(prefix, text, flush=True)


class _DieWithParent:
    """Run in a child before its program: the kernel ends it when we are gone, however we went (Linux)."""

    def __init__(self, number: signal.Signals, parent: int) -> None:
        self._number = number
        self._parent = parent
        self._libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def __call__(self) -> None:
        if self._libc is not None:
            self._libc.prctl(_PR_SET_PDEATHSIG, int(self._number))
            if os.getppid() != self._parent:
                os._exit(1)


def environment_of(program: Program) -> dict[str, str]:
    """What a program is started with: all of ours but what others were told, and what it is told."""
    if program.account:
        return {"PATH": os.environ.get("PATH", ""), **program.environment}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ASCMS_")}
    return {**inherited, "PYTHONUNBUFFERED": "1", **program.environment}


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _describe(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"status {status}"
