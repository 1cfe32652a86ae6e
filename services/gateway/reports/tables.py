"""Figures as documents to download: the tables of the pages, in the same words."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from ascms.reporting.v1 import reporting_pb2
from flask import Response, abort
from flask_babel import gettext as _

from kit.web.dates import say_exact_moment
from kit.web.i18n import current_language
from services.gateway.organisations.pages import organisation_names
from services.gateway.reports.downloads import MAKERS, Document, Table, Value, attachment
from services.gateway.reports.pages import (
    FigureLine,
    Parts,
    PlaceLine,
    Quarter,
    Section,
    Trend,
    exact_unit,
    present_figures,
    present_providers,
    present_quarter,
    present_regions,
    present_trend,
)
from services.gateway.wording import moment_of


def return_tables(sections: Sequence[Section], *, comments: Mapping[str, str], parts: Sequence[Parts]) -> list[Table]:
    """A provider's return: its sections with their comments, then figures in their parts."""
    columns = [str(_("Figure")), str(_("Value")), str(_("Unit")), str(_("Rule"))]
    found = [
        Table(section.name, columns, [_row(line) for line in section.figures], note=comments.get(section.code, ""))
        for section in sections
    ]
    found += [
        Table(
            part.title,
            [part.heading, part.exact_unit],
            [[line.name, line.value] for line in part.lines],
            chart=str(part.chart),
        )
        for part in parts
    ]
    return found


def national_file(answer: reporting_pb2.GetNationalFiguresResponse, *, kind: str) -> Response:
    """The nation's figures to save: "csv", "xlsx" or "pdf". Before anything was counted there is no such file."""
    names = organisation_names({provider.provider_id for provider in answer.providers})
    document = national_document(
        present_quarter(answer.quarter),
        totals=present_figures(answer.totals),
        regions=present_regions(answer.regions),
        providers=present_providers(answer.providers, organisations=names),
        trends=present_trend(answer.trend),
        counted_at=moment_of(answer.as_at) or abort(404),
    )
    return attachment(MAKERS[kind](document), kind=kind, name=f"national-figures-{answer.quarter}")


def national_document(
    quarter: Quarter,
    *,
    totals: Sequence[FigureLine],
    regions: Sequence[PlaceLine],
    providers: Sequence[PlaceLine],
    trends: Sequence[Trend],
    counted_at: datetime,
) -> Document:
    """The nation's figures, with what is hidden hidden."""
    codes = [line.code for line in totals]
    names = [line.name for line in totals]
    hidden = str(_("Hidden numbers are below six, or would give such a number away. Hidden does not mean zero."))
    counted = say_exact_moment(counted_at, language=current_language())
    return Document(
        str(_("National figures, %(quarter)s", quarter=quarter.name)),
        [hidden, str(_("Counted up to: %(moment)s", moment=counted))],
        counted_at,
        [
            Table(str(_("All providers")), names, [[_cell(line) for line in totals]]),
            Table(str(_("By region")), [str(_("Region")), *names], [_place(line, codes) for line in regions]),
            Table(
                str(_("By provider")),
                [str(_("Provider")), *names],
                [_place(line, codes) for line in providers],
            ),
            Table(
                str(_("All providers, quarter by quarter")),
                [str(_("Quarter")), *(trend.name for trend in trends)],
                [
                    [quarter.name, *(_cell(trend.figures[place][1]) for trend in trends)]
                    for place, (quarter, _line) in enumerate(trends[0].figures if trends else [])
                ],
            ),
        ],
    )


def _row(line: FigureLine) -> list[Value]:
    rule = _("%(rule)s Version %(version)s.", rule=line.definition, version=line.rule_version)
    value: Value = line.value if not line.is_absent else str(_("none"))
    return [line.name, value, exact_unit(line.code), str(rule)]


def _place(line: PlaceLine, codes: Sequence[str]) -> list[Value]:
    return [line.name, *(_cell(line.figures[code]) if code in line.figures else "" for code in codes)]


def _cell(line: FigureLine | None) -> Value:
    if line is None:
        return str(_("none"))
    return str(_("hidden")) if line.is_hidden else line.value
