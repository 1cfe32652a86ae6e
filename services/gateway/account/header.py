"""The sections that stand above every page: only those that the person's roles open."""

from flask import request, url_for
from flask_babel import lazy_gettext as _l

from kit.web.pages import Link
from services.gateway.security import Caller
from services.gateway.wording import role_name

_SECTIONS = (
    (None, _l("Start"), "home.show", "home"),
    ("requests:answer", _l("Requests"), "incoming.show_list", "incoming"),
    ("requests:submit", _l("Requests"), "requests.show_list", "requests"),
    ("cases:read-shared", _l("Shared"), "sharing.show_list", "sharing"),
    ("cases:read", _l("Cases"), "cases.show_list", "cases"),
    ("cases:read", _l("Tasks"), "tasks.show_list", "tasks"),
    ("letters:approve", _l("Letters"), "letters.show_queue", "letters"),
    ("figures:provider", _l("Figures"), "reports.show_current", "reports"),
    ("figures:provider", _l("Returns"), "returns.show_list", "returns"),
    ("figures:national", _l("National figures"), "reports.show_current_national", "reports"),
    ("returns:overview", _l("Returns"), "returns.show_current_providers", "returns"),
    ("organisations:read", _l("Organisations"), "organisations.show_list", "organisations register plans"),
    ("organisations:manage", _l("Catchments"), "catchments.show_list", "catchments"),
    ("access:find", _l("Access"), "desk.find", "desk"),
    ("people:authorise", _l("People"), "staff.show_list", "staff"),
    ("people:read", _l("People"), "organisations.show_people", ""),
    (None, _l("Help"), "guidance.show_list", "guidance"),
)
"""Who sees it, its words, where it leads, and the blueprints whose pages count as this section."""


def sections_for(who: Caller) -> list[Link]:
    """Links to where the person can go, the present one marked."""
    # Pages of one section may be several blueprints: "cases", "cases_work".
    section = (request.blueprint or "").partition("_")[0]
    endpoint = request.endpoint or ""
    return [
        Link(
            str(text),
            url_for(target),
            is_current=endpoint == target or (section in mark.split() and not endpoint.endswith(".show_people")),
        )
        for permission, text, target, mark in _SECTIONS
        if permission is None or who.may(permission)
        # Who gives access has a richer list of the same people.
        if permission != "people:read" or not who.may("people:authorise")
    ]


def roles_of(who: Caller) -> str:
    """The person's roles in words, for beside their name."""
    return ", ".join(role_name(role.code) for role in who.roles)
