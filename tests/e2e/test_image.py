"""The image's steps, walked through in a plain folder: what comes out migrates, starts, and says that it is ready.

Its processes are started as compose.yaml says, on a PostgreSQL of their own; only addresses differ, since here all
share one machine. The broker is away, which no answer waits for. Where there is Docker, the image itself is built.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from deploy.local.localservers.server import free_port
from deploy.local.up.processes import SERVICES
from tests.support.containers import COMPOSE, instructions, made_up_secrets, with_secrets
from tests.support.image import Image, build
from tests.support.local_servers import servers
from tests.support.waiting import until

AWAY = "127.0.0.1:1"
DOOR = ("identity", "cases", "gateway")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that everybody may enter: neither the image's user nor PostgreSQL's is us."""
    with tempfile.TemporaryDirectory(prefix="ascms-image-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def image(folder: Path) -> Image:
    return build(instructions(), folder=folder)


@pytest.fixture(scope="module")
def database(folder: Path) -> Iterator[str]:
    """Host and port of an empty PostgreSQL."""
    yield servers("postgres", "start", "--while-pid", str(os.getpid()), state=folder)["address"]
    servers("postgres", "stop", state=folder)


@pytest.mark.timeout(240)
def test_what_the_image_holds_migrates_starts_and_says_that_it_is_ready(
    image: Image, folder: Path, database: str
) -> None:
    log = folder / "log"
    migrate = [word.replace("@postgres/", f"@{database}/") for word in COMPOSE["services"]["migrate"]["command"]]
    assert image.run(migrate, {}, log=log) == 0, log.read_text()
    environments = _environments(database)
    with ExitStack() as processes:
        for name, told in environments.items():
            process = image.start(COMPOSE["services"][name]["command"], told, log=log)
            processes.enter_context(process)
            processes.callback(process.terminate)
        for name, told in environments.items():
            _wait(image, name, told, log=log)


def test_without_a_command_it_says_what_it_has_and_its_modules_are_its_own(image: Image, folder: Path) -> None:
    log = folder / "commands"
    assert image.run(image.command, {}, log=log) == 0
    where = "import services.cases.app as a, ascms.cases.v1.cases_pb2 as c; print(a.__file__, c.__file__)"
    assert image.run(["python", "-c", where], {}, log=log) == 0
    said = log.read_text()
    assert "  identity " in said
    assert said.count(str(image.folder)) == 2


def _wait(image: Image, name: str, told: dict[str, str], *, log: Path) -> None:
    """As Docker does: by the image's own health check, until it says yes."""
    until(lambda: image.run(image.health, told, log=log) == 0 or None, f"{name} is ready", seconds=90)


def _environments(database: str) -> dict[str, dict[str, str]]:
    """What each process is told in compose.yaml, with the addresses that things have here."""
    secrets = made_up_secrets()
    rpc = {name: f"127.0.0.1:{free_port()}" for name in (*SERVICES, "gateway")}
    elsewhere = {f"{name}:8090": address for name, address in rpc.items()} | {
        "@postgres/": f"@{database}/",
        "kafka:9092": AWAY,
    }
    found = {}
    for name in DOOR:
        here = {"0.0.0.0:8090": rpc[name], "0.0.0.0:8190": f"127.0.0.1:{free_port()}", **elsewhere}
        told = with_secrets(COMPOSE["services"][name]["environment"], secrets)
        for there, address in here.items():
            told = {key: value.replace(there, address) for key, value in told.items()}
        if "ASCMS_PORT" in told:
            told |= {"ASCMS_HOST": "127.0.0.1", "ASCMS_PORT": str(free_port())}
        found[name] = told
    return found
