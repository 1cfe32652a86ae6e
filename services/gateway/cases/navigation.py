"""What a case consists of: its pages, in order.

Whoever adds a page to the case adds one line here. A page of a case is an endpoint that takes `case_id`; a template
shows the line of pages with `{{ case_nav(case_id) }}` of `cases/frame.html`.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import request, url_for
from flask_babel import lazy_gettext as _l

from kit.web.pages import Link
from services.gateway.security import caller


@dataclass(frozen=True, slots=True)
class CaseTab:
    """A page of the case, for whoever has the permission."""

    text: Any
    endpoint: str
    permission: str


TABS: tuple[CaseTab, ...] = (
    CaseTab(_l("Case"), "cases.show", "cases:read"),
    CaseTab(_l("Files"), "files.show_list", "cases:read"),
    CaseTab(_l("Letters"), "letters.show_list", "cases:read"),
    CaseTab(_l("Who opened it"), "cases_opened.show", "cases:read-all"),
)


def case_tabs(case_id: UUID | str) -> list[Link]:
    """The pages of a case that the person may open, the present one marked."""
    who = caller()
    return [
        Link(str(tab.text), url_for(tab.endpoint, case_id=case_id), is_current=request.endpoint == tab.endpoint)
        for tab in TABS
        if who.may(tab.permission)
    ]
