"""The state folder: one running system at a time, secrets made once, what it tells others. Standard library only."""

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from deploy.local.up.options import Complaint

_MARK = "lock"
_FORGET = "run `make clean-state` to begin anew (it forgets the data), or restore it from a backup"
_SECRETS = ("key_secret", "service_secret", "session_secret", "client_secret", "student_secret")


def is_ours(folder: Path) -> bool:
    """Whether the folder was made by `held`: deleting any other would be a disaster."""
    return (folder / _MARK).exists() or not any(folder.iterdir())


@contextlib.contextmanager
def held(folder: Path, *, about: str = "") -> Iterator[None]:
    """Make the folder and hold it alone; `about` tells a second comer where the first is.

    Raises:
        Complaint: another copy is running in it, or it cannot be made.
    """
    try:
        if not folder.exists():
            folder.mkdir(parents=True)
            # Nobody else looks in; as root the database's own account has to walk through.
            folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
        file = (folder / _MARK).open("a+", encoding="utf-8")
    except OSError as error:
        raise Complaint(
            f"the state folder {folder} cannot be used ({error.strerror}): name another, ASCMS_STATE=…"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            pid, _, where = file.read().partition(" ")
            raise Complaint(
                f"another copy is running{where and ' at ' + where.strip()} with the state folder {folder}: "
                f"use that one, or stop it with `kill {pid or '…'}`"
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()} {about}")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def secrets_of(folder: Path) -> Mapping[str, str]:
    """The secrets of this installation, made at the first start; 32 random bytes each, as hex.

    Raises:
        Complaint: the file is broken, or is missing though there is data that was made with it.
    """
    path = folder / "secrets.json"
    if not path.exists():
        if (folder / "postgres").exists():
            raise Complaint(f"{path} is missing though there is data that needs it: {_FORGET}")
        write_json(path, {name: secrets.token_hex(32) for name in _SECRETS})
    try:
        found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        return {name: found[name] for name in _SECRETS}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Complaint(f"{path} is broken: {_FORGET}") from error


def write_json(path: Path, value: Any) -> None:
    """Write a file that its owner alone may read, whole or not at all."""
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=2, ensure_ascii=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
