"""Letters: those of a case, one letter and its steps, its PDF, and what awaits approval."""

from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

from ascms.cases.v1 import cases_pb2
from ascms.cases.v1 import letters_pb2 as pb
from ascms.documents.v1 import documents_pb2
from ascms.documents.v1 import letters_pb2 as documents_letters
from flask import Blueprint, Response, abort, make_response, render_template, request, url_for
from flask_babel import lazy_gettext as _l

from services.gateway.backends import call
from services.gateway.cases.names import Names
from services.gateway.form_pages import Saved, form_page, shared_form_page
from services.gateway.letters import pages
from services.gateway.letters.forms import (
    AnswerForm,
    LetterForm,
    ReturnForm,
    SendForm,
    StepForm,
    UndeliveredForm,
    WithdrawForm,
)
from services.gateway.security import caller, needs
from services.gateway.wording import today

blueprint = Blueprint("letters", __name__)
_QUEUES = {
    "awaiting-approval": pb.LETTER_STATE_AWAITING_APPROVAL,
    "approved": pb.LETTER_STATE_APPROVED,
    "sent": pb.LETTER_STATE_SENT,
    "draft": pb.LETTER_STATE_DRAFT,
}


@blueprint.get("/letters")
@needs("cases:read")
def show_queue() -> str:
    """Letters over all cases, by what they wait for: those that have waited longest first."""
    state = request.args.get("state", "awaiting-approval")
    question = pb.ListLettersRequest(state=_QUEUES.get(state) or abort(404), page_token=request.args.get("page", ""))
    answer = call("cases", "ListLetters", question)
    return render_template(
        "letters/queue.html", lines=_lines(answer.letters), state=state, next_page=answer.next_page_token
    )


@blueprint.get("/cases/<uuid:case_id>/letters")
@needs("cases:read")
def show_list(case_id: UUID) -> str:
    """The letters of a case, and what may be written next."""
    case = call("cases", "GetCase", cases_pb2.GetCaseRequest(case_id=str(case_id))).case
    answer = call("cases", "ListLetters", pb.ListLettersRequest(case_id=str(case_id)))
    allowed = {each.action for each in case.allowed_actions if each.allowed}
    return render_template(
        "letters/list.html",
        case=case,
        lines=_lines(answer.letters),
        rules=answer.rules,
        nexts=pages.present_next(answer.rules),
        may_write="letter" in allowed,
    )


def _lines(letters: Any) -> list[pages.LetterLine]:
    names = Names.of(one for letter in letters for one in (letter.submitted_by, letter.drafted_by))
    return [pages.present_line(letter, names=names) for letter in letters]


@blueprint.route("/cases/<uuid:case_id>/letters/new", methods=["GET", "POST"])
@needs("cases:record")
def draft(case_id: UUID) -> Response:
    """Write a letter."""
    form = LetterForm(data={"language": "both", "contact_name": caller().name})
    return form_page(
        form,
        lambda: call("cases", "DraftLetter", form.drafting(case_id), idempotency_key=form.key),
        then=lambda done: _at(UUID(done.letter.letter_id), "drafted"),
        page=lambda: _empty_page(case_id, form),
    )


def _empty_page(case_id: UUID, form: LetterForm) -> str:
    case = call("cases", "GetCase", cases_pb2.GetCaseRequest(case_id=str(case_id))).case
    rules = call("cases", "ListLetters", pb.ListLettersRequest(case_id=str(case_id))).rules
    form.offer_caregivers(rules.recipients)
    form.offer_letters(rules)
    return render_template(
        "letters/edit.html",
        form=form,
        case_number=case.number,
        back=url_for(".show_list", case_id=case_id),
        limits=pages.recipient_limits(rules.recipients),
        letter=None,
    )


@blueprint.route("/letters/<uuid:letter_id>/edit", methods=["GET", "POST"])
@needs("cases:record")
def revise(letter_id: UUID) -> Response:
    """Give a draft other words."""
    form = LetterForm()

    def page(letter: pb.Letter) -> str:
        rules = call("cases", "ListLetters", pb.ListLettersRequest(case_id=letter.case_id)).rules
        form.offer_caregivers(rules.recipients)
        return render_template(
            "letters/edit.html",
            form=form,
            case_number=letter.case_number,
            back=url_for(".show", letter_id=letter_id),
            limits=pages.recipient_limits(rules.recipients),
            letter=_present(letter),
        )

    return shared_form_page(
        form,
        lambda: call("cases", "ReviseLetter", form.revising(letter_id), idempotency_key=form.key),
        Saved(lambda: _get(letter_id), form.show, page),
        then=lambda _done: _at(letter_id, "revised"),
    )


@blueprint.get("/letters/<uuid:letter_id>")
@needs("cases:read")
def show(letter_id: UUID) -> str:
    """One letter: where it stands, what may be done, what stands in it, what happened to it."""
    return _page(letter_id, StepForm())


def _page(letter_id: UUID, form: StepForm) -> str:
    letter = _present(_get(letter_id))
    form.version.data = letter.version
    return render_template("letters/show.html", letter=letter, form=form)


