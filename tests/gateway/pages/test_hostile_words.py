"""Whatever people wrote, every page shows it as words: here every text of every answer is markup."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from lxml import html  # type: ignore[import-untyped]  # lxml publishes no types

from services.gateway.backends import Backends
from tests.gateway.pages.conftest import Browser
from tests.gateway.pages.test_every_page import EACH

As = Callable[..., Browser]
HOSTILE = (
    "\"'></title></textarea><img src=x data-canary onerror=alert(1)><script data-canary>alert(1)</script>"
    "{{7*7}} [a](javascript:alert(1)) <svg/onload=alert(1) data-canary>"
)
# Ids, days, numbers, names of things in code: what a program gave. Words of people have spaces, capitals or signs.
_OF_A_PROGRAM = re.compile(r"|[a-z_:./-]+|[\w.:-]*\d[\w.:+-]*")


def spoil(message: Message) -> Message:
    """Every text of a person in a message and all its parts ends in markup."""
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for part in value if field.is_repeated else [value]:
                spoil(part)
        elif field.type == FieldDescriptor.TYPE_STRING:
            if field.is_repeated:
                value[:] = [_spoilt(one) for one in value]
            else:
                setattr(message, field.name, _spoilt(value))
    return message


def _spoilt(text: str) -> str:
    return text if _OF_A_PROGRAM.fullmatch(text) else text + HOSTILE


def faults(page: html.HtmlElement) -> Iterator[str]:
    """What would run or change the page."""
    for element in page.iter():
        if not isinstance(element.tag, str):
            yield f"comment: {element!r}"
            continue
        if "data-canary" in element.attrib:
            yield f"an element that someone wrote: {element.tag}"
        if element.tag == "script" and (not element.get("src") or (element.text or "").strip()):
            yield "a script of the page's own"
        for name, value in element.attrib.items():
            if name.startswith("on") or name == "style":
                yield f"{element.tag} {name}"
            if name in ("href", "src", "action", "formaction") and value.strip().lower().startswith(
                ("javascript:", "data:", "vbscript:")
            ):
                yield f"{element.tag} {name}={value[:30]}"


@pytest.fixture
def hostile(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway whose services answer as always, but that every word in what they say is markup."""
    backends: Backends = app.extensions["tests.backends"]
    real = backends.call

    def spoilt(service: str, method: str, request: Any, **options: Any) -> Any:
        answer = real(service, method, request, **options)
        return spoil(answer) if isinstance(answer, Message) else answer

    monkeypatch.setattr(backends, "call", spoilt)


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize(("key", "path"), EACH)
def test_words_that_are_markup_do_nothing_on_any_page(as_: As, key: str, path: str) -> None:
    page = as_(key).text(path)
    assert list(faults(html.fromstring(page))) == []


@pytest.mark.usefixtures("hostile")
def test_they_are_shown_as_they_were_written(as_: As) -> None:
    """The pages above do show them: without this a test of nothing would pass."""
    shown = [(key, path) for key, path in EACH if key and "data-canary" in as_(key).text(path)]
    assert len(shown) > len(EACH) * 0.9
