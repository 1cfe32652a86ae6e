"""A transaction that gathers what stores queue, and writes each table with one statement."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kit.db import Later, Query, Transaction
from kit.inserts import many


class BulkTransaction(Transaction):
    """Shares the connection of a transaction that is open; `flush` writes everything that was queued on it.

    For inserts alone, of whatever table. Rows of one statement keep their order, and statements the order in which each
    came first: what others refer to has to be queued first. A queued insert has no answer.
    """

    def __init__(self, tx: Transaction) -> None:
        """`tx` is used for nothing else until this is flushed; it commits, or not."""
        super().__init__(tx.connection, service=tx.service, actor=tx.actor, role=tx.role, outbox_grew=tx.outbox_grew)
        self._outer = tx
        self._gathered: dict[str, list[Mapping[str, Any]]] = {}

    def later(self, query: Any, **parameters: Any) -> Later:
        """Gather one row."""
        assert isinstance(query, Query), "whoever has many rows has prepared what they are written by"
        self._gathered.setdefault(query.sql, []).append(parameters)
        return Later()

    def later_many(self, query: Query, rows: Iterable[Mapping[str, Any]]) -> None:
        """Gather some rows."""
        self._gathered.setdefault(query.sql, []).extend(rows)

    def last(self, query: Query, **parameters: Any) -> None:
        """As `later`: what was queued first comes first, and this is queued last."""
        self.later(query, **parameters)

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call back once the transaction that is shared is committed."""
        self._outer.after_commit(callback)

    def flush(self) -> None:
        """Write what was gathered, in one round trip."""
        gathered, self._gathered = self._gathered, {}
        if not gathered:
            return
        with self.connection.pipeline():
            for sql, rows in gathered.items():
                self.connection.execute(*many(sql, rows), prepare=False)
