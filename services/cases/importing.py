"""Reads a CSV file of requests. Pure: bytes in, rows or named faults out.

Some columns must be in the header, others may: what a school knows besides. Several codes in a cell stand beside each
other, with spaces, commas or semicolons between them.

Each row becomes the very message that `SubmitRequest` takes and is checked by the same rules of the contract, so that a
file and a form cannot differ in what they accept.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ascms.cases.v1 import cases_pb2, requests_pb2

from kit.errors import InvalidArgumentError, Violation
from kit.rpc.validation import validate
from services.cases import wire
from services.cases.commands.requests import ImportRow

MAX_ROWS = 1_000

_COLUMN_OF = {
    "student.nsn": "nsn",
    "student.given_names": "given_names",
    "student.family_name": "family_name",
    "student.preferred_name": "preferred_name",
    "student.date_of_birth": "date_of_birth",
    "student.year_level": "year_level",
    "student.gender": "gender",
    "caregivers[0].name": "caregiver_name",
    "caregivers[0].relationship": "caregiver_relationship",
    "caregivers[0].phone": "caregiver_phone",
    "caregivers[0].email": "caregiver_email",
    "caregivers[0].safe_to_contact": "safe_to_contact",
    "attendance.term": "term",
    "attendance.present_half_days": "present_half_days",
    "attendance.total_half_days": "total_half_days",
    "concern": "concern",
    "steps_tried": "steps_tried",
}
NEEDED_COLUMNS = ("school_number", *_COLUMN_OF.values())
_MOST_CAREGIVERS, _MOST_TERMS = 3, 4
_MORE_PARTS = ("name", "relationship", "phone", "email", "safe_ways", "safe_note")
_CAREGIVER_PARTS = (*_MORE_PARTS, "safe_to_contact")
_TERM_PARTS = ("term", "present_half_days", "total_half_days", "justified_half_days", "unjustified_half_days")
_COLUMN_OF |= {
    "student.ethnicities": "ethnicities",
    "student.iwi": "iwi",
    "is_sensitive": "is_sensitive",
    "steps": "steps",
    "barriers": "barriers",
    "barrier_words": "barrier_words",
    "attendance.justified_half_days": "justified_half_days",
    "attendance.unjustified_half_days": "unjustified_half_days",
    "caregivers[0].safe_ways": "caregiver_safe_ways",
    "caregivers[0].safe_note": "caregiver_safe_note",
    **{
        f"caregivers[{number - 1}].{part}": f"caregiver_{number}_{part}"
        for number in range(2, _MOST_CAREGIVERS + 1)
        for part in _MORE_PARTS
    },
    **{
        f"earlier_terms[{number - 2}].{part}": f"{part}_{number}"
        for number in range(2, _MOST_TERMS + 1)
        for part in _TERM_PARTS
    },
}
COLUMNS = ("school_number", *_COLUMN_OF.values())

_NUMBER = re.compile(r"[0-9]{1,6}", re.ASCII)
_GENDERS = {
    "": cases_pb2.GENDER_UNSPECIFIED,
    "female": cases_pb2.GENDER_FEMALE,
    "male": cases_pb2.GENDER_MALE,
    "another": cases_pb2.GENDER_ANOTHER,
}
_ANSWERS = {"": False, "no": False, "yes": True}
_WAYS = {
    "call": requests_pb2.CONTACT_WAY_CALL,
    "text": requests_pb2.CONTACT_WAY_TEXT,
    "email": requests_pb2.CONTACT_WAY_EMAIL,
    "visit": requests_pb2.CONTACT_WAY_VISIT,
}
_BETWEEN = re.compile(r"[\s,;|]+")
_PLACE = re.compile(r"\[[0-9]+\]$")


def column_of(path: str) -> str:
    """The column of the file that holds a field of the contract; other names are columns already."""
    return _COLUMN_OF.get(path) or _COLUMN_OF.get(_PLACE.sub("", path), path)


def read_file(content: bytes) -> list[ImportRow]:
    """The rows of a file, each with its draft or with what is wrong with it, field names as in the contract.

    Raises:
        InvalidArgumentError: it is not such a file at all; says where and why.
    """
    records = _records(_text(content))
    header_line = next(records, None)
    if header_line is None:
        raise _not_a_file("empty", "is empty; its first line names the columns")
    header = [name.strip() for name in header_line[1]]
    _check_header(header)
    rows: list[ImportRow] = []
    for line, cells in records:
        if len(rows) == MAX_ROWS:
            raise _not_a_file("too-many-rows", f"has more than {MAX_ROWS:,} rows; send it in parts")
        rows.append(_row(line, header, cells))
    if not rows:
        raise _not_a_file("no-rows", "has no rows below its header")
    return rows


def _text(content: bytes) -> str:
    """The file as text: UTF-8, with or without a byte order mark, without NUL."""
    nul = content.find(b"\0")
    if nul >= 0:
        raise _not_a_file("nul", f"has a NUL byte at byte {nul:,}, line {_line(content, nul):,}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # With a byte order mark the decoder counts from behind it.
        at = error.start + (3 if content.startswith(b"\xef\xbb\xbf") else 0)
        raise _not_a_file(
            "not-utf-8", f"is not UTF-8 text: see byte {at:,}, line {_line(content, at):,}; save it as “CSV UTF-8”"
        ) from error


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each record that has any text, with the line where it begins; comma or semicolon, whichever the header uses."""
    first, _, _ = text.partition("\n")
    delimiter = ";" if first.count(";") > first.count(",") else ","
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise _not_a_file("not-csv", f"cannot be read from line {line:,} on: is a quotation mark left open?") from error


