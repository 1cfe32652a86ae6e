"""Faults on purpose: what is promised when something dies, is away, slow or full (docs/faults.md).

Every scenario runs twice: as it is, when it must hold, and with its negative control, a switch that breaks what it
relies on, when it must notice. `--long` (`make faults`) tries longer and judges times as well.
"""

import contextlib
from collections.abc import Iterator

import psycopg
import pytest

from kit.bus import Broker, open_broker
from kit.db import Database
from kit.migrations import with_parts
from tests.faults.history import Judge
from tests.support import plumbing, postgres
from tests.support.plumbing import SERVICE, TOPIC
from tests.support.postgres import admin_url, empty


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="the long form of the faults, with their times judged as well")


@pytest.fixture(params=[True, False], ids=["holds", "control"])
def judge(request: pytest.FixtureRequest) -> Judge:
    """Says whether what was seen is what was promised; in the negative control, whether it notices that it is not."""
    # A control needs no more time than what shows that it is noticed.
    is_long = request.param and request.config.getoption("--long", default=False)
    return Judge(request.node.name, holds=request.param, is_long=bool(is_long))


@pytest.fixture(scope="module")
def database_url(worker: str) -> Iterator[str]:
    with plumbing.plumbing_database(f"faults_{worker}") as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    empty(database_url)
    with contextlib.closing(Database(database_url, SERVICE)) as database:
        yield database


@pytest.fixture
def bus_name(worker: str) -> Iterator[str]:
    """A database for a bus of the test's own."""
    with postgres.bus_database(f"faults_bus_{worker}") as name:
        yield name


@pytest.fixture
def bus_url(bus_name: str) -> str:
    return with_parts(admin_url(), database=bus_name)


@pytest.fixture
def broker(bus_url: str) -> Broker:
    broker = open_broker(bus_url)
    broker.ensure_topics([TOPIC], partitions=6)
    return broker


@pytest.fixture
def admin() -> Iterator[psycopg.Connection]:
    with psycopg.connect(admin_url(), autocommit=True) as connection:
        yield connection
