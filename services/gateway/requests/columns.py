"""The columns of the file that a school may send, as the import page explains them and the template file has them."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import lazy_gettext as _l

from services.gateway.reports.downloads import harmless


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name in the header line, what goes in, an example, and whether it must be filled.

    `may_be_absent`: whether the file may do without it; `codes` is the list whose codes go in.
    """

    name: str
    meaning: object
    example: str
    is_needed: bool = False
    may_be_absent: bool = False
    codes: str = ""


def _more(name: str, meaning: object, example: str, *, codes: str = "") -> Column:
    return Column(name, meaning, example, may_be_absent=True, codes=codes)


_SAFE_WAYS = _l("Ways that are safe without asking the school first: call, text, email, visit")
_SAFE_NOTE = _l("What to bear in mind before contacting them")
COLUMNS = (
    Column("school_number", _l("The number of your school, as the ministry gave it"), "0417", is_needed=True),
    Column("nsn", _l("National Student Number: nine or ten digits with leading zeros, or empty"), "0123456789"),
    Column("given_names", _l("Given names, or the only name"), "Āwhina Rose", is_needed=True),
    Column("family_name", _l("Family name; empty for someone with one name"), "Example-Tūī"),
    Column("preferred_name", _l("The name the student goes by, if it is another"), "Āwhi"),
    Column("date_of_birth", _l("Year, month, day"), "2012-03-04", is_needed=True),
    Column("year_level", _l("School year, 0 to 13"), "9", is_needed=True),
    Column("gender", _l("female, male, another, or empty"), "female"),
    Column("caregiver_name", _l("Someone who cares for the student; one name is enough"), "Mere Example"),
    Column("caregiver_relationship", _l("Who they are to the student"), "mother"),
    Column("caregiver_phone", _l("Their phone number"), "021 555 0101"),
    Column("caregiver_email", _l("Their email address"), "mere@example.nz"),
    Column("safe_to_contact", _l("yes if they may be contacted without asking the school first, else no"), "yes"),
    Column("term", _l("The year and the term"), "2026-T3", is_needed=True),
    Column("present_half_days", _l("Half-days the student was present"), "61", is_needed=True),
    Column("total_half_days", _l("Half-days the school was open for the student"), "100", is_needed=True),
    Column("concern", _l("What worries you"), "Away most mornings since July", is_needed=True),
    Column("steps_tried", _l("What you have tried"), "Two calls and a hui"),
    _more("steps", _l("Kinds of things you have tried: codes"), "calls_home home_visit", codes="step_tried"),
    _more("barriers", _l("What stands in the way: codes"), "transport anxiety", codes="barrier"),
    _more("barrier_words", _l("More about what stands in the way"), "The bus was cut"),
    _more("ethnicities", _l("Ethnicities, at most three: codes"), "211 111", codes="ethnicity"),
    _more("iwi", _l("Iwi, at most five: codes"), "0601", codes="iwi"),
    _more("is_sensitive", _l("yes if address and contacts need special care, else no"), "no"),
    _more("justified_half_days", _l("Of the half-days absent, those that were justified"), "9"),
    _more("unjustified_half_days", _l("Of the half-days absent, those that were not"), "30"),
    _more("caregiver_safe_ways", _SAFE_WAYS, "text"),
    _more("caregiver_safe_note", _SAFE_NOTE, "After five"),
    *(
        column
        for number in (2, 3)
        for column in (
            _more(f"caregiver_{number}_name", _l("Someone else who cares for the student"), ""),
            _more(f"caregiver_{number}_relationship", _l("Who they are to the student"), ""),
            _more(f"caregiver_{number}_phone", _l("Their phone number"), ""),
            _more(f"caregiver_{number}_email", _l("Their email address"), ""),
            _more(f"caregiver_{number}_safe_ways", _SAFE_WAYS, ""),
            _more(f"caregiver_{number}_safe_note", _SAFE_NOTE, ""),
        )
    ),
    *(
        column
        for number in (2, 3, 4)
        for column in (
            _more(f"term_{number}", _l("An earlier term, the latest first"), ""),
            _more(f"present_half_days_{number}", _l("Half-days present in it"), ""),
            _more(f"total_half_days_{number}", _l("Half-days the school was open in it"), ""),
            _more(f"justified_half_days_{number}", _l("Half-days away in it that were justified"), ""),
            _more(f"unjustified_half_days_{number}", _l("Half-days away in it that were not"), ""),
        )
    ),
)


def results(rows: Sequence[tuple[int, str, str, Sequence[str]]]) -> bytes:
    """What became of each row, as a file: line, result, address of the request, and why. No text becomes a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["line", "result", "request", "why"])
    for line, result, address, why in rows:
        writer.writerow([line, *map(harmless, (result, address, "; ".join(why)))])
    return text.getvalue().encode("utf-8-sig")


def template() -> bytes:
    """An empty file with the header line and one made-up row; it begins with the mark that spreadsheets look for."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([column.name for column in COLUMNS])
    writer.writerow([column.example for column in COLUMNS])
    return text.getvalue().encode("utf-8-sig")
