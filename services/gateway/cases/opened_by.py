"""Who opened the record of a case: for a lead to read."""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from ascms.cases.v1 import access_log_pb2
from flask import Blueprint, render_template, request
from flask_babel import gettext as _

from kit.clock import local_date
from kit.web.dates import DayGroup
from services.gateway.backends import call
from services.gateway.cases.names import Names
from services.gateway.security import caller, needs
from services.gateway.wording import moment_of

blueprint = Blueprint("cases_opened", __name__)


@dataclass(frozen=True, slots=True)
class Opening:
    """Someone opened the record; `organisation` is empty for the provider's own people."""

    who: str
    organisation: str
    at: datetime


@blueprint.get("/cases/<uuid:case_id>/access")
@needs("cases:read-all")
def show(case_id: UUID) -> str:
    """Everyone who opened the record, the latest first. Looking here opens no record."""
    question = access_log_pb2.ListAccessRequest(case_id=str(case_id), page_token=request.args.get("page", ""))
    answer = call("cases", "ListAccess", question)
    own = str(caller().organisation.id)
    lines = answer.lines
    names = Names.of(
        {line.opened_by for line in lines if line.organisation_id in ("", own)},
        {line.organisation_id for line in lines if line.organisation_id != own},
    )
    openings = [_opening(line, names, own=own) for line in lines]
    groups = [
        DayGroup(day=day, entries=tuple(found)) for day, found in groupby(openings, key=lambda one: local_date(one.at))
    ]
    return render_template(
        "cases/opened_by.html",
        case_id=case_id,
        number=answer.case_number,
        groups=groups,
        next_page=answer.next_page_token,
    )


def _opening(line: access_log_pb2.AccessLine, names: Names, *, own: str) -> Opening:
    at = moment_of(line.opened_at)
    assert at is not None, "every line has its moment"
    if line.organisation_id in ("", own):
        return Opening(names.person(line.opened_by), "", at)
    return Opening(str(_("someone at the school")), names.organisation(line.organisation_id), at)
