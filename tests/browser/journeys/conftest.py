"""What a journey needs: the whole system, a browser on a phone or a desktop, and people who can sign in.

`ASCMS_TEST_BASE_URL` names a system that runs already (its `demo.json` is found by `ASCMS_STATE`); otherwise one is
started for the session, on free ports and in a folder of its own.
"""

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize

from tests.support.postgres import ROOT
from tests.support.system import running_system

AXE = (ROOT / "tests/support/axe/axe.min.js").read_text(encoding="utf-8")
SIZES = {"phone": ViewportSize(width=390, height=844), "desktop": ViewportSize(width=1280, height=900)}
# What axe would load for rules that are off by default is not asked for.
AXE_FAULTS = """async () => (await axe.run(document, {
  resultTypes: ["violations"], preload: {assets: ["media"]},
})).violations.flatMap(
  (fault) => fault.nodes.map((node) => [fault.id, node.html.slice(0, 99), node.failureSummary].join(" ")))"""
# Who looks at a page once more, and it is the same but for these, needs no second judgement.
PASSING = re.compile(r'(name="(?:csrf_token|once)"[^>]*?value|nonce)="[^"]*"')
SIGNED_IN_SECONDS = 240.0
"""How long a sign-in serves others who come as the same person: shorter than its tokens last by a journey's length."""
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

PROVIDER = "Te Pūtahi Tauira (demo provider)"
OTHER_PROVIDER = "Ngā Māramatanga Tauira (demo provider)"
SCHOOL = "Te Kura Tauira o Kōwhai (demo school)"
OTHER_SCHOOL = "Rātā Demo Primary School"
MINISTRY = "Ministry of Education (demo)"


HEADER = (ROOT / "deploy/demo/requests.csv").read_text(encoding="utf-8").partition("\n")[0]
ROW = "{school},,{name},,,2015-02-03,5,,,,,,,2026-T1,12,60,Away most mornings.,"


def new_name() -> str:
    """A made-up name that nobody in the system has, so that a journey can be made again."""
    return f"Tāwhiri {uuid4().hex[:8]}"


def csv_of(school: str, *names: str) -> str:
    """A file of requests, one row a name."""
    return "\n".join([HEADER, *(ROW.format(school=school, name=name) for name in names)])


@dataclass(frozen=True)
class Demo:
    """A running system and the people of its demonstration."""

    base_url: str
    people: list[dict[str, Any]]
    issuer: str
    mail_url: str

    def person(self, role: str, organisation: str) -> dict[str, Any]:
        """The first person with a role at an organisation."""
        return next(one for one in self.people if role in one["roles"] and one["organisation"] == organisation)


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The system that is there, or one of our own."""
    given = os.environ.get("ASCMS_TEST_BASE_URL")
    if given:
        state = Path(os.environ.get("ASCMS_STATE", ROOT / ".state"))
        known = json.loads((state / "demo.json").read_text(encoding="utf-8"))
        yield Demo(given.rstrip("/"), known["people"], known["issuer"], known["mail_url"])
        return
    # What someone may do is asked anew nearly every time. That it need not be, and still ends within the minute, is
    # proved by tests/e2e/test_sessions.py.
    environment = {"ASCMS_TOKEN_SECONDS": "1"}
    with running_system(tmp_path_factory.mktemp("system"), environment=environment) as started:
        yield Demo(started.base_url, started.demo["people"], started.demo["issuer"], started.demo["mail_url"])


@dataclass
class Visitor:
    """Someone at a browser. Every page they look at is checked: axe, width, nothing wrong in the console."""

    page: Page
    base_url: str
    judged: set[str]
    """What axe has found nothing wrong with."""
    complaints: list[str] = field(default_factory=list)

    def goes_to(self, path: str) -> None:
        """Open an address of the system."""
        self.page.goto(self.base_url + path)
        self.looks()

    def follows(self, text: str) -> None:
        """Follow the first link with these words."""
        self.page.get_by_role("link", name=text).first.click()
        self.looks()

    def presses(self, text: str) -> None:
        """Press the button with these words."""
        self.page.get_by_role("button", name=text, exact=True).click()
        self.looks()

    def looks(self) -> None:
        """Nothing stands in anyone's way on this page."""
        self.page.wait_for_load_state()
        seen = f"{self.page.viewport_size} {PASSING.sub('', self.page.content())}"
        if seen not in self.judged:
            assert self.page.evaluate(AXE_FAULTS) == []
            self.judged.add(seen)
        assert self.page.evaluate(WIDER) <= 0, f"{self.page.url} is wider than the screen"
        assert self.complaints == []

    def reads(self, words: str) -> bool:
        """Whether the page's main part says something."""
        return words in self.page.locator("main").inner_text()

    @property
    def heading(self) -> str:
        """What the page says it is."""
        return self.page.locator("h1").inner_text()


