"""Files of 25 MB through the gateway onto an S3 server, against the bare client; memory with one and with many at once.

Needs a running system with a case, whose files are on an S3 server: `python -m deploy.bench --only upload` starts both.
One upload after another by the REST API, each followed by `minio`'s own `put_object` of the same bytes to the same
server; the ratio is of the medians. Then twenty uploads at once. The Pss of the gateway and of documents is looked at
ten times a second all the while. Prints one JSON object.
"""

import argparse
import json
import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import requests
from minio import Minio

from deploy.story.cast import read_cast
from deploy.story.signin import Program

SIZE = 25 * 1024 * 1024
ROUNDS, AT_ONCE = 7, 20
_PARTS = ("gateway", "documents")


def main() -> None:
    """Measure against the running system that `--state` names, whose files are on `--store`."""
    parser = argparse.ArgumentParser(prog="bench_upload")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--store", required=True, help="s3://access:secret@host:port/bucket")
    given = parser.parse_args()
    cast = read_cast(given.state / "demo.json")
    person = cast.one("case_manager")
    token = Program(cast.issuer).tokens_of(person).access_token
    send = _sender(cast.base_url, token)
    bare = _bare(given.store)
    body = os.urandom(SIZE // 2).hex().encode()
    pids = _processes(given.state)
    send(body)
    bare(body)
    with _watched(pids) as alone:
        ours, theirs = zip(*((_timed(send, body), _timed(bare, body)) for _ in range(ROUNDS)), strict=True)
    with _watched(pids) as together, ThreadPoolExecutor(AT_ONCE) as pool:
        began = time.perf_counter()
        answers = list(pool.map(send, [body] * AT_ONCE))
        took = time.perf_counter() - began
    print(
        json.dumps(
            {
                "measure": "upload of 25 MB",
                "ours_seconds": round(statistics.median(ours), 2),
                "bare_seconds": round(statistics.median(theirs), 2),
                "ratio": round(statistics.median(theirs) / statistics.median(ours), 2),
                "at_once": AT_ONCE,
                "kept": answers.count(200),
                "at_once_seconds": round(took, 1),
                "megabytes_alone": max(alone),
                "megabytes_together": max(together),
            }
        )
    )


def _sender(base_url: str, token: str) -> Callable[[bytes], int]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"}
    cases = requests.get(f"{base_url}/api/v1/cases?page_size=1", headers=headers, timeout=30).json()["cases"]
    url = f"{base_url}/api/v1/cases/{cases[0]['case_id']}/documents?name=bench.txt"

    def send(body: bytes) -> int:
        key = {"Idempotency-Key": str(uuid4())}
        answer = requests.post(url, data=body, headers=headers | key, timeout=180)
        assert answer.status_code in (200, 429, 503), answer.text
        return answer.status_code

    return send


def _bare(store: str) -> Callable[[bytes], object]:
    parts = urlsplit(store)
    access, secret = parts.username or "", parts.password or ""
    client = Minio(
        parts.netloc.rpartition("@")[2], access_key=access, secret_key=secret, secure=False, region="us-east-1"
    )
    if not client.bucket_exists("bare"):
        client.make_bucket("bare")
    return lambda body: client.put_object("bare", f"bench-{uuid4()}", BytesIO(body), len(body))


def _timed(act: Callable[[bytes], object], body: bytes) -> float:
    began = time.perf_counter()
    act(body)
    return time.perf_counter() - began


def _processes(state: Path) -> list[int]:
    """The gateway's and documents' processes, with their children."""
    named = json.loads((state / "processes.json").read_text(encoding="utf-8"))
    found = [named[part] for part in _PARTS]
    for pid in found:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        found += [int(child) for child in children]
    return found


@contextmanager
def _watched(pids: list[int]) -> Iterator[list[int]]:
    """Megabytes of Pss that the processes have together, as they were seen while the block ran."""
    seen, is_over = [_megabytes(pids)], threading.Event()

    def watch() -> None:
        while not is_over.wait(0.1):
            seen.append(_megabytes(pids))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        is_over.set()
        watcher.join()


def _megabytes(pids: list[int]) -> int:
    lines = (
        line
        for pid in pids
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
        if line.startswith("Pss:")
    )
    return sum(int(line.split()[1]) for line in lines) // 1024


if __name__ == "__main__":
    main()
