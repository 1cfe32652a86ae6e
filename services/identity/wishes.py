"""The loop that looks at wishes for a new passphrase: whoever asked cannot see what becomes of theirs."""

import threading
from dataclasses import dataclass, field

from prometheus_client import Counter, Gauge

from kit import log
from services.identity import commands
from services.identity.commands import Deps

_OLDEST = Gauge("ascms_reset_wish_oldest_seconds", "For how long the oldest wish for a new passphrase has waited")
_FAILED = Counter("ascms_reset_wish_failures", "Times that looking at the wishes raised; tried again at once")


@dataclass(eq=False)
class Wishes:
    """Its thread is `kit.service.Threaded`."""

    deps: Deps
    interval_seconds: float = 1.0
    _stopping: threading.Event = field(default_factory=threading.Event, init=False)

    def run(self) -> None:
        """Look at what waits, each second, until stopped."""
        while not self._stopping.wait(self.interval_seconds):
            try:
                self.run_once()
            except Exception as error:  # noqa: BLE001 - the database may be away; the wishes wait
                self._failed(error)

    def run_once(self) -> None:
        """Look at each wish that waits. One that cannot be carried out waits on, and keeps no other waiting."""
        wishes = commands.list_wishes(self.deps)
        now = self.deps.clock.now()
        _OLDEST.set(max(0.0, (now - wishes[0].asked_at).total_seconds()) if wishes else 0.0)
        for wish in wishes:
            try:
                commands.carry_out_wish(self.deps, wish)
            except Exception as error:  # noqa: BLE001 - see above
                self._failed(error)

    def stop(self) -> None:
        """Make `run` return after the wishes under way."""
        self._stopping.set()

    def _failed(self, error: Exception) -> None:
        _FAILED.inc()
        log.logger().error("reset-wish-failed", **log.describe(error))
