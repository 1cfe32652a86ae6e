"""Figures: a provider's own, exact, with the cases behind them; the national ones, with small numbers hidden."""

from ascms.cases.v1 import cases_pb2
from ascms.reporting.v1 import figures_pb2, reporting_pb2
from flask import Blueprint, Response, redirect, render_template, request, url_for

from services.gateway.backends import call
from services.gateway.cases.views import present_lines
from services.gateway.organisations.pages import organisation_names
from services.gateway.reports import pages, tables
from services.gateway.reports.wording import say_value
from services.gateway.requests.views import present_lines as present_requests
from services.gateway.security import needs
from services.gateway.sending import seen_position
from services.gateway.wording import moment_of, today

blueprint = Blueprint("reports", __name__)


@blueprint.get("/figures")
@needs("figures:provider")
def show_current() -> Response:
    """This quarter's."""
    return redirect(url_for(".show", quarter=pages.quarter_of(today())))  # type: ignore[return-value]


@blueprint.get("/figures/<quarter>")
@needs("figures:provider")
def show(quarter: str) -> str:
    """The provider's figures; what this person wrote last is in them, or the page says that it is not yet."""
    chosen = pages.present_quarter(quarter)
    question = reporting_pb2.GetProviderFiguresRequest(quarter=quarter, min_position=seen_position())
    answer = call("reporting", "GetProviderFigures", question)
    figures = pages.present_figures(answer.figures, before=answer.previous, quarter=quarter)
    return render_template(
        "reports/figures.html",
        quarter=chosen,
        quarters=pages.recent_quarters(today(), chosen=quarter),
        figures=figures if any(each.value for each in figures) else [],
        sections=pages.present_sections(figures),
        parts=pages.present_parts(answer.breakdowns, quarter=quarter),
        as_at=moment_of(answer.as_at),
        is_current=answer.is_current,
    )


@blueprint.get("/figures/<quarter>/<indicator>")
@needs("figures:provider")
def show_cases(quarter: str, indicator: str) -> str:
    """The cases behind a figure, or behind a part of it: those that the person may see."""
    chosen = pages.present_quarter(quarter)
    dimension, key = request.args.get("by", ""), request.args.get("key", "")
    found = call(
        "reporting",
        "ListFigureCases",
        figures_pb2.ListFigureCasesRequest(
            quarter=quarter,
            indicator=indicator,
            dimension=dimension,
            key=key,
            page_token=request.args.get("page", ""),
        ),
    )
    cases, requests = _behind(found)
    return render_template(
        "reports/cases.html",
        quarter=chosen,
        figure=pages.present_figure(figures_pb2.Figure(indicator=indicator, value=found.value, rule_version=1)),
        words=say_value(indicator, found.value),
        part=pages.part_name(indicator, dimension, key),
        lines=present_lines(cases),
        requests=present_requests(requests),
        missing=len(found.case_ids) - len(cases),
        next_page=found.next_page_token,
    )


def _behind(
    found: figures_pb2.ListFigureCasesResponse,
) -> tuple[list[cases_pb2.CaseSummary], list[cases_pb2.RequestForSupport]]:
    if found.request_ids:
        wanted = cases_pb2.ListIncomingRequestsRequest(request_ids=found.request_ids)
        return [], list(call("cases", "ListIncomingRequests", wanted).requests)
    if found.case_ids:
        return list(call("cases", "BatchGetCases", cases_pb2.BatchGetCasesRequest(case_ids=found.case_ids)).cases), []
    return [], []


@blueprint.get("/national-figures")
@needs("figures:national")
def show_current_national() -> Response:
    """This quarter's."""
    return redirect(url_for(".show_national", quarter=pages.quarter_of(today())))  # type: ignore[return-value]


@blueprint.get("/national-figures/<quarter>")
@needs("figures:national")
def show_national(quarter: str) -> str:
    """The figures of all providers, by region and by provider."""
    chosen = pages.present_quarter(quarter)
    answer = call("reporting", "GetNationalFigures", reporting_pb2.GetNationalFiguresRequest(quarter=quarter))
    names = organisation_names({provider.provider_id for provider in answer.providers})
    return render_template(
        "reports/national.html",
        quarter=chosen,
        quarters=pages.recent_quarters(today(), chosen=quarter),
        totals=pages.present_figures(answer.totals),
        regions=pages.present_regions(answer.regions),
        providers=pages.present_providers(answer.providers, organisations=names),
        trends=pages.present_trend(answer.trend),
        as_at=moment_of(answer.as_at),
    )


@blueprint.get("/national-figures/<quarter>/<any(csv, xlsx, pdf):kind>")
@needs("figures:national")
def download_national(quarter: str, kind: str) -> Response:
    """The national tables as a file, with the same numbers hidden."""
    pages.present_quarter(quarter)
    answer = call("reporting", "GetNationalFigures", reporting_pb2.GetNationalFiguresRequest(quarter=quarter))
    return tables.national_file(answer, kind=kind)
