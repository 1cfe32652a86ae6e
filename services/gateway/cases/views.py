"""Cases: the list, one case, who works on it, what happened."""

from uuid import UUID

from ascms.cases.v1 import cases_pb2
from ascms.identity.v1 import identity_pb2
from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for

from kit.errors import NotFoundError
from services.gateway.backends import call, names_of
from services.gateway.cases import pages
from services.gateway.cases.forms import QUICK_MINUTES, AssignForm, EntryForm
from services.gateway.listing import counts_of
from services.gateway.organisations.pages import choose_person, organisation_names
from services.gateway.security import caller, needs
from services.gateway.sending import optional, remember_position, send
from services.gateway.wording import kind_name, today

blueprint = Blueprint("cases", __name__)
_MOST_PEOPLE = 200


@blueprint.get("/cases")
@needs("cases:read")
def show_list() -> str:
    """The cases that the caller may see; the filter stands in the address."""
    manager = request.args.get("manager", "")
    answer = call(
        "cases",
        "ListCases",
        cases_pb2.ListCasesRequest(
            state=pages.STATES_BY_FILTER.get(request.args.get("state", ""), cases_pb2.CASE_STATE_UNSPECIFIED),
            case_manager_id=str(caller().person_id) if manager == "me" else manager,
            page_token=request.args.get("page", ""),
        ),
    )
    return render_template(
        "cases/list.html",
        counts=counts_of(answer),
        lines=present_lines(answer.cases),
        next_page=answer.next_page_token,
        manager=manager,
        manager_name="" if manager == "me" else names_of({manager}).get(manager, ""),
    )


def present_lines(cases: list[cases_pb2.CaseSummary]) -> list[pages.CaseLine]:
    """Lines with the names of schools and colleagues."""
    people = names_of({case.case_manager_id for case in cases} - {""})
    organisations = organisation_names({case.school_id for case in cases})
    return [pages.present_line(case, people=people, organisations=organisations) for case in cases]


@blueprint.get("/cases/<uuid:case_id>")
@needs("cases:read")
def show(case_id: UUID) -> str:
    """One case: what may be done, what happened, who it is about. Opening it is logged by the service."""
    answer = call("cases", "GetCase", cases_pb2.GetCaseRequest(case_id=str(case_id)))
    listed = _list_entries(case_id) if request.args.keys() & {"show", "older"} else answer
    people = names_of(pages.ids_of(answer.case, [*answer.entries, *listed.entries]))
    return render_template(
        "cases/show.html",
        case=_present(answer.case, people),
        groups=pages.present_timeline(listed.entries, people=people, just_recorded=request.args.get("recorded", "")),
        recorded=pages.present_recorded(answer.entries, request.args.get("recorded", "")),
        record=pages.present_record(answer.entries),
        other_kinds=pages.other_kinds(),
        has_more=bool(answer.next_page_token),
        older=listed.next_page_token,
    )


def _present(case: cases_pb2.Case, people: dict[str, str]) -> pages.CasePage:
    schools = organisation_names({case.school_id})
    return pages.present_case(case, people=people, organisations=schools, today=today())


def _list_entries(case_id: UUID) -> cases_pb2.ListEventsResponse:
    is_visits = request.args.get("show") == "visits"
    question = cases_pb2.ListEventsRequest(
        case_id=str(case_id),
        kind=cases_pb2.EVENT_KIND_HOME_VISIT if is_visits else cases_pb2.EVENT_KIND_UNSPECIFIED,
        page_size=20,
        page_token=request.args.get("older", ""),
    )
    answer: cases_pb2.ListEventsResponse = call("cases", "ListEvents", question)
    return answer


@blueprint.route("/cases/<uuid:case_id>/assign", methods=["GET", "POST"])
@needs("cases:assign")
def assign(case_id: UUID) -> Response:
    """Choose who works on a case."""
    form = AssignForm()
    if form.is_sent():
        done = send(form, lambda: call("cases", "AssignCase", form.message(case_id), idempotency_key=form.key))
        if done is not None:
            remember_position(done)
            return redirect(url_for(".show", case_id=case_id, done="assigned"), 303)  # type: ignore[return-value]
    case = call("cases", "GetCase", cases_pb2.GetCaseRequest(case_id=str(case_id))).case
    people = call("identity", "ListPeople", case_managers())
    choose_person(form.case_manager_id, people.people, current=case.case_manager_id)
    form.version.data = case.version if form.is_stale or not form.version.data else form.version.data
    names = names_of({case.case_manager_id, case.opened_by} - {""})
    return make_response(render_template("cases/assign.html", form=form, case=_present(case, names)), form.status)


def case_managers() -> identity_pb2.ListPeopleRequest:
    """The question who could work on a case: case managers whose access works."""
    return identity_pb2.ListPeopleRequest(working_role="case_manager", page_size=_MOST_PEOPLE)


@blueprint.route("/cases/<uuid:case_id>/events/new", methods=["GET", "POST"])
@needs("cases:record")
def record(case_id: UUID) -> Response:
    """Record what happened: from the case, one tap to here, the words, one tap to save."""
    kind = pages.KINDS_BY_SLUG.get(request.args.get("kind", "home-visit")) or abort(404)
    form = EntryForm(kind, today())
    try:
        if form.is_sent():
            done = send(form, lambda: call("cases", "RecordEvent", form.message(case_id), idempotency_key=form.key))
            if done is not None:
                remember_position(done)
                return redirect(url_for(".show", case_id=case_id, recorded=done.entry.entry_id), 303)  # type: ignore[return-value]
        case = optional(lambda: call("cases", "GetCase", cases_pb2.GetCaseRequest(case_id=str(case_id))).case)
    except NotFoundError:
        if not form.is_submitted():
            raise
        return make_response(render_template("cases/lost.html", form=form), 404)
    shown = _present(case, names_of({case.case_manager_id} - {""})) if case else None
    return make_response(
        render_template(
            "cases/record.html",
            form=form,
            case=shown,
            case_id=case_id,
            slug=pages.SLUGS[kind],
            title=kind_name(kind),
            quick_minutes=QUICK_MINUTES,
        ),
        form.status,
    )
