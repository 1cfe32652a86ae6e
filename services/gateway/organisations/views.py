"""Organisations, for the ministry; colleagues, for those who answer for them."""

from ascms.identity.v1 import identity_pb2, register_pb2
from flask import Blueprint, render_template, request

from services.gateway.backends import call
from services.gateway.listing import counts_of
from services.gateway.organisations import pages
from services.gateway.security import needs

blueprint = Blueprint("organisations", __name__)


@blueprint.get("/organisations")
@needs("organisations:read")
def show_list() -> str:
    """All organisations, by name."""
    question = identity_pb2.ListOrganisationsRequest(
        kind=pages.KINDS_BY_FILTER.get(request.args.get("kind", ""), identity_pb2.ORGANISATION_KIND_UNSPECIFIED),
        page_token=request.args.get("page", ""),
        search=request.args.get("search", "").strip(),
        state=pages.STATES_BY_FILTER.get(request.args.get("kind", ""), register_pb2.ORGANISATION_STATE_UNSPECIFIED),
    )
    answer = call("identity", "ListOrganisations", question)
    return render_template(
        "organisations/list.html",
        lines=pages.present_organisations(answer.organisations),
        counts=counts_of(answer),
        search=question.search,
        next_page=answer.next_page_token,
    )


@blueprint.get("/people")
@needs("people:read")
def show_people() -> str:
    """The people of the caller's organisation, with what is missing before a role works."""
    question = identity_pb2.ListPeopleRequest(page_token=request.args.get("page", ""))
    answer = call("identity", "ListPeople", question)
    return render_template(
        "organisations/people.html", lines=pages.present_people(answer.people), next_page=answer.next_page_token
    )