def _check_header(header: Sequence[str]) -> None:
    faults = [f"lacks the column {name}" for name in NEEDED_COLUMNS if name not in header]
    faults += [f"has a column {name!r} that is not known" for name in dict.fromkeys(header) if name not in COLUMNS]
    faults += [f"has the column {name} more than once" for name in COLUMNS if header.count(name) > 1]
    if faults:
        raise InvalidArgumentError.of(*(Violation("content", "header", fault) for fault in faults))


def _row(line: int, header: Sequence[str], cells: Sequence[str]) -> ImportRow:
    if len(cells) != len(header):
        described = f"has {len(cells)} cells where the header has {len(header)}"
        return ImportRow(line, "", None, (Violation("school_number", "cells", described),))
    cell = defaultdict(str, {name: value.strip() for name, value in zip(header, cells, strict=True)})
    violations: list[Violation] = []
    message = _message(cell, violations)
    unreadable = {each.field for each in violations}
    try:
        validate(message)
    except InvalidArgumentError as error:
        # A cell that could not be read at all is named once, not again by the rule that meets its gap.
        violations += [each for each in error.violations if each.field not in unreadable]
    draft = None if violations else wire.requests.draft_of(message)
    return ImportRow(line, cell["school_number"], draft, tuple(violations))


def _message(cell: Mapping[str, str], violations: list[Violation]) -> cases_pb2.SubmitRequestRequest:
    reader = _Cells(cell, violations)
    return cases_pb2.SubmitRequestRequest(
        student=cases_pb2.Student(
            nsn=cell["nsn"],
            given_names=cell["given_names"],
            family_name=cell["family_name"],
            preferred_name=cell["preferred_name"],
            date_of_birth=cell["date_of_birth"],
            year_level=reader.number("student.year_level"),
            gender=reader.choice("student.gender", _GENDERS),  # type: ignore[arg-type]  # the stub wants its own type
            ethnicities=reader.several("student.ethnicities"),
            iwi=reader.several("student.iwi"),
        ),
        caregivers=[reader.caregiver(path) for path in reader.told("caregivers", _CAREGIVER_PARTS)],
        attendance=reader.term("attendance"),
        earlier_terms=[reader.term(path) for path in reader.told("earlier_terms", _TERM_PARTS)],
        concern=cell["concern"],
        steps=reader.several("steps"),
        steps_tried=cell["steps_tried"],
        barriers=reader.several("barriers"),
        barrier_words=cell["barrier_words"],
        is_sensitive=bool(reader.choice("is_sensitive", _ANSWERS)),
    )


@dataclass(frozen=True, slots=True)
class _Cells:
    """The cells of a row, read by fields of the contract; what cannot be read is added to `violations`."""

    cell: Mapping[str, str]
    violations: list[Violation]

    def text(self, path: str) -> str:
        return self.cell[_COLUMN_OF[path]] if path in _COLUMN_OF else ""

    def number(self, path: str, *, is_needed: bool = True) -> int:
        text = self.text(path)
        if _NUMBER.fullmatch(text):
            return int(text)
        if text or is_needed:
            rule = ("format", "must be a whole number") if text else ("required", "is needed")
            self.violations.append(Violation(path, *rule))
        return 0

    def choice(self, path: str, allowed: Mapping[str, int]) -> int:
        text = self.text(path).lower()
        if text not in allowed:
            words = ", ".join(word for word in allowed if word)
            self.violations.append(Violation(path, "unknown-value", f"must be one of {words}, or empty"))
        return allowed.get(text, 0)

    def several(self, path: str) -> list[str]:
        return [code for code in _BETWEEN.split(self.text(path)) if code]

    def ways(self, path: str) -> list[int]:
        said = [word.lower() for word in self.several(path)]
        if set(said) - set(_WAYS):
            words = ", ".join(_WAYS)
            self.violations.append(Violation(path, "unknown-value", f"must be some of {words}, or empty"))
        return [_WAYS[word] for word in dict.fromkeys(said) if word in _WAYS]

    def told(self, name: str, parts: Sequence[str]) -> list[str]:
        """The paths of a list's elements, up to the last of which anything is told."""
        paths = [f"{name}[{place}]" for place in range(_MOST_TERMS)]
        filled = [place for place, path in enumerate(paths, 1) if any(self.text(f"{path}.{part}") for part in parts)]
        return paths[: max(filled, default=0)]

    def caregiver(self, path: str) -> cases_pb2.Caregiver:
        return cases_pb2.Caregiver(
            name=self.text(f"{path}.name"),
            relationship=self.text(f"{path}.relationship"),
            phone=self.text(f"{path}.phone"),
            email=self.text(f"{path}.email"),
            safe_to_contact=bool(self.choice(f"{path}.safe_to_contact", _ANSWERS)),
            safe_ways=self.ways(f"{path}.safe_ways"),  # type: ignore[arg-type]  # the stub wants its own type
            safe_note=self.text(f"{path}.safe_note"),
        )

    def term(self, path: str) -> cases_pb2.Attendance:
        return cases_pb2.Attendance(
            term=self.text(f"{path}.term"),
            present_half_days=self.number(f"{path}.present_half_days"),
            total_half_days=self.number(f"{path}.total_half_days"),
            justified_half_days=self.number(f"{path}.justified_half_days", is_needed=False),
            unjustified_half_days=self.number(f"{path}.unjustified_half_days", is_needed=False),
        )


def _line(content: bytes, at: int) -> int:
    return content.count(b"\n", 0, at) + 1


def _not_a_file(reason: str, description: str) -> InvalidArgumentError:
    return InvalidArgumentError.of(Violation("content", reason, description))
