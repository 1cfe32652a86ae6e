"""Starting, ending, starting again: what people and supervisors of processes do to it."""

import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest
import requests

from deploy.story.cast import read_cast
from deploy.story.signin import Program
from tests.support.postgres import ROOT
from tests.support.system import System, members_of

UP = (sys.executable, str(ROOT / "deploy" / "local" / "up"))
PATIENCE_SECONDS = 30.0


def entry(system: System, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What `make up` runs, to its end."""
    return subprocess.run(
        [*UP, *arguments], cwd=ROOT, env=system.variables(), capture_output=True, text=True, check=False, timeout=90
    )


def gone(sessions: list[int]) -> list[int]:
    """Wait until nothing of these sessions is left; what still is."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (left := members_of(sessions)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


@pytest.mark.timeout(600)
@pytest.mark.skipif(shutil.which("make") is None, reason="MAKE is not here")
def test_however_it_ends_no_process_is_left_and_the_next_start_finds_its_data(own_system: System) -> None:
    """One system through all its lives: each begins with what the last one left, and ends in another way."""
    cut_off(own_system)
    own_system.start()
    organisations, migrations = _organisations(own_system), own_system.log.count("migrating identity")
    ends(own_system, signal.SIGTERM)

    own_system.start()
    assert own_system.log.count("migrating identity") == migrations
    assert _organisations(own_system) == organisations == 6
    ends(own_system, signal.SIGINT)
    assert not (own_system.state / "processes.json").exists()

    own_system.start()
    ends(own_system, signal.SIGHUP)

    own_system.start()
    ends(own_system, signal.SIGKILL, status=-signal.SIGKILL)

    own_system.start("make", "up", f"PYTHON={sys.executable}")
    assert _organisations(own_system) == organisations
    ends(own_system, signal.SIGTERM, status=None)


def cut_off(system: System) -> None:
    """A first start that is killed in its middle."""
    process = system.launch()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while "migrating" not in system.log:
        assert time.monotonic() < deadline, system.log
    process.kill()
    process.wait(10)


def ends(system: System, number: signal.Signals, *, status: int | None = 0) -> None:
    """It ends by a signal, with a status (make's own is nobody's business), and leaves no process."""
    sessions = list(system.processes().values())
    ended = system.end(number)
    assert status in {None, ended}
    assert gone(sessions) == []


def test_another_copy_is_named(system: System) -> None:
    done = entry(system)
    assert done.returncode == 1
    assert f"another copy is running at {system.base_url}" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_busy_port_is_named(own_system: System) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", own_system.port + 1))
        other.listen()
        done = entry(own_system)
    assert done.returncode == 1
    assert f"port {own_system.port + 1} is busy" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_half_made_state_folder_is_named(own_system: System) -> None:
    (own_system.state / "postgres").mkdir(parents=True)
    done = entry(own_system)
    assert done.returncode == 1
    assert "make clean-state" in done.stderr
    assert done.stderr.count("\n") == 1


def _organisations(system: System) -> int:
    """How many organisations the ministry's administrator sees, through the REST API."""
    admin = read_cast(system.state / "demo.json").one("ministry_admin")
    token = Program(system.demo["issuer"]).tokens_of(admin).access_token
    answer = requests.get(
        f"{system.base_url}/api/v1/organisations", headers={"Authorization": f"Bearer {token}"}, timeout=10
    )
    assert answer.status_code == 200, answer.text
    return len(answer.json()["organisations"])
