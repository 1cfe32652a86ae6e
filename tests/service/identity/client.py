"""An OpenID client written from RFC 6749, 7636, 9207 and OIDC Core; it shares no code with the provider."""

import base64
import hashlib
import html
import json
import re
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.service.identity.world import Demo

ISSUER = "http://127.0.0.1:8081"
CLIENT_ID = "gateway"
CLIENT_SECRET = "the gateway's own secret, of thirty-two and more"
REDIRECT_URI = "http://127.0.0.1:8080/sign-in/return"
POST_LOGOUT_URI = "http://127.0.0.1:8080/signed-out"


def s256(verifier: str) -> str:
    """The challenge of a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


@dataclass
class Asked:
    """One authorisation request, with what only its client knows."""

    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    state: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(16))

    def parameters(self, **changes: str | None) -> dict[str, str]:
        """The request; a change of None leaves a parameter out."""
        usual = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": REDIRECT_URI,
            "scope": "openid profile email",
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": s256(self.verifier),
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in (usual | changes).items() if value is not None}


class Browser(FlaskClient):
    """A browser at the provider's own address."""

    def open(self, *arguments: Any, **options: Any) -> TestResponse:
        """As any request, to the issuer unless said otherwise."""
        return super().open(*arguments, **({"base_url": ISSUER} | options))

    def cookie(self, name: str) -> str:
        """A cookie's value; empty without it."""
        found = self.get_cookie(name, domain="127.0.0.1")
        return found.value if found is not None else ""


class OpenIdClient:
    """A browser with its cookies, and the client behind the redirect address."""

    def __init__(self, app: Flask) -> None:
        """A fresh browser."""
        self.browser: Any = Browser(app, app.response_class, use_cookies=True)

    def authorize(self, asked: Asked, **changes: str | None) -> Any:
        """The browser follows a link to the provider."""
        return self.browser.get(f"/authorize?{urlencode(asked.parameters(**changes))}")

    def sign_in(self, person: Demo, *, target: str = "", passphrase: str = "") -> Any:
        """The person fills in the page at `target`, the address they were sent to."""
        page = self.browser.get(target or "/sign-in")
        fields = form_fields(page.text) | {"email": person.email, "passphrase": passphrase or person.passphrase}
        return self.browser.post("/sign-in", data=fields)

    def code(self, person: Demo, asked: Asked) -> str:
        """The whole way from link to code."""
        to_sign_in = self.authorize(asked)
        signed_in = self.sign_in(person, target=to_sign_in.location)
        back = self.browser.get(signed_in.location)
        return query(str(back.location))["code"]

    def consent(self, asked: Asked, decision: str = "allow", **changes: str | None) -> Any:
        """The person answers the page that asks whether a program may; they are signed in."""
        page = self.authorize(asked, **changes).text
        action = html.unescape(re.findall(r'action="(/authorize/consent[^"]*)"', page)[0])
        token = re.findall(r'name="csrf_token" value="([^"]*)"', page)[0]
        return self.browser.post(action, data={"csrf_token": token, "decision": decision})

    def token(self, **form: str) -> Any:
        """The token endpoint, as the gateway's client."""
        return self.browser.post("/token", data=form, headers=basic(CLIENT_ID, CLIENT_SECRET))

    def redeem(self, code: str, asked: Asked, /, **changes: str) -> Any:
        """Tokens for a code."""
        form = {"redirect_uri": REDIRECT_URI, "code_verifier": asked.verifier} | changes
        return self.token(grant_type="authorization_code", **({"code": code} | form))

    def refresh(self, refresh_token: str) -> Any:
        """Tokens for a refresh token."""
        return self.token(grant_type="refresh_token", refresh_token=refresh_token)

    def tokens(self, person: Demo) -> dict[str, Any]:
        """Sign someone in and return the token endpoint's answer."""
        asked = Asked()
        answer: dict[str, Any] = self.redeem(self.code(person, asked), asked).json or {}
        return answer

    def jwks(self) -> dict[str, Any]:
        """The provider's published keys."""
        keys: dict[str, Any] = self.browser.get("/jwks").json or {}
        return keys


def basic(client_id: str, secret: str) -> dict[str, str]:
    """client_secret_basic."""
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


def query(location: str) -> dict[str, str]:
    """The parameters of an address, each of which must stand once."""
    found = parse_qs(urlsplit(location).query, strict_parsing=True)
    assert all(len(values) == 1 for values in found.values())
    return {name: values[0] for name, values in found.items()}


def form_fields(page: str, action: str = "/sign-in") -> dict[str, str]:
    """The hidden fields of the form that goes to `action`."""
    form = page.partition(f'action="{action}"')[2].partition("</form>")[0]
    pattern = r'<input type="hidden" name="([^"]+)" value="([^"]*)">'
    return {name: html.unescape(value) for name, value in re.findall(pattern, form)}


def verified_claims(id_token: str, jwks: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(header, claims) of an ES256 token after checking its signature by hand against a key set."""
    head, body, signature = id_token.split(".")
    header = json.loads(_bytes(head))
    key = next(key for key in jwks["keys"] if key["kid"] == header["kid"])
    numbers = ec.EllipticCurvePublicNumbers(
        int.from_bytes(_bytes(key["x"])), int.from_bytes(_bytes(key["y"])), ec.SECP256R1()
    )
    raw = _bytes(signature)
    der = utils.encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    numbers.public_key().verify(der, f"{head}.{body}".encode(), ec.ECDSA(SHA256()))
    return header, json.loads(_bytes(body))


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
