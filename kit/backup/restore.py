"""Put a backup into an empty system, and see that what is there then is what was saved: all of it or nothing."""

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from kit.backup import tools
from kit.backup.digest import digest, state_hash, tables_of
from kit.backup.places import BackupError, Places, databases, extra_roles
from kit.backup.save import FILES, FORMAT, MANIFEST, hash_of_file, hash_of_object
from kit.migrations import bootstrap, with_parts
from kit.objects import ObjectStore, open_store


def restore(places: Places, source: Path) -> str:
    """Restore the backup in `source`; the hash of the state, which is the one that was saved.

    Nothing is touched before the backup was found whole and the system empty; what fails later is taken back.

    Raises:
        BackupError: why nothing was restored.
    """
    manifest = read_manifest(source)
    store = open_store(places.store_url)
    with psycopg.connect(places.admin_url, autocommit=True) as admin:
        release = tools.server_release(admin)
        if release < manifest["server_release"]:
            needed = manifest["server_release"]
            raise BackupError(f"this is PostgreSQL {release} and the backup is of {needed}: restore into that or later")
        tool, _ = tools.find_tool("pg_restore", release=max(release, manifest["tool_release"]))
        _require_empty(places, admin, store, manifest["databases"])
        try:
            _fill(places, admin, store, manifest, source=source, tool=tool)
        except BaseException:
            _take_back(admin, store, manifest)
            raise
    return str(manifest["state_hash"])


def _fill(
    places: Places,
    admin: psycopg.Connection,
    store: ObjectStore,
    manifest: Mapping[str, Any],
    *,
    source: Path,
    tool: Path,
) -> None:
    """Restore everything, then look at it."""
    for name, saved in manifest["databases"].items():
        _make_database(places.admin_url, admin, name, owner=saved["owner"])
        url = with_parts(places.admin_url, database=name)
        options = ["--exit-on-error", "--single-transaction", f"--dbname={url}"]
        tools.run([str(tool), *options, str(source / f"{name}.dump")])
    for key, saved in manifest["files"].items():
        with (source / FILES / key).open("rb") as file:
            store.put(key, file, size=saved["size"], content_type="application/octet-stream")
    if hash_of_system(places, list(manifest["databases"])) != manifest["state_hash"]:
        raise BackupError("what was restored differs from what was saved: nothing is kept of it")


def read_manifest(source: Path) -> dict[str, Any]:
    """What a backup says of itself, when all of it is there and as it says; raises BackupError."""
    try:
        manifest: dict[str, Any] = json.loads((source / MANIFEST).read_text(encoding="utf-8"))
        if manifest["format"] != FORMAT:
            raise BackupError(f"{source} is of format {manifest['format']}; this release reads {FORMAT}")
        parts = {f"{name}.dump": saved["sha256"] for name, saved in manifest["databases"].items()}
        parts |= {f"{FILES}/{key}": saved["sha256"] for key, saved in manifest["files"].items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{source} is not a backup: it has no {MANIFEST} that can be read") from error
    for part, expected in parts.items():
        if not (source / part).is_file() or hash_of_file(source / part) != expected:
            raise BackupError(f"{source / part} is missing or damaged: use another backup")
    return manifest


def hash_of_system(places: Places, names: list[str]) -> str:
    """The hash of what is in these databases and in the store now; nobody may be writing."""
    tables = {}
    for name in names:
        with psycopg.connect(with_parts(places.admin_url, database=name)) as connection:
            tables[name] = digest(connection)
    store = open_store(places.store_url)
    return state_hash(tables, {found.key: hash_of_object(store, found.key) for found in store.list("")})


def _require_empty(places: Places, admin: psycopg.Connection, store: ObjectStore, names: Mapping[str, Any]) -> None:
    existing = {name for (name,) in admin.execute("SELECT datname FROM pg_database").fetchall()}
    for name in set(names) & existing:
        with psycopg.connect(with_parts(places.admin_url, database=name)) as connection:
            if tables_of(connection):
                raise BackupError(f"{name} has tables already: a backup goes into an empty system")
    if next(iter(store.list("")), None) is not None:
        raise BackupError("the object store has files already: a backup goes into an empty system")


def _make_database(admin_url: str, admin: psycopg.Connection, name: str, *, owner: str) -> None:
    services = {database: service for service, database in databases().items()}
    if name in services:
        service = services[name]
        bootstrap(admin_url, service=service, database=name, extra_roles=extra_roles(service))
        return
    # The broker's: its own user makes everything in it.
    if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [owner]).fetchone():
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER").format(sql.Identifier(owner)))
    if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
        admin.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(owner)))
        admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))


def _take_back(admin: psycopg.Connection, store: ObjectStore, manifest: Mapping[str, Any]) -> None:
    for name in manifest["databases"]:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    for key in manifest["files"]:
        # The store may be what failed: it says so by itself the next time.
        with contextlib.suppress(Exception):
            store.delete(key)
