"""Fields keep text as it was typed, refuse what cannot be stored, and errors come back in order."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from kit.clock import FixedClock
from kit.errors import Violation
from kit.ids import uuid7
from kit.web import WebSettings, init_web
from kit.web.forms import DayField, EmailAddressField, Form, LongTextField, Needed, TextField, clean_text, error_list


class SampleForm(Form):
    name = TextField("Name", [Needed("Say the name")])
    day = DayField("Day")
    notes = LongTextField("Notes")
    email = EmailAddressField("Email")


@pytest.fixture(scope="module")
def app() -> Flask:
    app = Flask("forms", static_folder=None)
    app.config.update(SECRET_KEY="only for tests", WTF_CSRF_ENABLED=False)
    init_web(app, WebSettings(product="P"), clock=FixedClock(datetime(2026, 3, 3, tzinfo=UTC)), new_id=uuid7)
    return app


def sent(app: Flask, **values: str) -> Any:
    with app.test_request_context("/", method="POST"):
        form = SampleForm(MultiDict({name.replace("_", "-"): value for name, value in values.items()}))
        form.validate()
        form.summary = [(line.text, line.href) for line in error_list(form)]
        return form


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Ma\u0304ori", "Māori"),
        ("  Mere Ōtene \n", "Mere Ōtene"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("O\u2019Connor", "O\u2019Connor"),
        ("Ngā\tmahi", "Ngā\tmahi"),
        ("👩‍👧", "👩‍👧"),
        ("", ""),
    ],
)
def test_text_is_nfc_and_otherwise_as_typed(typed: str, kept: str) -> None:
    assert clean_text(typed) == kept


@pytest.mark.parametrize("typed", ["a\0b", "a\x1bb", "a\x85b", "\ud800", "broken \ufffd bytes"])
def test_what_cannot_be_stored_is_refused_at_its_field(app: Flask, typed: str) -> None:
    form = sent(app, name=typed)
    assert [href for _, href in form.summary] == ["#name"]
    assert "cannot read" in form.summary[0][0]
    assert "\0" not in form.name.data


def test_an_empty_answer_is_told_what_to_do(app: Flask) -> None:
    assert sent(app, name="   ").summary == [("Say the name", "#name")]


@pytest.mark.parametrize(
    ("parts", "day"),
    [
        (("4", "3", "2025"), date(2025, 3, 4)),
        (("04", "03", "2025"), date(2025, 3, 4)),
        (("4", "March", "2025"), date(2025, 3, 4)),
        (("4", "mar.", "2025"), date(2025, 3, 4)),
        (("4", "Poutūterangi", "2025"), date(2025, 3, 4)),
        (("4", "Poutu\u0304terangi", "2025"), date(2025, 3, 4)),
        (("1", "Whiringa-ā-nuku", "2025"), date(2025, 10, 1)),
        (("29", "2", "2024"), date(2024, 2, 29)),
    ],
)
def test_a_day_by_number_or_name(app: Flask, parts: tuple[str, str, str], day: date) -> None:
    form = sent(app, name="x", day_day=parts[0], day_month=parts[1], day_year=parts[2])
    assert (form.day.data, form.summary) == (day, [])


@pytest.mark.parametrize(
    ("parts", "target", "words"),
    [
        (("29", "2", "2025"), "#day-day", "no such day"),
        (("31", "13", "2025"), "#day-day", "no such day"),
        (("4", "3", "25"), "#day-year", "four figures"),
        (("", "3", "2025"), "#day-day", "a day"),
        (("4", "", "2025"), "#day-month", "a month"),
        (("4", "3", ""), "#day-year", "a year"),
        (("4", "ma", "2025"), "#day-day", "no such day"),
        (("4", "whiringa", "2025"), "#day-day", "no such day"),
        (("٤", "3", "2025"), "#day-day", "no such day"),
        (("-4", "3", "2025"), "#day-day", "no such day"),
        (("4", "3", "99999999999999999999"), "#day-year", "four figures"),
        (("\0", "3", "2025"), "#day-day", "no such day"),
    ],
)
def test_a_wrong_day_keeps_what_was_typed(app: Flask, parts: tuple[str, str, str], target: str, words: str) -> None:
    form = sent(app, name="x", day_day=parts[0], day_month=parts[1], day_year=parts[2])
    assert form.day.data is None
    assert [href for _, href in form.summary] == [target]
    assert words in form.summary[0][0]
    assert form.day.parts == {"day": parts[0].strip(), "month": parts[1], "year": parts[2]}


def test_a_day_from_the_browsers_picker(app: Flask) -> None:
    assert sent(app, name="x", day="2025-03-04").day.data == date(2025, 3, 4)
    assert sent(app, name="x", day="2025-3").summary != []


def test_a_day_that_is_not_asked_may_be_empty(app: Flask) -> None:
    form = sent(app, name="x")
    assert (form.day.data, form.summary) == (None, [])


def test_a_day_shows_what_is_saved(app: Flask) -> None:
    with app.test_request_context("/"):
        form = SampleForm(None, data={"day": date(2025, 3, 4)})
        assert form.day.parts == {"day": "4", "month": "3", "year": "2025"}


def test_what_the_server_says_stands_at_its_field_in_the_forms_order(app: Flask) -> None:
    with app.test_request_context("/"):
        form = SampleForm(None, data={"name": "x"})
        form.take_violations(
            [
                Violation("version", "stale", "Read it again."),
                Violation("event.notes", "too-long", "At most 4,000 characters."),
                Violation("people[1].name", "unknown", "We could not find that name."),
                Violation("event.occurred_on", "future", "That day has not come yet."),
            ],
            names={"event.occurred_on": "day"},
        )
        assert [(line.text, line.href) for line in error_list(form)] == [
            ("We could not find that name.", "#name"),
            ("That day has not come yet.", "#day-day"),
            ("At most 4,000 characters.", "#notes"),
            ("Read it again.", None),
        ]
