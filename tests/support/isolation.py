"""Tries every way past a table's isolation, whatever the table: rows are made from its columns.

`violations(...)` returns what got through, in words; an isolated table returns nothing. The same function judges the
real schema and, in the negative control, one with a loosened policy, so that it is known to be able to fail.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import ARRAY, BigInteger, Boolean, Column, Date, DateTime, Integer, LargeBinary, SmallInteger, Table
from sqlalchemy.dialects import postgresql

from kit.tables import TableClass, table_class

OURS = UUID("aaaaaaaa-0000-7000-8000-000000000001")
THEIRS = UUID("bbbbbbbb-0000-7000-8000-000000000002")
# Without a role not even the schema is visible, so its tables do not exist.
REFUSED = (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable)


def remove_rules(admin: psycopg.Connection[Any]) -> None:
    """Drop checks, foreign keys and triggers of a copied database, so that any row of the right types can be made."""
    constraints = admin.execute(
        "SELECT conrelid::regclass::text, conname FROM pg_constraint "
        "WHERE contype IN ('c', 'f') AND connamespace = 'public'::regnamespace"
    ).fetchall()
    for table, name in constraints:
        admin.execute(
            sql.SQL("ALTER TABLE {} DROP CONSTRAINT IF EXISTS {} CASCADE").format(sql.SQL(table), sql.Identifier(name))
        )


def insert_pair(admin: psycopg.Connection[Any], table: Table) -> None:
    """One row of ours and one of theirs."""
    admin.execute(sql.SQL("TRUNCATE {} CASCADE").format(sql.Identifier(table.name)))
    for owner in (OURS, THEIRS):
        _insert(admin, table, _row(table, owner))


def violations(login_url: str, service: str, table: Table) -> list[str]:
    """Every way in which `table` lets someone see or change what is not theirs."""
    kind = table_class(table)
    found = list(_without_role(login_url, table))
    match kind:
        case TableClass.TENANT:
            found += _owner_rules(login_url, f"{service}_tenant", "app.tenant_id", "tenant_id", table)
            found += _person_rules(login_url, service, table)
        case TableClass.SHARED:
            found += _owner_rules(login_url, f"{service}_tenant", "app.tenant_id", "tenant_id", table)
            found += _guest_rules(login_url, service, table)
        case TableClass.PERSON:
            found += _owner_rules(login_url, f"{service}_person", "app.person_id", "person_id", table)
            found += _closed_to(login_url, f"{service}_tenant", table)
        case TableClass.PLUMBING if table.info["tenants_append"]:
            found += _owner_rules(login_url, f"{service}_tenant", "app.tenant_id", "tenant_id", table)
        case TableClass.PLUMBING:
            found += _closed_to(login_url, f"{service}_tenant", table)
        case TableClass.REFERENCE:
            found += _read_only(login_url, f"{service}_tenant", table)
    if kind is not TableClass.SHARED:
        found += _guest_is_out(login_url, service, table)
    return found


def _without_role(url: str, table: Table) -> Iterator[str]:
    with psycopg.connect(url) as login:
        if _seen(login, table) is not None:
            yield f"{table.name}: readable without a role"


def _owner_rules(url: str, role: str, setting: str, column: str, table: Table) -> Iterator[str]:
    name = sql.Identifier(table.name)
    with _as(url, role, setting, None) as tx:
        rows = _seen(tx, table)
        if rows is not None:
            yield f"{table.name}: {role} without {setting} sees {rows} rows instead of an error"
    with _as(url, role, setting, OURS) as tx:
        owners = _owners(tx, table, column)
        if owners is not None and owners != {OURS}:
            yield f"{table.name}: {role} sees rows of {owners}"
    with _as(url, role, setting, OURS) as tx:
        changed = _count(
            tx,
            sql.SQL("UPDATE {} SET {column} = {column} WHERE {column} = %s").format(
                name, column=sql.Identifier(column)
            ),
            [THEIRS],
        )
        if changed:
            yield f"{table.name}: {role} changes {changed} rows of another"
    with _as(url, role, setting, OURS) as tx:
        deleted = _count(tx, sql.SQL("DELETE FROM {} WHERE {} = %s").format(name, sql.Identifier(column)), [THEIRS])
        if deleted:
            yield f"{table.name}: {role} deletes {deleted} rows of another"
    with _as(url, role, setting, OURS) as tx:
        stolen = _count(
            tx,
            sql.SQL("UPDATE {} SET {column} = %s WHERE {column} = %s").format(name, column=sql.Identifier(column)),
            [THEIRS, OURS],
        )
        if stolen:
            yield f"{table.name}: {role} gives {stolen} rows to another"
    yield from _insert_rules(url, role, setting, table)
    with _as(url, role, setting, OURS) as tx:
        try:
            tx.execute(sql.SQL("TRUNCATE {}").format(name))
        except REFUSED:
            pass
        else:
            yield f"{table.name}: {role} may truncate"


def _insert_rules(url: str, role: str, setting: str, table: Table) -> Iterator[str]:
    with _as(url, role, setting, OURS) as tx:
        try:
            _insert(tx, table, _row(table, THEIRS))
        except REFUSED:
            pass
        except psycopg.errors.UniqueViolation:
            # A policy refuses before any key is looked at: this one let it through.
            yield f"{table.name}: {role} is told which rows another has"
        else:
            yield f"{table.name}: {role} inserts rows of another"


def _person_rules(url: str, service: str, table: Table) -> Iterator[str]:
    """Where persons may read a tenant's table at all, they read their own rows of it."""
    role = f"{service}_person"
    with psycopg.connect(url) as login:
        if not login.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
            return
    if "person_id" not in table.columns:
        yield from _closed_to(url, role, table)
        return
    with _as(url, role, "app.person_id", None) as tx:
        rows = _owners(tx, table, "person_id")
        if rows is not None:
            yield f"{table.name}: {role} without app.person_id sees rows of {rows} instead of an error"
    with _as(url, role, "app.person_id", OURS) as tx:
        owners = _owners(tx, table, "person_id")
        if owners is not None and owners != {OURS}:
            yield f"{table.name}: {role} sees rows of {owners}"
    with _as(url, role, "app.person_id", OURS) as tx:
        if _try(tx, sql.SQL("UPDATE {} SET person_id = person_id").format(sql.Identifier(table.name))):
            yield f"{table.name}: {role} may update"


