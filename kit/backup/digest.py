"""What a state is, as numbers that two systems can compare: rows and a hash for each table, whatever their order."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import sql

_TABLES = """
    SELECT schemaname, tablename FROM pg_tables
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2
"""
# Each row by its own hash, and those added up: the same whatever the order, and different for one row twice.
_DIGEST = """
    SELECT count(*), coalesce(sum(('x' || left(md5(t::text), 16))::bit(64)::bigint::numeric), 0)::text FROM {} t
"""
# Text of a row must not depend on who asks.
_SETTINGS = (
    "SET LOCAL timezone = 'UTC'", "SET LOCAL datestyle = 'ISO'", "SET LOCAL intervalstyle = 'postgres'",
    "SET LOCAL bytea_output = 'hex'", "SET LOCAL extra_float_digits = 1", "SET LOCAL row_security = off",
)  # fmt: skip


def tables_of(connection: psycopg.Connection) -> list[sql.Identifier]:
    """Every table of the database that is not PostgreSQL's own."""
    return [sql.Identifier(schema, name) for schema, name in connection.execute(_TABLES).fetchall()]


def digest(connection: psycopg.Connection) -> dict[str, dict[str, Any]]:
    """Rows and hash of each table, as the connection's transaction sees them.

    It must see everything: where a policy hides rows from this role, PostgreSQL raises instead of hiding.
    """
    for setting in _SETTINGS:
        connection.execute(setting)
    found = {}
    for table in tables_of(connection):
        row = connection.execute(sql.SQL(_DIGEST).format(table)).fetchone()
        assert row is not None
        found[table.as_string(connection)] = {"rows": row[0], "hash": row[1]}
    return found


def state_hash(tables: Mapping[str, Mapping[str, Any]], files: Mapping[str, Mapping[str, Any]]) -> str:
    """One hash of every database's tables and of every file."""
    told = json.dumps([tables, files], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(told.encode()).hexdigest()
