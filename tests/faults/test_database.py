"""The database under commands: killed, shared by many with few connections, full."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from psycopg_pool import ConnectionPool

from deploy.local.up import postgres
from deploy.local.up.postgres import Cluster
from kit import outbox
from kit.actor import Actor, system_actor
from kit.db import Database, Query
from kit.errors import UnavailableError
from kit.outbox import Event
from kit.rpc.server import _as_domain_error
from tests.faults.history import Judge, chance
from tests.support import plumbing
from tests.support.plumbing import NOW, SERVICE, apply, effects, tell
from tests.support.postgres import admin_url, empty
from tests.support.waiting import until

Pool = ConnectionPool[psycopg.Connection[Any]]
_VALUES = Query("SELECT value FROM effect", {})


class Server:
    """A PostgreSQL of one's own, to be killed."""

    def __init__(self, folder: Path, *settings: str) -> None:
        self.cluster: Cluster = postgres.prepare(folder)
        self._settings = [word for setting in settings for word in ("-c", setting)]
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Begin; how long it took until it answered."""
        began = time.monotonic()
        self.cluster = postgres.prepare(self._folder)  # Ends what is left of an earlier life.
        account = self.cluster.account or None
        self._process = subprocess.Popen(
            [*self.cluster.command(), *self._settings],
            cwd="/",
            user=account,
            group=account,
            extra_groups=[] if account else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until(self._answers, "PostgreSQL answers", seconds=60)
        return time.monotonic() - began

    def kill(self) -> None:
        """Everything of it at once, as when the machine's memory is full."""
        assert self._process is not None
        for pid in _descendants(self._process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()

    def _answers(self) -> bool | None:
        try:
            psycopg.connect(self.cluster.admin_url).close()
        except psycopg.OperationalError:
            return None
        return True


def _descendants(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    return [pid, *(each for child in children for each in _descendants(int(child)))]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder where the server's own account may go."""
    made = Path(tempfile.mkdtemp(prefix="ascms-faults-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


def test_1_a_killed_server_has_lost_nothing_it_acknowledged(judge: Judge, folder: Path) -> None:  # noqa: PLR0915
    """Control: a server that acknowledges before its log is on the disk."""
    kills, writers = judge.size(1, 20), 4
    server = Server(folder, *([] if judge.holds else ["synchronous_commit=off", "wal_writer_delay=10s"]))
    server.start()
    slowest, tenant = 0.0, uuid4()
    acknowledged, unknown, never = set[str](), set[str](), set[str]()
    try:
        with (
            plumbing.plumbing_database("killed", server=server.cluster.admin_url) as url,
            contextlib.closing(Database(url, SERVICE)) as database,
        ):
            with psycopg.connect(server.cluster.admin_url, autocommit=True) as admin:
                admin.execute("CHECKPOINT")  # The tables themselves are there in any case.
            for life in range(kills):
                enough = threading.Event()

                def write(writer: int, life: int = life, enough: threading.Event = enough) -> None:
                    luck, turn = chance(f"{life} {writer}"), 0
                    while not enough.is_set():
                        value, turn = f"{life} {writer} {turn}", turn + 1
                        try:
                            with database.tenant(system_actor(SERVICE, tenant)) as tx:
                                apply(tx, "key", value)
                                tx.flush()
                                if luck.random() < 0.1:
                                    never.add(value)
                                    raise ZeroDivisionError  # noqa: TRY301
                        except ZeroDivisionError:
                            continue
                        except (psycopg.Error, UnavailableError):
                            unknown.add(value)
                            enough.wait(0.05)
                        else:
                            acknowledged.add(value)

                threads = [threading.Thread(target=write, args=[number]) for number in range(writers)]
                before = len(acknowledged)
                for thread in threads:
                    thread.start()
                until(lambda: len(acknowledged) > before + 200 or None, "writers at work", seconds=60)  # noqa: B023
                server.kill()
                slowest = max(slowest, server.start())
                until(lambda: database.is_ready() or None, "the service is ready")
                enough.set()
                for thread in threads:
                    thread.join()
            with database.tenant(system_actor(SERVICE, tenant)) as tx:
                found = [row.value for row in tx.all(_VALUES)]
    finally:
        server.kill()
    judge.say(f"{kills} kills, {len(acknowledged)} acknowledged, {len(unknown)} unknown, {len(never)} rolled back")
    judge.expect("acknowledged and lost", acknowledged - set(found), set())
    judge.expect("there and never written", set(found) & never, set())
    judge.expect("there twice", len(found) - len(set(found)), 0)
    judge.expect("there and unheard of", set(found) - acknowledged - unknown, set())
    judge.expect_time("the slowest start", slowest, at_most=5)
    judge.decide()


class KeepingDatabase(Database):
    """The control: the tenant is set for the session, and some transactions forget to set it."""

    luck = chance("forget")

    def _begin(self, pool: Pool, *, role: str, actor: Actor | None, person_id: UUID | None) -> psycopg.Connection[Any]:
        del person_id
        connection = pool.getconn()
        try:
            connection.execute(f"BEGIN; SET LOCAL ROLE {role}", prepare=False)
            if actor is not None and self.luck.random() > 0.2:
                connection.execute("SELECT set_config('app.tenant_id', %s, false)", [str(actor.tenant_id)])
        except psycopg.Error:
            connection.close()
            pool.putconn(connection)
            raise
        return connection


def test_15_few_connections_and_many_tenants(judge: Judge, database_url: str) -> None:  # noqa: C901
    """Two connections, twenty organisations, statements cancelled and connections ended at random."""
    empty(database_url)
    turns, tenants = judge.size(25, 1_500), [uuid4() for _ in range(20)]
    kind = Database if judge.holds else KeepingDatabase
    seen: dict[UUID, set[str]] = {tenant: set() for tenant in tenants}
    written: dict[UUID, set[str]] = {tenant: set() for tenant in tenants}
    maybe: dict[UUID, set[str]] = {tenant: set() for tenant in tenants}
    broken, done = [0], threading.Event()
    name = database_url.partition("?")[0].rpartition("/")[2]

    def disturb() -> None:
        luck = chance("cancels")
        with psycopg.connect(admin_url(), autocommit=True) as admin:
            while not done.wait(0.01):
                how = "pg_cancel_backend" if luck.random() < 0.8 else "pg_terminate_backend"
                admin.execute(
                    f"SELECT {how}(pid) FROM pg_stat_activity WHERE datname = %s AND application_name = %s"  # noqa: S608
                    " ORDER BY random() LIMIT 1",
                    [name, SERVICE],
                )

    with contextlib.closing(kind(database_url, SERVICE, pool_size=2)) as database:

        def work(tenant: UUID) -> None:
            luck = chance(tenants.index(tenant))
            for turn in range(turns):
                value = f"{tenants.index(tenant)} {turn}"
                try:
                    with database.tenant(system_actor(SERVICE, tenant)) as tx:
                        seen[tenant].update(row.value for row in tx.all(_VALUES))
                        apply(tx, "key", value)
                        if luck.random() < 0.1:
                            raise ZeroDivisionError  # noqa: TRY301
                except ZeroDivisionError:
                    continue
                except (psycopg.Error, UnavailableError):
                    maybe[tenant].add(value)
                    broken[0] += 1
                else:
                    written[tenant].add(value)

        threads = [threading.Thread(target=work, args=[tenant]) for tenant in tenants]
        disturber = threading.Thread(target=disturb)
        for thread in (disturber, *threads):
            thread.start()
        for thread in threads:
            thread.join()
        done.set()
        disturber.join()
        until(lambda: database.is_ready() or None, "the pool is whole again")
        if judge.holds:
            for tenant in tenants:
                seen[tenant].update(effects(database, tenant))
    total = sum(map(len, written.values()))
    judge.say(f"{total} transactions of {len(tenants)} tenants on 2 connections, {broken[0]} broken off")
    judge.expect_that("some were broken off", is_so=broken[0] > 0)
    for tenant in tenants:
        judge.expect("lost", written[tenant] - seen[tenant] if judge.holds else set(), set())
        judge.expect("of others or rolled back", seen[tenant] - written[tenant] - maybe[tenant], set())
    judge.decide()


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of a few megabytes that the test server may use; only root can mount one."""
    if os.geteuid() != 0:
        pytest.skip("A FULL DISK needs root: nobody else may mount a small one")
    mounting = ["mount", "-t", "tmpfs", "-o", "size=24m,mode=0777", "tmpfs", str(folder)]
    if subprocess.run(mounting, capture_output=True, check=False).returncode != 0:
        pytest.skip("A FULL DISK cannot be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S607


@pytest.fixture
def on_small_disk(small_disk: Path, database_url: str, admin: psycopg.Connection) -> Iterator[None]:
    """The service's database lies on the small disk, beside four megabytes that can be taken away."""
    empty(database_url)
    (small_disk / "ballast").write_bytes(bytes(4 * 1024 * 1024))
    name, space = database_url.partition("?")[0].rpartition("/")[2], f"small_{os.getpid()}"
    place = small_disk / "space"
    place.mkdir()
    [(data,)] = admin.execute("SHOW data_directory").fetchall()
    shutil.chown(place, Path(data).owner(), Path(data).group())
    admin.execute(f"CREATE TABLESPACE {space} LOCATION '{place}'")
    admin.execute(f"ALTER DATABASE {name} SET TABLESPACE {space}")
    yield
    admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
    admin.execute(f"ALTER DATABASE {name} SET TABLESPACE pg_default")
    admin.execute(f"DROP TABLESPACE {space}")


def test_18_a_full_disk(judge: Judge, small_disk: Path, on_small_disk: None, database_url: str) -> None:
    """Nothing is half done, reads go on, it recovers by itself. Control: a command of two transactions."""
    empty(database_url)
    tenant, luck, done, refused = uuid4(), chance("full"), 0, 0
    actor = system_actor(SERVICE, tenant)
    with contextlib.closing(Database(database_url, SERVICE)) as database:

        def write() -> None:
            """An event and its effect, as a command has them: both or none."""
            if judge.holds:
                with database.tenant(actor) as tx:
                    outbox.append(tx, Event(uuid4(), StringValue(value="told")), now=NOW)
                    apply(tx, "key", luck.randbytes(100_000).hex())
            else:
                tell(database, tenant, key=uuid4(), values=["told"])
                with database.tenant(actor) as tx:
                    apply(tx, "key", luck.randbytes(100_000).hex())

        def both() -> tuple[int, int]:
            with database.plumbing() as tx:
                told = tx.value(Query("SELECT count(*) FROM outbox", {}))
            return told, len(effects(database, tenant))

        while refused < 3:
            try:
                write()
                done += 1
            except psycopg.errors.DiskFull as error:
                refused += 1
                judge.expect("what callers are told", _as_domain_error(error, "").reason, "no-space")
        judge.expect("events and effects, read while the disk is full", both(), (done, done))
        (small_disk / "ballast").unlink()
        write()
        judge.expect("events and effects, once there is room", both(), (done + 1, done + 1))
    judge.say(f"{done} commands until it was full, {refused} refused, one more when there was room")
    judge.decide()
