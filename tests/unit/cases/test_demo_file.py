"""The demo's file of requests is what its script makes, and holds as many good and bad rows as it says."""

import csv
import io
import runpy
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
import yaml

from services.cases.domain.requests import OpenRequests, draft_violations
from services.cases.importing import column_of, read_file
from tests.unit.cases.people import REFERENCE

DEMO = Path(__file__).parents[3] / "deploy" / "demo"
SCRIPT = runpy.run_path(str(DEMO / "make_requests.py"))
CONTENT = (DEMO / "requests.csv").read_bytes()
ROWS = read_file(CONTENT)
# The demo must stand for some years: students grow older.
DAYS = [date(2026, 3, 4), date(2026, 11, 24), date(2029, 6, 30)]


def test_the_file_is_what_its_script_makes() -> None:
    text = io.StringIO(CONTENT.decode(), newline="")
    assert list(csv.DictReader(text)) == SCRIPT["rows"]()


def test_the_school_is_the_first_of_the_demo() -> None:
    register = yaml.safe_load((DEMO / "organisations.yaml").read_text(encoding="utf-8"))
    first = next(each for each in register["organisations"] if each["kind"] == "school")
    assert first["school_number"] == SCRIPT["SCHOOL_NUMBER"]


@pytest.mark.parametrize("today", DAYS, ids=str)
def test_188_rows_are_good_one_repeats_and_11_are_bad(today: date) -> None:
    known, good, repeated = OpenRequests(), 0, 0
    refused: dict[int, list[str]] = {}
    for number, row in enumerate(ROWS, 1):
        broken = [column_of(each.field) for each in row.violations]
        broken += [
            column_of(each.field)
            for each in (draft_violations(row.draft, reference=REFERENCE, today=today) if row.draft else [])
        ]
        broken += ["school_number"] if row.school_number != SCRIPT["SCHOOL_NUMBER"] else []
        is_known = row.draft is not None and known.find(row.draft.student) is not None
        refused |= {number: broken} if broken else {}
        repeated += is_known and not broken
        good += not broken and not is_known
        known.add(UUID(int=number), row.draft.student) if row.draft and not broken else None
    assert (len(ROWS), good, repeated) == (200, 188, 1)
    assert refused == {
        17: ["date_of_birth"],
        31: ["nsn"],
        48: ["present_half_days"],
        60: ["school_number"],
        77: ["given_names"],
        93: ["year_level"],
        110: ["caregiver_email"],
        128: ["caregiver_name"],
        146: ["term"],
        163: ["caregiver_phone"],
        181: ["concern"],
    }


def test_it_shows_what_real_files_hold() -> None:
    drafts = [row.draft for row in ROWS if row.draft]
    names = " ".join(f"{each.student.given_names} {each.student.family_name}" for each in drafts)
    assert {"ā", "ē", "ī", "ō", "ū", "'", "-"} <= set(names)
    assert any(not each.student.family_name for each in drafts), "people with one name"
    assert any(each.student.nsn.startswith("00") for each in drafts), "leading zeros"
    assert any(" " not in each.caregivers[0].name for each in drafts if each.caregivers), "caregivers with one name"
    assert any("\n" in each.concern for each in drafts), "line breaks in a cell"
