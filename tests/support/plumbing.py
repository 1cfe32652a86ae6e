"""A service that does nothing but have its plumbing: for what every service shares, below any of them.

Its events are `google.protobuf.StringValue`s; its one table, `effect`, holds what a consumer made of them.
"""

import contextlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import psycopg
from alembic.migration import MigrationContext
from alembic.operations import Operations
from google.protobuf.wrappers_pb2 import StringValue
from sqlalchemy import create_engine

from kit import outbox
from kit.actor import system_actor
from kit.db import Database, Query, Transaction
from kit.migrations import bootstrap, create_plumbing, protect_tenant, with_parts
from kit.outbox import Event
from tests.support.postgres import admin_url

SERVICE = "probe"
TOPIC = "ascms.probe.v1"
TYPE = StringValue.DESCRIPTOR.full_name
NOW = datetime(2026, 3, 3, 21, 0, tzinfo=UTC)

_APPLY = Query(
    "INSERT INTO effect (tenant_id, key, value) VALUES (%(tenant)s, %(key)s, %(value)s)",
    {},
)
_EFFECTS = Query("SELECT value FROM effect ORDER BY id", {})


@contextlib.contextmanager
def plumbing_database(worker: str, *, server: str = "") -> Iterator[str]:
    """A database of the service, made now and dropped afterwards; yields the URL of its login.

    `server` is an administrator's connection to another server than the tests' own.
    """
    server = server or admin_url()
    name = f"test_{SERVICE}_{worker}_{os.getpid()}"
    bootstrap(server, service=SERVICE, database=name)
    owner = with_parts(server, user=f"{SERVICE}_owner", database=name)
    engine = create_engine(owner.replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        create_plumbing(SERVICE)
        connection.exec_driver_sql(
            "CREATE TABLE effect (tenant_id uuid NOT NULL, id bigint GENERATED ALWAYS AS IDENTITY,"
            " key text NOT NULL, value text NOT NULL, PRIMARY KEY (tenant_id, id))"
        )
        protect_tenant(SERVICE, "effect", grants="SELECT, INSERT")
    engine.dispose()
    try:
        yield with_parts(server, user=f"{SERVICE}_login", database=name)
    finally:
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def tell(database: Database, tenant_id: UUID, *, key: UUID, values: list[str]) -> int:
    """One command of a tenant that tells `values` as events of one key; the position of the last."""
    with database.tenant(system_actor(SERVICE, tenant_id)) as tx:
        promises = [outbox.append(tx, Event(key, StringValue(value=value)), now=NOW) for value in values]
    position: int = promises[-1].value()
    return position


def apply(tx: Transaction, key: str, value: str) -> None:
    """The effect of one event."""
    tx.later(_APPLY, tenant=tx.tenant_id, key=key, value=value)


def effects(database: Database, tenant_id: UUID) -> list[str]:
    """What has been applied for a tenant, in order."""
    with database.tenant(system_actor(SERVICE, tenant_id)) as tx:
        return [row.value for row in tx.all(_EFFECTS)]
