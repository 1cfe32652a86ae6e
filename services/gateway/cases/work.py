"""What is done with a case besides recording: notes, corrections, pauses, its end, its contact at the school."""

from typing import Any
from uuid import UUID

from ascms.cases.v1 import cases_pb2
from ascms.identity.v1 import identity_pb2
from flask import Blueprint, Response, abort, url_for

from services.gateway.backends import call
from services.gateway.cases import pages, timeline
from services.gateway.cases.forms import QUICK_MINUTES
from services.gateway.cases.names import Names
from services.gateway.cases.work_forms import (
    CloseForm,
    ContactForm,
    CorrectionForm,
    NoteForm,
    PauseForm,
    ReopenForm,
    ResumeForm,
)
from services.gateway.cases.writing import CaseForm, write_page
from services.gateway.security import needs
from services.gateway.versions import VersionForm
from services.gateway.wording import kind_name

blueprint = Blueprint("cases_work", __name__)
_MOST_ENTRIES = 200


def _said(case_id: UUID, done: str) -> str:
    return url_for("cases.show", case_id=case_id, done=done)


@blueprint.route("/cases/<uuid:case_id>/notes/new", methods=["GET", "POST"])
@needs("cases:record")
def note(case_id: UUID) -> Response:
    """Write a note."""
    form = NoteForm()
    return write_page(
        CaseForm(
            case_id,
            verb="note",
            form=form,
            write=lambda: call("cases", "AddNote", form.message(case_id), idempotency_key=form.key),
            then=lambda done: url_for("cases.show", case_id=case_id, recorded=done.entry.entry_id),
            template="cases/work/note.html",
        )
    )


@blueprint.route("/cases/<uuid:case_id>/entries/<uuid:entry_id>/correct", methods=["GET", "POST"])
@needs("cases:record")
def correct(case_id: UUID, entry_id: UUID) -> Response:
    """Say what an entry should have said. It stays; the correction stands beside it."""
    entry = _entry(case_id, entry_id) or abort(404)
    form = CorrectionForm(entry)
    return write_page(
        CaseForm(
            case_id,
            verb="correct",
            form=form,
            write=lambda: call("cases", "CorrectEntry", form.correction(case_id, entry_id), idempotency_key=form.key),
            then=lambda _done: f"{_said(case_id, 'corrected')}#happened",
            template="cases/work/correct.html",
        ),
        kind=kind_name(entry.kind),
        groups=timeline.present_timeline([entry], timeline.Reader(Names.of(timeline.people_of([entry])))),
        quick_minutes=QUICK_MINUTES,
    )


def _entry(case_id: UUID, entry_id: UUID) -> cases_pb2.TimelineEntry | None:
    """An entry of a case, among the latest first; there are seldom more than one page of them."""
    token = ""
    while True:
        question = cases_pb2.ListEventsRequest(case_id=str(case_id), page_size=_MOST_ENTRIES, page_token=token)
        answer = call("cases", "ListEvents", question)
        found = next((each for each in answer.entries if each.entry_id == str(entry_id)), None)
        token = answer.next_page_token
        if found is not None or not token:
            return found


def _change(  # noqa: PLR0913 - what a page of a case is made of
    case_id: UUID, form: VersionForm, *, verb: str, method: str, message: Any, done: str, prepare: Any = None
) -> Response:
    """A page that changes where the case stands."""
    return write_page(
        CaseForm(
            case_id,
            verb=verb,
            form=form,
            write=lambda: call("cases", method, message(case_id), idempotency_key=form.key),
            then=lambda _done: _said(case_id, done),
            template=f"cases/work/{verb}.html",
            prepare=prepare,
        )
    )


@blueprint.route("/cases/<uuid:case_id>/pause", methods=["GET", "POST"])
@needs("cases:record")
def pause(case_id: UUID) -> Response:
    """Let a case rest until a day."""
    form = PauseForm()
    form.offer()
    return _change(case_id, form, verb="pause", method="PauseCase", message=form.message, done="paused")


@blueprint.route("/cases/<uuid:case_id>/resume", methods=["GET", "POST"])
@needs("cases:record")
def resume(case_id: UUID) -> Response:
    """Wake a paused case before its day."""
    form = ResumeForm()
    return _change(case_id, form, verb="resume", method="ResumeCase", message=form.message, done="resumed")


@blueprint.route("/cases/<uuid:case_id>/close", methods=["GET", "POST"])
@needs("cases:close")
def close(case_id: UUID) -> Response:
    """End the work on a case; what stands in the way is listed with links."""
    form = CloseForm()
    form.offer()

    def in_the_way(answer: cases_pb2.GetCaseResponse) -> dict[str, Any]:
        names = Names.of(pages.everyone_in(answer))
        return {"tasks": pages.present_tasks(answer.open_tasks, names)}

    return _change(
        case_id, form, verb="close", method="CloseCase", message=form.message, done="closed", prepare=in_the_way
    )


@blueprint.route("/cases/<uuid:case_id>/reopen", methods=["GET", "POST"])
@needs("cases:close")
def reopen(case_id: UUID) -> Response:
    """Take up a closed case again."""
    form = ReopenForm()
    return _change(case_id, form, verb="reopen", method="ReopenCase", message=form.message, done="reopened")


@blueprint.route("/cases/<uuid:case_id>/contact", methods=["GET", "POST"])
@needs("cases:assign")
def contact(case_id: UUID) -> Response:
    """Choose who at the student's school gets the notices."""
    form = ContactForm()

    def people(answer: cases_pb2.GetCaseResponse) -> dict[str, Any]:
        question = identity_pb2.ListSchoolContactsRequest(school_id=answer.case.school_id)
        form.offer(call("identity", "ListSchoolContacts", question), current=answer.case.primary_contact_id)
        return {}

    return _change(
        case_id,
        form,
        verb="contact",
        method="SetPrimaryContact",
        message=form.message,
        done="contact",
        prepare=people,
    )
