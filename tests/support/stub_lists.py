"""What the lists of every stub share."""

from collections.abc import Iterable
from typing import Any

from ascms.cases.v1 import cases_pb2 as c

from kit.errors import InvalidArgumentError, Violation


def page_of(rows: list[Any], size: int, token: str) -> tuple[list[Any], str]:
    """A page of rows; the token is the place to go on from."""
    if not (token or "0").isdecimal():
        raise InvalidArgumentError.of(Violation("page_token", "unknown", "is not one of ours"))
    start, size = int(token or 0), size or 50
    return rows[start : start + size], str(start + size) if len(rows) > start + size else ""


def counts(pairs: Iterable[tuple[str, int]]) -> list[c.FilterCount]:
    """Counts of the contract."""
    return [c.FilterCount(filter=name, count=count) for name, count in pairs]
