"""Each macro renders, and escapes every text that comes from people."""

import subprocess
import sys
import unicodedata
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from flask import Flask, render_template_string
from wtforms import BooleanField, RadioField, SelectField, SelectMultipleField
from wtforms.fields import SelectChoice

import kit.web
from kit.clock import FixedClock
from kit.ids import uuid7
from kit.web import WebSettings, init_web
from kit.web.forms import DayField, Form, LongTextField, TextField
from kit.web.pages import Link

EVIL = "<script>\"'&</script>"
FOLDER = Path(kit.web.__file__).parent
CATALOGUE = FOLDER / "translations" / "mi" / "LC_MESSAGES"
FORMS, LISTS, RECORD, FEEDBACK = (f"kit/components/{name}.html" for name in ("forms", "lists", "record", "feedback"))
CALLS = {
    "button": (FORMS, "button(evil, name=evil, value=evil, busy=evil)"),
    "button link": (FORMS, "button(evil, href='/x')"),
    "text_input": (FORMS, "text_input('n', evil, evil, hint=evil, error=evil, prefix=evil, suffix=evil)"),
    "textarea": (FORMS, "textarea('n', evil, evil, hint=evil, error=evil)"),
    "select": (FORMS, "select('n', evil, [{'value': evil, 'text': evil}], evil, hint=evil, error=evil)"),
    "radios": (FORMS, "radios('n', evil, [choice], evil, hint=evil, error=evil)"),
    "checkboxes": (FORMS, "checkboxes('n', evil, [{'value': evil, 'text': evil}], [evil], hint=evil, error=evil)"),
    "date_input": (FORMS, "date_input('n', evil, {'day': evil, 'month': evil, 'year': evil}, hint=evil, error=evil)"),
    "day_picker": (FORMS, "day_picker('n', evil, evil, hint=evil, error=evil, earliest=evil, latest=evil)"),
    "file_upload": (FORMS, "file_upload('n', evil, hint=evil, error=evil, accept=evil)"),
    "error_message": (FORMS, "error_message(evil)"),
    "error_summary": (FEEDBACK, "error_summary([{'text': evil, 'href': '#x'}, {'text': evil, 'href': none}], evil)"),
    "notice": (FEEDBACK, "notice(evil, 'error', evil)"),
    "flashes": (FEEDBACK, "flashes([('success', evil), (evil, evil)])"),
    "empty": (FEEDBACK, "empty(evil, evil)"),
    "loading": (FEEDBACK, "loading(evil)"),
    "definition": (FEEDBACK, "definition(evil, evil)"),
    "conflict": (FEEDBACK, "conflict([{'label': evil, 'theirs': evil, 'yours': evil}], evil, evil)"),
    "badge": (LISTS, "badge(evil, 'dot', 'red')"),
    "due_mark": (LISTS, "due_mark(day)"),
    "records": (LISTS, "records(evil, columns, [{'href': '/x', 'cells': {'a': evil, 'b': evil}}])"),
    "filter_bar": (LISTS, "filter_bar(evil, [{'label': evil, 'links': [link]}])"),
    "pagination": (LISTS, "pagination('?a', '?b', evil)"),
    "section_nav": (LISTS, "section_nav(evil, [link])"),
    "stat": (LISTS, "stat(evil, evil, '/x', evil)"),
    "page_heading": (RECORD, "page_heading(evil, facts=[evil], reason=evil, reference=evil)"),
    "actions": (RECORD, "actions(action, [action], [action])"),
    "panel": (RECORD, "panel(evil, link={'text': evil, 'href': '/x'})"),
    "due_list": (RECORD, "due_list([{'title': evil, 'href': '/x', 'due': day, 'note': evil}])"),
    "timeline": (RECORD, "timeline([{'day': day, 'entries': [entry]}])"),
    "health": (RECORD, "health([{'label': evil, 'state': 'missing', 'note': evil, 'href': '/x'}])"),
    "summary_list": (RECORD, "summary_list([{'key': evil, 'value': evil, 'actions': [action]}])"),
    "confirm": (RECORD, "confirm(evil, evil, [evil], '/x', evil, '/y', busy=evil)"),
}
MOMENT = datetime(2026, 3, 3, 1, 0, tzinfo=UTC)
ACTION = {"text": EVIL, "href": "/x", "about": EVIL}
VALUES = {
    "evil": EVIL,
    "day": date(2026, 3, 3),
    "moment": MOMENT,
    "link": Link(EVIL, "/x?a=1&b=2", is_current=True, count=3),
    "action": ACTION,
    "choice": {"value": EVIL, "text": EVIL, "hint": {"text": EVIL}},
    "columns": [{"key": "a", "label": EVIL, "kind": "name"}, {"key": "b", "label": EVIL}],
    "entry": {
        "icon": "home",
        "title": EVIL,
        "facts": [EVIL],
        "text": EVIL,
        "who": EVIL,
        "moment": MOMENT,
        "links": [ACTION],
        "corrections": [{"reason": EVIL, "facts": [EVIL], "text": EVIL, "who": EVIL, "moment": MOMENT}],
    },
}


