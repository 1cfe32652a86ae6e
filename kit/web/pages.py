"""What every page shows around its content: who is signed in, for which organisation, and where else to go."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Link:
    """A link with its words. `count` stands beside it when it is not None."""

    text: str
    href: str
    is_current: bool = False
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values to switch to by a form."""

    value: str
    text: str
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class Header:
    """The line at the top. What is empty is not shown; signed out, that is all but product and language."""

    person: str = ""
    role: str = ""
    organisation: str = ""
    organisations: Sequence[Choice] = ()
    switch_url: str = ""
    search_url: str = ""
    search_label: str = ""
    search_value: str = ""
    sections: Sequence[Link] = ()
    person_links: Sequence[Link] = ()
    sign_out_url: str = ""
