"""Signing in as a person does: by the pages of the issuer, for the browser and, with code + PKCE, for a program."""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

from deploy.story.browser import Browser, Page
from deploy.story.cast import Person
from deploy.story.report import Deviation, expect, expect_that

CLIENT_ID = "program"
"""Identity's public client: no secret, PKCE, codes to a loopback address."""
REDIRECT_URI = "http://127.0.0.1:53682/callback"
"""Nobody listens there: the story reads the address that the browser is sent to."""
OK = 200
_TIMEOUT_SECONDS = 20
_MOST_REDIRECTS = 10


def sign_in(browser: Browser, person: Person) -> Page:
    """Sign in through the product's own way in; returns the first page of the person."""
    page = browser.get("/sign-in")
    if urlsplit(page.url).netloc == urlsplit(browser.base_url).netloc and page.status == OK:
        return page  # The issuer knew this browser.
    page = try_passphrase(browser, page, email=person.email, passphrase=person.passphrase)
    expect(f"{person.email} arrives", (page.status, urlsplit(page.url).netloc), (OK, urlsplit(browser.base_url).netloc))
    return page


def try_passphrase(browser: Browser, page: Page, *, email: str, passphrase: str) -> Page:
    """Fill in the issuer's form and send it, whatever comes of it."""
    forms = [form for form in page.forms if form.named("password")]
    expect_that("the issuer asks for a passphrase", len(forms) == 1, saw=(page.url, page.status, page.title))
    form = forms[0]
    return browser.send(form, {form.named("email", "text"): email, form.named("password"): passphrase})


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the issuer gave to a program."""

    access_token: str
    refresh_token: str
    seconds: int


@dataclass(eq=False)
class Program:
    """A program that people use with their own sign-in: it registered nothing and keeps no secret."""

    issuer: str
    client_id: str = CLIENT_ID
    redirect_uri: str = REDIRECT_URI

    def __post_init__(self) -> None:
        """Read what the issuer says of itself."""
        self._session = requests.Session()
        self._session.trust_env = False
        url = f"{self.issuer}/.well-known/openid-configuration"
        self.described: dict[str, Any] = self._session.get(url, timeout=_TIMEOUT_SECONDS).json()
        expect("the issuer says who it is", self.described["issuer"], self.issuer)
        expect("the issuer takes S256 alone", self.described["code_challenge_methods_supported"], ["S256"])

    def tokens_of(self, person: Person) -> Tokens:
        """Sign a person in on the issuer's pages and redeem the code."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        state = secrets.token_urlsafe(16)
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "openid",
            "state": state,
            "nonce": secrets.token_urlsafe(16),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        answer = self._walk(f"{self.described['authorization_endpoint']}?{urlencode(asked)}", person)
        expect("the state comes back", answer.get("state"), [state])
        expect_that("a code comes back", "code" in answer, saw=answer)
        redeemed = self._post(
            grant_type="authorization_code",
            code=answer["code"][0],
            redirect_uri=self.redirect_uri,
            code_verifier=verifier,
        )
        return _tokens(redeemed)

    def _walk(self, url: str, person: Person) -> dict[str, list[str]]:
        """Follow the issuer's pages until it sends the browser to our own address; the query it sends along."""
        browser = _Walker(self.redirect_uri)
        page = browser.get(url)
        for _ in range(_MOST_REDIRECTS):
            if browser.arrived:
                return parse_qs(urlsplit(browser.arrived).query)
            if page is None:
                break
            page = browser.give(page, person)
        raise Deviation(f"the issuer never sent {person.email} back to {self.redirect_uri}; last page {page}")

    def _post(self, **data: str) -> dict[str, Any]:
        sent = {"client_id": self.client_id, **data}
        answer = self._session.post(self.described["token_endpoint"], data=sent, timeout=_TIMEOUT_SECONDS)
        expect_that("the issuer redeems the code", answer.status_code == OK, saw=(answer.status_code, answer.text))
        found: dict[str, Any] = answer.json()
        return found


class _Walker(Browser):
    """A browser that stops where the issuer sends it to a program's address: nobody listens there."""

    def __init__(self, stop_at: str) -> None:
        super().__init__(stop_at)
        self.arrived = ""
        self._stop_at = stop_at
        self._session.hooks["response"].append(self._look)

    def _look(self, response: requests.Response, *_: Any, **__: Any) -> requests.Response:
        target = response.headers.get("Location", "")
        if target.split("?", 1)[0] == self._stop_at:
            self.arrived = target
            # Nothing to follow any more.
            response.status_code = OK
            del response.headers["Location"]
        return response

    def give(self, page: Page, person: Person) -> Page:
        """Answer the issuer's page: who it is, and then that the program may."""
        asked = [form for form in page.forms if form.path == "/authorize/consent"]
        if asked:
            return self.send(asked[0], {"decision": "allow"})
        return try_passphrase(self, page, email=person.email, passphrase=person.passphrase)


def _tokens(answer: dict[str, Any]) -> Tokens:
    return Tokens(answer["access_token"], answer.get("refresh_token", ""), int(answer.get("expires_in", 0)))
