"""One whole system for the suite; those that need to start and stop one have their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.conftest import kafka_url, pytest_configure
from tests.support.system import System, free_base_port, running_system

__all__ = ["kafka_url", "own_system", "pytest_configure", "system"]


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A running system that tests share: they may add to it, and must not end it."""
    with running_system(tmp_path_factory.mktemp("system")) as running:
        yield running


@pytest.fixture
def own_system(tmp_path: Path) -> Iterator[System]:
    """A system of one's own that is not started yet; ended at the latest with the test."""
    system = System(tmp_path / "state", free_base_port(), environment={"ASCMS_SEED": "0"})
    yield system
    system.forget()
