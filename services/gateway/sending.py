"""What every form that writes needs: a key that makes it count once, and refusals brought back to its fields."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from flask import session
from flask_babel import gettext as _
from wtforms import HiddenField

from kit.errors import (
    AlreadyExistsError,
    ConflictError,
    DeadlineExceededError,
    FailedPreconditionError,
    InvalidArgumentError,
    ResourceExhaustedError,
    UnavailableError,
)
from kit.ids import uuid7
from kit.web.forms import Form
from services.gateway.wording import error_words, in_words

Answer = TypeVar("Answer")
_AWAY = (UnavailableError, DeadlineExceededError, ResourceExhaustedError)
_POSITION = "position"


class OnceForm(Form):
    """A form with a key in it: sent twice (a double tap, a reload), it has one effect.

    `status` is what the answer that shows it again has; `is_stale` whether someone else was faster.
    """

    once = HiddenField(default=lambda: str(uuid7()))
    status = 200
    is_stale = False

    @property
    def key(self) -> str:
        """The idempotency key."""
        return str(self.once.data or "")

    def is_sent(self) -> bool:
        """Whether it was sent and holds to its own rules."""
        if not self.is_submitted():
            return False
        self.status = 422
        return bool(self.validate())


def send(form: OnceForm, write: Callable[[], Answer], *, names: Mapping[str, str] | None = None) -> Answer | None:
    """Send what a form holds. None when that did not work: the reason then stands in the form, nothing typed is lost.

    `names` maps fields of the contract to fields of the form. What is missing or forbidden rises to the caller.
    """
    try:
        return write()
    except InvalidArgumentError as error:
        if error.reason == "idempotency-key-reused":
            form.once.data = str(uuid7())
            _refuse(form, error_words(error), status=409)
        else:
            form.take_violations(in_words(error.violations), names=names)
    except (FailedPreconditionError, AlreadyExistsError) as error:
        _refuse(form, error_words(error), status=409)
    except ConflictError as error:
        form.is_stale = error.reason == "stale-version"
        form.once.data = str(uuid7())
        form.status = 409
        if not form.is_stale:
            _refuse(form, error_words(error), status=409)
    except _AWAY:
        _refuse(
            form,
            _(
                "We could not reach the service just now. What you wrote is still here: wait a moment, then send it "
                "again."
            ),
            status=503,
        )
    return None


def _refuse(form: OnceForm, words: str, *, status: int) -> None:
    form.form_errors = [*form.form_errors, words]
    form.status = status


def optional(read: Callable[[], Answer]) -> Answer | None:
    """A read that a page can do without: None while its service is away."""
    try:
        return read()
    except _AWAY:
        return None


def remember_position(response: Any) -> None:
    """Keep the position of a write, so that figures read next show it."""
    session[_POSITION] = max(seen_position(), int(response.position))


def seen_position() -> int:
    """The position of this person's last write; 0 before the first."""
    return int(session.get(_POSITION, 0))
