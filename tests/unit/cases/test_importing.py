"""Reading a file of requests: good rows as a form would say them, bad ones by column and rule, no-files by place."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import InvalidArgumentError
from services.cases.commands.requests import ImportRow
from services.cases.domain.students import Gender
from services.cases.importing import COLUMNS, column_of, read_file

GOOD = {
    "school_number": "0417",
    "nsn": "0012345678",
    "given_names": "Tūī",
    "family_name": "O'Demo",
    "preferred_name": "",
    "date_of_birth": "2012-08-15",
    "year_level": "9",
    "gender": "female",
    "caregiver_name": "Kererū",
    "caregiver_relationship": "nan",
    "caregiver_phone": "021 000 000",
    "caregiver_email": "nan@example.nz",
    "safe_to_contact": "yes",
    "term": "2026-T1",
    "present_half_days": "28",
    "total_half_days": "60",
    "concern": "Away, most mornings",
    "steps_tried": "",
}


def file_of(*rows: dict[str, str], delimiter: str = ",", newline: str = "\n") -> bytes:
    lines = [delimiter.join(COLUMNS)]
    lines += [delimiter.join('"' + row.get(name, "").replace('"', '""') + '"' for name in COLUMNS) for row in rows]
    return (newline.join(lines) + newline).encode()


def only_row(content: bytes) -> ImportRow:
    [row] = read_file(content)
    return row


@pytest.mark.parametrize(
    "content",
    [
        file_of(GOOD),
        b"\xef\xbb\xbf" + file_of(GOOD),
        file_of(GOOD, delimiter=";"),
        file_of(GOOD, newline="\r\n"),
        file_of(GOOD) + b"\n\n,,,,,,,,,,,,,,,,,\n",
        file_of(GOOD).rstrip(),
        file_of({name: f"  {value} " for name, value in GOOD.items()}),
    ],
    ids=["plain", "byte order mark", "semicolons", "CRLF", "empty lines", "no last newline", "spaces round cells"],
)
def test_a_good_row_is_read(content: bytes) -> None:
    row = only_row(content)
    assert (row.line, row.school_number, row.violations) == (2, "0417", ())
    assert row.draft is not None
    student, [caregiver] = row.draft.student, row.draft.caregivers
    assert (student.nsn, student.given_names, student.family_name) == ("0012345678", "Tūī", "O'Demo")
    assert (student.gender, student.year_level, student.date_of_birth.isoformat()) == (Gender.FEMALE, 9, "2012-08-15")
    assert (caregiver.name, caregiver.safe_to_contact) == ("Kererū", True)
    assert row.draft.attendance is not None
    assert (row.draft.attendance.present_half_days, row.draft.concern) == (28, "Away, most mornings")


def test_someone_with_one_name_and_no_caregiver_is_fine() -> None:
    empty = dict.fromkeys((name for name in COLUMNS if name.startswith("caregiver")), "")
    row = only_row(file_of(GOOD | empty | {"family_name": "", "safe_to_contact": "", "nsn": "", "gender": ""}))
    assert row.draft is not None
    assert (row.draft.student.family_name, row.draft.student.nsn, row.draft.caregivers) == ("", "", ())


def test_decomposed_letters_become_one_letter() -> None:
    row = only_row(file_of(GOOD | {"given_names": "Tu\u0304i\u0304"}))
    assert row.draft is not None
    assert row.draft.student.given_names == "Tūī"


@pytest.mark.parametrize(
    ("cells", "column", "reason"),
    [
        ({"nsn": "12345678"}, "nsn", "pattern"),
        ({"nsn": "12E4567890"}, "nsn", "pattern"),
        ({"nsn": "٠٠١٢٣٤٥٦٧٨"}, "nsn", "pattern"),
        ({"given_names": ""}, "given_names", "required"),
        ({"given_names": "x" * 101}, "given_names", "too-long"),
        ({"given_names": "a\u202eb"}, "given_names", "characters"),
        ({"family_name": "a\nb"}, "family_name", "characters"),
        ({"date_of_birth": "15/08/2012"}, "date_of_birth", "format"),
        ({"date_of_birth": ""}, "date_of_birth", "required"),
        ({"year_level": "15"}, "year_level", "too-large"),
        ({"year_level": ""}, "year_level", "required"),
        ({"year_level": "nine"}, "year_level", "format"),
        ({"year_level": "-1"}, "year_level", "format"),
        ({"year_level": "9.0"}, "year_level", "format"),
        ({"year_level": "9" * 30}, "year_level", "format"),
        ({"gender": "f"}, "gender", "unknown-value"),
        ({"caregiver_name": ""}, "caregiver_name", "required"),
        ({"caregiver_phone": "ask at the office"}, "caregiver_phone", "pattern"),
        ({"caregiver_email": "nan at example"}, "caregiver_email", "format"),
        ({"safe_to_contact": "perhaps"}, "safe_to_contact", "unknown-value"),
        ({"term": "Term 1"}, "term", "pattern"),
        ({"present_half_days": "many"}, "present_half_days", "format"),
        ({"total_half_days": "0"}, "total_half_days", "too-small"),
        ({"total_half_days": "201"}, "total_half_days", "too-large"),
        ({"concern": " "}, "concern", "required"),
        ({"concern": "x" * 4001}, "concern", "too-long"),
        ({"steps_tried": "bell \x07"}, "steps_tried", "characters"),
    ],
)
def test_a_bad_cell_is_named_by_column_and_rule(cells: dict[str, str], column: str, reason: str) -> None:
    row = only_row(file_of(GOOD | cells))
    assert row.draft is None
    assert [(column_of(each.field), each.reason) for each in row.violations] == [(column, reason)]


def test_every_fault_of_a_row_is_named_and_good_rows_stand() -> None:
    rows = read_file(file_of(GOOD, GOOD | {"nsn": "x", "concern": "", "year_level": "z"}, GOOD))
    assert [row.draft is not None for row in rows] == [True, False, True]
    assert {column_of(each.field) for each in rows[1].violations} == {"nsn", "concern", "year_level"}


def test_a_row_of_another_width_is_refused() -> None:
    row = only_row(file_of(GOOD).rstrip() + b",extra\n")
    assert row.draft is None
    assert [each.reason for each in row.violations] == ["cells"]


def test_lines_are_those_of_the_file() -> None:
    content = file_of(GOOD | {"concern": "one\ntwo\nthree"}, GOOD) + b"\n" + file_of(GOOD).splitlines()[1] + b"\n"
    assert [row.line for row in read_file(content)] == [2, 5, 7]


@pytest.mark.parametrize(
    ("content", "reason", "told"),
    [
        (b"\n", "empty", "first line"),
        (b"\xef\xbb\xbf", "empty", "first line"),
        (file_of(), "no-rows", "no rows"),
        (file_of(*[GOOD] * 1001), "too-many-rows", "1,000"),
        (file_of(GOOD) + b"a\0b", "nul", "line 3"),
        (file_of(GOOD) + b"\xff\xfe", "not-utf-8", "line 3"),
        (b"\xef\xbb\xbf" + file_of() + b"\xe9", "not-utf-8", f"byte {3 + len(file_of()):,}, line 2"),
        (file_of(GOOD).decode().encode("utf-16"), "nul", "line 1"),
        (file_of(GOOD) + b'0417,"never closed\n', "not-csv", "line 3"),
        (b"\x89PNG\r\n\x1a\n", "not-utf-8", "byte 0"),
        (b"<html></html>\n", "header", "school_number"),
        (file_of(GOOD).replace(b"nsn", b"NSN number", 1), "header", "nsn"),
        (file_of(GOOD).replace(b"nsn", b"concern", 1), "header", "more than once"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_is_no_such_file_says_where_and_why(content: bytes, reason: str, told: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        read_file(content)
    assert {each.field for each in raised.value.violations} == {"content"}
    assert reason in {each.reason for each in raised.value.violations}
    assert told in raised.value.message


def test_columns_may_stand_in_any_order() -> None:
    names = list(reversed(COLUMNS))
    content = ",".join(names) + "\n" + ",".join(f'"{GOOD.get(name, "")}"' for name in names)
    assert only_row(content.encode()).draft == only_row(file_of(GOOD)).draft


@given(st.binary(max_size=400))
def test_any_bytes_give_rows_or_a_named_fault(noise: bytes) -> None:
    for content in (noise, file_of(GOOD) + noise):
        for row in rows_or_none(content):
            assert (row.draft is None) == bool(row.violations)


def rows_or_none(content: bytes) -> list[ImportRow]:
    with contextlib.suppress(InvalidArgumentError):
        return read_file(content)
    return []
