"""Files of a case: the list, putting in, having, describing, taking out."""

from collections.abc import Iterator
from uuid import UUID

from ascms.cases.v1 import cases_pb2
from ascms.documents.v1 import documents_pb2, files_pb2
from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from google.protobuf.message import Message
from werkzeug.datastructures import FileStorage

from kit.errors import DeadlineExceededError, InvalidArgumentError, ResourceExhaustedError, UnavailableError, Violation
from services.gateway.backends import call
from services.gateway.cases.names import Names
from services.gateway.files import pages
from services.gateway.files.forms import MOST_FILES, DescribeForm, RemoveForm, UploadForm
from services.gateway.form_pages import Saved, form_page, shared_form_page
from services.gateway.security import needs, renew_caller, takes_up_to
from services.gateway.sending import remember_position
from services.gateway.transfer import MOST_BYTES, TIMEOUT_SECONDS, Spooled, TooLargeError, hand_out, measure
from services.gateway.wording import error_words

blueprint = Blueprint("files", __name__)

# One file more than may be sent, so that what is a little too much is told in words and not by a broken connection.
_MOST_BODY = (MOST_FILES + 1) * MOST_BYTES
_AWAY = (UnavailableError, DeadlineExceededError, ResourceExhaustedError)


@blueprint.get("/cases/<uuid:case_id>/files")
@needs("cases:read")
def show_list(case_id: UUID) -> str:
    """The files of a case, newest first, those that were taken out too."""
    case = _case(case_id)
    answer = call(
        "documents",
        "ListDocuments",
        documents_pb2.ListDocumentsRequest(case_id=str(case_id), page_token=request.args.get("page", "")),
    )
    names = Names.of({one.uploaded_by for one in answer.documents} | {one.removed_by for one in answer.documents})
    return render_template(
        "files/list.html",
        case=case,
        files=[pages.present_file(one, names) for one in answer.documents],
        next_page=answer.next_page_token,
    )


@blueprint.route("/cases/<uuid:case_id>/files/new", methods=["GET", "POST"])
@needs("cases:record")
@takes_up_to(_MOST_BODY)
def add(case_id: UUID) -> Response:
    """Put files into a case. Each stands for itself: what is refused says why, the others are kept."""
    form = UploadForm()
    kept: list[str] = []
    if form.is_sent():
        kept = _send_files(case_id, form)
        if not form.files.errors:
            return _back(case_id, added=len(kept))
    return make_response(
        render_template("files/add.html", form=form, case=_case(case_id), kept=kept, most=MOST_FILES), form.status
    )


@blueprint.get("/files/<uuid:document_id>")
@needs("cases:read")
def download(document_id: UUID) -> Response:
    """The file itself, to be saved."""
    return save_file("DownloadDocument", documents_pb2.DownloadDocumentRequest(document_id=str(document_id)))


@blueprint.route("/files/<uuid:document_id>/describe", methods=["GET", "POST"])
@needs("cases:record")
def describe(document_id: UUID) -> Response:
    """Another name, description or visibility."""
    form = DescribeForm()
    return shared_form_page(
        form,
        lambda: call("documents", "DescribeDocument", form.message(document_id), idempotency_key=form.key),
        Saved(
            lambda: _document(document_id),
            form.show,
            lambda document: _about("files/describe.html", form, document),
        ),
        then=lambda done: _at(done.document, "described"),
    )


@blueprint.route("/files/<uuid:document_id>/remove", methods=["GET", "POST"])
@needs("cases:record")
def remove(document_id: UUID) -> Response:
    """Take a file out of its case, with a reason that stays in its place."""
    form = RemoveForm()
    return form_page(
        form,
        lambda: call("documents", "RemoveDocument", form.message(document_id), idempotency_key=form.key),
        then=lambda done: _at(done.document, "removed"),
        page=lambda: _about("files/remove.html", form, _document(document_id)),
    )


def save_file(method: str, question: Message) -> Response:
    """What a call of documents hands out, to be saved."""
    answers = call("documents", method, question, timeout_seconds=TIMEOUT_SECONDS)
    header = next(answers).document
    return hand_out(header, (answer.chunk for answer in answers))


def _about(template: str, form: DescribeForm | RemoveForm, document: documents_pb2.Document) -> str:
    form.see(document.version)
    return render_template(template, form=form, file=pages.present_file(document, Names()), case_id=document.case_id)


def _at(document: documents_pb2.Document, done: str) -> str:
    return url_for(".show_list", case_id=document.case_id, done=done)


def _back(case_id: UUID, **told: object) -> Response:
    return redirect(url_for(".show_list", case_id=case_id, **told), 303)  # type: ignore[return-value,arg-type]


def _case(case_id: UUID) -> cases_pb2.Case:
    case: cases_pb2.Case = call("cases", "GetCase", cases_pb2.GetCaseRequest(case_id=str(case_id))).case
    return case


def _document(document_id: UUID) -> documents_pb2.Document:
    question = files_pb2.GetDocumentRequest(document_id=str(document_id))
    document: documents_pb2.Document = call("documents", "GetDocument", question).document
    return document


def _send_files(case_id: UUID, form: UploadForm) -> list[str]:
    """Send each file; those that are kept by name, and why others are not in the form's errors."""
    kept, faults = [], []
    # The token is as old as the files were slow.
    renew_caller()
    for file in form.chosen:
        name = pages.sendable_name(file.filename or "")
        try:
            answer = _send_file(case_id, form, file, name=name)
        except TooLargeError:
            faults.append(pages.fault_words(name, Violation("files", "too-large", "")))
        except InvalidArgumentError as error:
            if error.reason == "idempotency-key-reused":
                faults.append(f"{name}: {error_words(error)}")
            faults += [pages.fault_words(name, one) for one in error.violations if one.reason != "reused"]
        except _AWAY:
            form.status = 503
            faults.append(_("%(name)s could not be stored just now. Wait a moment, then send it again.", name=name))
        else:
            remember_position(answer)
            kept.append(answer.document.name)
    form.files.errors = faults
    return kept


def _send_file(
    case_id: UUID, form: UploadForm, file: FileStorage, *, name: str
) -> documents_pb2.UploadDocumentResponse:
    # Large ones are in a file of the temporary folder already: the form's parser put them there.
    spooled = measure(file.stream)
    header = documents_pb2.UploadHeader(
        case_id=str(case_id),
        name=name,
        description=form.description.data or "",
        visibility=form.visibility,
        sha256=spooled.sha256,
    )
    answer: documents_pb2.UploadDocumentResponse = call(
        "documents",
        "UploadDocument",
        _messages(header, spooled),
        # The same file in the same form is one, however often it is sent.
        idempotency_key=f"{form.key[:60]}-{spooled.sha256[:32]}",
        timeout_seconds=TIMEOUT_SECONDS,
    )
    return answer


def _messages(header: documents_pb2.UploadHeader, spooled: Spooled) -> Iterator[documents_pb2.UploadDocumentRequest]:
    yield documents_pb2.UploadDocumentRequest(header=header)
    for piece in spooled.pieces():
        yield documents_pb2.UploadDocumentRequest(chunk=piece)
