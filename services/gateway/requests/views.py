"""Requests for support as the school sees them: the list, one, a new one, a file of many."""

from uuid import UUID

from ascms.cases.v1 import cases_pb2
from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for

from services.gateway.backends import call, names_of
from services.gateway.cases.reference import choices_of
from services.gateway.listing import counts_of
from services.gateway.organisations.pages import organisation_names
from services.gateway.requests import columns, pages
from services.gateway.requests.forms import AmendForm, ImportForm, ReplyForm, ResultForm
from services.gateway.security import needs
from services.gateway.sending import remember_position, send
from services.gateway.wording import today

blueprint = Blueprint("requests", __name__)


@blueprint.get("/requests")
@needs("requests:submit")
def show_list() -> str:
    """The school's requests, newest first; the filter stands in the address."""
    question = cases_pb2.ListSubmittedRequestsRequest(
        state=pages.STATES_BY_FILTER.get(request.args.get("state", ""), cases_pb2.REQUEST_STATE_UNSPECIFIED),
        page_token=request.args.get("page", ""),
    )
    answer = call("cases", "ListSubmittedRequests", question)
    return render_template(
        "requests/list.html",
        counts=counts_of(answer),
        lines=present_lines(answer.requests),
        next_page=answer.next_page_token,
    )


def present_lines(requests: list[cases_pb2.RequestForSupport]) -> list[pages.RequestPage]:
    """Requests with the names of their organisations."""
    names = organisation_names({id_ for one in requests for id_ in (one.school_id, one.provider_id)})
    return [pages.present_request(one, organisations=names, today=today()) for one in requests]


@blueprint.route("/requests/<uuid:request_id>", methods=["GET", "POST"])
@needs("requests:submit")
def show(request_id: UUID) -> Response:
    """One request: where it stands, what was sent, and the reply to a question about it."""
    form = ReplyForm()
    if form.is_sent():
        done = send(form, lambda: call("cases", "ResubmitRequest", form.message(request_id), idempotency_key=form.key))
        if done is not None:
            remember_position(done)
            return redirect(url_for(".show", request_id=request_id, done="replied"), 303)  # type: ignore[return-value]
    question = cases_pb2.GetSubmittedRequestRequest(request_id=str(request_id))
    found = call("cases", "GetSubmittedRequest", question).request
    form.see(found.version)
    shown = pages.present_request(
        found,
        organisations=organisation_names({found.school_id, found.provider_id}),
        people=names_of({found.submitted_by} - {""}),
        today=today(),
    )
    page = render_template("requests/show.html", shown=shown, form=form, done=request.args.get("done", ""))
    return make_response(page, form.status)


@blueprint.route("/requests/<uuid:request_id>/amend", methods=["GET", "POST"])
@needs("requests:submit")
def amend(request_id: UUID) -> Response:
    """The reply to a question, and with it what the request says now; what it said before stays beside it."""
    question = cases_pb2.GetSubmittedRequestRequest(request_id=str(request_id))
    found = call("cases", "GetSubmittedRequest", question).request
    form = AmendForm(today(), found)
    action = request.form.get("action", "")
    if action == "add-caregiver":
        form.add_caregiver()
    elif action == "add-term":
        form.add_term()
    elif form.is_sent():
        done = send(
            form,
            lambda: call("cases", "ResubmitRequest", form.message(request_id), idempotency_key=form.key),
            names=form.names(),
        )
        if done is not None:
            remember_position(done)
            return redirect(url_for(".show", request_id=request_id, done="replied"), 303)  # type: ignore[return-value]
    form.see(found.version)
    shown = pages.present_request(found, organisations={}, today=today())
    return make_response(render_template("requests/amend.html", shown=shown, form=form), form.status)


@blueprint.route("/requests/import", methods=["GET", "POST"])
@needs("requests:submit")
def import_file() -> Response:
    """A file of many. The result is the answer to the POST: loading it again sends the same key, and adds nothing."""
    form = ImportForm()
    if form.is_sent():
        done = send(
            form,
            lambda: call(
                "cases",
                "ImportRequests",
                cases_pb2.ImportRequestsRequest(content=form.content),
                idempotency_key=form.key,
            ),
            names={"content": "file"},
        )
        if done is not None:
            remember_position(done)
            return make_response(
                render_template(
                    "requests/imported.html",
                    done=done,
                    lines=pages.present_rows(done.rows),
                    result=ResultForm.of(done),
                )
            )
    lists = {column.codes: choices_of(column.codes) for column in columns.COLUMNS if column.codes}
    page = render_template("requests/import.html", form=form, columns=columns.COLUMNS, lists=lists)
    return make_response(page, form.status)


@blueprint.post("/requests/import/result.csv")
@needs("requests:submit")
def download_result() -> Response:
    """What became of each row, as a file, in the order of the rows. The page that shows it sends it here."""
    form = ResultForm()
    answer = form.answer() if form.is_sent() else None
    if answer is None:
        abort(400)
    rows = sorted(pages.present_rows(answer.rows), key=lambda row: row.line)
    found = [
        (
            row.line,
            pages.result_words(row.result),
            url_for(".show", request_id=row.request_id, _external=True) if row.request_id else "",
            [f"{column}: {words}" if column else words for column, words in row.faults],
        )
        for row in rows
    ]
    return _as_file(columns.results(found), "requests-result.csv")


@blueprint.get("/requests/import/template.csv")
@needs("requests:submit")
def download_template() -> Response:
    """An empty file with the header line and one made-up row."""
    return _as_file(columns.template(), "requests-for-support.csv")


def _as_file(content: bytes, name: str) -> Response:
    response = make_response(content)
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