@blueprint.post("/letters/<uuid:letter_id>/submit")
@needs("cases:record")
def submit(letter_id: UUID) -> Response:
    """Hand a draft in for approval."""
    return _press(letter_id, "SubmitLetter", pb.SubmitLetterRequest, "submitted")


@blueprint.post("/letters/<uuid:letter_id>/approve")
@needs("letters:approve")
def approve(letter_id: UUID) -> Response:
    """Approve a letter that someone else wrote."""
    return _press(letter_id, "ApproveLetter", pb.ApproveLetterRequest, "approved")


def _press(letter_id: UUID, method: str, kind: Callable[..., Any], done: str) -> Response:
    form = StepForm()
    message = kind(letter_id=str(letter_id), expected_version=form.seen_version)
    return form_page(
        form,
        lambda: call("cases", method, message, idempotency_key=form.key),
        then=lambda _done: _at(letter_id, done),
        page=lambda: _page(letter_id, form),
    )


@blueprint.route("/letters/<uuid:letter_id>/return", methods=["GET", "POST"])
@needs("letters:approve")
def give_back(letter_id: UUID) -> Response:
    """Give a letter back to whoever wrote it."""
    return _take(letter_id, "return")


@blueprint.route("/letters/<uuid:letter_id>/<any(send, answer, undelivered, withdraw):step>", methods=["GET", "POST"])
@needs("cases:record")
def take_step(letter_id: UUID, step: str) -> Response:
    """Record that a letter went out, what came of it, that it came back, or that it is not sent."""
    return _take(letter_id, step)


class _StepPage(NamedTuple):
    form: type[StepForm]
    method: str
    done: str
    title: Any
    button: Any
    lead: Any = ""
    day: str = ""


_STEPS = {
    "return": _StepPage(
        ReturnForm,
        "ReturnLetter",
        "returned",
        _l("Give the letter back"),
        _l("Give it back"),
        _l("Whoever wrote it reads your words beside their draft."),
    ),
    "send": _StepPage(
        SendForm,
        "SendLetter",
        "sent",
        _l("Record how it went out"),
        _l("Save"),
        _l(
            "Nothing is sent from here. Print the PDF that was approved, or attach it to an email from your own "
            "mailbox; then say how it went out."
        ),
        "sent_on",
    ),
    "answer": _StepPage(
        AnswerForm, "AnswerLetter", "answered", _l("Record what came of it"), _l("Save"), "", "answered_on"
    ),
    "undelivered": _StepPage(
        UndeliveredForm,
        "NoteLetterUndelivered",
        "undelivered",
        _l("Record that it came back"),
        _l("Save"),
        _l("The case manager gets a task: find out where they can be reached."),
        "noted_on",
    ),
    "withdraw": _StepPage(
        WithdrawForm,
        "WithdrawLetter",
        "withdrawn",
        _l("Withdraw the letter"),
        _l("Withdraw it"),
        _l("It stays on the case, and is not sent."),
    ),
}


def _take(letter_id: UUID, step: str) -> Response:
    page = _STEPS[step]
    form: Any = page.form(data={page.day: today()} if page.day else None)
    return form_page(
        form,
        lambda: call("cases", page.method, form.message(letter_id), idempotency_key=form.key),
        then=lambda _done: _at(letter_id, page.done),
        page=lambda: _step_page(letter_id, form, step),
    )


def _step_page(letter_id: UUID, form: Any, step: str) -> str:
    found = _get(letter_id)
    letter = _present(found)
    if isinstance(form, SendForm):
        form.offer_ways(found.ways)
    form.see(letter.version)
    fields = [field for field in form if field.type not in ("HiddenField", "CSRFTokenField")]
    return render_template("letters/step.html", form=form, fields=fields, letter=letter, step=step, page=_STEPS[step])


@blueprint.get("/letters/<uuid:letter_id>/preview.pdf")
@needs("cases:read")
def preview(letter_id: UUID) -> Response:
    """The letter as it would be printed now, marked as a draft."""
    answer = call("documents", "PreviewLetter", documents_letters.PreviewLetterRequest(letter_id=str(letter_id)))
    return _pdf(answer.content)


@blueprint.get("/letters/<uuid:letter_id>/letter.pdf")
@needs("cases:read")
def open_pdf(letter_id: UUID) -> Response:
    """The letter as it was approved."""
    document_id = _get(letter_id).document_id or abort(404)
    question = documents_pb2.DownloadDocumentRequest(document_id=document_id)
    return _pdf(b"".join(part.chunk for part in call("documents", "DownloadDocument", question)))


def _pdf(content: bytes) -> Response:
    answer = make_response(content)
    answer.headers["Content-Type"] = "application/pdf"
    answer.headers["Content-Disposition"] = 'inline; filename="letter.pdf"'
    return answer


def _get(letter_id: UUID) -> pb.Letter:
    letter: pb.Letter = call("cases", "GetLetter", pb.GetLetterRequest(letter_id=str(letter_id))).letter
    return letter


def _present(letter: pb.Letter) -> pages.LetterPage:
    return pages.present_letter(letter, names=Names.of(pages.ids_of(letter)))


def _at(letter_id: UUID, done: str) -> str:
    return url_for(".show", letter_id=letter_id, done=done)
