"""How much memory the system takes: proportional set size, which counts each shared page once (Linux)."""

import contextlib
from collections.abc import Iterable
from pathlib import Path

_SESSION_FIELD = 3  # After the name: state, parent, group, session.


def pss_megabytes(sessions: Iterable[int], *, myself: int) -> float | None:
    """Pss of every process in these sessions and of `myself`, in megabytes; None where the system does not tell."""
    wanted = set(sessions)
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        # A process may end while we look.
        with contextlib.suppress(OSError, IndexError):
            after_name = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            if int(after_name[_SESSION_FIELD]) in wanted or folder.name == str(myself):
                total += _pss_kilobytes(folder)
    return total / 1024 if total else None


def _pss_kilobytes(folder: Path) -> int:
    lines = (folder / "smaps_rollup").read_text(encoding="utf-8").splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
