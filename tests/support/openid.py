"""A small OpenID provider over real HTTP: code + PKCE S256, rotating refresh tokens, an identity token, end of session.

It approves every sign-in at once, as whoever `subject` says. Its faults are switched on by name, to see them refused.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey

CLIENT_ID = "gateway"
CLIENT_SECRET = "the-gateway's-secret"


@dataclass
class FakeProvider:
    """What the provider knows and was asked. `faults` may hold "nonce", "issuer", "signature", "audience"."""

    issuer: str = ""
    subject: str = "person"
    lifetime_seconds: int = 300
    faults: set[str] = field(default_factory=set)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    refresh_tokens: dict[str, str] = field(default_factory=dict)
    issued: list[str] = field(default_factory=list)
    renewals: int = 0
    revoked: list[str] = field(default_factory=list)
    redirect_uris: tuple[str, ...] = ()
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", parameters={"kid": "one"}))
    stranger: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", parameters={"kid": "one"}))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reset(self) -> None:
        """As it was at the start."""
        self.subject, self.lifetime_seconds, self.renewals = "person", 300, 0
        for kept in (self.faults, self.codes, self.refresh_tokens, self.issued, self.revoked):
            kept.clear()

    def describe(self) -> dict[str, Any]:
        """The discovery document."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "revocation_endpoint": f"{self.issuer}/revoke",
            "end_session_endpoint": f"{self.issuer}/end-session",
            "jwks_uri": f"{self.issuer}/jwks",
            "authorization_response_iss_parameter_supported": True,
        }

    def authorize(self, asked: dict[str, str]) -> str:
        """Where the browser goes back to, with a code."""
        assert asked["client_id"] == CLIENT_ID
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        answer = {"code": code, "state": asked["state"], "iss": self.issuer}
        return f"{asked['redirect_uri']}?{urlencode(answer)}"

    def token(self, asked: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """The answer of the token endpoint."""
        expected = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if authorization != f"Basic {expected}":
            return 401, {"error": "invalid_client"}
        with self.lock:
            if asked["grant_type"] == "refresh_token":
                return self._refresh(asked)
            return self._redeem(asked)

    def _redeem(self, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        known = self.codes.pop(asked.get("code", ""), None)
        digest = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if known is None or known["code_challenge"] != challenge or known["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        answer = self._issue(self.subject)
        claims = {
            "iss": "http://someone-else" if "issuer" in self.faults else self.issuer,
            "aud": "someone-else" if "audience" in self.faults else CLIENT_ID,
            "sub": self.subject,
            "nonce": "another" if "nonce" in self.faults else known["nonce"],
            "iat": int(time.time()),
            "exp": int(time.time()) + 300,
        }
        key = self.stranger if "signature" in self.faults else self.key
        answer["id_token"] = jwt.encode({"alg": "ES256", "kid": "one"}, claims, key, algorithms=["ES256"])
        return 200, answer

    def _refresh(self, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        subject = self.refresh_tokens.pop(asked["refresh_token"], None)
        if subject is None:
            return 400, {"error": "invalid_grant"}
        self.renewals += 1
        return 200, self._issue(subject)

    def _issue(self, subject: str) -> dict[str, Any]:
        access, refresh = f"{subject}.{secrets.token_urlsafe(8)}", secrets.token_urlsafe(16)
        self.refresh_tokens[refresh] = subject
        self.issued.append(access)
        return {
            "access_token": access,
            "refresh_token": refresh,
            "token_type": "Bearer",
            "expires_in": self.lifetime_seconds,
        }


@contextmanager
def openid_provider() -> Iterator[FakeProvider]:
    """A provider on a free port, for the length of the block."""
    provider = FakeProvider()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(provider))
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(provider: FakeProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            if parts.path == "/authorize":
                self._answer(302, b"", ("Location", provider.authorize(asked)))
            elif parts.path == "/jwks":
                self._json(200, {"keys": [provider.key.as_dict(private=False)]})
            else:
                self._json(200, provider.describe())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            asked = {name: values[0] for name, values in parse_qs(body).items()}
            if self.path == "/revoke":
                provider.revoked.append(asked["token"])
                provider.refresh_tokens.pop(asked["token"], None)
                self._json(200, {})
            else:
                self._json(*provider.token(asked, self.headers.get("Authorization", "")))

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
            """Say nothing."""

        def _json(self, status: int, body: object) -> None:
            self._answer(status, json.dumps(body).encode(), ("Content-Type", "application/json"))

        def _answer(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
            self.send_response(status)
            for name, value in (*headers, ("Content-Length", str(len(body)))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    return Handler
