"""A backup is a folder: an archive of each database, the files by key, and a manifest of what all of it has to be.

It holds everything that is known of the students: it is written for its owner's eyes, and belongs on an encrypted disk.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from kit.backup import tools
from kit.backup.digest import digest, state_hash
from kit.backup.fence import Snapshot, one_moment
from kit.backup.places import BROKER, BackupError, Places, databases, readers
from kit.bus import open_broker
from kit.clock import Clock
from kit.migrations import with_parts
from kit.objects import ObjectMissingError, ObjectStore, open_store

FORMAT = 1
MANIFEST = "manifest.json"
FILES = "files"


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What was backed up."""

    rows: int
    files: int
    waited_seconds: float
    state_hash: str


def backup(places: Places, target: Path, *, clock: Clock) -> Saved:
    """Write the folder `target`, which must not exist yet: whole or not at all.

    Raises:
        BackupError: why there is none.
    """
    if target.exists():
        raise BackupError(f"{target} exists already: name a new folder")
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700, parents=True)
    try:
        saved = _write(places, partial, clock=clock)
        os.sync()
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return saved


def _write(places: Places, folder: Path, *, clock: Clock) -> Saved:
    with psycopg.connect(places.admin_url, autocommit=True) as admin:
        release = tools.server_release(admin)
        existing = {name for (name,) in admin.execute("SELECT datname FROM pg_database").fetchall()}
    missing = set(databases().values()) - existing
    if missing:
        raise BackupError(f"{', '.join(sorted(missing))} is not on this server: is this the right one?")
    is_on_kafka = places.broker_url.startswith("kafka:")
    if not is_on_kafka and BROKER not in existing:
        raise BackupError("ASCMS_BROKER_URL is not set: what is on its way there has to be known")
    names = [*databases().values(), *([] if is_on_kafka else [BROKER])]
    tool, tool_release = tools.find_tool("pg_dump", release=release)
    with one_moment(places.admin_url, names, unread=lambda: _unread(places) if is_on_kafka else 0) as moment:
        taken_at = clock.now()
        saved = {
            name: _save_database(places.admin_url, name, snapshot, folder, tool=tool)
            for name, snapshot in moment.snapshots.items()
        }
    # After the moment, so every file that a row of it names is there: a file is never changed, and a newer one, which
    # no row names yet, is swept away as an upload that died.
    files = save_files(open_store(places.store_url), folder / FILES)
    tables = {name: one["tables"] for name, one in saved.items()}
    manifest = {
        "format": FORMAT,
        "taken_at": taken_at.isoformat(),
        "server_release": release,
        "tool_release": tool_release,
        "databases": saved,
        "files": files,
        "state_hash": state_hash(tables, files),
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return Saved(
        rows=sum(table["rows"] for one in tables.values() for table in one.values()),
        files=len(files),
        waited_seconds=moment.waited_seconds,
        state_hash=str(manifest["state_hash"]),
    )


def _unread(places: Places) -> int:
    """Events that are on Kafka and not yet where they belong: no database has them any more, or yet."""
    with open_broker(places.broker_url) as broker:
        return sum(broker.unread(group=group, topics=topics) for group, topics in readers().items())


def _save_database(admin_url: str, name: str, snapshot: Snapshot, folder: Path, *, tool: Path) -> dict[str, Any]:
    archive = folder / f"{name}.dump"
    url = with_parts(admin_url, database=name)
    # As an administrator, who sees every row: under forced row-level security an owner's dump fails.
    tools.run([str(tool), "--format=custom", f"--snapshot={snapshot.name}", f"--file={archive}", f"--dbname={url}"])
    owner = snapshot.connection.execute(
        "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
    ).fetchone()
    assert owner is not None
    return {"owner": owner[0], "tables": digest(snapshot.connection), "sha256": hash_of_file(archive)}


def save_files(store: ObjectStore, folder: Path) -> dict[str, dict[str, Any]]:
    """Copy every object; size and hash by key."""
    saved = {}
    for found in store.list(""):
        path = folder / found.key
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with store.read(found.key) as pieces, path.open("wb") as file:
                size, sha256 = _hash(pieces, file.write)
        except ObjectMissingError:
            # Disposed of since it was listed. Its row says that it is due, and disposing again does no harm.
            continue
        saved[found.key] = {"size": size, "sha256": sha256}
    return saved


def hash_of_file(path: Path) -> str:
    """The SHA-256 of a file, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_of_object(store: ObjectStore, key: str) -> dict[str, Any]:
    """Size and hash of what a store has at a key."""
    with store.read(key) as pieces:
        size, sha256 = _hash(pieces, lambda _piece: None)
    return {"size": size, "sha256": sha256}


def _hash(pieces: Iterable[bytes], each: Any) -> tuple[int, str]:
    size, digest_ = 0, hashlib.sha256()
    for piece in pieces:
        size += len(piece)
        digest_.update(piece)
        each(piece)
    return size, digest_.hexdigest()
