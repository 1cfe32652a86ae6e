"""A browser without JavaScript: keeps cookies, follows redirects, finds forms and fills them in. It knows no page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

_TIMEOUT_SECONDS = 20
_WORDED = {"a", "label", "script", "style", "title", "template"}
_VOID_TYPES = {"submit", "button", "image", "reset", "file"}


@dataclass(eq=False)
class Form:
    """A form of a page: where it goes and what it would send as it stands."""

    action: str
    method: str
    values: dict[str, list[str]] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    options: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """What can be chosen, by field: (value, words), for selects and radio buttons."""
    kinds: dict[str, str] = field(default_factory=dict)
    """The type of each input: "email", "password"."""

    def named(self, *kinds: str) -> str:
        """The name of the first input of one of these types; empty when there is none."""
        return next((name for name, kind in self.kinds.items() if kind in kinds), "")

    @property
    def path(self) -> str:
        """Where it goes, without the host."""
        return urlsplit(self.action).path

    def value_of(self, name: str, words: str) -> str:
        """The value of the choice that says `words`; raises LookupError with what there is."""
        for value, said in self.options.get(name, []):
            if words in said:
                return value
        raise LookupError(f"no choice {words!r} for {name!r} among {self.options.get(name)}")


@dataclass(frozen=True, slots=True)
class Page:
    """What came back."""

    url: str
    status: int
    text: str
    title: str
    forms: tuple[Form, ...]
    links: tuple[tuple[str, str], ...]
    """(address, words) of each link."""
    html: str

    @property
    def path(self) -> str:
        """Its address without the host."""
        return urlsplit(self.url).path

    @property
    def origin(self) -> str:
        """Scheme, host and port of its address."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    def form(self, *names: str) -> Form:
        """The form that has all these fields; raises LookupError."""
        for form in self.forms:
            known = {*form.values, *form.options, *form.files}
            if set(names) <= known:
                return form
        seen = [sorted({*form.values, *form.options, *form.files}) for form in self.forms]
        raise LookupError(f"{self.url} ({self.status} {self.title!r}) has no form with {names}; there are {seen}")

    def link(self, words: str) -> str:
        """The address of the first link that says `words`; raises LookupError."""
        for address, said in self.links:
            if words in said:
                return address
        raise LookupError(f"{self.url} ({self.status} {self.title!r}) has no link {words!r}; there are {self.links}")


class Browser:
    """One person's browser."""

    def __init__(self, base_url: str) -> None:
        """Nothing is asked yet."""
        self.base_url = base_url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False  # No proxy stands between us and the loopback address.
        self._session.headers["Accept-Language"] = "en-NZ"

    def get(self, address: str) -> Page:
        """Open a page by its address or path."""
        return _page(self._session.get(urljoin(self.base_url + "/", address), timeout=_TIMEOUT_SECONDS))

    def download(self, address: str) -> tuple[str, bytes]:
        """A file by its address or path: its media type and its bytes."""
        answer = self._session.get(urljoin(self.base_url + "/", address), timeout=_TIMEOUT_SECONDS)
        return answer.headers.get("Content-Type", ""), answer.content

    def send(self, form: Form, values: Mapping[str, str], *, file: tuple[str, Path] | None = None) -> Page:
        """Send a form with some fields filled in; `file` is (field, path)."""
        data: dict[str, Any] = {**form.values, **values}
        if form.method == "get":
            return _page(self._session.get(form.action, params=data, timeout=_TIMEOUT_SECONDS))
        files = {}
        if file is not None:
            name, path = file
            files = {name: (path.name, path.read_bytes(), "text/csv")}
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(form.action))
        headers = {"Origin": origin, "Referer": origin + "/"}
        sent = self._session.post(form.action, data=data, files=files, headers=headers, timeout=_TIMEOUT_SECONDS)
        return _page(sent)

    def cookies(self) -> dict[str, str]:
        """What it keeps for the product's own address."""
        return {
            cookie.name: cookie.value or ""
            for cookie in self._session.cookies
            if cookie.domain in (urlsplit(self.base_url).hostname or "")
        }

    def close(self) -> None:
        """Let go of the connections."""
        self._session.close()


