"""One moment in several databases: writers of all of them wait while each gives a snapshot, then go on.

Each database is locked against writing, and when all are, nothing can be committed anywhere: whatever snapshot each
gives then is of the same moment, as if the power had failed everywhere at once, and for that every service is built.
Readers are not held up; writers for as long as it takes to lock. The copying itself comes afterwards.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.errors import DeadlockDetected, LockNotAvailable

from kit.backup.digest import tables_of
from kit.backup.places import BackupError
from kit.migrations import with_parts

_TRIES = 60
_PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A transaction that sees the moment, and the name under which pg_dump sees the same."""

    connection: psycopg.Connection
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The snapshots by database, and for how long writers waited."""

    snapshots: Mapping[str, Snapshot]
    waited_seconds: float


@contextlib.contextmanager
def one_moment(admin_url: str, databases: list[str], *, unread: Callable[[], int]) -> Iterator[Moment]:
    """Snapshots of all databases of one moment in which `unread` was 0: no event was on its way outside of them.

    Raises:
        BackupError: there was no such moment in half a minute.
    """
    with contextlib.ExitStack() as kept:
        for _ in range(_TRIES):
            with contextlib.ExitStack() as locks:
                began = time.monotonic()
                if _lock(admin_url, databases, locks) and unread() == 0:
                    snapshots = {name: _snapshot(admin_url, name, kept) for name in databases}
                    locks.close()
                    moment = Moment(snapshots=snapshots, waited_seconds=time.monotonic() - began)
                    break
            time.sleep(_PAUSE_SECONDS)
        else:
            raise BackupError("there was no moment at which nothing was on its way: try again when less is done")
        yield moment


def _lock(admin_url: str, databases: list[str], locks: contextlib.ExitStack) -> bool:
    """Hold every table of every database against writers until `locks` ends; False when somebody is in the way."""
    try:
        for name in databases:
            connection = locks.enter_context(psycopg.connect(with_parts(admin_url, database=name)))
            locks.callback(connection.rollback)
            # We give way at once: a writer must never be the one that is ended.
            connection.execute("SET LOCAL lock_timeout = '1s'")
            connection.execute("SET LOCAL deadlock_timeout = '50ms'")
            if tables := tables_of(connection):
                connection.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(sql.SQL(", ").join(tables)))
    except (DeadlockDetected, LockNotAvailable):
        return False
    return True


def _snapshot(admin_url: str, name: str, kept: contextlib.ExitStack) -> Snapshot:
    connection = kept.enter_context(psycopg.connect(with_parts(admin_url, database=name)))
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    row = connection.execute("SELECT pg_export_snapshot()").fetchone()
    assert row is not None
    return Snapshot(connection, str(row[0]))
