"""How much memory the system takes: proportional set size, which counts each shared page once (Linux)."""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

# After the name of a process: state, parent, group, session.
_PARENT_FIELD, _SESSION_FIELD = 1, 3


def pss_megabytes(sessions: Iterable[int], *, myself: int) -> float | None:
    """Pss of these processes with all they started, and of `myself`, in megabytes; None where the system does not tell.

    `sessions`: ids of processes that lead a session each, as everything does that the supervisor starts.
    """
    total = 0
    for folder in family(sessions, and_also=myself):
        with contextlib.suppress(OSError):  # A process may end while we look.
            total += _pss_kilobytes(folder)
    return total / 1024 if total else None


def family(sessions: Iterable[int], *, and_also: int = 0) -> list[Path]:
    """The folders in /proc of everything in these sessions, and of everything that it started.

    PostgreSQL begins a session for each connection: their processes are found as children of the one that is named.
    """
    wanted, found = {*sessions}, {and_also}
    known = dict(_everything())
    found |= {pid for pid, fields in known.items() if int(fields[_SESSION_FIELD]) in wanted}
    while more := {pid for pid, fields in known.items() if int(fields[_PARENT_FIELD]) in found - {and_also}} - found:
        found |= more
    return [Path("/proc") / str(pid) for pid in found if pid in known]


def fields_of(folder: Path) -> list[str]:
    """What the system says of a process, after its name; raises OSError once it has ended."""
    return (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()


def _everything() -> Iterator[tuple[int, list[str]]]:
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            yield int(folder.name), fields_of(folder)


def _pss_kilobytes(folder: Path) -> int:
    lines = (folder / "smaps_rollup").read_text(encoding="utf-8").splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
