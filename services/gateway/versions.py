"""Forms about something that others may change meanwhile: who is later is told, and nobody's words are lost.

`VersionForm` carries the version that someone saw. `SharedForm` holds several facts at once: what only one of two
people changed is put together without asking, and only what both changed is asked about.
"""

import json
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any, TypeVar

from flask_babel import gettext as _
from wtforms import HiddenField
from wtforms.fields.core import Field

from services.gateway.sending import OnceForm, send

Answer = TypeVar("Answer")
_MOST_MERGES = 3
"""So often a form is put together with what others saved, before its writer is asked to try again."""


def read_version(field: HiddenField) -> int:
    """A version that a form carried; 0, which means whichever, when it was tampered with."""
    text = str(field.data or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0  # noqa: PLR2004 - fits an int64


class VersionForm(OnceForm):
    """A form about something as someone saw it: told when a colleague changed it meanwhile."""

    version = HiddenField()

    @property
    def seen_version(self) -> int:
        """The version it was filled in for."""
        return read_version(self.version)

    def see(self, version: int) -> None:
        """Before it is shown: it is filled in for what stands there now, unless it was for something before."""
        if self.is_stale or not self.version.data:
            self.version.data = str(version)


class SharedForm(VersionForm):
    """A form with the facts of something. It carries the mark of each fact as its writer first saw it.

    `theirs`: what a colleague saved in the fields that both changed, by name; the writer's own words stand in them.
    """

    marks = HiddenField()

    def __init__(self, *args: Any, **options: Any) -> None:
        """As any form."""
        super().__init__(*args, **options)
        self.theirs: dict[str, Any] = {}

    def begin(self, version: int) -> None:
        """It shows what stands there now, at a version: what is changed from here on is its writer's change."""
        self.version.data = str(version)
        self.marks.data = json.dumps({name: _mark(field) for name, field in self._facts()})

    def take_in(self, show: Callable[[], int]) -> None:
        """Put what was written together with what was saved meanwhile: `show` fills that in and says its version."""
        mine = {name: field.data for name, field in self._facts()}
        my_marks = {name: _mark(field) for name, field in self._facts()}
        first = self._first_marks()
        self.begin(show())
        self.theirs = {}
        for name, field in self._facts():
            their_mark = _mark(field)
            if my_marks[name] in (their_mark, first.get(name)):
                continue
            if their_mark != first.get(name):
                self.theirs[name] = field.data
            field.process(None, mine[name])

    def differences(self) -> list[dict[str, str]]:
        """Both versions of what both changed, in words, for the page that asks."""
        fields = dict(self._facts())
        return [
            {
                "label": str(fields[name].label.text),
                "theirs": _words(fields[name], data),
                "yours": _words(fields[name], fields[name].data),
            }
            for name, data in self.theirs.items()
        ]

    def _facts(self) -> Iterable[tuple[str, Field]]:
        return [(name, field) for name, field in self._fields.items() if not isinstance(field, HiddenField)]

    def _first_marks(self) -> dict[str, str]:
        """The marks that came with the form; without readable ones every difference counts as a change of both."""
        try:
            found = json.loads(self.marks.data or "")
        except (ValueError, RecursionError):  # The latter of brackets in brackets, without end.
            return {}
        return found if isinstance(found, dict) else {}


def send_shared(
    form: SharedForm, write: Callable[[], Answer], show: Callable[[], int], **options: Any
) -> Answer | None:
    """As `send`; where someone else was faster, both are put together and sent, unless both changed one thing.

    `write` reads the form each time. `show` reads what is saved now, fills it into the form and says its version.
    """
    done = send(form, write, **options)
    for _turn in range(_MOST_MERGES):
        if done is not None or not form.is_stale:
            return done
        form.take_in(show)
        if form.theirs:
            return None
        form.is_stale = False
        done = send(form, write, **options)
    if form.is_stale:
        form.form_errors = [_("Others are saving this at the moment. What you wrote is still here: send it again.")]
    return done


def _mark(field: Field) -> str:
    return sha256(json.dumps(_plain(field.data)).encode()).hexdigest()[:16]


def _plain(data: Any) -> Any:
    """What a field holds so that equal answers are equal, however they came into it."""
    if isinstance(data, (list, tuple, set)):
        return sorted(str(each) for each in data) or ""
    return "" if data in (None, False) else str(data)


def _words(field: Field, data: Any) -> str:
    choices = {str(choice.value): str(choice.label) for choice in getattr(field, "choices", None) or []}
    if isinstance(data, bool):
        return str(_("Yes") if data else _("No"))
    if isinstance(data, (list, tuple)):
        return ", ".join(choices.get(str(each), str(each)) for each in data)
    return choices.get(str(data), str(data or ""))
