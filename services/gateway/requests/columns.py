"""The columns of the file that a school may send, as the import page explains them and the template file has them."""

import csv
import io
from dataclasses import dataclass

from flask_babel import lazy_gettext as _l


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name in the header line, what goes in, an example, and whether it must be filled."""

    name: str
    meaning: object
    example: str
    is_needed: bool = False


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
)


def template() -> bytes:
    """An empty file with the header line and one made-up row; it begins with the mark that spreadsheets look for."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([column.name for column in COLUMNS])
    writer.writerow([column.example for column in COLUMNS])
    return text.getvalue().encode("utf-8-sig")
