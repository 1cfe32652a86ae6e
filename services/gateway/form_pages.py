"""What every page with a form that writes does alike: send it, go on where that worked, else show what was typed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from flask import Response, make_response, redirect

from services.gateway.sending import OnceForm, remember_position, send
from services.gateway.versions import SharedForm, send_shared

Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class Saved(Generic[Thing]):
    """What a form is about: how it is read, filled into the form (which says its version), and shown."""

    read: Callable[[], Thing]
    show: Callable[[Thing], int]
    page: Callable[[Thing], str]


def form_page(
    form: OnceForm, write: Callable[[], Any], *, then: Callable[[Any], str], page: Callable[[], str]
) -> Response:
    """The page of a form, or the way on once it was written: to where `then` says of what was answered."""
    if form.is_sent():
        done = send(form, write)
        if done is not None:
            return _on(done, then)
    shown = page()
    return make_response(shown, form.status)


def shared_form_page(
    form: SharedForm, write: Callable[[], Any], saved: Saved[Thing], *, then: Callable[[Any], str]
) -> Response:
    """As `form_page`, for a form with the facts of something that others may change meanwhile."""
    if form.is_sent():
        done = send_shared(form, write, lambda: saved.show(saved.read()))
        if done is not None:
            return _on(done, then)
    thing = saved.read()
    if not form.is_submitted():
        form.begin(saved.show(thing))
    shown = saved.page(thing)
    return make_response(shown, form.status)


def _on(done: Any, then: Callable[[Any], str]) -> Response:
    if hasattr(done, "position"):
        remember_position(done)
    return redirect(then(done), 303)  # type: ignore[return-value]  # werkzeug's Response
