"""One organisation: what it is, who works there, where it lies; and what may be done with it."""

from uuid import UUID

from ascms.identity.v1 import invitations_pb2
from ascms.identity.v1 import register_pb2 as pb
from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from wtforms import SelectChoice

from kit.web.i18n import current_language
from services.gateway.backends import call, current_backends
from services.gateway.register import pages
from services.gateway.register.forms import (
    FirstPersonForm,
    NewOrganisationForm,
    OrganisationForm,
    PlaceForm,
    SuspendForm,
)
from services.gateway.security import needs
from services.gateway.sending import OnceForm, remember_position, send
from services.gateway.wording import role_name, today

blueprint = Blueprint("register", __name__)
_MOST = 200


@blueprint.get("/organisations/<uuid:organisation_id>")
@needs("organisations:manage")
def show(organisation_id: UUID) -> str:
    """One organisation."""
    shown = pages.present_organisation(_found(organisation_id), today=today())
    return render_template("register/show.html", shown=shown, done=request.args.get("done", ""))


@blueprint.route("/organisations/new", methods=["GET", "POST"])
@needs("organisations:manage")
def add() -> Response:
    """A new provider or school."""
    form = NewOrganisationForm()
    if form.is_sent():
        done = send(form, lambda: call("identity", "AddOrganisation", form.add(), idempotency_key=form.key))
        if done is not None:
            return _to(done, UUID(done.organisation.organisation_id), "added")
    return make_response(render_template("register/form.html", form=form, shown=None), form.status)


@blueprint.route("/organisations/<uuid:organisation_id>/change", methods=["GET", "POST"])
@needs("organisations:manage")
def change(organisation_id: UUID) -> Response:
    """Other facts for an organisation."""
    form = OrganisationForm()
    if form.is_sent():
        message = form.change(organisation_id)
        done = send(form, lambda: call("identity", "ChangeOrganisation", message, idempotency_key=form.key))
        if done is not None:
            return _to(done, organisation_id, "changed")
    found = _found(organisation_id)
    if not form.is_submitted():
        form.show(found.organisation)
    form.version.data = str(found.organisation.version) if form.is_stale else form.version.data
    shown = pages.present_organisation(found, today=today())
    return make_response(render_template("register/form.html", form=form, shown=shown), form.status)


@blueprint.route("/organisations/<uuid:organisation_id>/suspend", methods=["GET", "POST"])
@needs("organisations:manage")
def suspend(organisation_id: UUID) -> Response:
    """Shut everyone of an organisation out, after saying what that means."""
    form = SuspendForm()
    if form.is_sent():
        message = form.message(organisation_id)
        done = send(form, lambda: call("identity", "SuspendOrganisation", message, idempotency_key=form.key))
        if done is not None:
            return _to(done, organisation_id, "suspended")
    shown = pages.present_organisation(_found(organisation_id), today=today())
    return make_response(render_template("register/suspend.html", form=form, shown=shown), form.status)


@blueprint.route("/organisations/<uuid:organisation_id>/resume", methods=["GET", "POST"])
@needs("organisations:manage")
def resume(organisation_id: UUID) -> Response:
    """Let everyone of an organisation in again."""
    form = OnceForm()
    if form.is_sent():
        message = pb.ResumeOrganisationRequest(organisation_id=str(organisation_id))
        done = send(form, lambda: call("identity", "ResumeOrganisation", message, idempotency_key=form.key))
        if done is not None:
            return _to(done, organisation_id, "resumed")
    shown = pages.present_organisation(_found(organisation_id), today=today())
    return make_response(render_template("register/resume.html", form=form, shown=shown), form.status)


@blueprint.route("/organisations/<uuid:organisation_id>/invite", methods=["GET", "POST"])
@needs("organisations:manage")
def invite(organisation_id: UUID) -> Response:
    """Invite the first person of an organisation, who brings in the others."""
    form = FirstPersonForm()
    if form.is_sent():
        message = form.message(organisation_id)
        done = send(form, lambda: call("identity", "InviteFirstPerson", message, idempotency_key=form.key))
        if done is not None:
            return _to(done, organisation_id, "invited")
    shown = pages.present_organisation(_found(organisation_id), today=today())
    documents = call("identity", "ListIdentityDocuments", invitations_pb2.ListIdentityDocumentsRequest())
    form.offer(documents, language=current_language())
    role = role_name("delegated_authoriser" if shown.kind == "provider" else "attendance_lead")
    return make_response(render_template("register/invite.html", form=form, shown=shown, role=role), form.status)


@blueprint.route("/organisations/<uuid:organisation_id>/place", methods=["GET", "POST"])
@needs("organisations:manage")
def place(organisation_id: UUID) -> Response:
    """Put a school into a catchment from a day on, or into none."""
    form = PlaceForm()
    if form.is_sent():
        message = form.message(organisation_id)
        done = send(form, lambda: call("identity", "PlaceSchool", message, idempotency_key=form.key))
        if done is not None:
            return _to(done, organisation_id, "placed")
    shown = pages.present_organisation(_found(organisation_id), today=today())
    catchments = call("identity", "ListCatchments", pb.ListCatchmentsRequest(page_size=_MOST)).catchments
    form.catchment.choices = [
        SelectChoice("", _("Choose")),
        *(SelectChoice(one.code, one.name) for one in catchments),
        SelectChoice(PlaceForm.NONE, _("None: the school has no provider")),
    ]
    return make_response(render_template("register/place.html", form=form, shown=shown), form.status)


def _found(organisation_id: UUID) -> pb.GetOrganisationResponse:
    request_ = pb.GetOrganisationRequest(organisation_id=str(organisation_id))
    found: pb.GetOrganisationResponse = call("identity", "GetOrganisation", request_)
    return found


def _to(done: object, organisation_id: UUID, what: str) -> Response:
    remember_position(done)
    # Names are kept for a minute; whoever changed one is to see it now.
    current_backends().organisations.clear()
    return redirect(url_for("register.show", organisation_id=organisation_id, done=what), 303)  # type: ignore[return-value]
