"""Both brokers, for real: PostgreSQL from tests.support, Apache Kafka started by deploy/local/servers.

One Kafka serves all test workers of a run and ends with it. Where it cannot be had its tests are skipped, and say so by
name; with CI=true or ASCMS_REQUIRE_KAFKA=1 they fail instead.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from kit.bus import Broker, open_broker
from kit.migrations import with_parts
from tests.support import postgres
from tests.support.local_servers import owner_of_run, servers
from tests.support.postgres import admin_url


def pytest_configure(config: pytest.Config) -> None:
    # kafka-python reads its schemas by functions that Python 3.11 and 3.12 call deprecated; 3.13 took that back.
    config.addinivalue_line("filterwarnings", r"ignore:(read|open)_text is deprecated:DeprecationWarning")
    # It drops a socket now and then when it connects again, and Python tells whichever test runs by then. What we do
    # about sockets that failed to connect is counted by a test of its own.
    config.addinivalue_line("filterwarnings", r"ignore:unclosed <socket:ResourceWarning")
    config.addinivalue_line(
        "filterwarnings", r"ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
    )


def is_kafka_required() -> bool:
    return os.environ.get("CI") == "true" or os.environ.get("ASCMS_REQUIRE_KAFKA") == "1"


def start_kafka(state: Path) -> dict[str, Any]:
    """A Kafka with its state below `state`, stopped at the latest when the run ends; skips or fails without one."""
    if not is_kafka_required() and not servers("kafka", "status", state=state)["fetched"]:
        pytest.skip("APACHE KAFKA is not here: run `deploy/local/servers kafka fetch` once (needs Java and Maven)")
    return servers("kafka", "start", "--while-pid", str(owner_of_run()), state=state)


@pytest.fixture(scope="session")
def kafka_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Kafka of this run, or the one that ASCMS_TEST_KAFKA_URL names."""
    if named := os.environ.get("ASCMS_TEST_KAFKA_URL"):
        return named
    base = tmp_path_factory.getbasetemp()
    # Workers' folders lie in the run's own: that is where they meet.
    run = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    # A member that was killed keeps its partitions for the length of its session: short, since tests wait for it.
    return f"{start_kafka(run / 'servers')['url']}?session_seconds=6"


@pytest.fixture(scope="session")
def bus_database(worker: str) -> Iterator[str]:
    """A database for the PostgreSQL broker."""
    with postgres.bus_database(f"bus_{worker}") as name:
        yield with_parts(admin_url(), database=name)


@pytest.fixture(params=["postgresql", pytest.param("kafka", marks=pytest.mark.kafka)])
def broker_url(request: pytest.FixtureRequest) -> str:
    """Each broker in turn."""
    name = {"postgresql": "bus_database", "kafka": "kafka_url"}[request.param]
    url: str = request.getfixturevalue(name)
    return url


@pytest.fixture
def broker(broker_url: str) -> Iterator[Broker]:
    with open_broker(broker_url) as broker:
        yield broker


@pytest.fixture
def topic(broker: Broker) -> str:
    """A topic of three partitions that no other test knows."""
    name = f"test.{uuid4().hex}"
    broker.ensure_topics([name], partitions=3)
    return name


@dataclass(frozen=True)
class Outage:
    """A broker of one's own that can be taken away and given back."""

    url: str
    begin: Callable[[], object]
    end: Callable[[], object]


@pytest.fixture(params=["postgresql", pytest.param("kafka", marks=pytest.mark.kafka)])
def outage(request: pytest.FixtureRequest, worker: str, tmp_path: Path) -> Iterator[Outage]:
    """Each broker in turn, to be taken away."""
    with ExitStack() as stack:
        make = {"postgresql": lambda: _postgres_outage(stack, worker), "kafka": lambda: _kafka_outage(stack, tmp_path)}
        yield make[request.param]()


def _postgres_outage(stack: ExitStack, worker: str) -> Outage:
    """The server goes on; the database refuses connections and ends those that are open."""
    name = f"test_bus_away_{worker}_{os.getpid()}"
    admin = stack.enter_context(psycopg.connect(admin_url(), autocommit=True))
    admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    admin.execute(f"CREATE DATABASE {name}")
    stack.callback(admin.execute, f"DROP DATABASE {name} WITH (FORCE)")

    def begin() -> None:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])

    return Outage(
        url=with_parts(admin_url(), database=name),
        begin=begin,
        end=lambda: admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true"),
    )


def _kafka_outage(stack: ExitStack, folder: Path) -> Outage:
    """A second Kafka, stopped and started on the same port."""
    url = start_kafka(folder)["url"]
    stack.callback(servers, "kafka", "stop", state=folder)
    return Outage(
        url=url,
        begin=lambda: servers("kafka", "stop", state=folder),
        end=lambda: servers("kafka", "start", state=folder),
    )
