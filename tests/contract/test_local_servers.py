"""What deploy/local/servers does with any kind of server: one start, free ports kept, a clean end, no process left."""

import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import psycopg
import pytest

from deploy.local.localservers.postgres import Postgres
from deploy.local.localservers.server import Kind, Launch, Running, ServerError, free_port, started_at
from tests.contract.test_brokers import until


class Web(Kind):
    """Python's own web server: starts in a tenth of a second."""

    name: ClassVar[str] = "web"
    ports: ClassVar[tuple[str, ...]] = ("port",)
    health_seconds: ClassVar[float] = 20.0
    program: ClassVar[tuple[str, ...]] = ("-m", "http.server", "--bind", "127.0.0.1")

    def is_fetched(self, *, cache: Path) -> bool:  # noqa: ARG002 - Python is here
        return True

    def fetch(self, *, cache: Path) -> None:
        pass

    def prepare(self, *, cache: Path, folder: Path, ports: Mapping[str, int]) -> Launch:  # noqa: ARG002 - as above
        argv = (sys.executable, *self.program, str(ports["port"]))
        return Launch(argv=argv, facts={"url": f"http://127.0.0.1:{ports['port']}"})

    def is_healthy(self, *, ports: Mapping[str, int]) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", ports["port"])) == 0


class Broken(Web):
    program: ClassVar[tuple[str, ...]] = ("-c", "import sys; sys.exit('no such thing')")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    server = Running(kind=Web(), cache=tmp_path / "cache", state=tmp_path / "state")
    yield server
    server.stop()


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that every account may enter: as root PostgreSQL runs as a user of its own."""
    with tempfile.TemporaryDirectory(prefix="ascms-servers-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_it_starts_once_for_many_and_stops(server: Running) -> None:
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: server.start(ports={}), range(4)))
    assert len({answer["pid"] for answer in answers}) == 1
    assert all(answer["healthy"] for answer in answers)
    assert not server.stop()["running"]
    assert started_at(answers[0]["pid"]) is None


def test_it_comes_back_on_the_port_it_had(server: Running) -> None:
    port = server.start(ports={})["ports"]["port"]
    server.stop()
    assert server.start(ports={})["ports"]["port"] == port


def test_it_takes_the_port_it_is_given_and_refuses_another_while_running(server: Running) -> None:
    port = free_port()
    assert server.start(ports={"port": port})["ports"] == {"port": port}
    with pytest.raises(ServerError, match="other ports"):
        server.start(ports={"port": free_port()})


def test_a_busy_port_is_named(server: Running) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServerError, match=f"port {port} .* busy"):
            server.start(ports={"port": port})


def test_one_that_ends_while_starting_shows_its_log(tmp_path: Path) -> None:
    server = Running(kind=Broken(), cache=tmp_path, state=tmp_path)
    with pytest.raises(ServerError, match="no such thing"):
        server.start(ports={})
    assert not server.status()["running"]


def test_a_record_of_a_process_that_is_somebody_elses_now_is_not_believed(server: Running) -> None:
    pid = server.start(ports={})["pid"]
    server.stop()
    record = server.folder / "process.json"
    # The number is in use again: by this very process, which must not be stopped.
    record.write_text(record.read_text().replace(str(pid), str(os.getpid())))
    assert not server.stop()["running"]
    assert server.start(ports={})["healthy"]


def test_a_postgres_that_is_cut_off_has_kept_what_was_written(public_folder: Path) -> None:
    server = Running(kind=Postgres(), cache=public_folder, state=public_folder)
    try:
        with psycopg.connect(server.start(ports={})["url"], autocommit=True) as first:
            first.execute("CREATE TABLE kept AS SELECT 7 AS number")
        server.stop(kill=True)
        with psycopg.connect(server.start(ports={})["url"]) as second:
            assert second.execute("SELECT number FROM kept").fetchall() == [(7,)]
    finally:
        assert not server.stop()["running"]


def test_it_ends_with_its_owner(server: Running) -> None:
    pid = server.start(ports={})["pid"]
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as owner:
        watch = threading.Thread(target=server.watch, kwargs={"owner": owner.pid})
        watch.start()
        owner.kill()
    watch.join(timeout=20)
    until(lambda: started_at(pid) is None or None, "the server has ended")
