"""One whole system for the suite; those that need to start and stop one have their own."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.up.real import KINDS
from tests.contract.conftest import is_kafka_required, pytest_configure
from tests.support.local_servers import servers
from tests.support.system import System, free_base_port, running_system

__all__ = ["own_system", "pytest_configure", "real_system", "system"]


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


@pytest.fixture
def real_system() -> Iterator[System]:
    """A system that runs on Kafka, S3 and PostgreSQL servers of its own; skipped, unless required, without them."""
    # As root PostgreSQL runs as a user of its own, who has to come into the folder.
    with tempfile.TemporaryDirectory(prefix="ascms-real-") as folder:
        Path(folder).chmod(0o755)
        missing = [kind for kind in KINDS if not servers(kind, "status", state=Path(folder))["fetched"]]
        if missing and not is_kafka_required():
            pytest.skip(
                f"{' and '.join(missing).upper()} is not here: run `deploy/local/servers {missing[0]} fetch` once"
            )
        system = System(Path(folder) / "state", free_base_port(), environment={"ASCMS_REAL": "1"})
        try:
            system.start()
            yield system
        finally:
            system.forget()
