"""When an invitation to a training goes out, and when people are told that theirs is about to run out."""

from datetime import date, datetime, time, timedelta

from kit.calendar import WorkingDays
from kit.clock import NEW_ZEALAND

_BEGINS, _ENDS = time(8), time(17)
WARN_DAYS = (30, 7)
"""How many days before its last day someone is told that a training runs out."""


def invite_at(now: datetime, region: str) -> datetime:
    """At once in the hours of a working day; else at eight in the morning of the next one, New Zealand time."""
    days, local = WorkingDays(region), now.astimezone(NEW_ZEALAND)
    if days.is_working_day(local.date()):
        if local.time() < _BEGINS:
            return datetime.combine(local.date(), _BEGINS, NEW_ZEALAND)
        if local.time() < _ENDS:
            return now
    return datetime.combine(days.after(local.date(), 1), _BEGINS, NEW_ZEALAND)


def next_notice_at(ends_on: date, now: datetime) -> datetime | None:
    """When there is next something to say about a training that counts to the end of a day; None once it is over.

    At eight in the morning on the days of WARN_DAYS before, and as soon as it is over, New Zealand time.
    """
    moments = [datetime.combine(ends_on - timedelta(days=days), _BEGINS, NEW_ZEALAND) for days in WARN_DAYS]
    moments.append(datetime.combine(ends_on + timedelta(days=1), time(), NEW_ZEALAND))
    return next((moment for moment in moments if moment > now), None)
