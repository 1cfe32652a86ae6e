"""Transactions: what an error leaves behind on a connection that others use after it."""

from collections.abc import Iterator

import psycopg
import pytest

from kit.db import Database, Query
from services.reporting.store import EXTRA_ROLES
from tests.support.postgres import database_of

_DIVIDE = Query("SELECT 1 / %(by)s::int", {})
_ADD = Query("SELECT %(by)s::int + 1", {})
_UNTIL_PREPARED = 5


@pytest.fixture
def database(worker: str) -> Iterator[Database]:
    """A pool of one connection, so that everything meets what went before."""
    with database_of("reporting", worker=f"{worker}_pool", extra_roles=EXTRA_ROLES) as url:
        database = Database(url, "reporting", pool_size=1)
        yield database
        database.close()


def divide_and_add(database: Database, *, by: int) -> int:
    """Two statements that travel with the commit; the answer of the second."""
    with database.plumbing() as tx:
        tx.later(_DIVIDE, by=by)
        answer = tx.later(_ADD, by=by)
    return int(answer.value())


def refuse(database: Database) -> None:
    """A transaction that is rolled back before anything was prepared."""
    with database.plumbing():
        raise LookupError


def test_statements_after_one_that_failed_are_not_taken_for_prepared(database: Database) -> None:
    with pytest.raises(LookupError):
        refuse(database)
    for _ in range(_UNTIL_PREPARED):
        assert divide_and_add(database, by=1) == 2
    # The server skips what follows the fault, and with it the preparing of the second statement and of the commit.
    with pytest.raises(psycopg.errors.DivisionByZero):
        divide_and_add(database, by=0)

    assert [divide_and_add(database, by=1) for _ in range(2 * _UNTIL_PREPARED)] == [2] * 2 * _UNTIL_PREPARED
