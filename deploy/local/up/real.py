"""Real servers for the whole system: PostgreSQL, Apache Kafka and S3 by `deploy/local/servers`, started before it.

They are ours alone, keep their data in the state folder, and end with us, however we end.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from deploy.local.up.options import ROOT, Complaint, Options

KINDS = ("postgres", "kafka", "s3")
"""One server of each, by the name that `deploy/local/servers` gives it."""
_SERVERS = ROOT / "deploy" / "local" / "servers"
_BUCKET = "files"
# A member that was killed keeps its partitions for the length of its session.
_SESSION_SECONDS = 6


@contextlib.contextmanager
def servers(wanted: Options) -> Iterator[Options]:
    """What was asked for, with the addresses of servers that run for the length of the block, when real ones are meant.

    Raises:
        Complaint: one cannot be had or started; the others are stopped again.
    """
    if not wanted.is_real:
        yield wanted
        return
    folder = wanted.state / "servers"
    try:
        with ThreadPoolExecutor(len(KINDS)) as threads:
            found = dict(zip(KINDS, threads.map(lambda kind: _start(kind, folder), KINDS), strict=True))
        store = found["s3"]
        keys = ":".join(quote(store[name], safe="") for name in ("access_key", "secret_key"))
        yield replace(
            wanted,
            postgres_url=found["postgres"]["url"],
            broker_url=f"{found['kafka']['url']}?session_seconds={_SESSION_SECONDS}",
            store_url=f"s3://{keys}@{store['address']}/{_BUCKET}",
        )
    finally:
        for kind in KINDS:
            _call(kind, "stop", folder)


def _start(kind: str, folder: Path) -> dict[str, str]:
    # It is watched besides: where this process is killed, the server ends too.
    done = _call(kind, "start", folder, "--while-pid", str(os.getpid()))
    if done.returncode != 0:
        raise Complaint(f"{kind} could not be started ({done.stderr.strip()}): put that right and run again")
    answer: dict[str, str] = json.loads(done.stdout)
    return answer


def _call(kind: str, action: str, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(_SERVERS), kind, action, "--state", str(folder), *more]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
