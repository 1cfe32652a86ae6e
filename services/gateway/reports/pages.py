"""What the pages of figures show: each number with its name, its rule, its change and the cases behind it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ascms.reporting.v1 import figures_pb2, reporting_pb2
from flask import url_for
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.exceptions import NotFound

from kit.web.dates import MONTHS
from kit.web.i18n import current_language
from services.gateway.backends import names_of
from services.gateway.organisations.pages import organisation_names
from services.gateway.reports.charts import Bar, bar_chart, column_chart
from services.gateway.reports.wording import (
    DIMENSIONS,
    INDICATORS,
    MINUTES,
    REGIONS,
    SECTIONS,
    say_key,
    say_value,
    section_of,
)

_QUARTER = re.compile(r"(20[0-9]{2}|21[0-9]{2})-Q([1-4])")
_SHOWN_QUARTERS = 5
_MOST_BARS = 15
_PEOPLE, _PLACES = "case-manager", "school"


@dataclass(frozen=True, slots=True)
class FigureLine:
    """One figure. `words` is the value for people; empty when it is hidden. `change` since the quarter before."""

    code: str
    name: str
    definition: str
    unit: str
    value: int
    words: str
    is_hidden: bool
    is_absent: bool
    rule_version: int
    change: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class PlaceLine:
    """The figures of one provider or region, by indicator."""

    name: str
    figures: Mapping[str, FigureLine]
    region: str = ""


@dataclass(frozen=True, slots=True)
class PartLine:
    """One part of a figure."""

    name: str
    value: int
    words: str
    href: str


@dataclass(frozen=True, slots=True)
class Parts:
    """A figure in its parts: a table, of which the first `shown` are open, and a picture of the same."""

    title: str
    heading: str
    unit: str
    exact_unit: str
    lines: Sequence[PartLine]
    chart: Markup
    shown: int = _MOST_BARS


@dataclass(frozen=True, slots=True)
class Section:
    """Figures that belong together."""

    code: str
    name: str
    figures: Sequence[FigureLine]


@dataclass(frozen=True, slots=True)
class Quarter:
    """A calendar quarter: "2026-Q1", "January to March 2026"."""

    code: str
    name: str


def present_figure(
    figure: figures_pb2.Figure, *, before: figures_pb2.Figure | None = None, quarter: str = ""
) -> FigureLine:
    """One figure; an indicator that is new to this version shows its code. With a quarter it opens its cases."""
    name, definition, unit = INDICATORS.get(figure.indicator, (figure.indicator, "", ""))
    is_shown = not figure.suppressed and not figure.absent
    return FigureLine(
        code=figure.indicator,
        name=str(name),
        definition=str(definition),
        unit=str(unit),
        value=figure.value,
        words=say_value(figure.indicator, figure.value) if is_shown else "",
        is_hidden=figure.suppressed,
        is_absent=figure.absent,
        rule_version=figure.rule_version,
        change=_change(figure, before) if is_shown and before is not None else "",
        href=url_for("reports.show_cases", quarter=quarter, indicator=figure.indicator) if quarter else "",
    )


def present_figures(
    figures: Iterable[figures_pb2.Figure], *, before: Iterable[figures_pb2.Figure] = (), quarter: str = ""
) -> list[FigureLine]:
    """Figures in the order of our list of indicators, whatever order they came in."""
    order = {code: place for place, code in enumerate(INDICATORS)}
    earlier = {figure.indicator: figure for figure in before}
    lines = [present_figure(each, before=earlier.get(each.indicator), quarter=quarter) for each in figures]
    return sorted(lines, key=lambda line: (order.get(line.code, len(order)), line.code))


def present_sections(figures: Sequence[FigureLine]) -> list[Section]:
    """Figures by section; sections without any are left out."""
    return [
        Section(code, str(name), found)
        for code, (name, _codes) in SECTIONS.items()
        if (found := [line for line in figures if section_of(line.code) == code])
    ]


def present_parts(breakdowns: Sequence[figures_pb2.Breakdown], *, quarter: str = "") -> list[Parts]:
    """Figures in their parts. With a quarter each part opens its cases."""
    return [_parts(each, names=names_for(breakdowns), quarter=quarter) for each in breakdowns]


def names_for(breakdowns: Sequence[figures_pb2.Breakdown]) -> Mapping[str, str]:
    """The names of case managers and schools in breakdowns."""
    keys = {
        dimension: {row.key for each in breakdowns if each.dimension == dimension for row in each.rows} - {""}
        for dimension in (_PEOPLE, _PLACES)
    }
    return {**names_of(keys[_PEOPLE]), **organisation_names(keys[_PLACES])}


def exact_unit(code: str) -> str:
    """What a value is counted in where it stands as a plain number: time in minutes."""
    _name, _definition, unit = INDICATORS.get(code, (code, "", ""))
    return str(_("minutes") if code == MINUTES else unit)


def part_name(indicator: str, dimension: str, key: str) -> str:
    """One part of a figure in words; empty for all of it."""
    if dimension not in DIMENSIONS:
        return ""
    rows = [figures_pb2.BreakdownRow(key=key)]
    names = names_for([figures_pb2.Breakdown(indicator=indicator, dimension=dimension, rows=rows)])
    return f"{DIMENSIONS[dimension]}: {say_key(dimension, key, names)}"


def _parts(breakdown: figures_pb2.Breakdown, *, names: Mapping[str, str], quarter: str) -> Parts:
    code, dimension = breakdown.indicator, breakdown.dimension
    name, _definition, unit = INDICATORS.get(code, (code, "", ""))
    rows = list(breakdown.rows)
    if dimension == "year-level":
        rows = sorted(rows, key=lambda row: int(row.key) if row.key.isdigit() else 99)
    lines = [
        PartLine(
            say_key(dimension, row.key, names),
            row.value,
            say_value(code, row.value),
            url_for("reports.show_cases", quarter=quarter, indicator=code, by=dimension, key=row.key)
            if quarter
            else "",
        )
        for row in rows
    ]
    title = f"{name}: {DIMENSIONS.get(dimension, dimension)}"
    bars = [Bar(line.name, line.value, line.words) for line in lines[:_MOST_BARS]]
    return Parts(
        title, str(DIMENSIONS.get(dimension, dimension)), str(unit), exact_unit(code), lines, bar_chart(title, bars)
    )


def present_providers(
    providers: Sequence[reporting_pb2.ProviderFigures], *, organisations: Mapping[str, str]
) -> list[PlaceLine]:
    """Providers by name."""
    lines = [
        PlaceLine(
            name=organisations.get(provider.provider_id) or str(_("a provider that has left")),
            figures={line.code: line for line in present_figures(provider.figures)},
            region=region_name(provider.region),
        )
        for provider in providers
    ]
    return sorted(lines, key=lambda line: line.name.casefold())


@dataclass(frozen=True, slots=True)
class Trend:
    """One national figure over several quarters, oldest first: "2026-Q1" beside what is shown of it; and a picture."""

    name: str
    figures: Sequence[tuple[Quarter, FigureLine | None]]
    chart: Markup


def present_trend(trend: Sequence[reporting_pb2.QuarterFigures]) -> list[Trend]:
    """Each figure over the quarters, from the first quarter in which anything was counted."""
    counted = list(trend)
    while counted and not counted[0].totals:
        counted.pop(0)
    quarters = [
        (present_quarter(each.quarter), {line.code: line for line in present_figures(each.totals)}) for each in counted
    ]
    codes = {code: line.name for _quarter, lines in quarters for code, line in lines.items()}
    return [
        Trend(
            name,
            [(quarter, lines.get(code)) for quarter, lines in quarters],
            column_chart(name, [_column(quarter, lines.get(code)) for quarter, lines in quarters]),
        )
        for code, name in codes.items()
    ]


def _column(quarter: Quarter, line: FigureLine | None) -> Bar:
    label = quarter.code.replace("20", "", 1)
    if line is None:
        return Bar(label, 0, "0")
    return Bar(label, 0, str(_("hidden"))) if line.is_hidden else Bar(label, line.value, line.words)


def present_regions(regions: Sequence[reporting_pb2.RegionFigures]) -> list[PlaceLine]:
    """Regions from north to south."""
    return [
        PlaceLine(region_name(each.region), {line.code: line for line in present_figures(each.figures)})
        for each in regions
    ]


def region_name(code: str) -> str:
    """A region by both its names."""
    return REGIONS.get(code, code) or str(_("No region"))


def quarter_of(day: date) -> str:
    """The quarter in which a day lies."""
    return f"{day.year}-Q{(day.month + 2) // 3}"


def quarter_before(code: str) -> str:
    """The quarter before one."""
    year, number = int(code[:4]), int(code[-1])
    return f"{year}-Q{number - 1}" if number > 1 else f"{year - 1}-Q4"


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
    codes = [quarter_of(today)]
    while len(codes) < _SHOWN_QUARTERS:
        codes.append(quarter_before(codes[-1]))
    return [present_quarter(code) for code in (codes if chosen in codes else [chosen, *codes])]


def _change(figure: figures_pb2.Figure, before: figures_pb2.Figure) -> str:
    if before.absent:
        return ""
    difference = figure.value - before.value
    if not difference:
        return str(_("as before"))
    words = say_value(figure.indicator, abs(difference))
    return str(_("%(number)s more", number=words) if difference > 0 else _("%(number)s fewer", number=words))
