"""Fixtures that every suite may use. Each suite's own stand in its conftest."""

import os
from datetime import UTC, datetime

import pytest

from kit import log
from kit.clock import FixedClock

# Before anything imports grpc. Tests start programs while channels of theirs are in use; gRPC's handlers of forks would
# write into what those programs print, and may end them before they begin.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "false"


@pytest.fixture
def clock() -> FixedClock:
    """A Wednesday in term time: 4 March 2026, 10:00 in New Zealand."""
    return FixedClock(datetime(2026, 3, 3, 21, 0, tzinfo=UTC))


@pytest.fixture(scope="session")
def worker() -> str:
    """The name of this test worker."""
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture(autouse=True)
def nothing_bound() -> None:
    """No test inherits another's request id: what is bound for the log belongs to a thread, and threads are shared."""
    log.clear()
