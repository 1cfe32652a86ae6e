"""Cases: the list, one case, who works on it, what happened."""

from collections.abc import Iterable
from uuid import UUID

from ascms.cases.v1 import cases_pb2
from ascms.identity.v1 import identity_pb2
from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for

from services.gateway.backends import call, names_of
from services.gateway.cases import pages, timeline
from services.gateway.cases.forms import QUICK_MINUTES, AssignForm, EntryForm
from services.gateway.cases.names import Names
from services.gateway.cases.saying import said_of
from services.gateway.cases.writing import CaseForm, write_page
from services.gateway.listing import counts_of
from services.gateway.organisations.pages import choose_person
from services.gateway.security import caller, needs
from services.gateway.sending import remember_position, send
from services.gateway.wording import kind_name

blueprint = Blueprint("cases", __name__)
_MOST_PEOPLE = 200


@blueprint.get("/cases")
@needs("cases:read")
def show_list() -> str:
    """The cases that the caller may see; the filter stands in the address."""
    manager = request.args.get("manager", "")
    state, health = request.args.get("state", ""), request.args.get("record", "")
    work = request.args.get("work", "")
    answer = call(
        "cases",
        "ListCases",
        cases_pb2.ListCasesRequest(
            state=pages.STATES_BY_FILTER.get(state, cases_pb2.CASE_STATE_UNSPECIFIED),
            health=pages.HEALTH_BY_FILTER.get(health, cases_pb2.RECORD_HEALTH_UNSPECIFIED),
            case_manager_id=str(caller().person_id) if manager == "me" else manager,
            overdue=work == "overdue",
            page_token=request.args.get("page", ""),
        ),
    )
    return render_template(
        "cases/list.html",
        counts=counts_of(answer),
        lines=present_lines(answer.cases),
        next_page=answer.next_page_token,
        state=state if state in pages.STATES_BY_FILTER else "",
        health=health if health in pages.HEALTH_BY_FILTER else "",
        work=work if work == "overdue" else "",
        manager=manager,
        manager_name="" if manager == "me" else names_of({manager}).get(manager, ""),
    )


def present_lines(cases: Iterable[cases_pb2.CaseSummary]) -> list[pages.CaseLine]:
    """Lines with the names of schools and colleagues."""
    listed = list(cases)
    names = Names.of({case.case_manager_id for case in listed}, {case.school_id for case in listed})
    return [pages.present_line(case, names) for case in listed]


@blueprint.get("/cases/<uuid:case_id>")
@needs("cases:read")
def show(case_id: UUID) -> str:
    """One case: what may be done, what is due, what happened, who it is about. Opening it is logged by the service."""
    answer = call("cases", "GetCase", cases_pb2.GetCaseRequest(case_id=str(case_id)))
    shown = request.args.get("show", "")
    listed = _list_entries(case_id, shown) if request.args.keys() & {"show", "older"} else answer
    saved = request.args.get("recorded", "")
    entries = [*answer.entries, *listed.entries]
    names = Names.of(pages.everyone_in(answer) | timeline.people_of(entries), {answer.case.school_id})
    case = pages.present_case(answer.case, names, reason=pages.state_reason(answer))
    actions = pages.main_actions(case)
    return render_template(
        "cases/show.html",
        case=case,
        said=said_of(request.args.get("done", ""), case),
        recorded=timeline.present_recorded(answer.entries, saved),
        actions_shown=actions,
        due=pages.present_due(answer, names),
        groups=timeline.present_timeline(listed.entries, timeline.Reader(names, saved)),
        views=timeline.filter_links(str(case_id), shown),
        shown=shown if shown in timeline.FILTERS else "",
        older=listed.next_page_token,
        record=pages.present_health(answer.case),
        spent=[(kind_name(each.kind), each.minutes) for each in answer.time_spent],
        pauses=pages.present_pauses(answer.pauses, names),
        paused_days=answer.paused_days,
        closings=pages.present_closings(answer.closings, names),
        other_kinds=pages.other_kinds(),
    )


def _list_entries(case_id: UUID, shown: str) -> cases_pb2.ListEventsResponse:
    kind = timeline.FILTERS[shown][0] if shown in timeline.FILTERS else cases_pb2.EVENT_KIND_UNSPECIFIED
    question = cases_pb2.ListEventsRequest(
        case_id=str(case_id), kind=kind, page_size=20, page_token=request.args.get("older", "")
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
    form.see(case.version)
    names = Names.of({case.case_manager_id, case.opened_by}, {case.school_id})
    page = render_template("cases/assign.html", form=form, case=pages.present_case(case, names))
    return make_response(page, form.status)


def case_managers() -> identity_pb2.ListPeopleRequest:
    """The question who could work on a case: case managers whose access works."""
    return identity_pb2.ListPeopleRequest(working_role="case_manager", page_size=_MOST_PEOPLE)


@blueprint.route("/cases/<uuid:case_id>/events/new", methods=["GET", "POST"])
@needs("cases:record")
def record(case_id: UUID) -> Response:
    """Record what happened: from the case, one tap to here, the words, one tap to save."""
    kind = timeline.KINDS_BY_SLUG.get(request.args.get("kind", "home-visit")) or abort(404)
    form = EntryForm(kind)
    wanted = CaseForm(
        case_id,
        verb="record",
        form=form,
        write=lambda: call("cases", "RecordEvent", form.message(case_id), idempotency_key=form.key),
        then=lambda done: url_for(".show", case_id=case_id, recorded=done.entry.entry_id),
        template="cases/record.html",
    )
    return write_page(wanted, slug=timeline.SLUGS[kind], title=kind_name(kind), quick_minutes=QUICK_MINUTES)
