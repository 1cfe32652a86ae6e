"""One organisation: what it is, who works there, where it lies; and what may be done with it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from ascms.identity.v1 import invitations_pb2
from ascms.identity.v1 import register_pb2 as pb
from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import gettext as _
from wtforms import SelectChoice

from kit.errors import NotFoundError
from kit.web.i18n import current_language
from services.gateway.backends import call, current_backends
from services.gateway.form_pages import Saved, form_page, shared_form_page
from services.gateway.register import pages
from services.gateway.register.forms import (
    FirstPersonForm,
    NewOrganisationForm,
    OrganisationForm,
    PlaceForm,
    SuspendForm,
)
from services.gateway.security import needs
from services.gateway.sending import OnceForm
from services.gateway.staff.forms import ConfirmForm, ResendForm
from services.gateway.staff.pages import InvitationLine
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
    return form_page(
        form,
        lambda: call("identity", "AddOrganisation", form.add(), idempotency_key=form.key),
        then=lambda done: _changed(UUID(done.organisation.organisation_id), "added"),
        page=lambda: render_template("register/form.html", form=form, shown=None),
    )


@blueprint.route("/organisations/<uuid:organisation_id>/change", methods=["GET", "POST"])
@needs("organisations:manage")
def change(organisation_id: UUID) -> Response:
    """Other facts for an organisation."""
    form = OrganisationForm()

    def page(found: pb.GetOrganisationResponse) -> str:
        shown = pages.present_organisation(found, today=today())
        return render_template("register/form.html", form=form, shown=shown)

    return shared_form_page(
        form,
        lambda: call("identity", "ChangeOrganisation", form.change(organisation_id), idempotency_key=form.key),
        Saved(lambda: _found(organisation_id), lambda found: form.show(found.organisation), page),
        then=lambda _done: _changed(organisation_id, "changed"),
    )


@blueprint.route("/organisations/<uuid:organisation_id>/suspend", methods=["GET", "POST"])
@needs("organisations:manage")
def suspend(organisation_id: UUID) -> Response:
    """Shut everyone of an organisation out, after saying what that means."""
    form = SuspendForm()
    return _step(organisation_id, form, "SuspendOrganisation", form.message, "suspend")


@blueprint.route("/organisations/<uuid:organisation_id>/resume", methods=["GET", "POST"])
@needs("organisations:manage")
def resume(organisation_id: UUID) -> Response:
    """Let everyone of an organisation in again."""
    return _step(organisation_id, OnceForm(), "ResumeOrganisation", _resuming, "resume")


def _resuming(organisation_id: UUID) -> pb.ResumeOrganisationRequest:
    return pb.ResumeOrganisationRequest(organisation_id=str(organisation_id))


@blueprint.route("/organisations/<uuid:organisation_id>/invite", methods=["GET", "POST"])
@needs("organisations:manage")
def invite(organisation_id: UUID) -> Response:
    """Invite the first person of an organisation, who brings in the others."""
    form = FirstPersonForm()

    def prepare(shown: pages.OrganisationPage) -> dict[str, Any]:
        documents = call("identity", "ListIdentityDocuments", invitations_pb2.ListIdentityDocumentsRequest())
        form.offer(documents, language=current_language())
        return {"role": role_name("delegated_authoriser" if shown.kind == "provider" else "attendance_lead")}

    return _step(organisation_id, form, "InviteFirstPerson", form.message, "invite", prepare=prepare)


@blueprint.route(
    "/organisations/<uuid:organisation_id>/invitations/<uuid:invitation_id>/resend", methods=["GET", "POST"]
)
@needs("organisations:manage")
def resend(organisation_id: UUID, invitation_id: UUID) -> Response:
    """Send the invitation of a first person again, to the same address or another one."""
    form = ResendForm()

    def page() -> str:
        one = _first_invitation(organisation_id, invitation_id)
        if not form.is_submitted():
            form.email.data = one.email
        return render_template("staff/resend.html", form=form, one=one, **_around(organisation_id))

    message = pb.ResendFirstInvitationRequest(
        organisation_id=str(organisation_id), invitation_id=str(invitation_id), email=form.email.data or ""
    )
    return form_page(
        form,
        lambda: call("identity", "ResendFirstInvitation", message, idempotency_key=form.key),
        then=lambda _done: _changed(organisation_id, "invited"),
        page=page,
    )


@blueprint.route(
    "/organisations/<uuid:organisation_id>/invitations/<uuid:invitation_id>/withdraw", methods=["GET", "POST"]
)
@needs("organisations:manage")
def withdraw(organisation_id: UUID, invitation_id: UUID) -> Response:
    """Take the invitation of a first person back, once it was said what follows."""
    form = ConfirmForm()

    def page() -> str:
        one = _first_invitation(organisation_id, invitation_id)
        return render_template("staff/withdraw.html", form=form, one=one, **_around(organisation_id))

    message = pb.WithdrawFirstInvitationRequest(organisation_id=str(organisation_id), invitation_id=str(invitation_id))
    return form_page(
        form,
        lambda: call("identity", "WithdrawFirstInvitation", message, idempotency_key=form.key),
        then=lambda _done: _changed(organisation_id, "withdrawn"),
        page=page,
    )


@blueprint.route("/organisations/<uuid:organisation_id>/place", methods=["GET", "POST"])
@needs("organisations:manage")
def place(organisation_id: UUID) -> Response:
    """Put a school into a catchment from a day on, or into none."""
    form = PlaceForm()

    def prepare(_shown: pages.OrganisationPage) -> dict[str, Any]:
        catchments = call("identity", "ListCatchments", pb.ListCatchmentsRequest(page_size=_MOST)).catchments
        form.catchment.choices = [
            SelectChoice("", _("Choose")),
            *(SelectChoice(one.code, one.name) for one in catchments),
            SelectChoice(PlaceForm.NONE, _("None: the school has no provider")),
        ]
        return {}

    return _step(organisation_id, form, "PlaceSchool", form.message, "place", prepare=prepare)


_DONE = {"suspend": "suspended", "resume": "resumed", "invite": "invited", "place": "placed"}


def _step(
    organisation_id: UUID,
    form: OnceForm,
    method: str,
    message: Callable[[UUID], Any],
    verb: str,
    *,
    prepare: Callable[[pages.OrganisationPage], dict[str, Any]] = lambda _shown: {},
) -> Response:
    """A page that says what a step with an organisation means and asks for it; `prepare` says what it shows besides."""

    def page() -> str:
        shown = pages.present_organisation(_found(organisation_id), today=today())
        return render_template(f"register/{verb}.html", form=form, shown=shown, **prepare(shown))

    return form_page(
        form,
        lambda: call("identity", method, message(organisation_id), idempotency_key=form.key),
        then=lambda _done: _changed(organisation_id, _DONE[verb]),
        page=page,
    )


def _found(organisation_id: UUID) -> pb.GetOrganisationResponse:
    request_ = pb.GetOrganisationRequest(organisation_id=str(organisation_id))
    found: pb.GetOrganisationResponse = call("identity", "GetOrganisation", request_)
    return found


def _first_invitation(organisation_id: UUID, invitation_id: UUID) -> InvitationLine:
    shown = pages.present_organisation(_found(organisation_id), today=today()).first_invitations
    found = next((one for one in shown if one.invitation_id == str(invitation_id)), None)
    if found is None:
        raise NotFoundError("invitation")
    return found


def _around(organisation_id: UUID) -> dict[str, str]:
    """Where a form about an invitation goes, and where its reader came from."""
    back = url_for("register.show", organisation_id=organisation_id)
    return {"action": request.path, "back": back, "back_words": str(_("Back to the organisation"))}


def _changed(organisation_id: UUID, what: str) -> str:
    """The way back to an organisation. Names are kept for a minute; whoever changed one is to see it now."""
    current_backends().organisations.clear()
    return url_for("register.show", organisation_id=organisation_id, done=what)
