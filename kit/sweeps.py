"""Deadlines: facts with a due moment, found by a sweep. A late or repeated sweep does no harm."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from prometheus_client import Counter, Gauge
from sqlalchemy import Column, DateTime, Index, MetaData, Table, Text, bindparam, delete, insert, select
from sqlalchemy.dialects import postgresql

from kit import log
from kit.actor import Actor, system_actor
from kit.clock import Clock
from kit.db import Database, Transaction, prepare
from kit.tables import plumbing_table

_BATCH = 100
_SWEPT = Counter("ascms_deadlines_met", "Deadlines whose command ran", ["kind"])
_FAILED = Counter("ascms_deadlines_failed", "Deadlines whose command raised; tried again by the next sweep", ["kind"])
_OLDEST = Gauge("ascms_deadline_oldest_seconds", "How late the oldest unmet deadline is", ["kind"])
_LAST = Gauge(
    "ascms_sweep_last_success_timestamp_seconds", "When all kinds of a service were last looked through", ["service"]
)


def deadline_table(metadata: MetaData) -> Table:
    """What is due when: set by the command that makes it due, deleted by the one that meets or cancels it."""
    return plumbing_table(
        "deadline",
        metadata,
        Column("tenant_id", postgresql.UUID, primary_key=True),
        Column("kind", Text, primary_key=True),
        Column("subject_id", postgresql.UUID, primary_key=True),
        Column("due_at", DateTime(timezone=True), nullable=False),
        Index("deadline_due", "kind", "due_at"),
        tenants_append=True,
    )


_TABLE = deadline_table(MetaData())
_SET = prepare(insert(_TABLE).values(dict.fromkeys(_TABLE.c.keys())))
_KEEP = prepare(postgresql.insert(_TABLE).values(dict.fromkeys(_TABLE.c.keys())).on_conflict_do_nothing())
_THIS = (
    _TABLE.c.tenant_id == bindparam("tenant"),
    _TABLE.c.kind == bindparam("deadline_kind"),
    _TABLE.c.subject_id == bindparam("subject"),
)
_CLEAR = prepare(delete(_TABLE).where(*_THIS))
_FIND = prepare(select(_TABLE.c.due_at).where(*_THIS))
_DUE = prepare(
    select(_TABLE.c.tenant_id, _TABLE.c.subject_id, _TABLE.c.due_at)
    .where(_TABLE.c.kind == bindparam("deadline_kind"), _TABLE.c.due_at <= bindparam("now"))
    .order_by(_TABLE.c.due_at)
    .limit(_BATCH)
)


def set_deadline(tx: Transaction, *, kind: str, subject_id: UUID, due_at: datetime) -> None:
    """Queue a deadline of the present tenant."""
    tx.later(_SET, tenant_id=tx.tenant_id, kind=kind, subject_id=subject_id, due_at=due_at)


def keep_deadline(tx: Transaction, *, kind: str, subject_id: UUID, due_at: datetime) -> None:
    """As `set_deadline`; where there is one already, it stays as it is."""
    tx.later(_KEEP, tenant_id=tx.tenant_id, kind=kind, subject_id=subject_id, due_at=due_at)


def clear_deadline(tx: Transaction, *, kind: str, subject_id: UUID) -> None:
    """Queue the end of a deadline of the present tenant; harmless where there is none."""
    tx.later(_CLEAR, tenant=tx.tenant_id, deadline_kind=kind, subject=subject_id)


def has_deadline(tx: Transaction, *, kind: str, subject_id: UUID) -> bool:
    """Whether a deadline of the present tenant stands. Ask under a lock, if something is made of the answer."""
    return tx.first(_FIND, tenant=tx.tenant_id, deadline_kind=kind, subject=subject_id) is not None


def take_deadline(tx: Transaction, *, kind: str, subject_id: UUID) -> bool:
    """End a deadline of the present tenant now; whether it still stood, which it does for one of several sweeps."""
    return tx.run(_CLEAR, tenant=tx.tenant_id, deadline_kind=kind, subject=subject_id) == 1


Meet = Callable[[Actor, UUID], object]


@dataclass(eq=False)
class Sweep:
    """Runs a command for each deadline of a kind that is due: `meet(system_actor, subject_id)`.

    The command looks at the facts again, does what is still to be done, and clears the deadline in its transaction.
    """

    database: Database
    clock: Clock
    kinds: dict[str, Meet]
    interval_seconds: float = 60.0
    _stop: threading.Event = field(default_factory=threading.Event, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)

    def start(self) -> None:
        """Sweep now, then each interval."""
        for kind in self.kinds:  # Told from the start: an alert cannot see something rise from nothing.
            _FAILED.labels(kind)
        # Until the first sweep: as long as it takes, at most, is how long nobody would notice that there is none.
        _LAST.labels(self.database.service).set(self.clock.now().timestamp())
        self._thread = threading.Thread(target=self._run, name="sweep", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the deadline under way."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def sweep_once(self) -> int:
        """Meet everything due now; return how many commands ran without an error."""
        met = 0
        for kind, meet in self.kinds.items():
            with self.database.plumbing() as tx:
                due = tx.all(_DUE, deadline_kind=kind, now=self.clock.now())
            oldest = (self.clock.now() - due[0].due_at).total_seconds() if due else 0.0
            _OLDEST.labels(kind).set(oldest)
            for row in due:
                met += self._meet(kind, meet, row.tenant_id, row.subject_id)
        _LAST.labels(self.database.service).set(self.clock.now().timestamp())
        return met

    def _meet(self, kind: str, meet: Meet, tenant_id: UUID, subject_id: UUID) -> int:
        try:
            meet(system_actor(self.database.service, tenant_id), subject_id)
        except Exception as error:  # noqa: BLE001 - one that fails must not keep the others waiting
            _FAILED.labels(kind).inc()
            log.logger().error("deadline-failed", kind=kind, subject_id=str(subject_id), **log.describe(error))
            return 0
        _SWEPT.labels(kind).inc()
        return 1

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.sweep_once()
            except Exception as error:  # noqa: BLE001 - the database may be away; the next sweep finds the same facts
                log.logger().error("sweep-failed", **log.describe(error))
            self._stop.wait(self.interval_seconds)
