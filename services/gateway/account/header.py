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
    yield _("Start"), "home.show", "home"
    if who.may("requests:answer"):
        yield _("Requests"), "incoming.show_list", "incoming"
    if who.may("requests:submit"):
        yield _("Requests"), "requests.show_list", "requests"
    if who.may("cases:read-shared"):
        yield _("Shared"), "sharing.show_list", "sharing"
    if who.may("cases:read"):
        yield _("Cases"), "cases.show_list", "cases"
        yield _("Tasks"), "tasks.show_list", "tasks"
    if who.may("figures:provider"):
        yield _("Figures"), "reports.show_current", "reports"
    if who.may("figures:national"):
        yield _("National figures"), "reports.show_current_national", "reports"
    if who.may("organisations:read"):
        yield _("Organisations"), "organisations.show_list", "organisations register plans"
    if who.may("organisations:manage"):
        yield _("Catchments"), "catchments.show_list", "catchments"
    yield from _people(who)


def _people(who: Caller) -> Iterator[tuple[str, str, str]]:
    if who.may("people:authorise"):
        yield _("People"), "staff.show_list", "staff"
    elif who.may("people:read"):
        yield _("People"), "organisations.show_people", ""


def roles_of(who: Caller) -> str:
    """The person's roles in words, for beside their name."""
    return ", ".join(role_name(role.code) for role in who.roles)
