"""Real servers that `deploy/local/servers` starts for a run of tests, shared by its workers, gone when it ends."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.postgres import ROOT

SERVERS = ROOT / "deploy" / "local" / "servers"


def servers(*arguments: str, state: Path) -> dict[str, Any]:
    """What `deploy/local/servers` answers; its complaint is the error."""
    done = subprocess.run(
        [sys.executable, str(SERVERS), *arguments, "--state", str(state)], capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def owner_of_run() -> int:
    """The process that ends when the run ends: the one pytest was started as, not a worker of it."""
    return os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()


def object_server(kind: str, folders: pytest.TempPathFactory, *, bucket: str) -> str:
    """The URL of a bucket of this run's server, "s3" or "minio"; skips where it is neither here nor required."""
    base = folders.getbasetemp()
    # Workers' folders lie in the run's own: that is where they meet.
    state = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "servers"
    is_required = os.environ.get(f"ASCMS_TEST_{kind.upper()}") == "1"
    if not is_required and not servers(kind, "status", state=state)["fetched"]:
        pytest.skip(f"NO {kind.upper()} SERVER is here: run `deploy/local/servers {kind} fetch` once (needs Go)")
    started = servers(kind, "start", "--while-pid", str(owner_of_run()), state=state)
    return f"s3://{started['access_key']}:{started['secret_key']}@{started['address']}/{bucket}"
