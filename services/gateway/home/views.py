"""The first page: what is waiting for this person, by role. Signed out: what this is, and the way in."""

from collections.abc import Callable, Mapping
from typing import Any

from ascms.cases.v1 import caseloads_pb2, cases_pb2
from ascms.identity.v1 import access_pb2, identity_pb2, invitations_pb2, staff_pb2
from ascms.notifications.v1 import notifications_pb2
from ascms.reporting.v1 import reporting_pb2
from flask import Blueprint, render_template

from services.gateway.backends import call
from services.gateway.cases.views import present_lines as present_cases
from services.gateway.home.loads import present_work
from services.gateway.home.pages import page_of
from services.gateway.listing import counts_of
from services.gateway.notices.pages import present_notices
from services.gateway.organisations.pages import present_organisations, present_own_roles
from services.gateway.reports.pages import present_figures, present_quarter, quarter_of
from services.gateway.requests.views import present_lines as present_requests
from services.gateway.security import caller, is_signed_out, open_to_all
from services.gateway.sending import optional
from services.gateway.sharing.views import present_lines as present_shared
from services.gateway.staff.pages import present_invitation, present_line
from services.gateway.tasks.pages import present_tasks
from services.gateway.wording import moment_of, today

blueprint = Blueprint("home", __name__)
_SHOWN = 5
_SHOWN_WORK = 20
_SHOWN_TASKS = 10


@blueprint.get("/")
@open_to_all
def show() -> str:
    """The first page of whoever is asking."""
    if is_signed_out():
        return render_template("home/signed_out.html")
    who = caller()
    page = page_of(who)
    return render_template(f"home/{page}.html", who=who, roles=present_own_roles(who), **_FACTS[page]())


def _lead() -> dict[str, Any]:
    incoming = optional(lambda: call("cases", "ListIncomingRequests", _waiting()))
    loads = optional(lambda: call("cases", "ListCaseloads", caseloads_pb2.ListCaseloadsRequest()))
    return {
        "request_counts": counts_of(incoming) if incoming else None,
        "requests": present_requests(incoming.requests) if incoming else [],
        "work": present_work(loads) if loads else None,
    }


def _waiting() -> cases_pb2.ListIncomingRequestsRequest:
    return cases_pb2.ListIncomingRequestsRequest(state=cases_pb2.REQUEST_STATE_SUBMITTED, page_size=_SHOWN)


def _case_manager() -> dict[str, Any]:
    mine = cases_pb2.ListCasesRequest(page_size=_SHOWN_WORK, own_tasks=_SHOWN_TASKS)
    answer = call("cases", "ListCases", mine)
    question = notifications_pb2.ListNoticesRequest(page_size=_SHOWN)
    notices = optional(lambda: call("notifications", "ListNotices", question))
    cases = present_cases(answer.cases)
    names = {case.href: case.name for case in cases}
    return {
        "counts": counts_of(answer),
        "has_more": bool(answer.next_page_token),
        "cases": cases,
        "unread": notices.unread if notices else 0,
        "tasks": present_tasks(answer.own_tasks),
        "notices": None if notices is None else present_notices(notices.notices, names=names),
    }


def _school() -> dict[str, Any]:
    answer = call("cases", "ListSubmittedRequests", cases_pb2.ListSubmittedRequestsRequest(page_size=_SHOWN))
    shared = None
    if caller().may("cases:read-shared"):
        question = cases_pb2.ListSharedCasesRequest(page_size=_SHOWN)
        shared = optional(lambda: call("cases", "ListSharedCases", question))
    return {
        "counts": counts_of(answer),
        "requests": present_requests(answer.requests),
        "shared": present_shared(shared.cases, with_contacts=False) if shared else None,
    }


def _contact() -> dict[str, Any]:
    answer = call("cases", "ListSharedCases", cases_pb2.ListSharedCasesRequest(page_size=_SHOWN_WORK))
    cases = present_shared(answer.cases, with_contacts=False)
    question = notifications_pb2.ListNoticesRequest(page_size=_SHOWN)
    notices = optional(lambda: call("notifications", "ListNotices", question))
    names = {case.href: case.name for case in cases}
    return {
        "cases": cases,
        "unread": notices.unread if notices else 0,
        "notices": None if notices is None else present_notices(notices.notices, names=names),
    }


def _analyst() -> dict[str, Any]:
    quarter = quarter_of(today())
    answer = call("reporting", "GetNationalFigures", reporting_pb2.GetNationalFiguresRequest(quarter=quarter))
    return {
        "quarter": present_quarter(quarter),
        "totals": present_figures(answer.totals),
        "providers": len(answer.providers),
        "as_at": moment_of(answer.as_at),
    }


def _admin() -> dict[str, Any]:
    answer = call("identity", "ListOrganisations", identity_pb2.ListOrganisationsRequest())
    return {"has_more": bool(answer.next_page_token), "lines": present_organisations(answer.organisations)}


def _authoriser() -> dict[str, Any]:
    question = staff_pb2.ListStaffRequest(state=access_pb2.ACCESS_STATE_NO_ROLE, page_size=_SHOWN)
    answer = call("identity", "ListStaff", question)
    expired = invitations_pb2.ListInvitationsRequest(state=invitations_pb2.INVITATION_STATE_EXPIRED, page_size=_SHOWN)
    invitations = optional(lambda: call("identity", "ListInvitations", expired))
    return {
        "counts": counts_of(answer),
        "lines": [present_line(person) for person in answer.staff],
        "invitations": [present_invitation(one) for one in invitations.invitations] if invitations else None,
    }


_FACTS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "lead": _lead,
    "case_manager": _case_manager,
    "school": _school,
    "contact": _contact,
    "analyst": _analyst,
    "admin": _admin,
    "authoriser": _authoriser,
    "desk": dict,
    "waiting": dict,
}
