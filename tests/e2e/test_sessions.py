"""Access that ended, ends everywhere within the minute; what a browser carries does not bend into someone else's."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest
import requests
from ascms.common.v1.envelope_pb2 import Envelope

from deploy.story.browser import Browser
from deploy.story.cast import Person
from deploy.story.signin import Program, sign_in
from tests.support.postgres import ROOT
from tests.support.system import System
from tests.support.world import TIMEOUT_SECONDS, Asker, Rest, World, environment_of, world_of

PROMISED_SECONDS = 60.0
_LOOK_AGAIN_SECONDS = 1.0


@pytest.fixture(scope="module")
def world(system: System) -> Iterator[World]:
    with world_of(system) as made:
        yield made


def someone(world: World, name: str) -> Person:
    """A person of the demonstration."""
    return next(one for one in world.cast.people if one.email.startswith(f"{name}."))


def signed_in(world: World, name: str) -> Browser:
    """Their browser."""
    browser = Browser(world.cast.base_url)
    sign_in(browser, someone(world, name))
    return browser


def operator(world: World, *arguments: str) -> str:
    """What an operator's command says."""
    command = [sys.executable, "-m", "services.identity.cli", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment_of(world.system, "identity"), capture_output=True, text=True, check=False,
        timeout=30,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def is_signed_in(browser: Browser) -> bool:
    """Whether the first page greets someone, and so lets them sign out."""
    return _greets(browser.get("/").html)


def _greets(html: str) -> bool:
    return 'action="/sign-out"' in html


@pytest.fixture
def put_back(world: World) -> Iterator[None]:
    """Everyone has the roles of the demonstration again, whatever the test took from them."""
    yield
    operator(world, "people", "apply", str(ROOT / "deploy" / "demo" / "people.yaml"))


def seconds_until(refused: Callable[[], bool]) -> float:
    """How long something is still answered."""
    began = time.monotonic()
    while not refused() and time.monotonic() - began < PROMISED_SECONDS + 5:
        time.sleep(_LOOK_AGAIN_SECONDS)
    return time.monotonic() - began


@pytest.mark.usefixtures("put_back")
@pytest.mark.timeout(120)
def test_ends_of_access_work_by_page_and_api_within_a_minute(world: World) -> None:
    """One ends by role, the other by sessions, at the same time: what is kept in memory ends at the same time too."""
    by_role, by_sessions = someone(world, "rawiri"), someone(world, "huria")
    pages = {person: signed_in(world, person.email.partition(".")[0]) for person in (by_role, by_sessions)}
    given = {person: Program(world.cast.issuer).tokens_of(person) for person in pages}
    tokens = {person: got.access_token for person, got in given.items()}
    paths = {by_role: ("/cases", "/api/v1/cases"), by_sessions: ("/requests", "/api/v1/requests")}
    clients = {person: requests.Session() for person in pages}

    def status_of(person: Person) -> int:
        asked = Rest("GET", paths[person][1], [("page_size", "1")], None)
        call = clients[person].get(
            world.cast.base_url + asked.path,
            params=asked.query,
            headers={"Authorization": f"Bearer {tokens[person]}"},
            timeout=TIMEOUT_SECONDS,
        )
        return call.status_code

    for person, (path, _) in paths.items():
        assert pages[person].get(path).status == 200
        assert status_of(person) == 200

    organisation = str(world.get(world.person("kowhai"), "/v1/me")["organisation"]["organisation_id"])
    operator(world, "access", "end-role", by_role.email, organisation, "case_manager")
    operator(world, "access", "end-sessions", by_sessions.email)
    refresh = {
        "grant_type": "refresh_token",
        "client_id": "program",
        "refresh_token": given[by_sessions].refresh_token,
    }
    renewed = requests.post(f"{world.cast.issuer}/token", data=refresh, timeout=TIMEOUT_SECONDS)
    assert (renewed.status_code, renewed.json()["error"]) == (400, "invalid_grant")

    checks: list[Callable[[], bool]] = [
        lambda: status_of(by_role) in {401, 403},
        lambda: status_of(by_sessions) == 401,
        lambda: pages[by_role].get(paths[by_role][0]).status == 403,
        lambda: not is_signed_in(pages[by_sessions]),
    ]
    with ThreadPoolExecutor(len(checks)) as pool:
        took = list(pool.map(seconds_until, checks))
    assert max(took) <= PROMISED_SECONDS, took


def test_signing_out_ends_the_session_for_a_copied_cookie_too(world: World) -> None:
    browser = signed_in(world, "rupene")
    copied = dict(browser._session.cookies)
    form = next(form for form in browser.get("/").forms if form.path == "/sign-out")
    browser.send(form, {})
    assert not is_signed_in(browser)

    def is_refused() -> bool:
        return not _greets(requests.get(f"{world.cast.base_url}/", cookies=copied, timeout=TIMEOUT_SECONDS).text)

    took = seconds_until(is_refused)
    assert took <= PROMISED_SECONDS


def test_cookies_that_were_changed_open_nothing(world: World) -> None:
    cookies = dict(signed_in(world, "oriwa")._session.cookies)
    assert _greets(requests.get(f"{world.cast.base_url}/", cookies=cookies, timeout=TIMEOUT_SECONDS).text)
    name = "gateway-sign-in"
    value = cookies[name]
    other = dict(signed_in(world, "ihaka")._session.cookies)
    for changed in (
        {**cookies, name: value[:-4] + "AAAA"},
        {**cookies, name: value[: len(value) // 2]},
        {**cookies, name: cookies["gateway-session"]},
        {**cookies, name: "x" * 3_000},
        {**cookies, name: "%00"},
    ):
        got = requests.get(f"{world.cast.base_url}/", cookies=changed, timeout=TIMEOUT_SECONDS)
        assert (got.status_code, _greets(got.text)) == (200, False)
        inside = requests.get(
            f"{world.cast.base_url}/cases", cookies=changed, allow_redirects=False, timeout=TIMEOUT_SECONDS
        )
        assert (inside.status_code, "/sign-in" in inside.headers["Location"]) == (303, True)
    # Another's choice of organisation gives nobody that organisation.
    mixed = {**cookies, "gateway-organisation": other["gateway-organisation"]}
    page = requests.get(f"{world.cast.base_url}/national-figures/2026-Q1", cookies=mixed, timeout=TIMEOUT_SECONDS)
    assert page.status_code == 403
    foreign = {**cookies, "gateway-organisation": world.ids["provider_id"]}
    assert requests.get(f"{world.cast.base_url}/cases", cookies=foreign, timeout=TIMEOUT_SECONDS).status_code == 403


def test_a_session_that_was_there_before_signing_in_is_not_the_one_after(world: World) -> None:
    browser = Browser(world.cast.base_url)
    planted = {name: f"planted-{uuid4().hex}" for name in ("identity_session", "gateway-sign-in", "gateway-session")}
    for name, value in planted.items():
        browser._session.cookies.set(name, value, domain="127.0.0.1", path="/")
    sign_in(browser, someone(world, "tui"))
    after = dict(browser._session.cookies)
    assert is_signed_in(browser)
    assert [name for name, value in planted.items() if after.get(name) == value] == []
    again = signed_in(world, "tui")
    assert dict(again._session.cookies)["gateway-sign-in"] != after["gateway-sign-in"]


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "\thttps://evil.example", "/%09/evil.example",
     "javascript:alert(1)", "http:evil.example", "/\t/evil.example", "https:/\\evil.example", "/..//evil.example"],
)  # fmt: skip
def test_the_way_back_stays_here(world: World, target: str) -> None:
    browser = Browser(world.cast.base_url)
    sign_in(browser, someone(world, "tane"))
    got = browser._session.get(f"{world.cast.base_url}/sign-in", params={"next": target}, timeout=TIMEOUT_SECONDS)
    seen = [one.headers.get("Location", "") for one in got.history]
    assert [one for one in [*seen, got.url] if one.replace("\\", "/").lstrip("/").startswith("evil")] == []
    assert got.url.startswith(world.cast.base_url)
    gone = requests.get(
        f"{world.cast.issuer}/authorize",
        params={"client_id": "program", "redirect_uri": target, "response_type": "code", "scope": "openid"},
        allow_redirects=False,
        timeout=TIMEOUT_SECONDS,
    )
    assert (gone.status_code, "Location" in gone.headers) == (400, False)


def test_another_host_makes_no_links_of_ours(world: World) -> None:
    for headers in ({"Host": "evil.example"}, {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher"}):
        for url in (
            f"{world.cast.base_url}/sign-in",
            f"{world.cast.base_url}/cases",
            f"{world.cast.base_url}/api/v1/me",
        ):
            got = requests.get(url, headers=headers, allow_redirects=False, timeout=TIMEOUT_SECONDS)
            assert "evil.example" not in got.text.replace("not the host you asked for", "")
            assert "evil.example" not in got.headers.get("Location", "")
            assert got.status_code == 400 or "Host" not in headers


def test_cookies_are_no_credentials_for_the_api(world: World) -> None:
    cookies = dict(signed_in(world, "mahina")._session.cookies)
    for verb, path in (("GET", "/api/v1/me"), ("GET", "/api/v1/cases"), ("POST", "/api/v1/requests")):
        got = requests.request(verb, world.cast.base_url + path, cookies=cookies, timeout=TIMEOUT_SECONDS)
        assert (got.status_code, got.json()["reason"]) == (401, "token-missing")


def test_an_internal_token_is_no_access_token(world: World) -> None:
    internal = Asker("the inside", world.internal(world.lead))
    assert world.rest(internal, Rest("GET", "/api/v1/me", [], None)).status_code == 401


def test_the_request_id_of_the_browser_stands_in_the_event(world: World) -> None:
    request_id = f"browser-{uuid4()}"
    path = f"/api/v1/cases/{world.ids['case_id']}/events"
    call = Rest("POST", path, [], world.visit())
    answer = world.rest(world.manager, call, headers={"X-Request-ID": request_id})
    assert (answer.status_code, answer.headers["X-Request-ID"]) == (200, request_id)
    position = int(answer.json()["position"])
    figures = world.get(world.lead, "/v1/figures/2026-Q1", min_position=position)
    assert figures["is_current"]
    event = next(one for one in records_of(world) if one.position == position)
    assert (event.request_id, event.actor_id, event.key) == (
        request_id, world.ids["case_manager_id"], world.ids["case_id"],
    )  # fmt: skip


def records_of(world: World) -> list[Envelope]:
    """Every event of cases that stands on the broker."""
    url = environment_of(world.system, "cases")["ASCMS_BROKER_URL"]
    with psycopg.connect(url) as broker:
        rows = broker.execute("SELECT value FROM bus.record WHERE topic = 'ascms.cases.v1'").fetchall()
    return [Envelope.FromString(bytes(value)) for (value,) in rows]
