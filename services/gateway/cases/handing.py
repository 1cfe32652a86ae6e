"""A lead hands out many cases at once: tick them, choose who gets them, see what became of each."""

from collections.abc import Sequence
from dataclasses import dataclass
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
_MOST = 500
_MOST_SAID = 40
_BETWEEN, _PARTS = "~", 3


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
            return _answer(form, done)
    manager, state = request.args.get("manager", ""), request.args.get("state", "")
    question = cases_pb2.ListCasesRequest(
        state=pages.STATES_BY_FILTER.get(state, cases_pb2.CASE_STATE_NEW),
        case_manager_id=str(caller().person_id) if manager == "me" else manager,
        page_size=_MOST,
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


def _answer(form: HandOutForm, done: cases_pb2.BulkAssignCasesResponse) -> Response:
    """How many, to whom, and which not: as an address where that is short enough to be one; it holds no name.

    Else it is said at once: whoever sends the form again gets the same answer, as its key is the same.
    """
    given, to = len(done.assigned_case_ids), form.case_manager_id.data
    refused = [(each.case_id, form.numbers.get(each.case_id, ""), each.reason) for each in done.not_assigned]
    if len(refused) > _MOST_SAID:
        return make_response(_result(given=given, to=to, refused=refused))
    told = [_BETWEEN.join(each) for each in refused]
    return redirect(url_for(".show_result", given=given, to=to, refused=told), 303)  # type: ignore[return-value]  # werkzeug's Response


@blueprint.get("/cases/hand-out/result")
@needs("cases:assign")
def show_result() -> str:
    """What became of each case."""
    told = (each.split(_BETWEEN) for each in request.args.getlist("refused"))
    return _result(
        given=request.args.get("given", 0, type=int),
        to=request.args.get("to", ""),
        refused=[(each[0], each[1], each[2]) for each in told if len(each) == _PARTS],
    )


def _result(*, given: int, to: str, refused: Sequence[tuple[str, str, str]]) -> str:
    """The page of what became of each; `refused`: id, number and reason of those not given."""
    return render_template(
        "cases/handed_out.html",
        given=given,
        who=names_of({to}).get(to, "") if _is_id(to) else "",
        not_given=[
            NotGiven(number, url_for("cases.show", case_id=case_id), str(NOT_ASSIGNED[reason]))
            for case_id, number, reason in refused
            if _is_id(case_id) and reason in NOT_ASSIGNED
        ],
    )
