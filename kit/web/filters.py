"""What templates write after a bar: `{{ task.due_on|due }}`.

Dates become a `<time>` whose words are as people say them, with the exact one in `title` (and in print) and `datetime`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from markupsafe import Markup

from kit.clock import Clock, local_date
from kit.web import dates
from kit.web.i18n import current_language


@dataclass(frozen=True)
class DateFilters:
    """Dates in the language of the page, seen from the day that the clock shows."""

    clock: Clock

    def day(self, value: date) -> Markup:
        """`Tue 4 March, in 3 days`."""
        return _tag(value, dates.say_day(value, today=self._today(), language=current_language()))

    def short_day(self, value: date) -> Markup:
        """`Tue 4 March`."""
        return _tag(value, dates.say_date(value, today=self._today(), language=current_language()))

    def day_heading(self, value: date) -> Markup:
        """`Today`, `Mon 2 March`."""
        return _tag(value, dates.say_heading(value, today=self._today(), language=current_language()))

    def due(self, value: date) -> Markup:
        """`overdue 1 day`, `Fri, in 3 days`."""
        return _tag(value, dates.say_due(value, today=self._today(), language=current_language()))

    def moment(self, value: datetime) -> Markup:
        """`Today, 3:40 pm`."""
        return _tag(value, dates.say_moment(value, today=self._today(), language=current_language()))

    def time_of_day(self, value: datetime) -> Markup:
        """`3:40 pm`."""
        return _tag(value, dates.say_time(value, language=current_language()))

    def _today(self) -> date:
        return local_date(self.clock.now())


def minutes(value: int) -> str:
    """`40 min`, `6 h 20`."""
    return dates.say_minutes(value, language=current_language())


def number(value: int) -> str:
    """`1,284`, the same in both languages."""
    return f"{value:,}"


def filters_for(clock: Clock) -> dict[str, Callable[..., str]]:
    """Every filter by its name in templates."""
    by_date = DateFilters(clock)
    return {
        "day": by_date.day,
        "day_heading": by_date.day_heading,
        "due": by_date.due,
        "minutes": minutes,
        "moment": by_date.moment,
        "number": number,
        "short_day": by_date.short_day,
        "time_of_day": by_date.time_of_day,
    }


def _tag(value: date, words: str) -> Markup:
    language = current_language()
    if isinstance(value, datetime):
        exact, machine = dates.say_exact_moment(value, language=language), value.isoformat(timespec="seconds")
    else:
        exact, machine = dates.say_exact_date(value, language=language), value.isoformat()
    return Markup('<time datetime="{}" title="{}">{}</time>').format(machine, exact, words)
