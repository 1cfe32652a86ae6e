"""What commands need."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from kit.clock import Clock, local_date
from kit.db import Database, Transaction
from kit.errors import InvalidArgumentError, Violation
from kit.ids import NewId
from services.cases.directory import Directory
from services.cases.domain.reference import Item, Reference
from services.cases.store import reference

_KEPT = timedelta(minutes=1)


@dataclass(eq=False)
class ReferenceData:
    """The lists as this process knows them: read again once a minute, by whichever command comes first."""

    _items: Sequence[Item] = ()
    _until: datetime | None = None

    def on(self, tx: Transaction, now: datetime) -> Reference:
        """What holds today."""
        if self._until is None or now >= self._until:
            self._items = reference.list_items(tx)
            self._until = now + _KEPT
        return Reference.on(local_date(now), self._items)


@dataclass(frozen=True)
class Deps:
    """What commands need."""

    database: Database
    clock: Clock
    directory: Directory
    new_id: NewId
    student_hash_key: bytes
    reference: ReferenceData = field(default_factory=ReferenceData)


def check_case_manager(deps: Deps, person_id: UUID, token: str) -> None:
    """Raise InvalidArgumentError unless someone is a case manager of the caller's provider whose access works."""
    if not deps.directory.is_working_case_manager(person_id=person_id, token=token):
        raise InvalidArgumentError.of(
            Violation("case_manager_id", "not-a-case-manager", "must be a case manager of yours whose access works")
        )
