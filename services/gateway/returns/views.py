"""A provider's returns: written, checked, submitted, downloaded. And the ministry's view of everyone's."""

from collections.abc import Mapping
from uuid import UUID

from ascms.reporting.v1 import returns_pb2
from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for

from services.gateway.backends import call, names_of
from services.gateway.organisations.pages import organisation_names
from services.gateway.reports import downloads
from services.gateway.reports.pages import (
    present_figures,
    present_parts,
    present_quarter,
    present_sections,
    quarter_before,
    quarter_of,
    recent_quarters,
)
from services.gateway.reports.wording import SECTIONS
from services.gateway.returns import pages
from services.gateway.returns.documents import name_of_return, return_file
from services.gateway.returns.forms import AcceptForm, ReopenForm, ReturnForm, SubmitForm, texts
from services.gateway.security import needs
from services.gateway.sending import send
from services.gateway.wording import moment_of, today

blueprint = Blueprint("returns", __name__)


@blueprint.get("/returns")
@needs("figures:provider")
def show_list() -> str:
    """The provider's returns, newest first."""
    answer = call("reporting", "ListReturns", returns_pb2.ListReturnsRequest())
    people = names_of({each.submitted_by for each in answer.returns} - {""})
    return render_template(
        "returns/list.html", returns=[pages.present_return(each, people=people) for each in answer.returns]
    )


@blueprint.get("/returns/<quarter>")
@needs("figures:provider")
def show(quarter: str) -> Response:
    """One return: what it says, what the check found, what is to be done next."""
    return _show(quarter, None)


@blueprint.post("/returns/<quarter>")
@needs("returns:submit")
def save(quarter: str) -> Response:
    """Save what was written; with the button "check" have it checked at once."""
    present_quarter(quarter)
    form = ReturnForm()
    if form.is_sent():
        done = send(form, lambda: _save(form, quarter), names=_FIELDS)
        if done is not None:
            return redirect(url_for(".show", quarter=quarter, done=done), 303)  # type: ignore[return-value]
    return _show(quarter, form)


def _save(form: ReturnForm, quarter: str) -> str:
    call("reporting", "SaveReturn", form.message(quarter), idempotency_key=form.key)
    if request.form.get("do") != "check":
        return "saved"
    checking = returns_pb2.ValidateReturnRequest(quarter=quarter)
    call("reporting", "ValidateReturn", checking, idempotency_key=f"{form.key}-check")
    return "checked"


@blueprint.route("/returns/<quarter>/submit", methods=["GET", "POST"])
@needs("returns:submit")
def submit(quarter: str) -> Response:
    """Ask once, in words, then submit."""
    form = SubmitForm()
    if form.is_sent():
        done = send(form, lambda: call("reporting", "SubmitReturn", form.message(quarter), idempotency_key=form.key))
        if done is not None:
            return redirect(url_for(".show", quarter=quarter, done="submitted"), 303)  # type: ignore[return-value]
    filed = pages.present_return(_get(quarter).provider_return)
    form.see(filed.version)
    return make_response(render_template("returns/submit.html", form=form, filed=filed), form.status)


@blueprint.get("/returns/<quarter>/<any(csv, xlsx, pdf, json):kind>")
@needs("figures:provider")
def download(quarter: str, kind: str) -> Response:
    """The return as a file: as it was frozen, or as it stands."""
    answer = _get(quarter)
    if kind == "json":
        content = (answer.frozen or abort(404)).encode()
        return downloads.attachment(content, kind=kind, name=name_of_return(answer))
    return return_file(answer, kind=kind)


@blueprint.get("/provider-returns")
@needs("returns:overview")
def show_current_providers() -> Response:
    """Those of the quarter that ended last."""
    quarter = quarter_before(quarter_of(today()))
    return redirect(url_for(".show_providers", quarter=quarter))  # type: ignore[return-value]


