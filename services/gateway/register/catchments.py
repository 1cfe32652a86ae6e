"""Catchments: the list, one over time, a new one, a change."""

from ascms.identity.v1 import identity_pb2
from ascms.identity.v1 import register_pb2 as pb
from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from wtforms import SelectChoice

from services.gateway.backends import call
from services.gateway.listing import counts_of
from services.gateway.register import pages
from services.gateway.register.forms import CatchmentForm, NewCatchmentForm
from services.gateway.security import needs
from services.gateway.sending import remember_position, send
from services.gateway.wording import today

blueprint = Blueprint("catchments", __name__)
_MOST = 200


@blueprint.get("/catchments")
@needs("organisations:manage")
def show_list() -> str:
    """All catchments, by code."""
    question = pb.ListCatchmentsRequest(
        search=request.args.get("search", "").strip(),
        state=pages.CATCHMENT_STATES.get(request.args.get("state", ""), pb.CATCHMENT_STATE_UNSPECIFIED),
        page_token=request.args.get("page", ""),
    )
    answer = call("identity", "ListCatchments", question)
    return render_template(
        "register/catchments.html",
        lines=pages.present_catchments(answer.catchments),
        counts=counts_of(answer),
        next_page=answer.next_page_token,
        search=question.search,
    )


@blueprint.get("/catchments/<code>")
@needs("organisations:manage")
def show(code: str) -> str:
    """One catchment with its providers and schools over time."""
    catchment = _found(code)
    return render_template(
        "register/catchment.html",
        catchment=catchment,
        periods=pages.present_periods(catchment, today=today()),
        done=request.args.get("done", ""),
    )


@blueprint.route("/catchments/new", methods=["GET", "POST"])
@needs("organisations:manage")
def add() -> Response:
    """A new catchment."""
    form = NewCatchmentForm()
    if form.is_sent():
        done = send(form, lambda: call("identity", "AddCatchment", form.add(), idempotency_key=form.key))
        if done is not None:
            remember_position(done)
            return redirect(url_for(".show", code=done.catchment.code, done="added"), 303)  # type: ignore[return-value]
    form.provider_id.choices = pages.choices_of(_providers(), first=SelectChoice("", _("Choose")))
    return make_response(render_template("register/catchment_form.html", form=form, catchment=None), form.status)


@blueprint.route("/catchments/<code>/change", methods=["GET", "POST"])
@needs("organisations:manage")
def change(code: str) -> Response:
    """Another name, another provider from a day on, or a last day."""
    form = CatchmentForm()
    if form.is_sent():
        done = send(form, lambda: call("identity", "ChangeCatchment", form.change(code), idempotency_key=form.key))
        if done is not None:
            remember_position(done)
            return redirect(url_for(".show", code=code, done="changed"), 303)  # type: ignore[return-value]
    catchment = _found(code)
    if not form.is_submitted():
        form.name.data = catchment.name
    form.see(catchment.version)
    form.provider_id.choices = pages.choices_of(_providers(), first=SelectChoice("", _("Leave it as it is")))
    return make_response(render_template("register/catchment_form.html", form=form, catchment=catchment), form.status)


def _found(code: str) -> pb.Catchment:
    found: pb.Catchment = call("identity", "GetCatchment", pb.GetCatchmentRequest(code=code)).catchment
    return found


def _providers() -> list[identity_pb2.Organisation]:
    question = identity_pb2.ListOrganisationsRequest(kind=identity_pb2.ORGANISATION_KIND_PROVIDER, page_size=_MOST)
    return list(call("identity", "ListOrganisations", question).organisations)
