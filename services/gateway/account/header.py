"""The sections that stand above every page: only those that the person's roles open."""

from collections.abc import Iterator

from flask import request, url_for
from flask_babel import gettext as _

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


def _sections(who: Caller) -> Iterator[tuple[str, str, str]]:
    """Words, where to, and the blueprint whose pages count as this section."""
    for permission, words, target, mark in (
        ("", _("Start"), "home.show", "home"),
        ("requests:answer", _("Requests"), "incoming.show_list", "incoming"),
        ("requests:submit", _("Requests"), "requests.show_list", "requests"),
        ("cases:read-shared", _("Shared"), "sharing.show_list", "sharing"),
        ("cases:read", _("Cases"), "cases.show_list", "cases"),
        ("cases:read", _("Tasks"), "tasks.show_list", "tasks"),
        ("figures:provider", _("Figures"), "reports.show_current", "reports"),
        ("figures:provider", _("Returns"), "returns.show_list", "returns"),
        ("figures:national", _("National figures"), "reports.show_current_national", "reports"),
        ("returns:overview", _("Returns"), "returns.show_current_providers", "returns"),
        ("organisations:read", _("Organisations"), "organisations.show_list", "organisations register plans"),
        ("organisations:manage", _("Catchments"), "catchments.show_list", "catchments"),
        ("people:read", _("People"), "organisations.show_people", ""),
    ):
        if not permission or who.may(permission):
            yield words, target, mark


def roles_of(who: Caller) -> str:
    """The person's roles in words, for beside their name."""
    return ", ".join(role_name(role.code) for role in who.roles)
