"""What stands at the top of every page: who is signed in, for which organisation, and where they can go."""

from flask_babel import gettext as _

from kit.web.pages import Choice, Header, Link
from services.gateway.account.header import roles_of, sections_for
from services.gateway.security import caller_or_none


def header() -> Header:
    """The header of this request; empty for nobody."""
    who = caller_or_none()
    if who is None:
        return Header()
    return Header(
        person=who.name,
        role=roles_of(who),
        organisation=who.organisation.name,
        organisations=[
            Choice(value=one.id, text=one.name, is_current=one.id == who.organisation.id) for one in who.organisations
        ],
        search_url="/search" if who.may("students:search") else "",
        search_label=_("Find a student"),
        switch_url="/organisation",
        sections=sections_for(who),
        person_links=[Link(text=_("Your notices"), href="/notices"), Link(text=_("Your access"), href="/account")],
        sign_out_url="/sign-out",
    )
