"""Students as pages show them: names as they were written, the preferred first."""

from dataclasses import dataclass
from datetime import date

from ascms.cases.v1 import cases_pb2
from flask_babel import gettext as _

from kit.web.dates import MONTHS
from kit.web.i18n import current_language
from services.gateway.wording import GENDERS, band_name, day_of, year_name


@dataclass(frozen=True, slots=True)
class Student:
    """A student. `full_name` is empty when it says no more than `name`; `age` in whole years."""

    name: str
    full_name: str
    born: str
    age: int
    year: str
    level: int
    gender: str
    nsn: str


@dataclass(frozen=True, slots=True)
class Attendance:
    """One term. `percent` has a decimal where it is not whole, so that 70.4 does not look like the edge of a band."""

    term: str
    present: int
    total: int
    percent: str
    band: str


def student_name(student: cases_pb2.Student) -> str:
    """The name the student goes by, then the family name; someone with one name has that one."""
    return f"{student.preferred_name or student.given_names} {student.family_name}".strip()


def present_student(student: cases_pb2.Student, *, today: date) -> Student:
    """A student for a page."""
    name, full_name = student_name(student), f"{student.given_names} {student.family_name}".strip()
    born = day_of(student.date_of_birth)
    return Student(
        name=name,
        full_name=full_name if full_name != name else "",
        born=_plain_day(born) if born else "",
        age=age_on(today, born) if born else 0,
        year=year_name(student.year_level),
        level=student.year_level,
        gender=str(GENDERS.get(student.gender, "")),
        nsn=student.nsn,
    )


def present_attendance(attendance: cases_pb2.Attendance) -> Attendance:
    """Attendance for a page."""
    total = attendance.total_half_days
    return Attendance(
        term=term_name(attendance.term),
        present=attendance.present_half_days,
        total=total,
        percent=_percent(attendance.present_half_days, total),
        band=band_name(attendance.band),
    )


def _plain_day(day: date) -> str:
    """A day of long ago: which day of the week it was says nothing."""
    return f"{day.day} {MONTHS[current_language()][day.month - 1]} {day.year}"


def _percent(present: int, total: int) -> str:
    if not total:
        return ""
    return f"{100 * present // total}%" if 100 * present % total == 0 else f"{100 * present / total:.1f}%"


def term_name(term: str) -> str:
    """A term as people say it: "Term 3, 2026"."""
    year, _dash, number = term.partition("-T")
    return str(_("term\u00a0%(number)s, %(year)s", number=number, year=year)) if number else term


def age_on(day: date, born: date) -> int:
    """Whole years between a birth and a day."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
