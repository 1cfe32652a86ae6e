"""The supervisor with small real programs: what dies comes back, what fails is named, nothing is left behind."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local.up import memory
from deploy.local.up.options import ROOT, Complaint
from deploy.local.up.supervisor import Program, Supervisor

SLEEP = "import time; time.sleep(600)"
PATIENCE_SECONDS = 20.0


def python(name: str, code: str) -> Program:
    return Program(name=name, command=(sys.executable, "-c", code))


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False


def until(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not look():
        assert time.monotonic() < deadline, "waited in vain"


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    made = Supervisor(record=tmp_path / "processes.json")
    yield made
    made.stop()


def test_a_killed_process_is_started_again(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(python("sleeper", SLEEP))
    first = supervisor.processes()["sleeper"]
    os.kill(first, signal.SIGKILL)
    supervisor.until(lambda: supervisor.processes().get("sleeper", first) != first, seconds=20, waiting_for="it")
    assert str(supervisor.processes()["sleeper"]) in (tmp_path / "processes.json").read_text()


def test_what_a_killed_process_had_started_ends_with_it(supervisor: Supervisor, tmp_path: Path) -> None:
    child = tmp_path / "child"
    code = (
        "import subprocess, sys, time, pathlib; "
        f"p = subprocess.Popen([sys.executable, '-c', {SLEEP!r}]); "
        f"pathlib.Path({str(child)!r}).write_text(str(p.pid)); time.sleep(600)"
    )
    supervisor.start(python("parent", code))
    supervisor.until(lambda: child.exists() and child.read_text() != "", seconds=20, waiting_for="the child")
    grandchild = int(child.read_text())
    os.kill(supervisor.processes()["parent"], signal.SIGKILL)
    supervisor.until(lambda: not is_running(grandchild), seconds=20, waiting_for="the child's end")


def test_a_program_that_cannot_start_is_named_with_its_last_words(supervisor: Supervisor) -> None:
    supervisor.start(python("broken", "import sys; sys.exit('no such setting')"))
    with pytest.raises(Complaint, match="broken does not start: no such setting"):
        supervisor.until(lambda: False, seconds=20, waiting_for="never")


def test_a_failed_step_is_named_with_its_last_words(supervisor: Supervisor) -> None:
    with pytest.raises(Complaint, match="migrate: it is broken"):
        supervisor.run(python("migrate", "import sys; sys.exit('it is broken')"), seconds=20)


def test_a_step_that_takes_too_long_is_named(supervisor: Supervisor) -> None:
    with pytest.raises(Complaint, match="slow"):
        supervisor.run(python("slow", SLEEP), seconds=0.2)


def test_lines_are_prefixed_by_name(supervisor: Supervisor, capfd: pytest.CaptureFixture[str]) -> None:
    supervisor.run(python("cases", "print('Māori'); print('no newline', end='')"), seconds=20)
    printed = capfd.readouterr().out.splitlines()
    assert [re.sub(" +", " ", line) for line in printed] == ["cases | Māori", "cases | no newline"]


def test_stopping_ends_everything_also_what_does_not_listen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.local.up.supervisor._STOP_SECONDS", 0.5)
    supervisor = Supervisor(record=tmp_path / "processes.json")
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    )
    supervisor.start(python("first", SLEEP))
    supervisor.start(python("deaf", deaf))
    pids = list(supervisor.processes().values())
    supervisor.turn()
    supervisor.stop()
    assert [pid for pid in pids if is_running(pid)] == []
    assert not (tmp_path / "processes.json").exists()


def test_nothing_outlives_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    record = tmp_path / "processes.json"
    code = (
        "import pathlib, sys\n"
        "from deploy.local.up.supervisor import Program, Supervisor\n"
        f"supervisor = Supervisor(record=pathlib.Path({str(record)!r}))\n"
        f"supervisor.start(Program(name='sleeper', command=(sys.executable, '-c', {SLEEP!r})))\n"
        "print(supervisor.processes()['sleeper'], flush=True)\n"
        "while True: supervisor.turn()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        sleeper = int(owner.stdout.readline())
        assert is_running(sleeper)
        owner.kill()
    until(lambda: not is_running(sleeper))


def test_memory_of_a_session_is_told() -> None:
    with subprocess.Popen([sys.executable, "-c", SLEEP], start_new_session=True) as process:
        alone = memory.pss_megabytes([], myself=os.getpid())
        together = memory.pss_megabytes([process.pid], myself=os.getpid())
        process.kill()
    assert alone is not None
    assert together is not None
    assert 1 < alone < together


def test_what_began_a_session_of_its_own_is_counted_too() -> None:
    starts_another = (
        f"import subprocess, sys; other = subprocess.Popen([sys.executable, '-c', {SLEEP!r}], start_new_session=True); "
        "print(other.pid, flush=True); other.wait()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", starts_another], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        other = int(process.stdout.readline())
        found = {int(folder.name) for folder in memory.family([process.pid])}
        os.kill(other, signal.SIGKILL)
    assert found == {process.pid, other}
