"""The pages of notices: what someone was told and why, and how they want it."""

from typing import Any

from ascms.notifications.v1 import notifications_pb2 as pb
from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _

from services.gateway.backends import call, names_of
from services.gateway.notices import pages
from services.gateway.security import caller, needs
from services.gateway.sending import OnceForm, optional, send

blueprint = Blueprint("notices", __name__)
_FAILURES_SHOWN = 20


@blueprint.route("/notices", methods=["GET", "POST"])
@needs(None)
def show() -> Response:
    """What was sent to the reader at the active organisation, newest first; sent, it marks all of it as read.

    Whoever looks after people sees whose email did not arrive.
    """
    form = OnceForm()
    if form.is_sent():
        question = pb.MarkNoticesReadRequest()
        done = send(form, lambda: call("notifications", "MarkNoticesRead", question, idempotency_key=form.key))
        if done is not None:
            return redirect(url_for(".show"), 303)  # type: ignore[return-value]
    answer = call("notifications", "ListNotices", pb.ListNoticesRequest(page_token=request.args.get("page", "")))
    page = render_template(
        "notices/show.html",
        form=form,
        lines=pages.present_notices(answer.notices),
        unread=answer.unread,
        next_page=answer.next_page_token,
        **_failures(),
    )
    return make_response(page, form.status)


def _failures() -> dict[str, Any]:
    if not caller().may("people:read") or "page" in request.args:
        return {"failures": None}
    question = pb.ListFailedDeliveriesRequest(page_size=_FAILURES_SHOWN)
    answer = optional(lambda: call("notifications", "ListFailedDeliveries", question))
    if answer is None:
        return {"failures": None}
    people = names_of({each.person_id for each in answer.deliveries} - {""})
    return {"failures": pages.present_failures(answer.deliveries, people=people)}


@blueprint.route("/notices/preferences", methods=["GET", "POST"])
@needs(None)
def preferences() -> Response:
    """How the reader gets each kind of notice that their roles bring."""
    form = OnceForm()
    answer = call("notifications", "GetNoticePreferences", pb.GetNoticePreferencesRequest())
    lines = pages.present_preferences(answer.preferences, typed=request.form)
    if form.is_sent():
        if any(line.delivery not in pages.DELIVERIES for line in lines):
            form.form_errors = [_("Choose one of the answers.")]
        elif send(form, lambda: _save(form, lines)) is not None:
            return redirect(url_for(".preferences", done="saved"), 303)  # type: ignore[return-value]
    page = render_template("notices/preferences.html", form=form, lines=lines)
    return make_response(page, form.status)


def _save(form: OnceForm, lines: list[pages.PreferenceLine]) -> Any:
    wanted = [
        pb.NoticePreference(kind=line.kind, delivery=pages.DELIVERIES[line.delivery])  # type: ignore[arg-type]
        for line in lines
        if not line.is_mandatory
    ]
    question = pb.SetNoticePreferencesRequest(preferences=wanted)
    return call("notifications", "SetNoticePreferences", question, idempotency_key=form.key) if wanted else form
