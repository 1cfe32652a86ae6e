"""The style guide in Chromium: on a phone and a desktop, light and dark, in both languages, axe objects to nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize
from werkzeug.serving import WSGIRequestHandler, make_server

from kit.clock import FixedClock
from kit.ids import uuid7
from kit.web import WebSettings, init_web
from kit.web.pages import Choice, Header, Link
from kit.web.problems import register_problem_pages
from kit.web.styleguide import register_styleguide

AXE = (Path(__file__).parent.parent / "support" / "axe" / "axe.min.js").read_text(encoding="utf-8")
PAGES = ["components", "record", "list", "form", "confirm", "home", "problems/conflict", "problems/away"]
PHONE, DESKTOP = ViewportSize(width=390, height=844), ViewportSize(width=1280, height=900)
TARGETS = (
    "button, .button, summary, .filter__link, .tabs__link, .sections__link, .due__item, .brand, select, textarea, "
    "input:not([type=hidden]), .language__button, .link-list a, .site-footer a"
)
TOO_SMALL = """(targets) => [...document.querySelectorAll(targets)]
  .filter((element) => element.offsetParent !== null)
  .map((element) => [element.outerHTML.slice(0, 80), element.getBoundingClientRect()])
  .filter(([, box]) => box.height < 43.5 || box.width < 43.5)
  .map(([html, box]) => `${html} ${box.width}x${box.height}`)"""
UNSEEN = """() => {
  const one = document.activeElement;
  const next = one.nextElementSibling;
  const outlined = (element, pseudo) => element && getComputedStyle(element, pseudo).outlineStyle !== "none";
  const seen = outlined(one) || outlined(one.closest("li, tr, .stat")) || outlined(next, "::before");
  return one === document.body || seen ? [] : [one.outerHTML.slice(0, 120)];
}"""
AXE_FAULTS = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations.flatMap(
  (fault) => fault.nodes.map((node) => [fault.id, node.html.slice(0, 99), node.failureSummary].join(" ")))"""

pytestmark = pytest.mark.chromium


@dataclass(frozen=True)
class View:
    size: ViewportSize
    scheme: Any
    locale: str


VIEWS = {
    "phone-light-en": View(PHONE, "light", "en-NZ"),
    "phone-dark-mi": View(PHONE, "dark", "mi-NZ"),
    "desktop-light-mi": View(DESKTOP, "light", "mi-NZ"),
    "desktop-dark-en": View(DESKTOP, "dark", "en-NZ"),
}


