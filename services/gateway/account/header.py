"""The sections that stand above every page: only those that the person's roles open."""

from collections.abc import Iterator

from flask import request, url_for
from flask_babel import lazy_gettext as _l

from kit.web.pages import Link
from services.gateway.security import Caller
from services.gateway.wording import role_name


def sections_for(who: Caller) -> list[Link]:
    """Links to where the person can go, the present one marked."""
    # Pages of one section may be several blueprints: "cases", "cases_work".
    section = (request.blueprint or "").partition("_")[0]
    endpoint = request.endpoint or ""
    return [
        Link(
            text,
            url_for(target),
            is_current=endpoint == target or (section in mark.split() and not endpoint.endswith(".show_people")),
        )
        for text, target, mark in _sections(who)
    ]


_SECTIONS = (
    ("requests:answer", _l("Requests"), "incoming.show_list", "incoming"),
    ("requests:submit", _l("Requests"), "requests.show_list", "requests"),
    ("cases:read-shared", _l("Shared"), "sharing.show_list", "sharing"),
    ("cases:read", _l("Cases"), "cases.show_list", "cases"),
    ("cases:read", _l("Tasks"), "tasks.show_list", "tasks"),
    ("letters:approve", _l("Letters"), "letters.show_queue", "letters"),
    ("figures:provider", _l("Figures"), "reports.show_current", "reports"),
    ("figures:national", _l("National figures"), "reports.show_current_national", "reports"),
    ("organisations:read", _l("Organisations"), "organisations.show_list", "organisations register plans"),
    ("organisations:manage", _l("Catchments"), "catchments.show_list", "catchments"),
    ("people:authorise", _l("People"), "staff.show_list", "staff"),
    ("people:read", _l("People"), "organisations.show_people", ""),
)
"""Permission, words, where to, and the blueprints whose pages count as this section."""


def _sections(who: Caller) -> Iterator[tuple[str, str, str]]:
    """Words, where to, and the blueprints whose pages count as this section."""
    yield str(_l("Start")), "home.show", "home"
    for permission, words, target, mark in _SECTIONS:
        # Who gives access has a richer list of the same people.
        if who.may(permission) and (permission != "people:read" or not who.may("people:authorise")):
            yield str(words), target, mark


def roles_of(who: Caller) -> str:
    """The person's roles in words, for beside their name."""
    return ", ".join(role_name(role.code) for role in who.roles)
