"""A return as a file: the same for who downloads it from its page and for who asks by REST."""

from datetime import datetime, time

from ascms.reporting.v1 import returns_pb2
from flask import Response
from flask_babel import gettext as _

from kit.clock import NEW_ZEALAND
from kit.web.dates import say_exact_moment
from kit.web.i18n import current_language
from services.gateway.reports import downloads
from services.gateway.reports.pages import present_figures, present_parts, present_quarter, present_sections
from services.gateway.reports.tables import return_tables
from services.gateway.returns.forms import texts
from services.gateway.security import caller
from services.gateway.wording import moment_of, today


def return_file(answer: returns_pb2.GetReturnResponse, *, kind: str) -> Response:
    """A return to save: "csv", "xlsx" or "pdf"; as it was frozen, or as it stands."""
    return downloads.attachment(downloads.MAKERS[kind](document_of(answer)), kind=kind, name=name_of_return(answer))


def name_of_return(answer: returns_pb2.GetReturnResponse) -> str:
    """What its file is called."""
    filed = answer.provider_return
    return f"return-{filed.quarter}" + (f"-{filed.number}" if answer.frozen else "-draft")


def document_of(answer: returns_pb2.GetReturnResponse) -> downloads.Document:
    """What a return says, as tables."""
    filed = answer.provider_return
    frozen = next((each for each in answer.versions if answer.frozen and each.number == filed.number), None)
    settled_at = moment_of(frozen.submitted_at) if frozen else None
    facts = [str(_("A draft, as it stands now."))]
    if frozen and settled_at:
        said = say_exact_moment(settled_at, language=current_language())
        facts = [
            str(_("Submitted %(moment)s, version %(number)s.", moment=said, number=frozen.number)),
            str(_("Checksum (SHA-256): %(checksum)s", checksum=frozen.sha256)),
        ]
    quarter = present_quarter(filed.quarter)
    return downloads.Document(
        str(_("Return of %(provider)s, %(quarter)s", provider=caller().organisation.name, quarter=quarter.name)),
        facts,
        settled_at or datetime.combine(today(), time(), NEW_ZEALAND),
        return_tables(
            present_sections(present_figures(answer.figures)),
            comments=texts(filed.comments),
            parts=present_parts(answer.breakdowns),
        ),
    )
