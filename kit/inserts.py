"""An insert of one row, turned into one of many: a server spends more on a thousand statements than on a thousand rows.

COPY would be quicker still, but PostgreSQL refuses it under row-level security, and the tenant is enforced everywhere.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

_INSERT = re.compile(r"INSERT INTO \w+ \([\w, ]+\) (?P<values>VALUES \((?P<row>.+?)\))(?= ON CONFLICT| RETURNING|$)")
_VALUE = re.compile(r"%\((?P<name>\w+)\)s(?:::(?P<type>[A-Z ]+))?")


def many(sql: str, rows: Sequence[Mapping[str, Any]]) -> tuple[str, Mapping[str, list[Any]]]:
    """An insert of one row as an insert of `rows`, with their values by column; ValueError for any other statement."""
    columns = _columns(sql)
    values = {name: [row.get(name) for row in rows] for name in columns}
    return _statement(sql, tuple(kind or _type_of(values[name]) for name, kind in columns.items())), values


@cache
def _columns(sql: str) -> Mapping[str, str | None]:
    """The parameters of the row, each with its type where the statement names it."""
    found = _INSERT.match(sql)
    if found is None:
        raise ValueError(f"not an insert of one row: {sql[:60]}")
    return {one["name"]: one["type"] for one in _VALUE.finditer(found["row"])}


@cache
def _statement(sql: str, types: Sequence[str]) -> str:
    found = _INSERT.match(sql)
    assert found is not None, "looked at before"
    names = list(_columns(sql))
    arrays = ", ".join(f"%({name})s::{kind}[]" for name, kind in zip(names, types, strict=True))
    # Every word of it stands in a statement of ours.
    source = f"SELECT {', '.join(names)} FROM unnest({arrays}) AS these ({', '.join(names)})"  # noqa: S608
    return sql.replace(found["values"], source, 1)


def _type_of(values: Sequence[Any]) -> str:
    """The statement names the types of all but those that psycopg cannot mistake."""
    known = next((value for value in values if value is not None), None)
    return "BYTEA" if isinstance(known, bytes) else "BOOLEAN"
