"""Every component in each of its states, on pages of their own. For development only: the application decides.

What it shows is made up and stands in the templates; dates move with the clock, so that the pages always look alive.
"""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import cast, get_args

from flask import Blueprint, Flask, Response, abort, render_template

from kit.clock import NEW_ZEALAND, Clock, local_date
from kit.errors import Violation
from kit.web.dates import group_by_day
from kit.web.forms import DayField, Form, LongTextField, Needed, TextField
from kit.web.i18n import current_language
from kit.web.pages import Link
from kit.web.problems import Problem, problem_page

PAGES = ("components", "record", "list", "form", "confirm", "home")


class SampleForm(Form):
    """A form with one fault of each kind."""

    name = TextField(validators=[Needed()])
    day = DayField(validators=[Needed()])
    notes = LongTextField(validators=[Needed()])


def register_styleguide(app: Flask, *, clock: Clock) -> None:
    """Add `/styleguide` and the pages below it."""
    blueprint = Blueprint("kit_styleguide", __name__, url_prefix="/styleguide")

    @blueprint.context_processor
    def samples() -> dict[str, object]:
        return {"t": _in_language, "days": _days(clock), "at": _at(clock), "Link": Link, "group_by_day": _group}

    @blueprint.get("/")
    def start() -> str:
        return render_template("kit/styleguide/components.html", problems=get_args(Problem), pages=PAGES)

    @blueprint.get("/<page>")
    def show(page: str) -> str:
        if page not in PAGES:
            abort(404)
        form = SampleForm() if page == "form" else None
        if form is not None:
            form.name.process_data("Mere Ōtene-Ngata")
            form.name.errors = []
            form.day.parts = {"day": "31", "month": "2", "year": "2025"}
            form.day.wrong_parts = ("day", "month")
            form.take_violations(
                [
                    Violation("day", "no-such-day", _in_language("There is no such day.", "Kāore he rā pērā.")),
                    Violation("visit.notes", "required", _in_language("Say what happened.", "Kōrerotia mai i aha.")),
                    Violation(
                        "version", "late", _in_language("Send it before midnight.", "Tukua i mua i te waenganui pō.")
                    ),
                ]
            )
        return render_template(f"kit/styleguide/{page}.html", form=form, problems=get_args(Problem), pages=PAGES)

    @blueprint.get("/problems/<problem>")
    def problem(problem: str) -> Response:
        if problem not in get_args(Problem):
            abort(404)
        return problem_page(cast("Problem", problem), status=200, back="/styleguide/")

    app.register_blueprint(blueprint)


def _in_language(english: str, maori: str) -> str:
    """A sample text in the language of the page; samples are not part of the catalogue."""
    return maori if current_language() == "mi" else english


def _days(clock: Clock) -> Callable[[int], date]:
    return lambda distance: local_date(clock.now()) + timedelta(days=distance)


def _at(clock: Clock) -> Callable[[int, int, int], datetime]:
    def at(distance: int, hour: int, minute: int) -> datetime:
        day = local_date(clock.now()) + timedelta(days=distance)
        return datetime.combine(day, time(hour, minute), NEW_ZEALAND)

    return at


def _group(entries: list[dict[str, datetime]]) -> object:
    return group_by_day(entries, moment=lambda entry: entry["moment"])
