"""kill -9 at each step of an upload: no row is ever without its bytes, and bytes without a row are swept.

The steps and sizes come from a fixed seed; ASCMS_FAULT_ROUNDS makes the history longer than a run of all tests has time
for. The control writes the row first, which the same check must see.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from kit.clock import FixedClock
from kit.db import Database
from kit.ids import uuid7
from kit.migrations import with_parts
from kit.objects import ObjectStore, open_store
from services.documents.commands.deps import Deps
from services.documents.commands.orphans import OrphanSweep
from tests.service.documents import dying_uploader
from tests.support.local_servers import object_server
from tests.support.postgres import ROOT, admin_url, empty

SEED, ROUNDS = 20, int(os.environ.get("ASCMS_FAULT_ROUNDS", "30"))
Killed = Callable[..., dict[str, str]]


@pytest.fixture(params=["folder", "s3"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    if request.param == "folder":
        return f"folder://{tmp_path}/files"
    return object_server("s3", tmp_path_factory, bucket="killed")


@pytest.fixture
def store(store_url: str) -> Iterator[ObjectStore]:
    store = open_store(store_url)
    yield store
    for found in list(store.list("")):
        store.delete(found.key)


@pytest.fixture
def killed(documents_url: str, store_url: str) -> Killed:
    """Uploads that died on their way; those that were acknowledged, digest by id."""
    empty(documents_url)

    def run(*options: str) -> dict[str, str]:
        command = [sys.executable, dying_uploader.__file__, documents_url, store_url, str(SEED), str(ROUNDS), *options]
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'proto' / 'gen'}"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=600)
        assert "Traceback" not in done.stderr, done.stderr
        return {one["id"]: one["sha256"] for one in map(json.loads, done.stdout.splitlines())}

    return run


def rows_of(documents_url: str) -> dict[str, str]:
    """Every row, digest by id, past every policy."""
    name = documents_url.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(with_parts(admin_url(), database=name)) as admin:
        return {str(row[0]): row[1] for row in admin.execute("SELECT id, sha256 FROM document").fetchall()}


def objects_of(store: ObjectStore) -> dict[str, str]:
    """Every object, digest by the id in its key."""
    return {
        found.key.rpartition("/")[2]: hashlib.sha256(b"".join(store.read(found.key))).hexdigest()
        for found in store.list("")
    }


def broken(rows: dict[str, str], objects: dict[str, str], acknowledged: dict[str, str]) -> list[str]:
    """Rows whose bytes are not there or are not theirs, and uploads that were acknowledged and are gone."""
    found = [f"row {one} is without its bytes" for one, digest in rows.items() if objects.get(one) != digest]
    return found + [f"upload {one} is gone" for one, digest in acknowledged.items() if rows.get(one) != digest]


def sweep(documents_url: str, store: ObjectStore) -> int:
    later = FixedClock(datetime.now(UTC) + timedelta(hours=2))
    database = Database(documents_url, service="documents", pool_size=1)
    swept = OrphanSweep(Deps(database, store, later, uuid7), older_than=timedelta(hours=1)).sweep_once()
    database.close()
    return swept


def test_no_row_is_without_its_bytes_and_no_bytes_stay_without_a_row(
    documents_url: str, store: ObjectStore, store_url: str, killed: Killed
) -> None:
    acknowledged = killed()
    rows, objects = rows_of(documents_url), objects_of(store)
    told = f"seed {SEED}: {ROUNDS} uploads, {len(acknowledged)} acknowledged, {len(rows)} rows, {len(objects)} objects"
    print(told)  # noqa: T201 - the size of the history
    assert broken(rows, objects, acknowledged) == []
    assert ROUNDS > len(objects) > len(rows) > len(acknowledged) > 0, "each step was met"
    swept = sweep(documents_url, store)
    assert swept >= len(objects) - len(rows)
    assert objects_of(store) == rows
    # Nor is there anything that no listing shows.
    folder = Path(store_url.removeprefix("folder://"))
    assert [path for path in folder.rglob(".*") if path.is_file()] == []


def test_a_row_that_is_written_first_is_seen_to_be_without_its_bytes(
    documents_url: str, store: ObjectStore, killed: Killed
) -> None:
    acknowledged = killed("--row-first")
    faults = Counter(one.partition(" ")[0] for one in broken(rows_of(documents_url), objects_of(store), acknowledged))
    assert faults["row"] > 0