def _guest_rules(url: str, service: str, table: Table) -> Iterator[str]:
    role = f"{service}_guest"
    readable = table.info["guest_reads"]
    with _as(url, role, "app.tenant_id", OURS) as tx:
        rows = tx.execute(
            sql.SQL("SELECT {} FROM {}").format(
                sql.SQL(", ").join(map(sql.Identifier, readable)), sql.Identifier(table.name)
            )
        ).fetchall()
        if len(rows) != 1:
            yield f"{table.name}: the guest sees {len(rows)} rows instead of the one shared with it"
    for column in table.columns:
        if column.name in readable:
            continue
        with _as(url, role, "app.tenant_id", OURS) as tx:
            if _try(tx, sql.SQL("SELECT {} FROM {}").format(sql.Identifier(column.name), sql.Identifier(table.name))):
                yield f"{table.name}: the guest reads {column.name}"
    with _as(url, role, "app.tenant_id", OURS) as tx:
        if _try(tx, sql.SQL("DELETE FROM {}").format(sql.Identifier(table.name))):
            yield f"{table.name}: the guest may delete"
    with _as(url, role, "app.tenant_id", OURS) as tx:
        if _try(tx, sql.SQL("UPDATE {} SET guest_id = guest_id").format(sql.Identifier(table.name))):
            yield f"{table.name}: the guest may update"


