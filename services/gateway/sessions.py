"""Cookies that only the gateway can read: sealed with keys from ASCMS_SECRET, HttpOnly, Lax, Secure over https.

Three, because they change at different times and a browser's tabs answer in any order: a late answer of one tab must
not put back what another has renewed. `sign-in` holds the tokens and changes when they do; `organisation` the choice of
whom to work for; Flask's session the rest (the token of forms, messages, a sign-in under way).
"""

import base64
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import Flask, Response, g, json
from flask.json.tag import TaggedJSONSerializer
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import BadSignature

from services.gateway.config import GatewaySettings

SESSION_SECONDS = 12 * 60 * 60
"""However often tokens are renewed, a person signs in again after this."""
_KEY_BYTES = 32


def derived_key(secret: str, purpose: str) -> bytes:
    """32 bytes for one purpose, from the one secret."""
    return HKDF(algorithm=hashes.SHA256(), length=_KEY_BYTES, salt=None, info=f"ascms {purpose}".encode()).derive(
        secret.encode()
    )


class Seal:
    """Encrypts text so that nobody else can read or change it; the first secret seals, every one opens."""

    def __init__(self, secrets: Sequence[str], *, purpose: str) -> None:
        """What is sealed for one purpose does not open for another."""
        keys = [base64.urlsafe_b64encode(derived_key(secret, purpose)) for secret in secrets]
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def seal(self, text: str) -> str:
        """Text for a cookie."""
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str | None:
        """The text, or None where it was changed, is too old, or is not ours."""
        try:
            return self._fernet.decrypt(sealed.encode(), ttl=SESSION_SECONDS).decode()
        except (InvalidToken, UnicodeError):
            return None


def secrets_of(settings: GatewaySettings) -> list[str]:
    """The secrets, the present one first."""
    return [one.strip() for one in settings.secret.get_secret_value().split(",") if one.strip()]


def cookie_name(name: str, *, is_secure: bool) -> str:
    """Over https a browser takes the name only from this host, for all of it.

    Ports of one host share their cookies: the sign-in service of a developer's machine must not meet ours.
    """
    return f"__Host-gateway-{name}" if is_secure else f"gateway-{name}"


class SealedSessions(SecureCookieSessionInterface):
    """Flask's session, sealed instead of only signed."""

    def __init__(self, seal: Seal) -> None:
        """Use a seal of its own."""
        self._seal = seal
        self._json = TaggedJSONSerializer()

    def get_signing_serializer(self, app: Flask) -> Any:
        """What Flask's own implementation asks to write and read the cookie's value."""
        assert app.secret_key
        return self

    def dumps(self, value: Any) -> str:
        """A session as a cookie's value."""
        return self._seal.seal(self._json.dumps(value))

    def loads(self, value: str, *, max_age: int) -> Any:
        """The session in a cookie's value; raises BadSignature where it is not one of ours."""
        assert max_age
        text = self._seal.open(value)
        if text is None:
            raise BadSignature("the session cookie does not open")
        return self._json.loads(text)


@dataclass(frozen=True, slots=True)
class SignIn:
    """What a browser holds of a sign-in. Times are seconds of the epoch; `session_id` is new at every sign-in."""

    access_token: str
    refresh_token: str
    expires_at: int
    session_id: str
    signed_in_at: int
    id_token: str = ""

    def is_over(self, *, now: float) -> bool:
        """Whether the person must sign in again."""
        return now > self.signed_in_at + SESSION_SECONDS


@dataclass(eq=False)
class Cookies:
    """Reads the cookies of a request, and writes what changed to its answer."""

    seal: Seal
    is_secure: bool

    def read_sign_in(self, cookies: Any) -> SignIn | None:
        """The sign-in of this request: what was renewed in it, else the cookie's; None for nobody."""
        if "sign_in" in g:
            changed: SignIn | None = g.sign_in
            return changed
        sealed = cookies.get(cookie_name("sign-in", is_secure=self.is_secure))
        text = self.seal.open(sealed) if sealed else None
        if text is None:
            return None
        found = SignIn(*json.loads(text))
        return None if found.is_over(now=time.time()) else found

    def keep_sign_in(self, sign_in: SignIn | None) -> None:
        """Have the answer carry a sign-in, or take it away."""
        g.sign_in = sign_in

    def read_organisation(self, cookies: Any) -> str:
        """The id of the organisation to act for; "" where none was chosen."""
        if "organisation_id" in g:
            return str(g.organisation_id)
        return str(cookies.get(cookie_name("organisation", is_secure=self.is_secure), ""))[:64]

    def keep_organisation(self, organisation_id: str) -> None:
        """Have the answer carry a choice of organisation; "" takes it away."""
        g.organisation_id = organisation_id

    def write(self, response: Response) -> Response:
        """Put what changed into an answer, errors and redirects too: a renewed token must not be lost."""
        if "sign_in" in g:
            kept: SignIn | None = g.sign_in
            value = ""
            if kept is not None:
                fields = [getattr(kept, name) for name in SignIn.__slots__]
                value = self.seal.seal(json.dumps(fields, separators=(",", ":")))
            self._set(response, "sign-in", value)
        if "organisation_id" in g:
            self._set(response, "organisation", g.organisation_id)
        return response

    def _set(self, response: Response, name: str, value: str) -> None:
        response.set_cookie(
            cookie_name(name, is_secure=self.is_secure),
            value,
            max_age=None if value else 0,
            secure=self.is_secure,
            httponly=True,
            samesite="Lax",
            path="/",
        )
