"""What nobody needs any more goes: answered idempotency keys, applied events, the log that every group has read.

Each chore removes a batch at a time, oldest first, in a transaction of its own, so that it holds up nobody, may be
stopped between any two batches, and does no harm when two processes do it at once or one does it twice.
(Jobs that ended are forgotten by `kit.jobs` itself.)
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from prometheus_client import Counter, Gauge

from kit import idempotency, inbox, log
from kit.bus import Broker
from kit.bus.postgres import PostgresBroker
from kit.clock import Clock
from kit.db import Database

Chore = Callable[[], int]
"""Removes one batch of what is old and says how many; 0 when nothing is left."""

KEEP_IDEMPOTENCY = timedelta(days=1)
KEEP_INBOX = timedelta(days=30)
"""Longer than the log keeps what a group has read: what is delivered again must find its claim."""
KEEP_LOG_READ = timedelta(days=14)
KEEP_LOG_UNREAD = timedelta(days=60)

_FIRST_SECONDS = 300.0
_INTERVAL_SECONDS = 3_600.0
_BATCH = 5_000

_REMOVED = Counter("ascms_housekeeping_removed", "Rows removed because nobody needs them", ["service", "chore"])
_FAILED = Counter(
    "ascms_housekeeping_failures", "Times a chore raised; tried again an hour later", ["service", "chore"]
)
_LAST = Gauge("ascms_housekeeping_last_success_timestamp_seconds", "When a chore last ended well", ["service", "chore"])


@dataclass(eq=False, kw_only=True)
class Housekeeping:
    """The chores of one service, each hour; its thread is `kit.service.Threaded`. `chores` are the service's own."""

    database: Database
    broker: Broker
    clock: Clock
    chores: Mapping[str, Chore] = field(default_factory=dict)
    first_seconds: float = _FIRST_SECONDS
    """A process that has just begun has more urgent things to do."""
    interval_seconds: float = _INTERVAL_SECONDS
    _stopping: threading.Event = field(default_factory=threading.Event, init=False)

    def __post_init__(self) -> None:
        """Gather what there is to do."""
        self._all: dict[str, Chore] = {
            "idempotency": self._prune_idempotency,
            "inbox": self._prune_inbox,
            **self.chores,
        }
        if isinstance(self.broker, PostgresBroker):
            self._all["log"] = self._trim_log

    def run(self) -> None:
        """Do every chore, wait an hour, and again, until stopped."""
        for name in self._all:  # Told from the start: an alert cannot see what never was.
            _LAST.labels(self.database.service, name).set(self.clock.now().timestamp())
            _FAILED.labels(self.database.service, name)
            _REMOVED.labels(self.database.service, name)
        wait = self.first_seconds
        while not self._stopping.wait(wait):
            self.run_once()
            wait = self.interval_seconds

    def stop(self) -> None:
        """Make `run` return after the batch under way. Does not wait for it."""
        self._stopping.set()

    def run_once(self) -> dict[str, int]:
        """Do every chore to its end; how many rows each removed. One that fails is left out, counted and logged."""
        service = self.database.service
        removed: dict[str, int] = {}
        for name, chore in self._all.items():
            try:
                removed[name] = self._do(name, chore)
            except Exception as error:  # noqa: BLE001 - the database may be away; what is old only gets older
                _FAILED.labels(service, name).inc()
                log.logger().error("chore-failed", chore=name, **log.describe(error))
            else:
                _LAST.labels(service, name).set(self.clock.now().timestamp())
        if any(removed.values()):
            log.logger().info("housekeeping", **removed)
        return removed

    def _do(self, name: str, chore: Chore) -> int:
        total = 0
        while not self._stopping.is_set():
            batch = chore()
            if not batch:
                break
            _REMOVED.labels(self.database.service, name).inc(batch)
            total += batch
        return total

    def _prune_idempotency(self) -> int:
        with self.database.plumbing() as tx:
            return idempotency.prune(tx, before=self.clock.now() - KEEP_IDEMPOTENCY, most=_BATCH)

    def _prune_inbox(self) -> int:
        with self.database.plumbing() as tx:
            return inbox.prune(tx, before=self.clock.now() - KEEP_INBOX, most=_BATCH)

    def _trim_log(self) -> int:
        # In pieces of its own, by the server's clock; all services share one log, and one at a time trims it.
        assert isinstance(self.broker, PostgresBroker)
        return self.broker.trim(older_than=KEEP_LOG_READ, unread_older_than=KEEP_LOG_UNREAD)
