"""The gateway on a made-up world: the services are stubs behind the real edge, everything before them is real."""

from collections.abc import Callable, Iterator
from html.parser import HTMLParser

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from kit.clock import FixedClock, SystemClock
from services.gateway.app import create_app
from services.gateway.backends import Backends
from services.gateway.sessions import cookie_name
from tests.support.stub_documents import furnish_files
from tests.support.stub_gateway import settings_for, sign_in_cookie
from tests.support.stub_services import serving
from tests.support.stub_world import World, furnish

URL = "http://localhost"


class _Hidden(HTMLParser):
    """Collects the hidden fields of a page's forms."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "input" and found.get("type") == "hidden" and found.get("name"):
            self.values[str(found["name"])] = found.get("value") or ""


def hidden_fields(html: str) -> dict[str, str]:
    """What a browser would send of a page's hidden fields; of the forms in the header too, which does no harm."""
    parser = _Hidden()
    parser.feed(html)
    return parser.values


class _Typed(HTMLParser):
    """Collects what a browser would send of the form of a page's main part, as it stands."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, list[str]] = {}
        self._is_main, self._area, self._select = False, "", ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self._is_main = self._is_main or tag == "main"
        name, kind = found.get("name", ""), found.get("type", "")
        if tag == "textarea":
            self._area = name
            self._keep(name, "")
        elif tag == "select":
            self._select = name
        elif tag == "option" and "selected" in found:
            self._keep(self._select, found.get("value", ""))
        elif tag == "input" and (kind not in ("radio", "checkbox", "file") or "checked" in found):
            self._keep(name, found.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            # HTML drops the line break that follows the opening tag.
            self.values[self._area] = [self.values[self._area][0].removeprefix("\n")]
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.values[self._area][0] += data

    def _keep(self, name: str, value: str) -> None:
        if self._is_main and name:
            self.values.setdefault(name, []).append(value)


def typed(html: str) -> dict[str, object]:
    """What a browser would send of the form in a page's main part if nothing were changed in it."""
    parser = _Typed()
    parser.feed(html)
    return dict(parser.values)


class Browser:
    """A person at a browser without JavaScript."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str) -> TestResponse:
        return self.client.get(path, base_url=URL)

    def text(self, path: str) -> str:
        response = self.get(path)
        assert response.status_code == 200, (path, response.status_code)
        return response.text

    def fill(self, path: str, **answers: object) -> dict[str, object]:
        """The form at a path as a browser would send it."""
        return {**hidden_fields(self.text(path)), **answers}

    def post(self, path: str, data: dict[str, object]) -> TestResponse:
        return self.client.post(path, data=data, base_url=URL)

    def send(self, path: str, **answers: object) -> TestResponse:
        return self.post(path, self.fill(path, **answers))


@pytest.fixture(scope="session")
def served() -> Iterator[tuple[World, Flask]]:
    """The real application on stub services, once; each test furnishes their world anew."""
    world = World(SystemClock())
    clock = FixedClock(world.clock.now())
    with serving(world) as addresses:
        backends = Backends(dict(addresses))
        app = create_app(settings_for(dict(addresses), public_url=URL), backends=backends, clock=clock)
        app.extensions["tests.clock"], app.extensions["tests.backends"] = clock, backends
        yield world, app
        backends.close()


@pytest.fixture
def world(served: tuple[World, Flask], clock: FixedClock) -> World:
    """A freshly furnished world: Wednesday 4 March 2026."""
    world, _app = served
    vars(world).update(vars(furnish(clock)))
    furnish_files(world)
    return world


@pytest.fixture
def app(world: World, served: tuple[World, Flask]) -> Flask:
    """The application, with nothing kept from other tests."""
    app = served[1]
    app.extensions["tests.clock"].moment = world.clock.now()
    backends: Backends = app.extensions["tests.backends"]
    for kept in (backends.callers, backends.people, backends.organisations, backends.reference):
        kept._values.clear()
    return app


@pytest.fixture
def as_(app: Flask) -> Callable[..., Browser]:
    """A browser at which one of the world's people is signed in: `as_("lead")`; `as_("")` for nobody."""
    settings = settings_for({}, public_url=URL)

    def browser(key: str, *, language: str = "en") -> Browser:
        client = app.test_client()
        client.set_cookie("language", language)
        cookie = sign_in_cookie(settings, key) if key else ""
        client.set_cookie(cookie_name("sign-in", is_secure=False), cookie)
        return Browser(client)

    return browser
