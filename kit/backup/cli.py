"""`ascms backup FOLDER` and `ascms restore FOLDER`: docs/runbooks/backup-and-restore.md."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg

from kit.backup.places import BackupError, read_places
from kit.backup.restore import restore
from kit.backup.save import backup
from kit.clock import SystemClock
from kit.errors import UnavailableError


def main(command: str, arguments: Sequence[str]) -> int:
    """Do it; the status is 0, or 1 with one line that says what to do."""
    parser = argparse.ArgumentParser(prog=f"ascms {command}")
    parser.add_argument("folder", type=Path, help="a new folder" if command == "backup" else "a backup")
    parser.add_argument("--addresses", type=Path, help="addresses.json of a local system that is running")
    asked = parser.parse_args(arguments)
    began = time.monotonic()
    try:
        places = read_places(asked.addresses)
        if command == "backup":
            saved = backup(places, asked.folder, clock=SystemClock())
            told = f"{saved.rows} rows and {saved.files} files; writers waited {saved.waited_seconds:.2f} s"
            hashed = saved.state_hash
        else:
            hashed = restore(places, asked.folder)
            told = "restored, and found to be what was saved"
    except (BackupError, UnavailableError, psycopg.Error, OSError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        sys.stderr.write(f"ascms {command}: {first}\n")
        return 1
    sys.stdout.write(f"{told}; state {hashed[:16]}; {time.monotonic() - began:.1f} s\n")
    return 0
