"""Who a student is, and what a school says about them."""

import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Gender(StrEnum):
    """How a student describes their gender."""

    UNSPECIFIED = ""
    FEMALE = "female"
    MALE = "male"
    ANOTHER = "another"


class ContactWay(StrEnum):
    """A way to reach a caregiver."""

    CALL = "call"
    TEXT = "text"
    EMAIL = "email"
    VISIT = "visit"


class Band(StrEnum):
    """What attendance in a term amounts to."""

    REGULAR = "regular"
    IRREGULAR = "irregular"
    MODERATE = "moderate"
    CHRONIC = "chronic"


@dataclass(frozen=True, slots=True)
class Student:
    """Who the student is. Someone with one name has only given names; NSN and preferred name may be empty.

    `ethnicities`: up to three codes of Stats NZ's level 3; the first digit of each is level 1. `iwi`: up to five codes.
    """

    nsn: str
    given_names: str
    family_name: str
    preferred_name: str
    date_of_birth: date
    year_level: int
    gender: Gender
    ethnicities: tuple[str, ...] = ()
    iwi: tuple[str, ...] = ()

    @property
    def broad_ethnicities(self) -> tuple[str, ...]:
        """Ethnicities by level 1, each once: total response counts a student in each."""
        return tuple(dict.fromkeys(code[0] for code in self.ethnicities))

    @property
    def key(self) -> str:
        """Name and date of birth, folded: equal where two descriptions may be of one student."""
        return f"{fold(self.given_names)}|{fold(self.family_name)}|{self.date_of_birth.isoformat()}"

    @property
    def identity(self) -> str:
        """What a keyed hash of the student is taken of: the NSN, or else `key`."""
        return f"nsn:{self.nsn}" if self.nsn else f"name:{self.key}"


@dataclass(frozen=True, slots=True)
class Caregiver:
    """Someone who cares for the student. One name is enough; everything else may be empty.

    `safe_ways`: how they may be contacted without asking the school first; every outgoing channel obeys it.
    """

    name: str
    relationship: str
    phone: str
    email: str
    safe_ways: tuple[ContactWay, ...] = ()
    safe_note: str = ""

    @property
    def safe_to_contact(self) -> bool:
        """Whether every way is safe."""
        return set(self.safe_ways) == set(ContactWay)


@dataclass(frozen=True, slots=True)
class Attendance:
    """Attendance of one term, in half-days. Justified and unjustified are of those absent, both 0 where not known."""

    term: str
    present_half_days: int
    total_half_days: int
    justified_half_days: int = 0
    unjustified_half_days: int = 0

    @property
    def absent_half_days(self) -> int:
        """Half-days the student was not there, for whatever reason."""
        return self.total_half_days - self.present_half_days

    @property
    def band(self) -> Band:
        """The band. Exactly 90 % is not regular, exactly 70 % is chronic; whole numbers, so that nothing is rounded."""
        present, total = self.present_half_days * 100, self.total_half_days
        if present > 90 * total:
            return Band.REGULAR
        if present > 80 * total:
            return Band.IRREGULAR
        if present > 70 * total:
            return Band.MODERATE
        return Band.CHRONIC


def shown_name(*, given_names: str, family_name: str, preferred_name: str) -> str:
    """The name to show in a list: the preferred one before the given ones."""
    return f"{preferred_name or given_names} {family_name}".rstrip()


def fold(name: str) -> str:
    """A name for comparing: without macrons and other marks, case and extra spaces. Never for showing."""
    plain = "".join(letter for letter in unicodedata.normalize("NFD", name) if not unicodedata.combining(letter))
    return " ".join(plain.replace("\u2019", "'").casefold().split())


def age(born_on: date, on: date) -> int:
    """Whole years lived. Someone born on 29 February is a year older on 1 March of a common year."""
    return on.year - born_on.year - ((on.month, on.day) < (born_on.month, born_on.day))
