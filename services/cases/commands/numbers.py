"""Case numbers, reserved some at a time: taking the next one must not make everybody else of a provider wait."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from kit.actor import Actor
from kit.clock import local_date
from kit.db import Database
from kit.errors import DomainError
from services.cases import domain
from services.cases.store import cases

AT_ONCE = 10
"""So many are reserved together. Those left when the process ends are never given: see docs/adr/0011."""


@dataclass(eq=False)
class CaseNumbers:
    """The numbers that this process has reserved, by provider and year."""

    _left: dict[tuple[UUID, int], deque[int]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def taken(self, database: Database, actor: Actor, now: datetime) -> Iterator[str]:
        """The next number of the actor's organisation, for a command that is about to open its transaction.

        A command that is refused gives it back. One whose end is not known does not: its case may be there.
        """
        year = local_date(now).year
        key = (actor.tenant_id, year)
        number = self._next(database, actor, key)
        try:
            yield domain.cases.case_number(year, number)
        except DomainError:
            with self._lock:
                self._left[key].appendleft(number)
            raise

    def _next(self, database: Database, actor: Actor, key: tuple[UUID, int]) -> int:
        with self._lock:
            left = self._left.setdefault(key, deque())
            if not left:
                with database.tenant(actor) as tx:
                    last = cases.take_numbers(tx, key[1], AT_ONCE)
                left.extend(range(last - AT_ONCE + 1, last + 1))
            return left.popleft()
