"""Brings the virtual environment and the generated contracts up to date. Standard library only.

Each step leaves a stamp of what it was made from, so that a second run costs milliseconds.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from deploy.local.up.options import ROOT, Complaint

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
RUNNING, DEVELOPMENT = "requirements.txt", "requirements-dev.txt"
_TAIL_LINES = 12


def install(*, for_development: bool) -> None:
    """Make `.venv` hold exactly what the lock file says, the project itself, and the generated contracts.

    Raises:
        Complaint: this Python cannot make virtual environments, or the packages cannot be fetched.
    """
    with _alone():
        _install_packages(for_development=for_development)
        _build_contracts()


def _install_packages(*, for_development: bool) -> None:
    # Development holds everything that running needs, and a clone that had it keeps it.
    stamp = VENV / "installed"
    place, lock, digest = ([*_read(stamp).split("\n"), "", "", ""])[:3]
    here = f"{sys.version} {ROOT}".replace("\n", " ")
    if place != here or not PYTHON.exists():
        _make_environment()
        stamp.write_text(f"{here}\n", encoding="utf-8")
        lock = ""
    wanted = DEVELOPMENT if for_development or lock == DEVELOPMENT else RUNNING
    fresh = _digest([ROOT / RUNNING, ROOT / wanted])
    if (lock, digest) != (wanted, fresh):
        say(f"installing {wanted} by hash (a minute or less)")
        _pip("--require-hashes", "--only-binary=:all:", "-r", wanted)
        stamp.write_text(f"{here}\n{wanted}\n{fresh}", encoding="utf-8")
    project = _digest([ROOT / "pyproject.toml"], _read(stamp))
    if _read(VENV / "project") != project:
        _pip("--no-deps", "--no-build-isolation", "--no-index", "--editable", ".")
        (VENV / "project").write_text(project, encoding="utf-8")


def _make_environment() -> None:
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        raise Complaint(
            f"this Python ({sys.executable}) comes without {' and '.join(missing)}: "
            "install it (Debian: apt-get install python3-venv) and run this again"
        )
    # What is there belongs to another Python or place: nothing of it can be used.
    shutil.rmtree(VENV, ignore_errors=True)
    say("making the virtual environment .venv")
    _run([sys.executable, "-m", "venv", str(VENV)], "the virtual environment could not be made")


def _pip(*arguments: str) -> None:
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-input"]
    _run([*pip, *arguments], "the packages could not be installed")


def _build_contracts() -> None:
    gen = ROOT / "proto" / "gen"
    stamp = gen / "built"
    sources = [*sorted((ROOT / "proto" / "ascms").rglob("*.proto")), ROOT / "proto" / "build.py"]
    # The stubs for mypy are made only where its plug-in is installed.
    plugin = (VENV / "bin" / "protoc-gen-mypy").exists()
    digest = _digest(sources, _read(VENV / "installed"), str(plugin))
    if _read(stamp) == digest:
        return
    say("generating modules from the contracts")
    _run([str(PYTHON), "proto/build.py"], "the contracts could not be compiled")
    stamp.write_text(digest, encoding="utf-8")


def _read(stamp: Path) -> str:
    return stamp.read_text(encoding="utf-8") if stamp.exists() else ""


def _digest(files: Iterable[Path], *more: str) -> str:
    digest = hashlib.sha256("\0".join([sys.version, *more]).encode())
    for file in files:
        digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _run(command: list[str], trouble: str) -> None:
    done = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode != 0:
        tail = "\n".join(done.stdout.strip().splitlines()[-_TAIL_LINES:])
        print(tail, file=sys.stderr)
        raise Complaint(f"{trouble} (see above): put it right and run this again")


def say(what: str) -> None:
    """A line of progress, for people."""
    print(f"ascms | {what}", flush=True)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One installer at a time in a clone; a second one waits and then finds the work done."""
    folder = ROOT / ".cache"
    folder.mkdir(exist_ok=True)
    with (folder / "install.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
