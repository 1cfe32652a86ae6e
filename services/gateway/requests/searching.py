"""Looking for a student before anything is created, and the case that a provider opens itself after that."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from ascms.cases.v1 import requests_pb2
from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectChoice

from kit.errors import InvalidArgumentError
from services.gateway.backends import call, names_of
from services.gateway.cases.reference import choices_of
from services.gateway.cases.views import case_managers
from services.gateway.organisations.pages import choose_person, organisation_names
from services.gateway.requests.forms import AcceptForm, OwnCaseForm
from services.gateway.security import caller, needs
from services.gateway.sending import remember_position, send
from services.gateway.wording import day_of, today

blueprint = Blueprint("searching", __name__)
MATCHED: Mapping[str, object] = {
    "given_names": _l("given names"),
    "family_name": _l("family name"),
    "preferred_name": _l("the name they go by"),
    "nsn": _l("National Student Number"),
    "number": _l("case number"),
}
LIKE: Mapping[str, object] = {
    "same-nsn": _l("Same National Student Number as another below: it is one student."),
    "same-name-and-birth": _l("Same name and birth date as another below: it may be one student."),
    "differing-nsn": _l("Same name and birth date, another National Student Number: two students."),
}
FAULTS: Mapping[str, object] = {
    "too-short": _l("Write at least two letters of a name."),
    "too-many": _l("Write fewer words."),
    "nsn-not-allowed": _l("Your role looks for students by name."),
    "required": _l("Write a name or a number."),
}
KINDS = {
    requests_pb2.FOUND_KIND_CASE: "case",
    requests_pb2.FOUND_KIND_REQUEST: "request",
    requests_pb2.FOUND_KIND_DRAFT: "draft",
}


@dataclass(frozen=True, slots=True)
class FoundLine:
    """A student as found."""

    kind: str
    href: str
    name: str
    full_name: str
    born: date | None
    year: int
    school: str
    state: str
    number: str
    manager: str
    matched: str
    likenesses: list[str]


@blueprint.route("/search", methods=["GET", "POST"])
@needs("students:search")
def search() -> Response:
    """The search. What is looked for is sent in the body: a name must not stand in an address."""
    query = request.form.get("q", "").strip()
    if request.method == "GET":
        return make_response(render_template("searching/search.html", query="", lines=None, fault="", has_more=False))
    try:
        answer = call("cases", "SearchStudents", requests_pb2.SearchStudentsRequest(query=query))
    except InvalidArgumentError as error:
        reason = error.violations[0].reason if error.violations else ""
        fault = str(FAULTS.get(reason, _("We cannot look for this. Write a name.")))
        page = render_template("searching/search.html", query=query, lines=None, fault=fault, has_more=False)
        return make_response(page, 422)
    page = render_template(
        "searching/search.html", query=query, lines=_lines(answer), fault="", has_more=answer.has_more
    )
    return make_response(page)


def _lines(answer: requests_pb2.SearchStudentsResponse) -> list[FoundLine]:
    schools = organisation_names({one.school_id for one in answer.students})
    people = names_of({one.case_manager_id for one in answer.students} - {""})
    is_school = caller().may("requests:submit")
    return [
        FoundLine(
            kind=KINDS.get(one.kind, ""),
            href=_href(one, is_school=is_school),
            name=one.student_name or str(_("No name yet")),
            full_name=one.full_name,
            born=day_of(one.date_of_birth),
            year=one.year_level,
            school=schools.get(one.school_id, ""),
            state=one.state.partition("-")[2],
            number=one.number,
            manager=people.get(one.case_manager_id, ""),
            matched=", ".join(str(MATCHED.get(field, field)) for field in one.matched),
            likenesses=sorted({str(LIKE[like.reason]) for like in one.likenesses if like.reason in LIKE}),
        )
        for one in answer.students
    ]


def _href(one: requests_pb2.FoundStudent, *, is_school: bool) -> str:
    if one.kind == requests_pb2.FOUND_KIND_CASE:
        return url_for("cases.show", case_id=one.id)
    if one.kind == requests_pb2.FOUND_KIND_DRAFT:
        return url_for("requests_drafts.check", draft_id=one.id)
    return url_for("requests.show" if is_school else "incoming.show", request_id=one.id)


@blueprint.route("/own-cases/new", methods=["GET", "POST"])
@needs("cases:open")
def open_own_case() -> Response:
    """A case that the provider opens itself."""
    form = OwnCaseForm(today())
    form.reason.choices = choices_of("own_work_reason")
    if request.form.get("action") == "find-school":
        form.find_schools()
    elif form.is_sent():
        names = {f"student.{name}": name for name in ("nsn", "date_of_birth", "given_names", "family_name")}
        names["school_id"] = "school"
        done = send(form, lambda: call("cases", "OpenOwnCase", form.message(), idempotency_key=form.key), names=names)
        if done is not None:
            remember_position(done)
            return redirect(url_for("cases.show", case_id=done.case.case_id, done="opened"), 303)  # type: ignore[return-value]
    choose_person(form.case_manager_id, call("identity", "ListPeople", case_managers()).people)
    form.case_manager_id.choices.append(SelectChoice(AcceptForm.LATER, _("Decide later")))
    return make_response(render_template("searching/own_case.html", form=form), form.status)
