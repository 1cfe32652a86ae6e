"""A request while it is written: saved at the school with each step, looked over, and then sent."""

from collections.abc import Mapping
from uuid import UUID

from ascms.cases.v1 import cases_pb2, requests_pb2
from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from kit.errors import Violation
from services.gateway.backends import call
from services.gateway.requests import pages
from services.gateway.requests.forms import DraftForm, RequestForm
from services.gateway.security import needs
from services.gateway.sending import remember_position, send
from services.gateway.versions import send_shared
from services.gateway.wording import today, violation_words

blueprint = Blueprint("requests_drafts", __name__)


@blueprint.get("/requests/drafts")
@needs("requests:submit")
def show_list() -> str:
    """What the school has begun and not sent."""
    question = requests_pb2.ListDraftsRequest(page_token=request.args.get("page", ""))
    answer = call("cases", "ListDrafts", question)
    return render_template(
        "requests/drafts.html", lines=pages.present_drafts(answer.drafts), next_page=answer.next_page_token
    )


@blueprint.route("/requests/new", methods=["GET", "POST"])
@needs("requests:submit")
def begin() -> Response:
    """A new request. It is a draft from the first time that it is saved."""
    return _write(RequestForm(today()), draft_id="")


@blueprint.route("/requests/drafts/<uuid:draft_id>", methods=["GET", "POST"])
@needs("requests:submit")
def edit(draft_id: UUID) -> Response:
    """A draft, to go on with: here or on another device."""
    if request.method == "POST":
        return _write(RequestForm(today()), draft_id=str(draft_id))
    return _write(RequestForm(today(), _draft(draft_id).draft), draft_id=str(draft_id))


def _write(form: RequestForm, *, draft_id: str) -> Response:
    action = request.form.get("action", "")
    form.is_to_be_checked = action != "later"
    if action == "add-caregiver":
        form.add_caregiver()
    elif action == "add-term":
        form.add_term()
    elif form.is_sent():
        done = send_shared(
            form,
            lambda: call("cases", "SaveDraft", form.saving(draft_id), idempotency_key=form.key),
            lambda: form.show(_draft(UUID(draft_id)).draft),
            names={**form.names(), **_PLAIN},
        )
        if done is not None:
            target = ".show_list" if action == "later" else ".check"
            facts = {} if action == "later" else {"draft_id": done.draft.draft_id}
            return redirect(url_for(target, **facts), 303)  # type: ignore[return-value]
    return make_response(render_template("requests/new.html", form=form, draft_id=draft_id), form.status)


@blueprint.route("/requests/drafts/<uuid:draft_id>/check", methods=["GET", "POST"])
@needs("requests:submit")
def check(draft_id: UUID) -> Response:
    """All of a draft at one look, what is missing in it, how it looks, and the button that sends it."""
    form = DraftForm()
    if form.is_sent():
        sending = requests_pb2.SubmitDraftRequest(draft_id=str(draft_id), expected_version=form.seen_version)
        done = send(form, lambda: call("cases", "SubmitDraft", sending, idempotency_key=form.key))
        if done is not None:
            remember_position(done)
            return redirect(url_for("requests.show", request_id=done.request.request_id, done="submitted"), 303)  # type: ignore[return-value]
    found = _draft(draft_id)
    form.version.data = str(found.draft.version)
    faults = [
        (
            f"{url_for('.edit', draft_id=draft_id)}#{_target(fault.field, found.draft.content)}",
            pages.fault_words(fault.field, violation_words(Violation(fault.field, fault.reason, fault.description))),
        )
        for fault in found.faults
    ]
    page = render_template(
        "requests/check.html",
        form=form,
        draft_id=draft_id,
        faults=faults,
        shown=pages.present_draft(found, today=today()),
    )
    return make_response(page, form.status)


@blueprint.post("/requests/drafts/<uuid:draft_id>/discard")
@needs("requests:submit")
def discard(draft_id: UUID) -> Response:
    """Throw a draft away."""
    form = DraftForm()
    asked = requests_pb2.DiscardDraftRequest(draft_id=str(draft_id), expected_version=form.seen_version)
    if form.is_sent() and send(form, lambda: call("cases", "DiscardDraft", asked, idempotency_key=form.key)):
        return redirect(url_for(".show_list", done="discarded"), 303)  # type: ignore[return-value]
    return redirect(url_for(".check", draft_id=draft_id), 303)  # type: ignore[return-value]


_PLAIN: Mapping[str, str] = {
    f"content.{path}": name
    for path, name in {
        **{
            f"student.{name}": name
            for name in ("nsn", "given_names", "family_name", "preferred_name", "date_of_birth", "year_level", "gender")
        },
        **{name: name for name in ("concern", "steps_tried", "barrier_words")},
    }.items()
}


def _draft(draft_id: UUID) -> cases_pb2.GetDraftResponse:
    found: cases_pb2.GetDraftResponse = call("cases", "GetDraft", requests_pb2.GetDraftRequest(draft_id=str(draft_id)))
    return found


def _target(field: str, content: cases_pb2.SubmitRequestRequest) -> str:
    """Where in the form a field of the contract is."""
    name = field.rpartition(".")[2].partition("[")[0]
    if field.startswith("attendance"):
        return "term_1" if not content.HasField("attendance") else f"{name}_1"
    return "date_of_birth-day" if name == "date_of_birth" else name
