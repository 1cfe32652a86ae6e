"""Stores files of a case, one process each, and kills most of them with SIGKILL at a step that a seed chooses.

`python dying_uploader.py DATABASE_URL STORE_URL SEED ROUNDS [--row-first]` prints a line of JSON for each upload that
was acknowledged: its id and digest. With `--row-first` the row is written before the bytes: the order that must not be.
"""

import hashlib
import json
import os
import random
import signal
import sys
from collections.abc import Callable
from io import BytesIO
from typing import BinaryIO
from uuid import UUID

from kit.actor import Actor, ActorKind
from kit.clock import SystemClock
from kit.db import Database, Transaction
from kit.ids import uuid7
from kit.objects import CHUNK_BYTES, open_store
from services.documents.commands.deps import Deps
from services.documents.commands.files import Upload, upload_document

STEPS = ("reading", "stored", "committing", "committed", "acknowledged")
"""While the file is read (to measure it, to know its type, to store it), between its bytes and its row, and after."""
OWNER, SOMEONE, CASE = UUID(int=1), UUID(int=0x70), UUID(int=0xCA5E)
WORKER = Actor(
    kind=ActorKind.PERSON,
    tenant_id=OWNER,
    tenant_kind="provider",
    actor_id=SOMEONE,
    permissions=frozenset({"cases:record"}),
)


def die() -> None:
    """End at once, as a machine does that loses its power."""
    os.kill(os.getpid(), signal.SIGKILL)


class DyingFile(BytesIO):
    """A file at one of whose reads the process dies; never where that is 0."""

    reads_left = 0

    def read(self, amount: int | None = -1, /) -> bytes:
        """As any file."""
        if self.reads_left == 1:
            die()
        self.reads_left -= 1
        return super().read(amount)


class DyingStore:
    """A store after whose put the process may die; with `row_first` it puts when it is told that the row stands."""

    def __init__(self, url: str, *, dies: bool, row_first: bool) -> None:
        self.store, self.dies, self.row_first = open_store(url), dies, row_first
        self.later: list[Callable[[], None]] = []

    def put(self, key: str, source: BinaryIO, *, size: int | None, content_type: str) -> None:
        """See ObjectStore."""
        if self.row_first:
            self.later.append(lambda: self.store.put(key, source, size=size, content_type=content_type))
            source.seek(0)
        else:
            self.store.put(key, source, size=size, content_type=content_type)
        if self.dies:
            die()


def kill_around_commit(step: str) -> None:
    """Die before or after the commit that writes something."""
    commit = Transaction._commit

    def dying(tx: Transaction) -> None:
        writes = bool(tx._queue)
        if writes and step == "committing":
            tx.flush()
            die()
        commit(tx)
        if writes and step == "committed":
            die()

    Transaction._commit = dying  # type: ignore[method-assign,assignment]


def store_one(database_url: str, store_url: str, chosen: random.Random, *, row_first: bool) -> None:
    """Store a file, if the step lets it."""
    step = chosen.choice(STEPS)
    content = chosen.randbytes(chosen.randrange(1, 2 * CHUNK_BYTES)).hex().encode()
    file = DyingFile(content)
    # Measured, looked at, and stored: each reads it once, in pieces.
    file.reads_left = chosen.randrange(1, 2 * (len(content) // CHUNK_BYTES + 2)) if step == "reading" else 0
    kill_around_commit(step)
    objects = DyingStore(store_url, dies=step == "stored", row_first=row_first)
    deps = Deps(Database(database_url, service="documents", pool_size=1), objects, SystemClock(), uuid7)  # type: ignore[arg-type]
    stored = upload_document(deps, WORKER, upload=Upload(case_id=CASE, school_id=None, name="a.txt"), content=file)
    for put in objects.later:
        put()
    answer = {"id": str(stored.document_id), "sha256": hashlib.sha256(content).hexdigest()}
    os.write(sys.stdout.fileno(), json.dumps(answer).encode() + b"\n")


def main() -> None:
    """One process after another."""
    database_url, store_url, seed, rounds = sys.argv[1:5]
    for number in range(int(rounds)):
        child = os.fork()
        if not child:
            chosen = random.Random(f"{seed} {number}")  # noqa: S311 - to be the same each time
            try:
                store_one(database_url, store_url, chosen, row_first="--row-first" in sys.argv)
            finally:
                sys.stdout.flush()
                # The pool's thread would keep it.
                os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
