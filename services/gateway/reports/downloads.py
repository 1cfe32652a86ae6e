"""The same tables as a file: CSV, Excel, PDF. What is frozen gives the same bytes each time.

Text from people never becomes a formula: in CSV what begins like one gets an apostrophe before it, in Excel every text
is written as text.
"""

import csv
import io
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import xlsxwriter
from flask import Response

from kit.clock import NEW_ZEALAND
from kit.rendering import render_pdf
from kit.web.i18n import current_language

Value = str | int
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "json": "application/json",
}
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_TEMPLATE = (Path(__file__).parent / "document.typ").read_text(encoding="utf-8")
_MOST_NAME = 31


@dataclass(frozen=True, slots=True)
class Table:
    """A table: numbers are numbers, everything else is text. `chart` is SVG, for the PDF."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Value]]
    note: str = ""
    chart: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """What is downloaded. `created` is when what it says was settled."""

    title: str
    facts: Sequence[str]
    created: datetime
    tables: Sequence[Table] = field(default_factory=list)


def as_csv(document: Document) -> bytes:
    """UTF-8 with a byte order mark, without which Excel spoils macrons; the tables below each other."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    for line in (document.title, *document.facts):
        writer.writerow([harmless(line)])
    for table in document.tables:
        writer.writerow([])
        writer.writerow([harmless(table.title)])
        writer.writerow([harmless(column) for column in table.columns])
        writer.writerows([[harmless(value) for value in row] for row in table.rows])
        if table.note:
            writer.writerow([harmless(table.note)])
    return b"\xef\xbb\xbf" + buffer.getvalue().encode()


def as_xlsx(document: Document) -> bytes:
    """A sheet per table, behind one that says what this is."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    created = document.created.astimezone(NEW_ZEALAND).replace(tzinfo=None)
    book.set_properties({"title": document.title, "created": created})
    heading = book.add_format({"bold": True, "font_size": 14})
    head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    number = book.add_format({"num_format": "#,##0"})
    words = book.add_format({"text_wrap": True, "valign": "top"})
    first = book.add_worksheet("1")
    first.set_column(0, 0, 90)
    first.write_string(0, 0, document.title, heading)
    for place, fact in enumerate(document.facts):
        first.write_string(place + 2, 0, fact, words)
    for sheet_number, table in enumerate(document.tables, start=2):
        sheet = book.add_worksheet(_sheet_name(sheet_number, table.title))
        sheet.set_column(0, 0, 40)
        sheet.set_column(1, max(1, len(table.columns) - 1), 18)
        sheet.write_string(0, 0, table.title, heading)
        for column, label in enumerate(table.columns):
            sheet.write_string(2, column, label, head)
        for row, values in enumerate(table.rows, start=3):
            for column, value in enumerate(values):
                if isinstance(value, int):
                    sheet.write_number(row, column, value, number)
                else:
                    sheet.write_string(row, column, value, words)
        sheet.freeze_panes(3, 1)
        if table.note:
            sheet.write_string(len(table.rows) + 4, 0, table.note, words)
    book.close()
    return buffer.getvalue()


def as_pdf(document: Document) -> bytes:
    """A document to print and to keep, in the same face as the pages, with its pictures."""
    data = {
        "title": document.title,
        "language": current_language(),
        "facts": list(document.facts),
        "tables": [
            {
                "title": table.title,
                "columns": list(table.columns),
                "rows": [[f"{value:,}" if isinstance(value, int) else value for value in row] for row in table.rows],
                "numbers": [
                    any(isinstance(row[place], int) for row in table.rows) for place in range(len(table.columns))
                ],
                "note": table.note,
                "chart": table.chart,
            }
            for table in document.tables
        ],
    }
    return render_pdf(_TEMPLATE, data=data, created=document.created)


MAKERS = {"csv": as_csv, "xlsx": as_xlsx, "pdf": as_pdf}


def attachment(content: bytes, *, kind: str, name: str) -> Response:
    """A file to save. `name` is made of codes, never of what people wrote."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.{kind}"', "Cache-Control": "private, no-store"}
    return Response(content, headers=headers, content_type=TYPES[kind])


def _plain(text: str) -> str:
    """Text as some spreadsheets read it: without spaces before it, wide signs as the usual ones."""
    return unicodedata.normalize("NFKC", text[:20]).lstrip(" ")


def harmless(value: Value) -> Value:
    """A value for a CSV file, which no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and _plain(value).startswith(_BEGINS_A_FORMULA) else value


def _is_number(table: Table, place: int) -> bool:
    return any(isinstance(row[place], int) for row in table.rows)


def _sheet_name(number: int, title: str) -> str:
    """Excel refuses some characters, long names and names that differ in nothing but case."""
    plain = "".join("-" if each in "[]:*?/\\'" else each for each in title)
    return f"{number} {plain}"[:_MOST_NAME]
