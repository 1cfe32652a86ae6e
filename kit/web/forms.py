"""Form fields that keep text as people typed it, and the way errors come back to them.

Thin over Flask-WTF and WTForms: text is NFC and free of control characters, a date is three boxes or one picker,
and what a server says about a field stands at that field.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from wtforms import EmailField, Field, StringField, TextAreaField
from wtforms.validators import StopValidation

from kit.errors import Violation
from kit.web.dates import MONTHS

UNREADABLE = "\N{REPLACEMENT CHARACTER}"


def clean_text(value: str) -> str:
    """Text ready to store: NFC, lines ending in LF, no space at its ends. Macrons stay exactly as typed.

    Raises ValueError, with words for people, when it holds NUL or another control character, half of a surrogate
    pair, or the mark that decoding leaves where bytes were no UTF-8.
    """
    text = unicodedata.normalize("NFC", value.replace("\r\n", "\n").replace("\r", "\n")).strip()
    for character in text:
        category = unicodedata.category(character)
        if (category == "Cc" and character not in "\n\t") or category == "Cs" or character == UNREADABLE:
            raise ValueError(
                gettext("There is a character in this text that we cannot read. Remove it or type it again.")
            )
    return text


class _CleanText:
    """What the text fields share. An empty answer is "", never None."""

    data: str | None

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        if not valuelist:
            return
        self.data = valuelist[0]  # kept for showing it again if the cleaning refuses it
        try:
            self.data = clean_text(valuelist[0])
        except ValueError:
            self.data = "".join(
                character
                for character in valuelist[0]
                if character in "\n\t" or unicodedata.category(character) not in {"Cc", "Cs"}
            )
            raise


class TextField(_CleanText, StringField):  # type: ignore[misc]  # WTForms publishes no types
    """One line of text."""


class LongTextField(_CleanText, TextAreaField):  # type: ignore[misc]  # as TextField
    """Several lines of text."""


class EmailAddressField(_CleanText, EmailField):  # type: ignore[misc]  # as TextField
    """An email address."""


class DayField(Field):  # type: ignore[misc]  # as TextField
    """A calendar day, posted as `name-day`, `name-month`, `name-year`, or as ISO by a native picker under `name`.

    A month may be a number or its name, in either language. `parts` keeps what was typed; `wrong_parts` says where
    the fault is ("day", "month", "year").
    """

    data: date | None
    PARTS = ("day", "month", "year")

    def __init__(self, label: str | None = None, validators: Sequence[Any] = (), **options: Any) -> None:
        """As any WTForms field."""
        super().__init__(label, validators, **options)
        self.parts: dict[str, str] = dict.fromkeys(self.PARTS, "")
        self.wrong_parts: tuple[str, ...] = ()

    def process(self, formdata: Any, data: Any = None, extra_filters: Any = None) -> None:
        """Read the three boxes or the one; wrong ones become an error of the field, as everywhere."""
        super().process(None, *(() if data is None else (data,)), extra_filters=extra_filters)
        if self.data is not None:
            self.parts = {"day": str(self.data.day), "month": str(self.data.month), "year": str(self.data.year)}
        if not formdata:
            return
        native = formdata.get(self.name, "").strip()
        if native:
            self.parts = dict(zip(("year", "month", "day"), [*native.split("-", 2), "", ""], strict=False))
        else:
            self.parts = {part: formdata.get(f"{self.name}-{part}", "").strip() for part in self.PARTS}
        self.raw_data = [value for value in self.parts.values() if value]
        self.data = None
        if not self.raw_data:
            return
        try:
            self.data = self._read()
        except ValueError as error:
            self.process_errors = [str(error)]

    def _read(self) -> date:
        missing = tuple(part for part in self.PARTS if not self.parts[part])
        if missing:
            self.wrong_parts = missing
            words = {"day": gettext("a day"), "month": gettext("a month"), "year": gettext("a year")}
            raise ValueError(gettext("The date must include %(part)s.", part=words[missing[0]]))
        day, month, year = (
            _number(self.parts["day"]),
            _month(self.parts["month"]),
            _number(self.parts["year"]),
        )
        first_full_year = 1000
        if year is None or year < first_full_year:
            self.wrong_parts = ("year",)
            raise ValueError(gettext("Write the year with four figures, such as 2025."))
        try:
            return date(year, month or 0, day or 0)
        except (ValueError, OverflowError):
            self.wrong_parts = self.PARTS
            raise ValueError(gettext("There is no such day. Check the day and the month.")) from None

    def _value(self) -> str:
        return self.data.isoformat() if self.data else ""


def _number(text: str) -> int | None:
    """A plain decimal number of up to four ASCII figures."""
    most = 4
    return int(text) if text.isascii() and text.isdigit() and len(text) <= most else None


def _month(text: str) -> int | None:
    """A month by number or by the beginning of its name (three letters or more), in either language."""
    if (number := _number(text)) is not None:
        return number
    wanted, least = unicodedata.normalize("NFC", text).casefold().rstrip("."), 3
    if len(wanted) < least:
        return None
    for names in MONTHS.values():
        found = [index for index, name in enumerate(names, 1) if name.casefold().startswith(wanted)]
        if len(found) == 1:
            return found[0]
    return None


class Needed:
    """The question must be answered: `Needed("Say what happened")`. The message is an instruction, not a rebuke."""

    field_flags: Mapping[str, bool] = {"required": True}

    def __init__(self, message: Any = None) -> None:
        """A sentence that says what to do."""
        self.message = message or lazy_gettext("Answer this question.")

    def __call__(self, _form: Any, field: Any) -> None:
        """Stop at an empty answer; a fault found while reading it is reported instead of this."""
        if field.process_errors:
            raise StopValidation
        if field.data is None or field.data in ("", []):
            raise StopValidation(str(self.message))


class Form(FlaskForm):  # type: ignore[misc]  # as TextField
    """A form of ours: with a token against forgery, and room for errors that belong to no field."""

    form_errors: list[str]

    def take_violations(self, violations: Iterable[Violation], *, names: Mapping[str, str] | None = None) -> None:
        """Put what the server refused at the fields it names; what names none of ours is about the whole form.

        `names` maps a field of the contract to one of the form ("person.email" → "email"). Without an entry the last
        part of the path is tried.
        """
        for violation in violations:
            path = violation.field
            name = (names or {}).get(path) or path.rsplit(".", 1)[-1].split("[", 1)[0]
            if name in self._fields and name != "csrf_token":
                field = self._fields[name]
                field.errors = [*field.errors, violation.description]
            else:
                self.form_errors = [*self.form_errors, violation.description]


@dataclass(frozen=True, slots=True)
class FieldError:
    """A line of the error summary: what to do, and where."""

    text: str
    href: str | None


def error_list(form: Any) -> list[FieldError]:
    """Every error of a form, in the order of its fields; those of the whole form last, without a link."""
    lines = []
    for field in form:
        if field.name == "csrf_token":
            continue
        lines += [FieldError(text=str(text), href=f"#{_target(field)}") for text in field.errors]
    return lines + [FieldError(text=str(text), href=None) for text in form.form_errors]


def _target(field: Any) -> str:
    """The id of the element that the summary's link focuses: the first wrong box of a date, the first choice."""
    if isinstance(field, DayField):
        return f"{field.id}-{(field.wrong_parts or DayField.PARTS)[0]}"
    return str(field.id)
