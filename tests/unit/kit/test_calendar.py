"""Working days in New Zealand."""

from datetime import date

import pytest

from kit.calendar import WorkingDays

AUCKLAND, WAIKATO, WELLINGTON, TASMAN, OTAGO = "02", "03", "09", "16", "14"


@pytest.mark.parametrize(
    ("day", "region"),
    [
        (date(2026, 3, 7), ""),  # a Saturday
        (date(2026, 3, 8), ""),  # a Sunday
        (date(2026, 7, 10), ""),  # Matariki
        (date(2027, 6, 25), ""),  # Matariki moves
        (date(2026, 4, 27), ""),  # Anzac Day fell on a Saturday: observed on Monday
        (date(2027, 2, 8), ""),  # Waitangi Day fell on a Saturday
        (date(2022, 1, 4), ""),  # the second of January fell on a Sunday: observed on Tuesday
        (date(2026, 4, 3), ""),  # Good Friday
        (date(2022, 9, 26), ""),  # one day once
        (date(2026, 1, 26), AUCKLAND),
        (date(2026, 1, 26), WAIKATO),  # keeps Auckland's anniversary
        (date(2026, 1, 19), WELLINGTON),
        (date(2026, 2, 2), TASMAN),  # keeps Nelson's
        (date(2026, 3, 23), OTAGO),
    ],
)
def test_nobody_works_on(day: date, region: str) -> None:
    assert not WorkingDays(region).is_working_day(day)


@pytest.mark.parametrize(
    ("day", "region"),
    [
        (date(2026, 3, 4), ""),
        (date(2026, 1, 26), WELLINGTON),
        (date(2026, 1, 19), AUCKLAND),
        (date(2026, 1, 26), ""),
        (date(2013, 2, 4), ""),
        (date(2012, 4, 30), ""),
    ],
)
def test_people_work_on(day: date, region: str) -> None:
    assert WorkingDays(region).is_working_day(day)


def test_an_unknown_region_has_the_national_holidays() -> None:
    assert WorkingDays("77").after(date(2026, 1, 23), 1) == date(2026, 1, 26)


@pytest.mark.parametrize(
    ("day", "region", "expected"),
    [
        (date(2026, 3, 4), AUCKLAND, date(2026, 3, 11)),  # over a weekend
        (date(2026, 4, 1), AUCKLAND, date(2026, 4, 10)),  # over Easter
        (date(2026, 1, 23), AUCKLAND, date(2026, 2, 2)),  # over the anniversary day
        (date(2026, 1, 23), WELLINGTON, date(2026, 1, 30)),
        (date(2026, 12, 23), WELLINGTON, date(2027, 1, 5)),  # over Christmas and New Year
        (date(2026, 3, 7), AUCKLAND, date(2026, 3, 13)),  # from a Saturday
    ],
)
def test_the_fifth_working_day_after(day: date, region: str, expected: date) -> None:
    assert WorkingDays(region).after(day, 5) == expected
