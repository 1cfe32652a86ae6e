"""Time is passed in, never read: `Clock` is the only door to the wall clock."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

NEW_ZEALAND = ZoneInfo("Pacific/Auckland")


class Clock(Protocol):
    """Says what time it is."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return datetime.now(UTC)


@dataclass
class FixedClock:
    """A clock for tests: it moves when told."""

    moment: datetime

    def now(self) -> datetime:
        """The moment it was set to."""
        return self.moment


def local_date(moment: datetime) -> date:
    """The calendar day in New Zealand at a moment."""
    return moment.astimezone(NEW_ZEALAND).date()