class EveryField(Form):
    text = TextField(EVIL, description=EVIL)
    long = LongTextField(EVIL)
    day = DayField(EVIL)
    one = RadioField(EVIL, choices=[SelectChoice(EVIL, EVIL)], validate_choice=False)
    list = SelectField(EVIL, choices=[SelectChoice(EVIL, EVIL)], validate_choice=False)
    many = SelectMultipleField(EVIL, choices=[SelectChoice(EVIL, EVIL)], validate_choice=False)
    yes = BooleanField(EVIL)


@pytest.fixture(scope="module")
def app() -> Flask:
    app = Flask("components", static_folder=None)
    app.config.update(SECRET_KEY="only for tests")
    clock = FixedClock(datetime(2026, 3, 3, 21, 0, tzinfo=UTC))  # Wed 4 March in New Zealand
    init_web(app, WebSettings(product="P"), clock=clock, new_id=uuid7)
    return app


def render(app: Flask, source: str, call: str, **values: object) -> str:
    names = call.split("(", 1)[0]
    with app.test_request_context("/"):
        return render_template_string(f'{{% from "{source}" import {names} %}}{{{{ {call} }}}}', **VALUES, **values)


@pytest.mark.parametrize("name", CALLS)
def test_texts_are_escaped(app: Flask, name: str) -> None:
    html = render(app, *CALLS[name])
    assert "<script" not in html
    assert "&amp;lt;" not in html, "escaped twice"
    assert 'value="<' not in html


@pytest.mark.parametrize("name", ["text", "long", "day", "one", "list", "many", "yes"])
def test_a_field_of_a_form_finds_its_control(app: Flask, name: str) -> None:
    with app.test_request_context("/"):
        form = EveryField(None)
        form[name].errors = [EVIL]
        html = render_template_string('{% from "kit/components/forms.html" import field %}{{ field(f) }}', f=form[name])
    assert "<script" not in html
    assert f'name="{name}' in html
    assert html.count("govuk-error-message") == 1


def test_every_macro_of_the_components_is_tried_here() -> None:
    declared = {
        line.split("macro ", 1)[1].split("(", 1)[0]
        for name in ("forms", "lists", "record", "feedback")
        for line in (FOLDER / "templates" / "kit" / "components" / f"{name}.html")
        .read_text(encoding="utf-8")
        .splitlines()
        if line.startswith("{% macro ")
    }
    assert declared == {name.split(" ", 1)[0] for name in CALLS} | {"field", "csrf"}


def test_lines_of_a_long_text_stay_as_they_are(app: Flask) -> None:
    html = render(app, FORMS, "textarea('n', 'x', text)", text="one\n  two\n\nthree")
    assert ">one\n  two\n\nthree</textarea>" in html


def test_an_error_is_tied_to_its_control(app: Flask) -> None:
    html = render(app, FORMS, "text_input('n', 'x', hint='h', error='e')")
    assert 'aria-describedby="n-hint n-error"' in html


def test_a_date_has_its_exact_form_at_hand(app: Flask) -> None:
    html = render(app, LISTS, "due_mark(day)")
    assert '<time datetime="2026-03-03" title="Tuesday 3 March 2026">overdue 1 day</time>' in html


def test_a_state_is_a_word_and_a_shape(app: Flask) -> None:
    html = render(app, LISTS, "badge('Paused', 'pause', 'amber')")
    assert "icons.svg#pause" in html
    assert "<span>Paused</span>" in html


def test_nothing_to_show_is_nothing(app: Flask) -> None:
    assert render(app, FEEDBACK, "error_summary([])").strip() == ""
    assert render(app, LISTS, "pagination()").strip() == ""


def test_every_icon_that_is_named_exists() -> None:
    sprite = (FOLDER / "static" / "icons.svg").read_text(encoding="utf-8")
    assert sprite.count("<symbol ") == len(set(sprite.split('<symbol id="')[1:]))
    for name in ("check", "alert", "clock", "lock", "swap", "search", "menu", "right", "left", "down"):
        assert f'id="{name}"' in sprite


def test_te_reo_maori_is_complete_and_compiled() -> None:
    with (CATALOGUE / "messages.po").open("rb") as file:
        texts = {str(message.id): str(message.string) for message in read_po(file, locale="mi") if message.id}
    with (CATALOGUE / "messages.mo").open("rb") as file:
        compiled = {str(message.id): str(message.string) for message in read_mo(file) if message.id}
    assert [text for text, translation in texts.items() if not translation] == []
    assert texts == compiled
    assert all(unicodedata.is_normalized("NFC", translation) for translation in texts.values())


def test_no_text_of_the_sources_is_missing_in_the_catalogue(tmp_path: Path) -> None:
    template = tmp_path / "messages.pot"
    arguments = ["-q", "extract", "-F", "babel.cfg", "-k", "lazy_gettext", "--no-location", "-o", str(template), "."]
    subprocess.run([sys.executable, "-m", "babel.messages.frontend", *arguments], cwd=FOLDER, check=True)
    with template.open("rb") as file:
        wanted = {message.id for message in read_po(file) if message.id}
    with (CATALOGUE / "messages.po").open("rb") as file:
        known = {message.id for message in read_po(file, locale="mi") if message.id}
    assert wanted == known
