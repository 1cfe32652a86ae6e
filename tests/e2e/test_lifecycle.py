"""Starting, ending, starting again: what people and supervisors of processes do to it."""

import os
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
def test_a_second_start_finds_its_data_and_ending_leaves_no_process(own_system: System) -> None:
    own_system.start()
    sessions = list(own_system.processes().values())
    organisations = _organisations(own_system)

    assert own_system.end(signal.SIGTERM) == 0
    assert gone(sessions) == []

    own_system.start()
    again = list(own_system.processes().values())
    assert _organisations(own_system) == organisations
    assert own_system.log.count("migrating identity") == 1

    assert own_system.end(signal.SIGINT) == 0
    assert gone(again) == []
    assert not (own_system.state / "processes.json").exists()


@pytest.mark.timeout(600)
def test_a_closed_terminal_and_a_killed_supervisor_leave_no_process(own_system: System) -> None:
    own_system.start()
    sessions = list(own_system.processes().values())
    assert own_system.end(signal.SIGHUP) == 0
    assert gone(sessions) == []

    own_system.start()
    again = list(own_system.processes().values())
    own_system.end(signal.SIGKILL)
    assert gone(again) == []

    own_system.start()
    assert own_system.end() == 0


@pytest.mark.timeout(420)
@pytest.mark.skipif(shutil.which("make") is None, reason="MAKE is not here")
def test_a_terminated_make_ends_what_it_started(own_system: System) -> None:
    own_system.start("make", "up", f"PYTHON={sys.executable}")
    sessions = list(own_system.processes().values())
    own_system.end(signal.SIGTERM)
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


@pytest.mark.timeout(420)
def test_a_first_start_that_was_cut_off_can_be_repeated(own_system: System) -> None:
    process = own_system.launch()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while "migrating" not in own_system.log:
        assert time.monotonic() < deadline, own_system.log
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)

    own_system.start()

    assert _organisations(own_system) == 6


def _organisations(system: System) -> int:
    """How many organisations the ministry's administrator sees, through the REST API."""
    admin = read_cast(system.state / "demo.json").one("ministry_admin")
    token = Program(system.demo["issuer"]).tokens_of(admin).access_token
    answer = requests.get(
        f"{system.base_url}/api/v1/organisations", headers={"Authorization": f"Bearer {token}"}, timeout=10
    )
    assert answer.status_code == 200, answer.text
    return len(answer.json()["organisations"])
