"""What commands need."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from kit.clock import Clock, local_date
from kit.db import Database, Transaction
from kit.errors import InvalidArgumentError, Violation
from kit.ids import NewId
from services.cases.commands.numbers import CaseNumbers
from services.cases.directory import Directory
from services.cases.domain.reference import Reference
from services.cases.store import reference

_KEPT = timedelta(minutes=1)


@dataclass(eq=False)
class ReferenceData:
    """The lists as this process knows them: read again once a minute, by whichever command comes first."""

    _read: tuple[datetime, date, Reference] | None = None

    def on(self, tx: Transaction, now: datetime) -> Reference:
        """What holds today."""
        today = local_date(now)
        read = self._read
        if read is None or now >= read[0] or today != read[1]:
            # One assignment, so that threads see either reading whole.
            known = Reference.on(today, reference.list_items(tx), reference.list_criteria(tx))
            read = self._read = (now + _KEPT, today, known)
        return read[2]


@dataclass(frozen=True)
class Deps:
    """What commands need."""

    database: Database
    clock: Clock
    directory: Directory
    new_id: NewId
    student_hash_key: bytes
    reference: ReferenceData = field(default_factory=ReferenceData)
    numbers: CaseNumbers = field(default_factory=CaseNumbers)


def check_case_manager(deps: Deps, person_id: UUID, token: str) -> None:
    """Raise InvalidArgumentError unless someone is a case manager of the caller's provider whose access works."""
    if not deps.directory.is_working_case_manager(person_id=person_id, token=token):
        raise InvalidArgumentError.of(
            Violation("case_manager_id", "not-a-case-manager", "must be a case manager of yours whose access works")
        )
