"""Dates, times and lengths of time as people say them, in English and te reo Māori.

Nothing here reads a clock: today comes in as an argument. Moments are aware; days are New Zealand's.
The Māori names are those of the maramataka revival taught by Te Taura Whiri (Rāhina … Rātapu,
Kohitātea … Hakihea), which CLDR does not carry: it has the transliterations (Mane, Hānuere).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Generic, Literal, TypeVar

from kit.clock import NEW_ZEALAND, local_date

Language = Literal["en", "mi"]
T = TypeVar("T")

DAYS: dict[Language, tuple[str, ...]] = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "mi": ("Rāhina", "Rātū", "Rāapa", "Rāpare", "Rāmere", "Rāhoroi", "Rātapu"),
}
MONTHS: dict[Language, tuple[str, ...]] = {
    "en": (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
    "mi": (
        "Kohitātea", "Huitanguru", "Poutūterangi", "Paengawhāwhā", "Haratua", "Pipiri",
        "Hōngongoi", "Hereturikōkā", "Mahuru", "Whiringa-ā-nuku", "Whiringa-ā-rangi", "Hakihea",
    ),
}  # fmt: skip
ENGLISH_SHORT_DAY = 3
FAR = 60
"""Beyond this many days a distance says nothing that the date does not."""


def say_date(day: date, *, today: date, language: Language) -> str:
    """The date alone, with its year only when that is not this year: "Tue 4 March", "Rātū 4 Poutūterangi 2025"."""
    weekday = DAYS[language][day.weekday()]
    if language == "en":
        weekday = weekday[:ENGLISH_SHORT_DAY]
    year = "" if day.year == today.year else f" {day.year}"
    return f"{weekday} {day.day} {MONTHS[language][day.month - 1]}{year}"


def say_exact_date(day: date, *, language: Language) -> str:
    """The date that leaves no doubt: "Tuesday 4 March 2025"."""
    return f"{DAYS[language][day.weekday()]} {day.day} {MONTHS[language][day.month - 1]} {day.year}"


def say_distance(day: date, *, today: date, language: Language) -> str:
    """How far away a day is: "today", "in 3 days", "1 day ago"; empty beyond two months."""
    days = (day - today).days
    if abs(days) > FAR:
        return ""
    near = {
        "en": {0: "today", 1: "tomorrow", -1: "yesterday"},
        "mi": {0: "i tēnei rā", 1: "āpōpō", -1: "inanahi"},
    }[language]
    if days in near:
        return near[days]
    if language == "mi":
        return f"i roto i ngā rā e {days}" if days > 0 else f"e {-days} rā i mua"
    return f"in {days} days" if days > 0 else f"{-days} days ago"


def say_day(day: date, *, today: date, language: Language) -> str:
    """A day as people say it: "Tue 4 March, in 3 days"; "Today"; "Yesterday, Sun 1 March"."""
    distance = say_distance(day, today=today, language=language)
    words = say_date(day, today=today, language=language)
    if not distance:
        return words
    if day == today:
        return capitalise(distance)
    if abs((day - today).days) == 1:
        return f"{capitalise(distance)}, {words}"
    return f"{words}, {distance}"


def say_heading(day: date, *, today: date, language: Language) -> str:
    """A day as the heading of a group: "Today", "Yesterday", "Mon 2 March"."""
    if abs((day - today).days) <= 1:
        return capitalise(say_distance(day, today=today, language=language))
    return say_date(day, today=today, language=language)


def say_due(day: date, *, today: date, language: Language) -> str:
    """When something is due: "overdue 1 day", "Today", "Fri, in 3 days", "Tue 4 March"."""
    days = (day - today).days
    if days < 0:
        if language == "mi":
            return f"kua hipa i te {-days} rā"
        return f"overdue {-days} day" if days == -1 else f"overdue {-days} days"
    if days == 0:
        return "Today" if language == "en" else "Hei tēnei rā"
    if days == 1:
        return capitalise(say_distance(day, today=today, language=language))
    if days < len(DAYS[language]):
        weekday = DAYS[language][day.weekday()]
        distance = say_distance(day, today=today, language=language)
        return f"{weekday[:ENGLISH_SHORT_DAY] if language == 'en' else weekday}, {distance}"
    return say_date(day, today=today, language=language)


def say_time(moment: datetime, *, language: Language) -> str:
    """A time of day in New Zealand: "9:05 am", "12:30 pm"; "9:05 i te ata", "3:40 i te ahiahi"."""
    local = moment.astimezone(NEW_ZEALAND)
    noon = 12
    evening = 18
    clock = f"{local.hour % noon or noon}:{local.minute:02d}"
    if language == "en":
        return f"{clock} {'am' if local.hour < noon else 'pm'}"
    if local.hour < noon:
        return f"{clock} i te ata"
    return f"{clock} i te {'ahiahi' if local.hour < evening else 'pō'}"


def say_moment(moment: datetime, *, today: date, language: Language) -> str:
    """A moment: "Today, 3:40 pm"; "Mon 2 March, 9:05 am"."""
    heading = say_heading(local_date(moment), today=today, language=language)
    return f"{heading}, {say_time(moment, language=language)}"


def say_exact_moment(moment: datetime, *, language: Language) -> str:
    """A moment that leaves no doubt: "Tuesday 4 March 2025, 3:40 pm NZDT"."""
    local = moment.astimezone(NEW_ZEALAND)
    day = say_exact_date(local.date(), language=language)
    return f"{day}, {say_time(moment, language=language)} {local.tzname()}"


def say_minutes(minutes: int, *, language: Language) -> str:
    """A length of time: "40 min", "6 h", "6 h 20"; in te reo "40 mene", "6 h 20"."""
    if minutes < 0:
        raise ValueError("a length of time is never negative")
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{rest} {'min' if language == 'en' else 'mene'}"
    return f"{hours:,} h {rest:02d}" if rest else f"{hours:,} h"


def capitalise(words: str) -> str:
    """The first letter large, the rest as it is (str.capitalize would lower names)."""
    return words[:1].upper() + words[1:]


@dataclass(frozen=True)
class DayGroup(Generic[T]):
    """The entries of one day, in the order they came."""

    day: date
    entries: tuple[T, ...]


def group_by_day(entries: Iterable[T], *, moment: Callable[[T], datetime]) -> list[DayGroup[T]]:
    """Consecutive entries of one New Zealand day together; the order stays as given."""
    return [
        DayGroup(day=day, entries=tuple(group))
        for day, group in groupby(entries, key=lambda entry: local_date(moment(entry)))
    ]