def _page(response: requests.Response) -> Page:
    response.encoding = "utf-8"
    reader = _Reader(response.url)
    reader.feed(response.text)
    return Page(
        url=response.url,
        status=response.status_code,
        text=" ".join("".join(reader.words).split()),
        title=" ".join("".join(reader.title).split()),
        forms=tuple(reader.forms),
        links=tuple((urljoin(response.url, address), " ".join(words.split())) for address, words in reader.links),
        html=response.text,
    )


class _Reader(HTMLParser):
    """Collects forms, links and words as a person would see them."""

    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.title: list[str] = []
        self._url = url
        self._form: Form | None = None
        self._open: list[str] = []
        self._select: str | None = None
        self._option: str | None = None
        self._area: str | None = None
        self._label_for: str | None = None
        self._radios: dict[str, tuple[Form, str, int]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        given = {name: value or "" for name, value in attrs}
        if tag in _WORDED:
            self._open.append(tag)
        if tag == "a":
            self.links.append((given.get("href", ""), ""))
        elif tag == "label":
            self._label_for = given.get("for")
        elif tag == "form":
            action = urljoin(self._url, given.get("action") or self._url)
            self._form = Form(action=action, method=given.get("method", "get").lower())
            self.forms.append(self._form)
        elif self._form is not None:
            self._control(self._form, tag, given)

    def _control(self, form: Form, tag: str, given: Mapping[str, str]) -> None:
        name = given.get("name", "")
        match tag:
            case "input" if name:
                self._input(form, name, given)
            case "textarea" if name:
                self._area = name
                form.values[name] = [""]
            case "select" if name:
                self._select = name
                form.options[name] = []
            case "option" if self._select:
                self._option = given.get("value", "")
                form.options[self._select].append((self._option, ""))
                if "selected" in given or self._select not in form.values:
                    form.values[self._select] = [self._option]

    def handle_endtag(self, tag: str) -> None:
        """An element ends."""
        if tag in self._open:
            self._open.reverse()
            self._open.remove(tag)
            self._open.reverse()
        match tag:
            case "form":
                self._form = None
            case "select":
                self._select = None
            case "option":
                self._option = None
            case "textarea":
                self._area = None
            case "label":
                self._label_for = None

    def handle_data(self, data: str) -> None:
        """Words."""
        if {"script", "style", "template"} & set(self._open):
            return
        if "title" in self._open:
            self.title.append(data)
            return
        self.words.append(data + " ")
        if "a" in self._open and self.links:
            address, words = self.links[-1]
            self.links[-1] = (address, words + data)
        if self._form is not None and self._area:
            self._form.values[self._area] = [self._form.values[self._area][0] + data.removeprefix("\n")]
        if self._form is not None and self._select and self._option is not None:
            value, words = self._form.options[self._select][-1]
            self._form.options[self._select][-1] = (value, (words + data).strip())
        if self._label_for in self._radios:
            form, name, place = self._radios[self._label_for]
            value, words = form.options[name][place]
            form.options[name][place] = (value, " ".join((words + data).split()))

    def _input(self, form: Form, name: str, given: Mapping[str, str]) -> None:
        kind = given.get("type", "text").lower()
        form.kinds[name] = kind
        match kind:
            case "file":
                form.files.append(name)
            case "radio" | "checkbox":
                choices = form.options.setdefault(name, [])
                choices.append((given.get("value", "on"), ""))
                self._radios[given.get("id", "")] = (form, name, len(choices) - 1)
                if "checked" in given:
                    form.values.setdefault(name, []).append(given.get("value", "on"))
            case _ if kind not in _VOID_TYPES:
                form.values.setdefault(name, []).append(given.get("value", ""))
