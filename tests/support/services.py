"""What the convention tests know of the services: found in the tree, never listed by hand."""

import importlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import FileDescriptor, ServiceDescriptor
from sqlalchemy import MetaData

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class ServiceUnderTest:
    """A service with a database."""

    name: str
    metadata: MetaData
    extra_roles: tuple[str, ...]


@cache
def services_with_tables() -> tuple[ServiceUnderTest, ...]:
    """Every service that has migrations."""
    found = []
    for folder in sorted((ROOT / "services").iterdir()):
        if (folder / "migrations" / "env.py").exists():
            store: Any = importlib.import_module(f"services.{folder.name}.store")
            extra = tuple(getattr(store, "EXTRA_ROLES", ()))
            found.append(ServiceUnderTest(folder.name, store.METADATA, extra))
    return tuple(found)


@cache
def contract_files() -> tuple[FileDescriptor, ...]:
    """The descriptor of every contract in the tree."""
    files = []
    for path in sorted((ROOT / "proto" / "ascms").rglob("*.proto")):
        relative = path.relative_to(ROOT / "proto")
        importlib.import_module(".".join(relative.with_suffix("").parts) + "_pb2")
        files.append(descriptor_pool.Default().FindFileByName(str(relative)))
    return tuple(files)


def contract_services() -> list[ServiceDescriptor]:
    """Every gRPC service of the contracts."""
    return [service for file in contract_files() for service in file.services_by_name.values()]


def source_files(*folders: str) -> list[Path]:
    """Every Python file below the folders, generated code and caches aside."""
    return [
        path
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "gen" not in path.relative_to(ROOT).parts
    ]
