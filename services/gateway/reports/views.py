"""Figures: a provider's own, exact; the national ones, with small numbers hidden."""

from ascms.reporting.v1 import reporting_pb2
from flask import Blueprint, Response, redirect, render_template, url_for

from services.gateway.backends import call
from services.gateway.organisations.pages import organisation_names
from services.gateway.reports import pages
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
    return render_template(
        "reports/figures.html",
        quarter=chosen,
        quarters=pages.recent_quarters(today(), chosen=quarter),
        figures=pages.present_figures(answer.figures),
        as_at=moment_of(answer.as_at),
        is_current=answer.is_current,
    )


@blueprint.get("/national-figures")
@needs("figures:national")
def show_current_national() -> Response:
    """This quarter's."""
    return redirect(url_for(".show_national", quarter=pages.quarter_of(today())))  # type: ignore[return-value]


@blueprint.get("/national-figures/<quarter>")
@needs("figures:national")
def show_national(quarter: str) -> str:
    """The figures of all providers."""
    chosen = pages.present_quarter(quarter)
    answer = call("reporting", "GetNationalFigures", reporting_pb2.GetNationalFiguresRequest(quarter=quarter))
    names = organisation_names({provider.provider_id for provider in answer.providers})
    return render_template(
        "reports/national.html",
        quarter=chosen,
        quarters=pages.recent_quarters(today(), chosen=quarter),
        totals=pages.present_figures(answer.totals),
        providers=pages.present_providers(answer.providers, organisations=names),
        as_at=moment_of(answer.as_at),
    )