@blueprint.get("/provider-returns/<quarter>")
@needs("returns:overview")
def show_providers(quarter: str) -> str:
    """How everyone's returns stand."""
    chosen = present_quarter(quarter)
    lines = _provider_returns(quarter)
    return render_template(
        "returns/providers.html",
        quarter=chosen,
        quarters=recent_quarters(today(), chosen=quarter),
        returns=sorted(lines.values(), key=lambda line: line.provider.casefold()),
    )


@blueprint.route("/provider-returns/<quarter>/<uuid:provider_id>/accept", methods=["GET", "POST"])
@needs("returns:accept")
def accept(quarter: str, provider_id: UUID) -> Response:
    """Ask once, then accept."""
    form = AcceptForm()
    if form.is_sent():
        message = form.message(quarter, provider_id)
        if send(form, lambda: call("reporting", "AcceptReturn", message, idempotency_key=form.key)) is not None:
            return redirect(url_for(".show_providers", quarter=quarter, done="accepted"), 303)  # type: ignore[return-value]
    filed = _one(quarter, provider_id)
    form.see(filed.version)
    return make_response(render_template("returns/accept.html", form=form, filed=filed), form.status)


@blueprint.route("/provider-returns/<quarter>/<uuid:provider_id>/reopen", methods=["GET", "POST"])
@needs("returns:accept")
def reopen(quarter: str, provider_id: UUID) -> Response:
    """Say why, then give it back."""
    form = ReopenForm()
    if form.is_sent():
        message = form.message(quarter, provider_id)
        if send(form, lambda: call("reporting", "ReopenReturn", message, idempotency_key=form.key)) is not None:
            return redirect(url_for(".show_providers", quarter=quarter, done="reopened"), 303)  # type: ignore[return-value]
    filed = _one(quarter, provider_id)
    form.see(filed.version)
    return make_response(render_template("returns/reopen.html", form=form, filed=filed), form.status)


def _show(quarter: str, form: ReturnForm | None) -> Response:
    answer = _get(quarter)
    if form is None:
        form = ReturnForm()
        form.fill(answer.provider_return)
    form.see(answer.provider_return.version)
    people = names_of({each.submitted_by for each in answer.versions})
    figures = present_figures(answer.figures, before=answer.previous, quarter=quarter)
    page = render_template(
        "returns/show.html",
        form=form,
        filed=pages.present_return(answer.provider_return, people=people),
        number=request.args.get("version", type=int) or 0,
        is_frozen=bool(answer.frozen),
        comments=texts(answer.provider_return.comments),
        sections=present_sections(figures),
        parts=present_parts(answer.breakdowns, quarter=quarter),
        differences=pages.present_differences(answer.differences),
        versions=[
            (each.number, moment_of(each.submitted_at), people.get(each.submitted_by, ""), each.sha256)
            for each in answer.versions
        ],
        done=request.args.get("done", ""),
    )
    return make_response(page, form.status)


def _get(quarter: str) -> returns_pb2.GetReturnResponse:
    present_quarter(quarter)
    question = returns_pb2.GetReturnRequest(quarter=quarter, number=request.args.get("version", type=int) or 0)
    answer: returns_pb2.GetReturnResponse = call("reporting", "GetReturn", question)
    return answer


def _provider_returns(quarter: str) -> Mapping[str, pages.ReturnLine]:
    answer = call("reporting", "ListProviderReturns", returns_pb2.ListProviderReturnsRequest(quarter=quarter))
    names = organisation_names({each.provider_id for each in answer.returns})
    return {
        each.provider_id: pages.present_return(each, provider=names.get(each.provider_id, ""))
        for each in answer.returns
    }


def _one(quarter: str, provider_id: UUID) -> pages.ReturnLine:
    present_quarter(quarter)
    return _provider_returns(quarter).get(str(provider_id)) or abort(404)


_FIELDS = {f"comments[{place}].text": f"comment_{section}" for place, section in enumerate(SECTIONS)}
