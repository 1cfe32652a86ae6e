"""What a case consists of: its pages, in order, and the panels beside its timeline that others provide.

Whoever adds a page or a panel to the case adds one line here and nothing to the case's own template. A page of a case
is an endpoint that takes `case_id`; a template shows the line of pages with `{{ case_nav(case_id) }}` of
`cases/frame.html`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import request, url_for
from flask_babel import lazy_gettext as _l

from kit.web.pages import Link
from services.gateway.security import caller
from services.gateway.sending import optional


@dataclass(frozen=True, slots=True)
class CaseTab:
    """A page of the case, for whoever has the permission."""

    text: Any
    endpoint: str
    permission: str


@dataclass(frozen=True, slots=True)
class SidePanel:
    """A panel in the side column. Its template sees `case`, and as `facts` what the function says.

    The function makes at most one call. While its service is away, `facts.away` is true and nothing else is there.
    """

    template: str
    permission: str
    facts: Callable[[UUID], Mapping[str, Any]]


TABS: tuple[CaseTab, ...] = (
    CaseTab(_l("Case"), "cases.show", "cases:read"),
    CaseTab(_l("Files"), "files.show_list", "cases:read"),
    CaseTab(_l("Letters"), "letters.show_list", "cases:read"),
    CaseTab(_l("Who opened it"), "cases_opened.show", "cases:read-all"),
)
SIDE_PANELS: tuple[SidePanel, ...] = ()


def case_tabs(case_id: UUID | str) -> list[Link]:
    """The pages of a case that the person may open, the present one marked."""
    who = caller()
    return [
        Link(str(tab.text), url_for(tab.endpoint, case_id=case_id), is_current=request.endpoint == tab.endpoint)
        for tab in TABS
        if who.may(tab.permission)
    ]


def side_panels(case_id: UUID) -> list[tuple[str, Mapping[str, Any]]]:
    """Template and facts of each panel that the person may see."""
    who = caller()
    return [(panel.template, _facts(panel, case_id)) for panel in SIDE_PANELS if who.may(panel.permission)]


def _facts(panel: SidePanel, case_id: UUID) -> Mapping[str, Any]:
    found = optional(lambda: panel.facts(case_id))
    return {"away": found is None, **(found or {})}
