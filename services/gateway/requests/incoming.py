"""Requests for support as the provider sees them: the queue, and one with the form that opens its case."""

from collections.abc import Callable
from uuid import UUID

from ascms.cases.v1 import cases_pb2
from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from google.protobuf.message import Message
from wtforms import SelectChoice

from services.gateway.backends import call
from services.gateway.cases.reference import choices_of
from services.gateway.cases.views import case_managers
from services.gateway.listing import counts_of
from services.gateway.organisations.pages import choose_person, organisation_names
from services.gateway.requests import pages
from services.gateway.requests.forms import AcceptForm, DeclineForm, QuestionForm
from services.gateway.requests.views import present_lines
from services.gateway.security import needs
from services.gateway.sending import remember_position, send
from services.gateway.wording import today

blueprint = Blueprint("incoming", __name__)


@blueprint.get("/incoming")
@needs("requests:answer")
def show_list() -> str:
    """The queue, those due first; the filter stands in the address."""
    wanted = request.args.get("state", "")
    question = cases_pb2.ListIncomingRequestsRequest(
        state=pages.STATES_BY_FILTER.get(wanted, cases_pb2.REQUEST_STATE_UNSPECIFIED),
        overdue=wanted == "overdue",
        page_token=request.args.get("page", ""),
    )
    answer = call("cases", "ListIncomingRequests", question)
    return render_template(
        "incoming/list.html",
        counts=counts_of(answer),
        lines=present_lines(answer.requests),
        next_page=answer.next_page_token,
    )


@blueprint.route("/incoming/<uuid:request_id>", methods=["GET", "POST"])
@needs("requests:answer")
def show(request_id: UUID) -> Response:
    """One request, and the form that opens a case for it."""
    form = AcceptForm()
    if form.is_sent():
        done = send(form, lambda: call("cases", "OpenCase", form.message(request_id), idempotency_key=form.key))
        if done is not None:
            remember_position(done)
            return redirect(url_for("cases.show", case_id=done.case.case_id, done="opened"), 303)  # type: ignore[return-value]
    question = cases_pb2.GetIncomingRequestRequest(request_id=str(request_id))
    found = call("cases", "GetIncomingRequest", question).request
    choose_person(form.case_manager_id, call("identity", "ListPeople", case_managers()).people)
    form.case_manager_id.choices.append(SelectChoice(form.LATER, _("Decide later")))
    form.see(found.version)
    names = organisation_names({found.school_id, found.provider_id, found.last_school_id})
    shown = pages.present_request(found, organisations=names, today=today())
    return make_response(render_template("incoming/show.html", form=form, shown=shown), form.status)


@blueprint.route("/incoming/<uuid:request_id>/return", methods=["GET", "POST"])
@needs("requests:answer")
def send_back(request_id: UUID) -> Response:
    """Ask the school something; the day of the answer waits for the reply."""
    form = QuestionForm()
    return _answer(form, "ReturnRequest", form.message, request_id=request_id, template="incoming/return.html")


@blueprint.route("/incoming/<uuid:request_id>/decline", methods=["GET", "POST"])
@needs("requests:answer")
def decline(request_id: UUID) -> Response:
    """Decline a request, with words that the school reads."""
    form = DeclineForm()
    form.reason.choices = choices_of("decline_reason")
    return _answer(form, "DeclineRequest", form.message, request_id=request_id, template="incoming/decline.html")


def _answer(
    form: QuestionForm | DeclineForm,
    verb: str,
    message: Callable[[UUID], Message],
    *,
    request_id: UUID,
    template: str,
) -> Response:
    if form.is_sent():
        done = send(form, lambda: call("cases", verb, message(request_id), idempotency_key=form.key))
        if done is not None:
            remember_position(done)
            return redirect(url_for(".show", request_id=request_id), 303)  # type: ignore[return-value]
    question = cases_pb2.GetIncomingRequestRequest(request_id=str(request_id))
    found = call("cases", "GetIncomingRequest", question).request
    form.see(found.version)
    shown = pages.present_request(found, organisations=organisation_names({found.school_id}), today=today())
    return make_response(render_template(template, form=form, shown=shown), form.status)
