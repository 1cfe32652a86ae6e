"""Invitations: the list, one, a new one; sent again, taken back."""

from uuid import UUID

from ascms.identity.v1 import invitations_pb2, staff_pb2
from flask import Response, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _

from services.gateway.backends import call, names_of
from services.gateway.security import needs
from services.gateway.sending import send
from services.gateway.staff import pages
from services.gateway.staff.forms import ConfirmForm, InviteForm, ResendForm
from services.gateway.staff.views import blueprint

__all__ = ["blueprint"]


@blueprint.get("/staff/invitations")
@needs("people:invite")
def show_invitations() -> str:
    """Invitations, newest first, with what became of each."""
    wanted = request.args.get("show", "")
    question = invitations_pb2.ListInvitationsRequest(
        state=pages.INVITATIONS_BY_FILTER.get(wanted, invitations_pb2.INVITATION_STATE_UNSPECIFIED),
        page_token=request.args.get("page", ""),
    )
    answer = call("identity", "ListInvitations", question)
    return render_template(
        "staff/invitations.html",
        lines=[pages.present_invitation(one) for one in answer.invitations],
        next_page=answer.next_page_token,
    )


@blueprint.route("/staff/invite", methods=["GET", "POST"])
@needs("people:invite")
def invite() -> Response:
    """Say whom, and what was seen of them."""
    form = InviteForm()
    if form.is_sent():
        done = send(
            form,
            lambda: call("identity", "InvitePerson", form.message(), idempotency_key=form.key),
            names=form.NAMES,
        )
        if done is not None:
            return _to_invitation(done.invitation.invitation_id, "sent")
    documents = call("identity", "ListIdentityDocuments", invitations_pb2.ListIdentityDocumentsRequest())
    form.offer(documents)
    photos = {kind.code: _("shows a photo") for kind in (*documents.primary, *documents.supporting) if kind.has_photo}
    return make_response(render_template("staff/invite.html", form=form, photo_hints=photos), form.status)


@blueprint.get("/staff/invitations/<uuid:invitation_id>")
@needs("people:invite")
def show_invitation(invitation_id: UUID) -> str:
    """One invitation: where it stands, what was seen, what may still be done."""
    found, seen = _invitation(invitation_id)
    return render_template("staff/invitation.html", one=found, seen=seen, done=request.args.get("done", ""))


@blueprint.route("/staff/invitations/<uuid:invitation_id>/resend", methods=["GET", "POST"])
@needs("people:invite")
def resend(invitation_id: UUID) -> Response:
    """Send it again, to the same address or another one."""
    form = ResendForm()
    if form.is_sent():
        asked = form.message(invitation_id)
        if send(form, lambda: call("identity", "ResendInvitation", asked, idempotency_key=form.key)) is not None:
            return _to_invitation(invitation_id, "resent")
    found, _seen = _invitation(invitation_id)
    if not form.is_submitted():
        form.email.data = found.email
    return make_response(
        render_template("staff/resend.html", form=form, one=found, **_around(invitation_id)), form.status
    )


@blueprint.route("/staff/invitations/<uuid:invitation_id>/withdraw", methods=["GET", "POST"])
@needs("people:invite")
def withdraw(invitation_id: UUID) -> Response:
    """Take it back, once it was said what follows."""
    form = ConfirmForm()
    if form.is_sent():
        asked = invitations_pb2.WithdrawInvitationRequest(invitation_id=str(invitation_id))
        if send(form, lambda: call("identity", "WithdrawInvitation", asked, idempotency_key=form.key)) is not None:
            return _to_invitation(invitation_id, "withdrawn")
    found, _seen = _invitation(invitation_id)
    return make_response(
        render_template("staff/withdraw.html", form=form, one=found, **_around(invitation_id)), form.status
    )


def _invitation(invitation_id: UUID) -> tuple[pages.InvitationLine, pages.Seen]:
    question = staff_pb2.GetInvitationRequest(invitation_id=str(invitation_id))
    answer = call("identity", "GetInvitation", question)
    people = names_of({answer.identity_seen.seen_by} - {""})
    return pages.present_invitation(answer.invitation), pages.present_seen(answer.identity_seen, people=people)


def _around(invitation_id: UUID) -> dict[str, str]:
    """Where a form about an invitation goes, and where its reader came from."""
    back = url_for("staff.show_invitation", invitation_id=invitation_id)
    return {"action": request.path, "back": back, "back_words": str(_("Back to the invitation"))}


def _to_invitation(invitation_id: UUID | str, done: str) -> Response:
    return redirect(url_for("staff.show_invitation", invitation_id=invitation_id, done=done), 303)  # type: ignore[return-value]
