"""Transactions that cannot forget who they work for.

SQL is written as SQLAlchemy Core expressions over the declared tables, prepared once, and run by psycopg: the same
statements cost a third of what they cost through SQLAlchemy's execution (docs/performance.md). A transaction opens in
one round trip that sets the role and the tenant; its writes are queued and travel with the COMMIT in another.

The login role has no rights of its own (see kit.tables): outside these functions every table is "permission denied".
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import namedtuple_row
from psycopg_pool import ConnectionPool, PoolTimeout
from sqlalchemy.dialects.postgresql.psycopg import dialect as psycopg_dialect
from sqlalchemy.sql import Executable
from sqlalchemy.sql.elements import ClauseElement

from kit import tracing
from kit.actor import Actor
from kit.errors import UnavailableError
from kit.inserts import many

_DIALECT = psycopg_dialect(paramstyle="pyformat")  # type: ignore[no-untyped-call]
_POOL_WAIT_SECONDS = 2.0
_RECONNECT_SECONDS = 5.0
"""How long the pool tries by itself, each time after twice the wait; then each transaction tries anew. Short, so that
nobody waits for the end of a long pause once the server is back."""
_UNTRACED = nullcontext()


@dataclass(frozen=True, slots=True)
class Query:
    """A statement as text for psycopg, with the values that were part of the expression."""

    sql: str
    values: Mapping[str, Any]


def prepare(statement: Executable) -> Query:
    """Compile a SQLAlchemy expression once, at import, into what psycopg runs.

    Parameters are `bindparam("name")`s; `insert(table)` takes each column as a parameter of its name.
    """
    assert isinstance(statement, ClauseElement)
    compiled = statement.compile(dialect=_DIALECT)
    values = {name: value for name, value in compiled.params.items() if value is not None}
    return Query(str(compiled), values)


class Transaction:
    """One open transaction of one actor. Commands and the consumer loop open it; stores only use it."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        *,
        service: str,
        actor: Actor | None,
        role: str,
        outbox_grew: threading.Event,
    ) -> None:
        """Made by Database only."""
        self.connection = connection
        self.actor = actor
        self.service = service
        self.outbox_grew = outbox_grew
        self._role = role
        self._tenant_id = actor.tenant_id if actor else None
        self._queue: list[tuple[str, Mapping[str, Any], Later]] = []
        self._last: list[tuple[str, Mapping[str, Any], Later]] = []
        self._after_commit: list[Callable[[], None]] = []

    @property
    def role(self) -> str:
        """The database's role under which it works now."""
        return self._role

    @property
    def tenant_id(self) -> UUID:
        """The tenant whose rows are visible now."""
        assert self._tenant_id is not None, "this transaction has no tenant"
        return self._tenant_id

    def all(self, query: Query | Executable, **parameters: Any) -> list[Any]:
        """Every row, as named tuples."""
        return self._execute(query, parameters).fetchall()

    def first(self, query: Query | Executable, **parameters: Any) -> Any | None:
        """The first row or None."""
        return self._execute(query, parameters).fetchone()

    def value(self, query: Query | Executable, **parameters: Any) -> Any:
        """The first column of the first row; None without a row."""
        row = self._execute(query, parameters).fetchone()
        return row[0] if row is not None else None

    def run(self, query: Query | Executable, **parameters: Any) -> int:
        """Run a write now and return how many rows it touched."""
        return self._execute(query, parameters).rowcount

    def later(self, query: Query | Executable, **parameters: Any) -> "Later":
        """Queue a write: it runs, in order, with the commit or before the next statement that needs an answer."""
        prepared = query if isinstance(query, Query) else prepare(query)
        promise = Later()
        self._queue.append((prepared.sql, {**prepared.values, **parameters}, promise))
        return promise

    def later_many(self, query: Query, rows: Iterable[Mapping[str, Any]]) -> None:
        """Queue an insert of one row for each of `rows`, as one statement."""
        if gathered := list(rows):
            sql, values = many(query.sql, gathered)
            self._queue.append((sql, values, Later()))

    def last(self, query: Query, **parameters: Any) -> None:
        """Queue a write that runs with the commit, after all others, or before the tenant changes.

        For rows that many transactions change, such as counters: whoever is next waits no longer than the commit takes.
        """
        self._last.append((query.sql, {**query.values, **parameters}, Later()))

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call back once the transaction is committed: to wake the relay, to tell a metric."""
        self._after_commit.append(callback)

    @contextmanager
    def enter_tenant(self, tenant_id: UUID, *, reason: str) -> Iterator[None]:
        """Work in another organisation's rows, by name: routing a request, answering one, a handover.

        The caller writes an audit entry on both sides; `reason` is part of both.
        """
        assert reason
        with self._switched(f"{self.service}_tenant", tenant_id):
            yield

    @contextmanager
    def as_guest(self) -> Iterator[None]:
        """Read what other organisations share with the present tenant."""
        with self._switched(f"{self.service}_guest", self.tenant_id):
            yield

    def flush(self) -> None:
        """Send the queued writes now, in one round trip."""
        queue, self._queue = self._queue, []
        if not queue:
            return
        with self.connection.pipeline():
            for sql, parameters, promise in queue:
                promise.cursor = self.connection.execute(sql, parameters)

    def _commit(self) -> None:
        queue, self._queue, self._last = [*self._queue, *self._last], [], []
        if not queue:
            self.connection.execute("COMMIT", prepare=False)
        else:
            with self.connection.pipeline():
                for sql, parameters, promise in queue:
                    promise.cursor = self.connection.execute(sql, parameters)
                self.connection.execute("COMMIT")
        for callback in self._after_commit:
            callback()

    def _execute(self, query: Query | Executable, parameters: Mapping[str, Any]) -> psycopg.Cursor[Any]:
        self.flush()
        prepared = query if isinstance(query, Query) else prepare(query)
        return self.connection.execute(prepared.sql, {**prepared.values, **parameters})

    @contextmanager
    def _switched(self, role: str, tenant_id: UUID) -> Iterator[None]:
        self._flush_all()
        before = (self._role, self._tenant_id)
        self._switch(role, tenant_id)
        try:
            yield
        except BaseException:
            # The transaction is going to be rolled back, and with it the role.
            self._role, self._tenant_id = before
            raise
        self._flush_all()
        self._switch(before[0], before[1])

    def _flush_all(self) -> None:
        self._queue, self._last = [*self._queue, *self._last], []
        self.flush()

    def _switch(self, role: str, tenant_id: UUID | None) -> None:
        self.connection.execute(
            f"SET LOCAL ROLE {role}; SELECT set_config('app.tenant_id', '{tenant_id or ''}', true)", prepare=False
        )
        self._role, self._tenant_id = role, tenant_id


@dataclass(slots=True)
class Later:
    """The answer of a queued write, there once it was sent."""

    cursor: psycopg.Cursor[Any] | None = None

    def value(self) -> Any:
        """First column of the first row of its RETURNING clause."""
        assert self.cursor is not None, "not sent yet"
        row = self.cursor.fetchone()
        return row[0] if row is not None else None

    def rows(self) -> list[Any]:
        """Every row, for a question that was queued so as to travel with others."""
        assert self.cursor is not None, "not sent yet"
        return self.cursor.fetchall()


@dataclass(eq=False)
class Database:
    """One service's database. Opens its pool on first use, so that it may be made before a fork."""

    url: str
    service: str
    pool_size: int = 6
    statement_timeout_ms: int = 5_000
    outbox_grew: threading.Event = field(default_factory=threading.Event, init=False, repr=False)
    """Set after a commit that appended to the outbox: the relay of this process need not wait for its next poll."""
    _pool: ConnectionPool[psycopg.Connection[Any]] | None = field(default=None, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    @contextmanager
    def tenant(self, actor: Actor) -> Iterator[Transaction]:
        """A transaction over the rows of the actor's organisation."""
        with self._transaction(role=f"{self.service}_tenant", actor=actor) as tx:
            yield tx

    @contextmanager
    def guest(self, actor: Actor) -> Iterator[Transaction]:
        """A transaction that reads what other organisations share with the actor's."""
        with self._transaction(role=f"{self.service}_guest", actor=actor) as tx:
            yield tx

    @contextmanager
    def plumbing(self) -> Iterator[Transaction]:
        """A transaction over the machinery's tables: outbox, inbox, deadlines."""
        with self._transaction(role=f"{self.service}_plumbing", actor=None) as tx:
            yield tx

    @contextmanager
    def special(self, role: str, *, actor: Actor | None = None, person_id: UUID | None = None) -> Iterator[Transaction]:
        """A transaction as one of the service's other roles, named without its prefix: "person", "national"."""
        with self._transaction(role=f"{self.service}_{role}", actor=actor, person_id=person_id) as tx:
            yield tx

    def is_ready(self) -> bool:
        """Whether the database answers now."""
        try:
            with self._transaction(role=f"{self.service}_plumbing", actor=None):
                return True
        except (psycopg.Error, UnavailableError):
            return False

    def pool(self) -> ConnectionPool[psycopg.Connection[Any]]:
        """The pool, opened."""
        if self._pool is None:
            with self._lock:
                if self._pool is None:
                    self._pool = ConnectionPool(
                        self.url,
                        min_size=1,
                        max_size=self.pool_size,
                        kwargs={
                            "autocommit": True,
                            "row_factory": namedtuple_row,
                            "application_name": self.service,
                            "options": f"-c statement_timeout={self.statement_timeout_ms} -c timezone=UTC",
                        },
                        name=self.service,
                        timeout=_POOL_WAIT_SECONDS,
                        reconnect_timeout=_RECONNECT_SECONDS,
                        open=True,
                    )
        return self._pool

    def close(self) -> None:
        """Give every connection back to the server."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    @contextmanager
    def _transaction(self, *, role: str, actor: Actor | None, person_id: UUID | None = None) -> Iterator[Transaction]:
        # The span comes first, so that outbox rows and jobs of the transaction name it as what caused them.
        with tracing.span("transaction", attributes={"db.role": role}) if tracing.is_sampled() else _UNTRACED:
            pool = self.pool()
            connection = self._begin(pool, role=role, actor=actor, person_id=person_id)
            try:
                tx = Transaction(connection, service=self.service, actor=actor, role=role, outbox_grew=self.outbox_grew)
                try:
                    yield tx
                    tx._commit()  # noqa: SLF001 - a transaction and its database are one thing in two classes
                except BaseException:
                    _roll_back(connection)
                    raise
            finally:
                pool.putconn(connection)

    def _begin(
        self, pool: ConnectionPool[psycopg.Connection[Any]], *, role: str, actor: Actor | None, person_id: UUID | None
    ) -> psycopg.Connection[Any]:
        tenant = actor.tenant_id if actor else ""
        person = person_id or (actor.actor_id if actor else None) or ""
        # One round trip. The values are UUIDs and our own role names, so nothing needs quoting.
        begin = (
            f"BEGIN; SET LOCAL ROLE {role}; "
            f"SELECT set_config('app.tenant_id', '{tenant}', true), set_config('app.person_id', '{person}', true)"
        )
        # A pooled connection may have died with the server: such a one is thrown away and the next is tried.
        for attempt in range(self.pool_size + 1):
            try:
                connection = pool.getconn()
            except PoolTimeout as error:
                raise UnavailableError("database-busy", "The system is busy. Try again in a moment.") from error
            try:
                connection.execute(begin, prepare=False)
            except psycopg.OperationalError as error:
                pool.putconn(connection)
                if attempt == self.pool_size:
                    raise UnavailableError("database-away", "The system cannot reach its database.") from error
            except BaseException:
                _roll_back(connection)
                pool.putconn(connection)
                raise
            else:
                return connection
        raise AssertionError("unreachable")


def _roll_back(connection: psycopg.Connection[Any]) -> None:
    if connection.closed or connection.info.transaction_status == TransactionStatus.IDLE:
        return
    try:
        # Not by a statement of our own: only this forgets what psycopg believes to be prepared. The server skipped what
        # stood behind the fault in a pipeline, and would not know its statements on this connection ever after.
        connection.rollback()
    except psycopg.Error:
        # A connection that cannot roll back is not fit for the pool; closing it rolls back on the server.
        connection.close()
