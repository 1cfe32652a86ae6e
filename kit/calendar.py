"""Working days in New Zealand.

Not weekends, not national holidays (Matariki and Mondayisation included), not the anniversary day of the region.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import holidays

_SATURDAY = 5

# Stats NZ's regional council codes, and whose anniversary day is kept there (the `holidays` library names regions by
# ISO 3166-2). Several regions keep a neighbour's. South Canterbury keeps a day of its own, but is no region.
_ANNIVERSARY = {
    "01": "NTL",  # Northland
    "02": "AUK",  # Auckland
    "03": "AUK",  # Waikato
    "04": "AUK",  # Bay of Plenty
    "05": "AUK",  # Gisborne
    "06": "HKB",  # Hawke's Bay
    "07": "TKI",  # Taranaki
    "08": "WGN",  # Manawatū-Whanganui
    "09": "WGN",  # Wellington
    "12": "WTC",  # West Coast
    "13": "CAN",  # Canterbury
    "14": "OTA",  # Otago
    "15": "STL",  # Southland
    "16": "NSN",  # Tasman
    "17": "NSN",  # Nelson
    "18": "MBH",  # Marlborough
    "99": "CIT",  # outside any region: the Chatham Islands
}


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """The working days of one region, by Stats NZ's code of two digits; empty or unknown: national holidays only."""

    region: str = ""

    def is_working_day(self, day: date) -> bool:
        """Whether people work on a day."""
        return day.weekday() < _SATURDAY and day not in holidays_in(self.region, day.year)

    def after(self, day: date, count: int) -> date:
        """The `count`-th working day after `day`, which itself does not count; `count` is at least 1."""
        assert count > 0
        while count:
            day += timedelta(days=1)
            count -= self.is_working_day(day)
        return day

    def between(self, day: date, last: date) -> int:
        """How many working days come after `day`, up to and with `last`; none where `last` is not later."""
        days = (last - day).days
        return sum(self.is_working_day(day + timedelta(days=number)) for number in range(1, days + 1))


@lru_cache(maxsize=256)
def holidays_in(region: str, year: int) -> frozenset[date]:
    """The days of a year that are holidays in a region, as they are observed."""
    # One object per year, never shared: the library fills its objects when asked, which a thread could see half done.
    return frozenset(holidays.country_holidays("NZ", subdiv=_ANNIVERSARY.get(region), years=year))
