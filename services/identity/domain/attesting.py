"""When someone is to say whether access is still needed, and when access that nobody uses rests."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_NEW_ZEALAND = ZoneInfo("Pacific/Auckland")
_AT = time(8)
_AGAIN_DAYS = 30
"""Once it is overdue it is said again after so many days."""


@dataclass(frozen=True, slots=True)
class AccessRules:
    """Numbers of days, from reference data.

    How long access stands once it was attested, how long before that is over it is said, how long it may go unused.
    """

    attest_every: int
    attest_warn: int
    rest_after: int

    def attest_by(self, attested_on: date) -> date:
        """The last day of access that was attested on a day."""
        return attested_on + timedelta(days=self.attest_every)

    def is_due(self, attested_on: date, today: date) -> bool:
        """Whether it is time to say whether access is still needed."""
        return today >= self.attest_by(attested_on) - timedelta(days=self.attest_warn)

    def due_when_attested_by(self, today: date) -> date:
        """Access that was last attested on this day or earlier is due today."""
        return today - timedelta(days=self.attest_every - self.attest_warn)

    def next_notice_at(self, attested_on: date, now: datetime) -> datetime:
        """When it is next said that it is due: ahead, on the day after the last, then each month. New Zealand time."""
        last = self.attest_by(attested_on)
        day = last - timedelta(days=self.attest_warn)
        if self._at(day) <= now:
            day = last + timedelta(days=1)
        while self._at(day) <= now:
            day += timedelta(days=_AGAIN_DAYS)
        return self._at(day)

    def rests_at(self, last_active: datetime) -> datetime:
        """When access that was last used at a moment rests."""
        return last_active + timedelta(days=self.rest_after)

    def _at(self, day: date) -> datetime:
        return datetime.combine(day, _AT, _NEW_ZEALAND)
