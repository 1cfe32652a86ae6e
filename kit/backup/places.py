"""Where a system keeps what is backed up: PostgreSQL, the object store, the broker."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from kit import migrate

BROKER = "ascms_broker"
"""The database of the broker on PostgreSQL, and the role that owns it."""


class BackupError(Exception):
    """Why there is no backup, or nothing was restored: one line that says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """`admin_url` is an administrator's connection, as `kit.migrate` takes it; the broker's is empty for none."""

    admin_url: str
    store_url: str
    broker_url: str = ""


def read_places(addresses: Path | None, environment: Mapping[str, str] = os.environ) -> Places:
    """From a running local system's `addresses.json`, else from the environment; BackupError for what is missing."""
    if addresses is not None:
        try:
            found: dict[str, Any] = json.loads(addresses.read_text(encoding="utf-8"))
            return Places(admin_url=found["postgres_url"], store_url=found["store_url"], broker_url=found["broker_url"])
        except (OSError, ValueError, KeyError) as error:
            raise BackupError(f"{addresses} does not say where the system is: is it running?") from error
    for name in ("ASCMS_POSTGRES_URL", "ASCMS_STORE_URL"):
        if not environment.get(name):
            raise BackupError(f"{name} is not set: it says where the system is (or name --addresses)")
    return Places(
        admin_url=environment["ASCMS_POSTGRES_URL"],
        store_url=environment["ASCMS_STORE_URL"],
        broker_url=environment.get("ASCMS_BROKER_URL", ""),
    )


def databases() -> dict[str, str]:
    """The database of every service, by the service's name."""
    return {service: f"ascms_{service}" for service in migrate.services()}


def extra_roles(service: str) -> tuple[str, ...]:
    """Roles beyond those that every service has, as named beside its tables."""
    return tuple(getattr(import_module(f"services.{service}.store"), "EXTRA_ROLES", ()))


def readers() -> dict[str, tuple[str, ...]]:
    """Which consumer groups there are, and the topics of each."""
    found = {}
    for service in migrate.services():
        name = f"services.{service}.consumers"
        if find_spec(name) is not None:
            module = import_module(name)
            # Its name stands beside what it reads, or where what it has read is kept.
            group = getattr(module, "CONSUMER", "") or import_module(f"services.{service}.store").CONSUMER
            found[str(group)] = tuple(module.TOPICS)
    return found
