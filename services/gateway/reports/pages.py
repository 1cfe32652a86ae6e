"""What the pages of figures show: each number with its name, its definition and its unit."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ascms.reporting.v1 import figures_pb2, reporting_pb2
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.exceptions import NotFound

from kit.web.dates import MONTHS, say_minutes
from kit.web.i18n import current_language

INDICATORS = {
    "cases-opened": (
        _l("Cases opened"),
        _l(
            "Requests for support that were accepted in the quarter: each opens one case. Counted on the day the case "
            "was opened."
        ),
        _l("cases"),
    ),
    "home-visits": (
        _l("Home visits"),
        _l("Visits to where a student or whānau lives, whoever was reached. Counted on the day of the visit."),
        _l("visits"),
    ),
    "minutes": (
        _l("Time recorded"),
        _l("All minutes recorded with entries of any kind, travel included. Counted on the day it happened."),
        _l("hours and minutes"),
    ),
}
_QUARTER = re.compile(r"(20[0-9]{2}|21[0-9]{2})-Q([1-4])")
_SHOWN_QUARTERS = 5


@dataclass(frozen=True, slots=True)
class FigureLine:
    """One figure. `words` is the value for people; empty when it is hidden."""

    code: str
    name: str
    definition: str
    unit: str
    value: int
    words: str
    is_hidden: bool
    rule_version: int


@dataclass(frozen=True, slots=True)
class ProviderLine:
    """The figures of one provider, by indicator."""

    name: str
    figures: Mapping[str, FigureLine]


@dataclass(frozen=True, slots=True)
class Quarter:
    """A calendar quarter: "2026-Q1", "January to March 2026"."""

    code: str
    name: str


def present_figure(figure: figures_pb2.Figure) -> FigureLine:
    """One figure with its definition; an indicator that is new to this version shows its code."""
    name, definition, unit = INDICATORS.get(figure.indicator, (figure.indicator, "", ""))
    words = (
        say_minutes(figure.value, language=current_language()) if figure.indicator == "minutes" else f"{figure.value:,}"
    )
    return FigureLine(
        code=figure.indicator,
        name=str(name),
        definition=str(definition),
        unit=str(unit),
        value=figure.value,
        words="" if figure.suppressed else words,
        is_hidden=figure.suppressed,
        rule_version=figure.rule_version,
    )


def present_figures(figures: Iterable[figures_pb2.Figure]) -> list[FigureLine]:
    """Figures in the order of our list of indicators, whatever order they came in."""
    order = {code: place for place, code in enumerate(INDICATORS)}
    return sorted(map(present_figure, figures), key=lambda line: (order.get(line.code, len(order)), line.code))


def present_providers(
    providers: Sequence[reporting_pb2.ProviderFigures], *, organisations: Mapping[str, str]
) -> list[ProviderLine]:
    """Providers by name."""
    lines = [
        ProviderLine(
            name=organisations.get(provider.provider_id) or str(_("a provider that has left")),
            figures={line.code: line for line in present_figures(provider.figures)},
        )
        for provider in providers
    ]
    return sorted(lines, key=lambda line: line.name.casefold())


def quarter_of(day: date) -> str:
    """The quarter in which a day lies."""
    return f"{day.year}-Q{(day.month + 2) // 3}"


def present_quarter(code: str) -> Quarter:
    """A quarter in words; what is none is a page that does not exist."""
    found = _QUARTER.fullmatch(code)
    if found is None:
        raise NotFound
    months, first = MONTHS[current_language()], 3 * (int(found[2]) - 1)
    return Quarter(
        code, _("%(first)s to %(last)s %(year)s", first=months[first], last=months[first + 2], year=found[1])
    )


def recent_quarters(today: date, *, chosen: str) -> list[Quarter]:
    """The last five quarters, newest first, and the chosen one if it is none of them."""
    year, number = today.year, (today.month + 2) // 3
    codes = []
    for _step in range(_SHOWN_QUARTERS):
        codes.append(f"{year}-Q{number}")
        year, number = (year, number - 1) if number > 1 else (year - 1, 4)
    return [present_quarter(code) for code in (codes if chosen in codes else [chosen, *codes])]
