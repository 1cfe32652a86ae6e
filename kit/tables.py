"""Tables and their classes. The class decides who may touch a table, and PostgreSQL enforces it.

| class | who | how |
|---|---|---|
| tenant | `<service>_tenant` | policy `tenant_id = app.tenant_id`; `tenant_id` leads every key |
| shared | as tenant, and `<service>_guest` reads granted columns | a second policy `guest_id = app.tenant_id` |
| person | `<service>_person` | policy `person_id = app.person_id` |
| reference | every role of the service reads; the owner's migrations and named roles write | no policy |
| plumbing | `<service>_plumbing`; tenants may append where told | no tenant data but ids |

A convention test refuses a table without a class, and compares the classes with the database's catalogue.
Migrations call the functions of `kit.migrations`, which turn a class into policies and grants.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, ForeignKeyConstraint, MetaData, Table
from sqlalchemy.dialects.postgresql import UUID


class TableClass(StrEnum):
    """Who may touch a table."""

    TENANT = "tenant"
    SHARED = "shared"
    PERSON = "person"
    REFERENCE = "reference"
    PLUMBING = "plumbing"


def tenant_table(name: str, metadata: MetaData, *items: Any, key: Sequence[str] = ("id",)) -> Table:
    """A table whose rows belong to one organisation: `tenant_id` is added and leads the primary key."""
    table = Table(name, metadata, Column("tenant_id", UUID, primary_key=True), *_keyed(items, key))
    table.info["class"] = TableClass.TENANT
    return table


def shared_table(
    name: str, metadata: MetaData, *items: Any, key: Sequence[str] = ("id",), guest_reads: Sequence[str]
) -> Table:
    """A tenant's table that one other organisation, `guest_id`, may read: only the columns `guest_reads`."""
    table = Table(
        name,
        metadata,
        Column("tenant_id", UUID, primary_key=True),
        Column("guest_id", UUID, primary_key="guest_id" in key, nullable="guest_id" not in key),
        *_keyed(items, key),
    )
    table.info["class"] = TableClass.SHARED
    table.info["guest_reads"] = tuple(guest_reads)
    return table


def person_table(name: str, metadata: MetaData, *items: Any, key: Sequence[str] = ()) -> Table:
    """A table whose rows belong to one person: `person_id` is added and leads the primary key."""
    table = Table(name, metadata, Column("person_id", UUID, primary_key=True), *_keyed(items, key))
    table.info["class"] = TableClass.PERSON
    return table


def reference_table(name: str, metadata: MetaData, *items: Any) -> Table:
    """A table of facts that are nobody's secret: catchments, codes, rules with dates."""
    table = Table(name, metadata, *items)
    table.info["class"] = TableClass.REFERENCE
    return table


def plumbing_table(name: str, metadata: MetaData, *items: Any, tenants_append: bool = False) -> Table:
    """A table of the machinery. With `tenants_append` a tenant's transaction may insert rows of its own tenant."""
    table = Table(name, metadata, *items)
    table.info["class"] = TableClass.PLUMBING
    table.info["tenants_append"] = tenants_append
    return table


def tenant_reference(columns: Sequence[str], target: str, target_columns: Sequence[str] = ("id",)) -> Any:
    """A foreign key that cannot cross tenants: `tenant_id` is part of it."""
    return ForeignKeyConstraint(
        ["tenant_id", *columns], [f"{target}.tenant_id", *(f"{target}.{column}" for column in target_columns)]
    )


def table_class(table: Table) -> TableClass:
    """The declared class; raises KeyError where none was declared."""
    declared: TableClass = table.info["class"]
    return declared


def _keyed(items: Sequence[Any], key: Sequence[str]) -> Sequence[Any]:
    for item in items:
        if isinstance(item, Column) and item.name in key:
            item.primary_key, item.nullable = True, False
    return items
