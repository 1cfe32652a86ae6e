"""Who may open a page: every view says so with `@needs(…)` or `@open_to_all`, or the application does not start.

A view reads who is asking from `caller()`. Nothing here looks at cookies or headers: what authenticates a request is
given to `init_access` once (the session for pages) or set for the request (`be`, by the REST API).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, current_app, g, request

from kit import log
from kit.errors import DomainError, PermissionDeniedError, UnauthenticatedError

View = TypeVar("View", bound=Callable[..., Any])

OPEN = "open"
SIGNED_IN = "signed-in"
_ACCESS = "__ascms_access__"
_BODY_LIMIT = "__ascms_body_limit__"
_EXTENSION = "ascms.authenticate"
# What the kit and Flask bring: files, the language switch, the style guide. None shows anything of anyone.
_PUBLIC_MODULES = ("kit.web", "flask.")


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation. `id` is also the tenant's; `kind` is "provider", "school" or "ministry"."""

    id: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Role:
    """A role at the active organisation. `missing` says what it lacks while it does not work: "training"."""

    code: str
    works: bool
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking, for which organisation, and what they may do there.

    `token` is the internal one, good for the length of a request. For a machine `person_id` is its client's id.
    """

    person_id: str
    name: str
    organisation: Organisation
    organisations: tuple[Organisation, ...]
    roles: tuple[Role, ...]
    permissions: frozenset[str]
    token: str

    def may(self, permission: str) -> bool:
        """Whether they hold a permission, such as "cases:assign"."""
        return permission in self.permissions


@dataclass(frozen=True, slots=True)
class Authentication:
    """How a request without credentials of its own is known: both raise UnauthenticatedError for nobody.

    `renew` asks identity again, past what is kept in memory.
    """

    now: Callable[[], Caller]
    renew: Callable[[], Caller]


class UndeclaredAccessError(Exception):
    """Views that do not say who may open them; the message names each."""


def needs(permission: str | None) -> Callable[[View], View]:
    """Mark a view that wants someone signed in, and, unless None, that they hold a permission.

    Nobody signed in: to the sign-in and back. Permission missing: PermissionDeniedError, which has its page.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            who = caller()
            if permission is not None and not who.may(permission):
                raise PermissionDeniedError(
                    "permission-missing", "Your role does not allow this.", metadata={"permission": permission}
                )
            return view(*args, **kwargs)

        setattr(guarded, _ACCESS, permission or SIGNED_IN)
        return guarded  # type: ignore[return-value]  # the same call, guarded

    return decorate


def open_to_all(view: View) -> View:
    """Mark a view that anybody may open: it must show nothing of anyone."""
    setattr(view, _ACCESS, OPEN)
    return view


def declare(view: View, access: str) -> View:
    """Say who may open a view that checks it in its own way: the REST API, whose services check each call."""
    setattr(view, _ACCESS, access)
    return view


def takes_up_to(limit: int) -> Callable[[View], View]:
    """Mark a view whose body may have `limit` bytes, where that is more than the application's own limit."""

    def decorate(view: View) -> View:
        setattr(view, _BODY_LIMIT, limit)
        return view

    return decorate


def access_of(view: Callable[..., Any]) -> str | None:
    """What a view declares: a permission, "signed-in", "open", or None for nothing."""
    declared: str | None = getattr(view, _ACCESS, None)
    if declared is None and view.__module__.startswith(_PUBLIC_MODULES):
        return OPEN
    return declared


def caller() -> Caller:
    """Who is asking; raises UnauthenticatedError where nobody is signed in."""
    if "caller" not in g:
        if "caller_error" in g:
            # Asked a second time for the frame of the page that reports it: no second wait.
            raise g.caller_error
        try:
            g.caller = _authentication().now()
        except DomainError as error:
            g.caller_error = error
            raise
        log.bind(actor_id=g.caller.person_id)
    known: Caller = g.caller
    return known


def caller_or_none() -> Caller | None:
    """Who is asking, or None; also None while identity is away: for what stands around a page, never for access."""
    try:
        return caller()
    except DomainError:
        return None


def renew_caller() -> Caller:
    """Who is asking, from identity once more: after a service refused a token that we had kept."""
    g.caller = g.renew() if "renew" in g else _authentication().renew()
    renewed: Caller = g.caller
    return renewed


def be(who: Caller, *, renew: Callable[[], Caller]) -> None:
    """This request is `who`'s, by credentials of its own."""
    g.caller = who
    g.renew = renew
    log.bind(actor_id=who.person_id)


def is_signed_out() -> bool:
    """Whether nobody is signed in, as far as this request had to find out."""
    try:
        caller()
    except UnauthenticatedError:
        return True
    except DomainError:
        return False
    return False


def init_access(app: Flask, authentication: Authentication) -> None:
    """Say how pages know their reader, and let views raise the limit of a body before anything reads it."""
    app.extensions[_EXTENSION] = authentication

    @app.before_request
    def raise_body_limit() -> None:
        view = app.view_functions.get(request.endpoint or "")
        limit = getattr(view, _BODY_LIMIT, None)
        # A large body is spooled to our disk before the view is asked anything: for those who may use it alone.
        if limit is not None and (who := caller_or_none()) is not None and who.may(str(getattr(view, _ACCESS, ""))):
            request.max_content_length = limit


def undeclared_views(app: Flask) -> Iterator[str]:
    """Endpoints whose view says nothing about who may open it."""
    for endpoint, view in sorted(app.view_functions.items()):
        if access_of(view) is None:
            yield f"{endpoint} ({view.__module__}.{view.__qualname__})"


def require_declared_access(app: Flask) -> None:
    """Refuse to go on with a view that does not say who may open it."""
    if faults := list(undeclared_views(app)):
        raise UndeclaredAccessError("views without @needs or @open_to_all: " + ", ".join(faults))


def _authentication() -> Authentication:
    found: Authentication = current_app.extensions[_EXTENSION]
    return found
