"""When an invitation to a training goes out: within one working day of the organisation's region."""

from datetime import datetime, time

from kit.calendar import WorkingDays
from kit.clock import NEW_ZEALAND

_BEGINS, _ENDS = time(8), time(17)


def invite_at(now: datetime, region: str) -> datetime:
    """At once in the hours of a working day; else at eight in the morning of the next one, New Zealand time."""
    days, local = WorkingDays(region), now.astimezone(NEW_ZEALAND)
    if days.is_working_day(local.date()):
        if local.time() < _BEGINS:
            return datetime.combine(local.date(), _BEGINS, NEW_ZEALAND)
        if local.time() < _ENDS:
            return now
    return datetime.combine(days.after(local.date(), 1), _BEGINS, NEW_ZEALAND)