Opens = Callable[..., Visitor]


@pytest.fixture(params=["phone", "desktop"])
def size(request: pytest.FixtureRequest) -> str:
    """A phone, then a desktop."""
    return str(request.param)


@contextmanager
def opened(browser: Browser, size: str, options: dict[str, Any]) -> Iterator[BrowserContext]:
    """A fresh browser, nobody signed in."""
    is_phone = size == "phone"
    context = browser.new_context(
        viewport=SIZES[size], has_touch=is_phone, is_mobile=is_phone, locale="en-NZ", reduced_motion="reduce", **options
    )
    context.set_default_timeout(15_000)
    context.add_init_script(AXE)
    try:
        yield context
    finally:
        context.close()


@pytest.fixture(scope="session")
def judged() -> set[str]:
    """The pages that axe has found nothing wrong with, as they were."""
    return set()


@pytest.fixture(scope="session")
def arrivals() -> dict[str, tuple[float, Any]]:
    """What the browser of each person kept when they had signed in, and when that was."""
    return {}


@pytest.fixture
def visitor(system: Demo, browser: Browser, size: str, judged: set[str]) -> Iterator[Visitor]:
    """Someone who is not signed in."""
    with opened(browser, size, {}) as context:
        yield visitor_of(context.new_page(), system, judged)


@pytest.fixture
def person(
    system: Demo, browser: Browser, size: str, judged: set[str], arrivals: dict[str, tuple[float, Any]]
) -> Iterator[Opens]:
    """Brings people who are signed in, each at a browser of their own: `person("case_manager", PROVIDER)`."""
    with ExitStack() as stack:

        def arrive(role: str, organisation: str, **options: Any) -> Visitor:
            who = system.person(role, organisation)
            since, kept = arrivals.get(who["email"], (-SIGNED_IN_SECONDS, None))
            is_known = time.monotonic() - since < SIGNED_IN_SECONDS
            context = stack.enter_context(
                opened(browser, size, {"storage_state": kept} | options if is_known else options)
            )
            guest = visitor_of(context.new_page(), system, judged)
            if is_known:
                guest.goes_to("/")
                return guest
            signed_in(guest, who)
            arrivals[who["email"]] = time.monotonic(), context.storage_state()
            return guest

        yield arrive


def visitor_of(page: Page, system: Demo, judged: set[str]) -> Visitor:
    """A visitor whose console is listened to."""
    visitor = Visitor(page, system.base_url, judged)

    def listen(message: ConsoleMessage) -> None:
        # A page that says 404 or 422 is meant to; the browser reports its status here as well.
        if message.type == "error" and "Failed to load resource" not in message.text:
            visitor.complaints.append(message.text)

    page.on("console", listen)
    return visitor


def signed_in(visitor: Visitor, who: dict[str, Any]) -> Visitor:
    """The visitor, signed in by the issuer's own page."""
    visitor.goes_to("/")
    visitor.follows("Sign in")
    visitor.page.fill("input[name=email]", who["email"])
    visitor.page.fill("input[type=password]", who["passphrase"])
    visitor.presses("Sign in")
    return visitor