def _guest_is_out(url: str, service: str, table: Table) -> Iterator[str]:
    if table_class(table) is TableClass.REFERENCE:
        return
    with _as(url, f"{service}_guest", "app.tenant_id", OURS) as tx:
        if _seen(tx, table) is not None:
            yield f"{table.name}: the guest may read it"


def _closed_to(url: str, role: str, table: Table) -> Iterator[str]:
    with _as(url, role, "app.tenant_id", OURS) as tx:
        if _seen(tx, table) is not None:
            yield f"{table.name}: {role} may read it"
    with _as(url, role, "app.tenant_id", OURS) as tx:
        if _try(tx, sql.SQL("DELETE FROM {}").format(sql.Identifier(table.name))):
            yield f"{table.name}: {role} may delete"


def _read_only(url: str, role: str, table: Table) -> Iterator[str]:
    with _as(url, role, "app.tenant_id", OURS) as tx:
        if _try(tx, sql.SQL("DELETE FROM {}").format(sql.Identifier(table.name))):
            yield f"{table.name}: {role} may delete reference data"


@contextmanager
def _as(url: str, role: str, setting: str, value: UUID | None) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(url) as connection:
        connection.execute(f"SET LOCAL ROLE {role}")
        if value is not None:
            connection.execute("SELECT set_config(%s, %s, true)", [setting, str(value)])
        yield connection
        connection.rollback()


def _seen(connection: psycopg.Connection[Any], table: Table) -> int | None:
    """How many rows are visible; None where the question itself is refused."""
    column = sql.Identifier(next(iter(table.columns)).name)
    try:
        return len(
            connection.execute(sql.SQL("SELECT {} FROM {}").format(column, sql.Identifier(table.name))).fetchall()
        )
    except REFUSED:
        return None


def _owners(connection: psycopg.Connection[Any], table: Table, column: str) -> set[UUID] | None:
    try:
        rows = connection.execute(
            sql.SQL("SELECT {} FROM {}").format(sql.Identifier(column), sql.Identifier(table.name))
        ).fetchall()
    except REFUSED:
        return None
    return {owner for (owner,) in rows}


def _count(connection: psycopg.Connection[Any], statement: sql.Composed, parameters: list[Any]) -> int:
    try:
        return connection.execute(statement, parameters).rowcount
    except REFUSED:
        return 0


def _try(connection: psycopg.Connection[Any], statement: sql.Composed) -> bool:
    try:
        connection.execute(statement)
    except REFUSED:
        return False
    return True


def _insert(connection: psycopg.Connection[Any], table: Table, row: dict[str, Any]) -> None:
    connection.execute(
        sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table.name),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(sql.Placeholder() * len(row)),
        ),
        list(row.values()),
    )


def _row(table: Table, owner: UUID) -> dict[str, Any]:
    """A row of `owner`; a shared one of theirs names us as the guest, and the other way round."""
    row = {
        column.name: _value(column) for column in table.columns if column.identity is None and column.computed is None
    }
    for name in ("tenant_id", "person_id"):
        if name in row:
            row[name] = owner
    if table.info.get("class") is TableClass.SHARED:
        row["guest_id"] = THEIRS if owner == OURS else OURS
    return row


def _value(column: Column[Any]) -> Any:  # noqa: PLR0911 - one line a type
    unique = uuid4()
    match column.type:
        case postgresql.UUID():
            return unique
        case ARRAY():
            return [unique.hex]
        case postgresql.JSONB():
            return Jsonb({})
        case BigInteger() | Integer() | SmallInteger():
            return unique.int % 30_000
        case Boolean():
            return False
        case DateTime():
            return datetime(2026, 3, 4, tzinfo=UTC)
        case Date():
            return date(2026, 3, 4)
        case LargeBinary():
            return unique.bytes
        case _:
            return unique.hex[: getattr(column.type, "length", None) or 32]
