"""What every page that writes into a case does alike: show the form, send it, keep what was typed whatever happens."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ascms.cases.v1 import cases_pb2
from flask import Response, make_response, redirect, render_template

from kit.errors import NotFoundError
from services.gateway.backends import call
from services.gateway.cases import pages
from services.gateway.cases.names import Names
from services.gateway.sending import OnceForm, optional, remember_position, send
from services.gateway.versions import VersionForm


@dataclass(frozen=True, slots=True)
class CaseForm:
    """A page that writes: for which verb of the case, by which call, and where it leads then."""

    case_id: UUID
    verb: str
    form: OnceForm
    write: Callable[[], Any]
    then: Callable[[Any], str]
    template: str
    prepare: Callable[[cases_pb2.GetCaseResponse], dict[str, Any]] | None = None


def write_page(wanted: CaseForm, **facts: Any) -> Response:
    """The page, or the way on once it was written.

    `prepare` is told the case before the form is shown: it fills in choices and says what else the template needs.
    While the service is away the form is shown without the case, so that nothing typed is lost.
    """
    form = wanted.form
    try:
        if form.is_sent():
            done = send(form, wanted.write)
            if done is not None:
                remember_position(done)
                return redirect(wanted.then(done), 303)  # type: ignore[return-value]  # werkzeug's Response
        question = cases_pb2.GetCaseRequest(case_id=str(wanted.case_id))
        answer: cases_pb2.GetCaseResponse | None = optional(lambda: call("cases", "GetCase", question))
    except NotFoundError:
        if not form.is_submitted():
            raise
        return make_response(render_template("cases/lost.html", form=form), 404)
    case = None
    if answer is not None:
        names = Names.of(pages.everyone_in(answer), {answer.case.school_id})
        case = pages.present_case(answer.case, names)
        if isinstance(form, VersionForm):
            form.see(case.version)
        if wanted.prepare is not None:
            facts |= wanted.prepare(answer)
    page = render_template(wanted.template, form=form, case=case, case_id=wanted.case_id, verb=wanted.verb, **facts)
    return make_response(page, form.status)
