"""What commands need."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from kit.clock import Clock, local_date
from kit.db import Database, Transaction
from kit.ids import NewId
from kit.objects import ObjectStore
from services.documents.domain.files import FileTypes
from services.documents.scanning import Scanner
from services.documents.store import file_types

_KEPT = timedelta(minutes=1)


@dataclass(eq=False)
class KeptTypes:
    """The types of files that are kept, as this process knows them: read again once a minute."""

    _read: tuple[datetime, date, FileTypes] | None = None

    def on(self, tx: Transaction, now: datetime) -> FileTypes:
        """What holds today."""
        today = local_date(now)
        read = self._read
        if read is None or now >= read[0] or today != read[1]:
            # One assignment, so that threads see either reading whole.
            read = self._read = (now + _KEPT, today, FileTypes.on(today, file_types.list_file_types(tx)))
        return read[2]


@dataclass(frozen=True)
class Deps:
    """What the verbs work with. Without a scanner, files say that they were not scanned."""

    database: Database
    objects: ObjectStore
    clock: Clock
    new_id: NewId
    scanner: Scanner | None = None
    types: KeptTypes = field(default_factory=KeptTypes)