class QuietHandler(WSGIRequestHandler):
    """Says nothing of each request."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  # Werkzeug's name
        """Nothing."""


def sample_header() -> Header:
    return Header(
        person="Hēmi Walker",
        role="Case manager",
        organisation="Ngāmotu Attendance",
        organisations=(Choice("a", "Ngāmotu Attendance", is_current=True), Choice("b", "Te Kura o Ngāmotu")),
        switch_url="/switch",
        search_url="/styleguide/list",
        sections=(Link("My work", "/styleguide/home", is_current=True, count=7), Link("Cases", "/styleguide/list")),
        sign_out_url="/sign-out",
    )


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    app = Flask("styleguide", static_folder=None)
    app.config.update(SECRET_KEY="only for tests")
    clock = FixedClock(datetime(2025, 3, 3, 23, 0, tzinfo=UTC))
    init_web(app, WebSettings(product="ascms"), clock=clock, new_id=uuid7, header=sample_header)
    register_problem_pages(app)
    register_styleguide(app, clock=clock)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietHandler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/styleguide"
    server.shutdown()
    thread.join()
    server.server_close()


def open_view(browser: Browser, view: View, **options: Any) -> BrowserContext:
    is_phone = view.size == PHONE
    return browser.new_context(
        viewport=view.size,
        color_scheme=view.scheme,
        locale=view.locale,
        has_touch=is_phone,
        is_mobile=is_phone,
        **options,
    )


@pytest.fixture
def desk(browser: Browser) -> Iterator[Page]:
    context = open_view(browser, VIEWS["desktop-dark-en"])
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", PAGES)
def test_anyone_can_use_it(browser: Browser, address: str, name: str, view: str) -> None:
    context = open_view(browser, VIEWS[view], reduced_motion="reduce")
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{address}/{name}")
    page.evaluate(AXE)
    faults = page.evaluate(AXE_FAULTS)
    width = page.evaluate("document.documentElement.scrollWidth")
    small = page.evaluate(TOO_SMALL, TARGETS) if VIEWS[view].size == PHONE else []
    context.close()
    assert faults == []
    assert said == [], "the console, where a broken content security policy is reported"
    assert width == VIEWS[view].size["width"], "nothing scrolls sideways"
    assert small == []


@pytest.mark.parametrize("width", [320, 640, 820, 960, 1024, 1920])
@pytest.mark.parametrize("name", ["components", "record", "list", "form"])
def test_no_width_scrolls_sideways(desk: Page, address: str, name: str, width: int) -> None:
    desk.set_viewport_size(ViewportSize(width=width, height=900))
    desk.goto(f"{address}/{name}")
    assert desk.evaluate("document.documentElement.scrollWidth") == width


def test_the_checker_does_find_faults(desk: Page, address: str) -> None:
    desk.goto(f"{address}/confirm")
    desk.evaluate("document.querySelector('h1').insertAdjacentHTML('afterend', '<img src=\"/x.png\"><h5>x</h5>')")
    desk.evaluate("document.documentElement.removeAttribute('lang')")
    desk.evaluate(AXE)
    found = " ".join(desk.evaluate(AXE_FAULTS))
    assert "image-alt" in found
    assert "html-has-lang" in found


def test_keys_go_to_the_search_and_through_a_list(desk: Page, address: str) -> None:
    desk.goto(f"{address}/list")
    desk.keyboard.press("j")
    assert desk.evaluate("document.activeElement.textContent") == "Aroha Ngata"
    desk.keyboard.press("j")
    desk.keyboard.press("j")
    desk.keyboard.press("k")
    assert desk.evaluate("document.activeElement.textContent").startswith("Te Rangihīroa")
    desk.keyboard.press("/")
    assert desk.evaluate("document.activeElement.type") == "search"
    desk.keyboard.type("j/k")
    assert desk.evaluate("document.activeElement.value") == "j/k"
    desk.goto(f"{address}/list")
    desk.keyboard.press("j")
    desk.keyboard.press("Enter")
    desk.wait_for_url("**/record")


def test_the_focus_is_seen_wherever_it_goes(desk: Page, address: str) -> None:
    for name in ("record", "form"):
        desk.goto(f"{address}/{name}")
        unseen = []
        for _ in range(40):
            desk.keyboard.press("Tab")
            unseen += desk.evaluate(UNSEEN)
        assert unseen == []


def test_an_error_leads_to_its_field(desk: Page, address: str) -> None:
    desk.goto(f"{address}/form")
    assert "govuk-error-summary" in desk.evaluate("document.activeElement.className")
    desk.click(".govuk-error-summary a >> nth=0")
    assert desk.evaluate("document.activeElement.id") == "day-day"


def test_the_main_action_stays_under_the_thumb(browser: Browser, address: str) -> None:
    context = open_view(browser, VIEWS["phone-light-en"])
    page = context.new_page()
    page.goto(f"{address}/record")
    for where in ("0", "document.body.scrollHeight"):
        page.evaluate(f"window.scrollTo(0, {where})")
        box = page.locator(".actions__main .button").bounding_box()
        assert box is not None
        assert PHONE["height"] - 120 < box["y"] < PHONE["height"] - box["height"] + 1
    footer = page.locator(".site-footer").bounding_box()
    bar = page.locator(".actions__main").bounding_box()
    context.close()
    assert footer is not None
    assert bar is not None
    assert footer["y"] + footer["height"] <= bar["y"] + 1, "at the end of the page the bar covers nothing"


def test_it_works_without_scripts(browser: Browser, address: str) -> None:
    context = open_view(browser, VIEWS["phone-light-en"], java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/record")
    page.click("summary:has-text('Menu')")
    page.locator(".pop__panel").get_by_role("button", name="Te reo Māori").click()
    page.wait_for_url("**/record")
    assert page.locator("html").get_attribute("lang") == "mi"
    assert page.locator(".actions__main").inner_text().strip() == "Tuhia he toronga"
    context.close()


def test_macrons_are_in_the_typeface(desk: Page, address: str) -> None:
    desk.goto(f"{address}/list", wait_until="networkidle")
    faces = desk.evaluate("async () => (await document.fonts.ready, [...document.fonts].map((face) => face.status))")
    assert faces.count("loaded") == 3


def test_print_shows_the_exact_date_and_no_way_around(desk: Page, address: str) -> None:
    desk.goto(f"{address}/record")
    desk.emulate_media(media="print")
    assert not desk.locator(".actions").is_visible()
    assert not desk.locator(".search").first.is_visible()
    exact = desk.evaluate("getComputedStyle(document.querySelector('.due time'), '::after').content")
    assert "Monday 3 March 2025" in exact
