"""Requests that no page of ours makes, to every route: verbs, verbs in disguise, paths, targets elsewhere."""

from collections.abc import Callable, Iterator
from urllib.parse import parse_qsl, unquote_to_bytes, urlsplit

import pytest
from flask import Flask
from lxml import html  # type: ignore[import-untyped]  # lxml publishes no types
from werkzeug.routing import Rule

from kit.web.urls import safe_local_path
from tests.gateway.pages.conftest import URL, Browser
from tests.gateway.pages.test_every_page import EACH, POSTS, WRITES
from tests.support.stub_world import World, number_id

As = Callable[..., Browser]
VERBS = ("PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "FOO")
EVIL = "evil.example"
TARGETS = ("next", "back", "return", "return_to", "redirect", "redirect_uri", "url", "target", "continue", "after")


def address(rule: Rule) -> str:
    """An address of a route, with made-up parts."""
    made = {
        name: str(number_id(303)) if type(converter).__name__ == "UUIDConverter" else "x"
        for name, converter in rule._converters.items()
    }
    for name, converter in rule._converters.items():
        if type(converter).__name__ == "AnyConverter":
            made[name] = min(converter.items)  # type: ignore[attr-defined]  # an AnyConverter's
    built = rule.build(made, append_unknown=False)
    return built[1] if built else rule.rule


def test_verbs_that_a_route_does_not_take_do_nothing(app: Flask, as_: As, world: World) -> None:
    browser = as_("lead")
    wrong = [
        (verb, path, answer.status_code)
        for rule in app.url_map.iter_rules()
        for path in [address(rule)]
        for verb in VERBS
        if verb not in (rule.methods or ())
        for answer in [browser.client.open(path, method=verb, base_url=URL)]
        if answer.status_code not in {400, 404, 405}
    ]
    # Another route may take the verb at the same address: it asks for its own token.
    assert [one for one in wrong if one[2] != 401] == []
    assert WRITES & {method for method, _request in world.calls} == set()


@pytest.mark.parametrize(("key", "path"), POSTS)
def test_a_verb_in_disguise_stays_what_it_is(as_: As, world: World, key: str, path: str) -> None:
    form = as_(key).fill(path)
    disguise = dict.fromkeys(
        ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-Method"), "POST"
    )
    base, _, asked = path.partition("?")
    query = {**dict(parse_qsl(asked)), **form, "_method": "POST", "__method": "POST"}
    as_(key).client.get(base, query_string=query, headers=disguise, base_url=URL)
    assert WRITES & {method for method, _request in world.calls} == set()


@pytest.mark.parametrize(
    "path",
    [
        "//cases", f"//{EVIL}", f"//{EVIL}/..", f"///{EVIL}/cases", f"/\\{EVIL}", f"/%5c{EVIL}", "/./cases",
        "/../cases", "/cases/../account", "/cases/%2e%2e/account", "/%2e%2e/%2e%2e/etc/passwd", "/assets/../../app.py",
        "/assets/%2e%2e/%2e%2e/app.py", "/assets//etc/passwd", "/cases;x=1", "/cases;/account", "/cases%00",
        "/cases%0a", "/cases%2f", "/CASES", "/cases/", "/api/../cases", "/api//v1/cases", f"/sign-in//{EVIL}",
        "/cases/\u2025/account",
    ],
)  # fmt: skip
def test_a_path_that_plays_tricks_leads_nowhere_else(app: Flask, as_: As, path: str) -> None:
    browser = as_("lead")
    answer = browser.client.open(path="/", base_url=URL, environ_overrides={"PATH_INFO": _decoded(path)})
    assert answer.status_code in {200, 301, 303, 308, 400, 404}
    if answer.status_code == 200:
        assert answer.headers["X-Backend-Calls"].startswith("cases.ListCases")
    target = answer.headers.get("Location", "/")
    assert urlsplit(target).netloc in {"", urlsplit(URL).netloc}
    assert safe_local_path(target.removeprefix(URL), fallback="") != ""
    assert "import" not in answer.text


def _decoded(path: str) -> str:
    """As a server hands a path on: decoded, and its bytes read as Latin-1."""
    return unquote_to_bytes(path.encode()).decode("latin-1")


@pytest.mark.parametrize(("key", "path"), EACH)
def test_no_parameter_leads_elsewhere(as_: As, key: str, path: str) -> None:
    base, _, query = path.partition("?")
    hostile = [*parse_qsl(query), *((name, f"https://{EVIL}/") for name in TARGETS)]
    answer = as_(key).client.get(base, query_string=hostile, base_url=URL, headers={"Referer": f"https://{EVIL}/"})
    assert answer.status_code in {200, 303, 404}
    assert EVIL not in urlsplit(answer.headers.get("Location", "")).netloc
    assert [target for target in _targets(answer.text) if EVIL in urlsplit(target).netloc] == []


def _targets(page: str) -> Iterator[str]:
    for element in html.fromstring(page).iter():
        for name in ("href", "action", "src", "formaction", "content"):
            if target := element.attrib.get(name):
                yield target


@pytest.mark.parametrize("target", [f"https://{EVIL}/", f"//{EVIL}", f"/\\{EVIL}", f"/\t/{EVIL}", f"https:{EVIL}"])
def test_what_redirects_stays_here(as_: As, target: str) -> None:
    browser = as_("lead")
    switched = browser.post("/language", {"language": "mi", "next": target})
    assert (switched.status_code, switched.location) == (303, "/")
    begun = as_("").client.get("/sign-in", query_string={"next": target}, base_url=URL)
    assert EVIL not in begun.headers.get("Location", "")
