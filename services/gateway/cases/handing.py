"""A lead hands out many cases at once: tick them, choose who gets them, see what became of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ascms.cases.v1 import cases_pb2
from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import RadioField
from wtforms.validators import ValidationError

from kit.web.forms import Needed
from services.gateway.backends import call, names_of
from services.gateway.cases import pages
from services.gateway.cases.views import case_managers, present_lines
from services.gateway.listing import counts_of
from services.gateway.organisations.pages import choose_person
from services.gateway.security import caller, needs
from services.gateway.sending import OnceForm, remember_position, send
from services.gateway.wording import NOT_ASSIGNED

blueprint = Blueprint("cases_handing", __name__)
_PAGE_SIZE = 200
_MOST = 500
_MOST_NAMED = 40
_BETWEEN = "~"


class HandOutForm(OnceForm):
    """Which cases, and who gets them. A ticked box carries the id and the number of its case."""

    case_manager_id = RadioField(
        _l("Who gets them?"), choices=[], validate_choice=False, validators=[Needed(_l("Choose a case manager."))]
    )
    cases = RadioField(choices=[], validate_choice=False)

    @property
    def ticked(self) -> list[str]:
        """The ids of the ticked cases, each once; what is no id is left out."""
        return list(dict.fromkeys(one for one in (each.partition(_BETWEEN)[0] for each in self._boxes) if _is_id(one)))

    @property
    def numbers(self) -> dict[str, str]:
        """The numbers of the ticked cases, by id."""
        parts = (each.partition(_BETWEEN) for each in self._boxes)
        return {case_id: number for case_id, _between, number in parts}

    def validate_cases(self, _field: RadioField) -> None:
        """At least one, and no more than are handed out at once."""
        if not self.ticked:
            raise ValidationError(_("Tick the cases to hand out."))
        if len(self.ticked) > _MOST:
            raise ValidationError(_("These are too many at once. Tick at most %(most)s.", most=_MOST))

    @property
    def _boxes(self) -> Sequence[str]:
        return request.form.getlist("cases")

    def message(self) -> cases_pb2.BulkAssignCasesRequest:
        """What the service is asked."""
        return cases_pb2.BulkAssignCasesRequest(case_ids=self.ticked, case_manager_id=self.case_manager_id.data)


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class NotGiven:
    """A case that could not be given, and why."""

    number: str
    href: str
    why: str


@blueprint.route("/cases/hand-out", methods=["GET", "POST"])
@needs("cases:assign")
def hand_out() -> Response:
    """Tick cases, choose who gets them."""
    form = HandOutForm()
    if form.is_sent():
        done = send(form, lambda: call("cases", "BulkAssignCases", form.message(), idempotency_key=form.key))
        if done is not None:
            remember_position(done)
            return redirect(_result_of(form, done), 303)  # type: ignore[return-value]  # werkzeug's Response
    manager, state = request.args.get("manager", ""), request.args.get("state", "")
    question = cases_pb2.ListCasesRequest(
        state=pages.STATES_BY_FILTER.get(state, cases_pb2.CASE_STATE_NEW),
        case_manager_id=str(caller().person_id) if manager == "me" else manager,
        page_size=_PAGE_SIZE,
        page_token=request.args.get("page", ""),
    )
    answer = call("cases", "ListCases", question)
    choose_person(form.case_manager_id, call("identity", "ListPeople", case_managers()).people)
    page = render_template(
        "cases/hand_out.html",
        form=form,
        ticked=set(form.ticked),
        lines=present_lines(answer.cases),
        counts=counts_of(answer),
        next_page=answer.next_page_token,
        state=state if state in pages.STATES_BY_FILTER else "new",
        between=_BETWEEN,
    )
    return make_response(page, form.status)


def _result_of(form: HandOutForm, done: cases_pb2.BulkAssignCasesResponse) -> str:
    """Where the result stands: how many, to whom, and which not, by number; the address holds no name."""
    refused = [
        _BETWEEN.join((each.case_id, form.numbers.get(each.case_id, ""), each.reason)) for each in done.not_assigned
    ]
    facts: dict[str, Any] = {"given": len(done.assigned_case_ids), "to": form.case_manager_id.data}
    if refused:
        facts |= {"refused": refused[:_MOST_NAMED], "not_given": len(refused)}
    return url_for(".show_result", **facts)


@blueprint.get("/cases/hand-out/result")
@needs("cases:assign")
def show_result() -> str:
    """What became of each case."""
    to = request.args.get("to", "")
    not_given = [_not_given(each) for each in request.args.getlist("refused")[:_MOST_NAMED]]
    return render_template(
        "cases/handed_out.html",
        given=request.args.get("given", 0, type=int),
        who=names_of({to}).get(to, "") if _is_id(to) else "",
        not_given=[each for each in not_given if each is not None],
        not_given_count=request.args.get("not_given", 0, type=int),
    )


def _not_given(text: str) -> NotGiven | None:
    case_id, _first, rest = text.partition(_BETWEEN)
    number, _second, reason = rest.partition(_BETWEEN)
    if not _is_id(case_id) or reason not in NOT_ASSIGNED:
        return None
    return NotGiven(number, url_for("cases.show", case_id=case_id), str(NOT_ASSIGNED[reason]))
