"""Dates as people say them."""

from datetime import UTC, date, datetime

import pytest

from kit.web import dates
from kit.web.dates import Language

TODAY = date(2025, 3, 4)  # a Tuesday


@pytest.mark.parametrize(
    ("day", "english", "maori"),
    [
        (date(2025, 3, 4), "Today", "I tēnei rā"),
        (date(2025, 3, 5), "Tomorrow, Wed 5 March", "Āpōpō, Rāapa 5 Poutūterangi"),
        (date(2025, 3, 3), "Yesterday, Mon 3 March", "Inanahi, Rāhina 3 Poutūterangi"),
        (date(2025, 3, 7), "Fri 7 March, in 3 days", "Rāmere 7 Poutūterangi, i roto i ngā rā e 3"),
        (date(2025, 3, 1), "Sat 1 March, 3 days ago", "Rāhoroi 1 Poutūterangi, e 3 rā i mua"),
        (date(2025, 12, 25), "Thu 25 December", "Rāpare 25 Hakihea"),
        (date(2024, 12, 22), "Sun 22 December 2024", "Rātapu 22 Hakihea 2024"),
        (date(2026, 10, 1), "Thu 1 October 2026", "Rāpare 1 Whiringa-ā-nuku 2026"),
    ],
)
def test_say_day(day: date, english: str, maori: str) -> None:
    assert dates.say_day(day, today=TODAY, language="en") == english
    assert dates.say_day(day, today=TODAY, language="mi") == maori


@pytest.mark.parametrize(
    ("day", "english", "maori"),
    [
        (date(2025, 3, 3), "overdue 1 day", "kua hipa i te 1 rā"),
        (date(2025, 2, 4), "overdue 28 days", "kua hipa i te 28 rā"),
        (date(2025, 3, 4), "Today", "Hei tēnei rā"),
        (date(2025, 3, 5), "Tomorrow", "Āpōpō"),
        (date(2025, 3, 7), "Fri, in 3 days", "Rāmere, i roto i ngā rā e 3"),
        (date(2025, 3, 10), "Mon, in 6 days", "Rāhina, i roto i ngā rā e 6"),
        (date(2025, 3, 11), "Tue 11 March", "Rātū 11 Poutūterangi"),
    ],
)
def test_say_due(day: date, english: str, maori: str) -> None:
    assert dates.say_due(day, today=TODAY, language="en") == english
    assert dates.say_due(day, today=TODAY, language="mi") == maori


@pytest.mark.parametrize(
    ("day", "english"),
    [
        (TODAY, "Today"),
        (date(2025, 3, 3), "Yesterday"),
        (date(2025, 3, 2), "Sun 2 March"),
        (date(2025, 3, 5), "Tomorrow"),
    ],
)
def test_say_heading(day: date, english: str) -> None:
    assert dates.say_heading(day, today=TODAY, language="en") == english


@pytest.mark.parametrize(
    ("moment", "english", "maori"),
    [
        (datetime(2025, 3, 3, 20, 5, tzinfo=UTC), "Today, 9:05 am", "I tēnei rā, 9:05 i te ata"),
        (datetime(2025, 3, 4, 2, 40, tzinfo=UTC), "Today, 3:40 pm", "I tēnei rā, 3:40 i te ahiahi"),
        (datetime(2025, 3, 4, 8, 0, tzinfo=UTC), "Today, 9:00 pm", "I tēnei rā, 9:00 i te pō"),
        (datetime(2025, 3, 3, 11, 0, tzinfo=UTC), "Today, 12:00 am", "I tēnei rā, 12:00 i te ata"),
        (datetime(2025, 3, 3, 10, 59, tzinfo=UTC), "Yesterday, 11:59 pm", "Inanahi, 11:59 i te pō"),
        (datetime(2025, 3, 2, 23, 30, tzinfo=UTC), "Yesterday, 12:30 pm", "Inanahi, 12:30 i te ahiahi"),
    ],
)
def test_say_moment_in_new_zealand(moment: datetime, english: str, maori: str) -> None:
    assert dates.say_moment(moment, today=TODAY, language="en") == english
    assert dates.say_moment(moment, today=TODAY, language="mi") == maori


def test_the_exact_moment_names_the_offset_that_held() -> None:
    summer, winter = datetime(2025, 1, 15, 0, 0, tzinfo=UTC), datetime(2025, 7, 15, 0, 0, tzinfo=UTC)
    assert dates.say_exact_moment(summer, language="en") == "Wednesday 15 January 2025, 1:00 pm NZDT"
    assert dates.say_exact_moment(winter, language="en") == "Tuesday 15 July 2025, 12:00 pm NZST"


@pytest.mark.parametrize(
    ("minutes", "english", "maori"),
    [
        (0, "0 min", "0 mene"),
        (40, "40 min", "40 mene"),
        (60, "1 h", "1 h"),
        (65, "1 h 05", "1 h 05"),
        (380, "6 h 20", "6 h 20"),
    ],
)
def test_say_minutes(minutes: int, english: str, maori: str) -> None:
    assert dates.say_minutes(minutes, language="en") == english
    assert dates.say_minutes(minutes, language="mi") == maori


def test_no_length_of_time_is_negative() -> None:
    with pytest.raises(ValueError, match="negative"):
        dates.say_minutes(-1, language="en")


def test_entries_are_grouped_by_the_local_day() -> None:
    moments = [
        datetime(2025, 3, 4, 2, 0, tzinfo=UTC),  # Tue 4, 3 pm
        datetime(2025, 3, 3, 11, 0, tzinfo=UTC),  # Tue 4, midnight
        datetime(2025, 3, 3, 10, 59, tzinfo=UTC),  # Mon 3, 11:59 pm
    ]
    groups = dates.group_by_day(moments, moment=lambda moment: moment)
    assert [(group.day, len(group.entries)) for group in groups] == [(date(2025, 3, 4), 2), (date(2025, 3, 3), 1)]


@pytest.mark.parametrize("language", ["en", "mi"])
def test_every_name_of_the_year_is_its_own(language: Language) -> None:
    assert len(set(dates.DAYS[language])) == 7
    assert len(set(dates.MONTHS[language])) == 12
