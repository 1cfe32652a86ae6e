"""The OpenID provider as its client sees it: discovery, code + PKCE, refresh, the end of a session. By Authlib."""

import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from kit.errors import UnauthenticatedError, UnavailableError
from services.gateway.sessions import SignIn

SCOPE = "openid"
_ALGORITHMS = ["ES256", "RS256", "PS256", "EdDSA"]
_DISCOVERY = "/.well-known/openid-configuration"
_TIMEOUT_SECONDS = 5
_METADATA_SECONDS = 600.0
_LEEWAY_SECONDS = 30
_RENEWED_KEPT_SECONDS = 30.0
_DEFAULT_LIFETIME_SECONDS = 300
_MOST_RENEWED = 5_000


class SignInRefusedError(Exception):
    """What came back from the provider is not an answer to what we asked; the message is for the log."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A sign-in under way: what we sent, to compare with what comes back, and where the person wants to go."""

    state: str
    nonce: str
    verifier: str
    after: str

    @classmethod
    def begin(cls, after: str) -> "Pending":
        """New random values for one sign-in."""
        return cls(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), after)


@dataclass(eq=False)
class Provider:
    """One provider and our registration with it. Nothing is fetched before the first sign-in."""

    issuer: str
    client_id: str
    client_secret: str
    redirect_uri: str
    now: Callable[[], float] = time.time
    _metadata: dict[str, Any] = field(default_factory=dict, init=False)
    _fetched_at: float = field(default=0.0, init=False)
    _keys: KeySet | None = field(default=None, init=False)
    _renewed: dict[bytes, tuple[float, SignIn]] = field(default_factory=dict, init=False)
    _renewing: dict[bytes, threading.Lock] = field(default_factory=dict, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def authorization_url(self, pending: Pending, *, language: str) -> str:
        """Where to send the browser."""
        with self._session() as session:
            url, _state = session.create_authorization_url(
                self._endpoint("authorization_endpoint"),
                state=pending.state,
                code_verifier=pending.verifier,
                nonce=pending.nonce,
                ui_locales=language,
            )
        return str(url)

    def redeem(self, code: str, pending: Pending) -> SignIn:
        """Tokens for the code that came back; raises SignInRefusedError where code or identity token is not right."""
        try:
            with self._session() as session:
                answer = session.fetch_token(
                    self._endpoint("token_endpoint"),
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=pending.verifier,
                )
        except OAuthError as error:
            raise SignInRefusedError(f"token endpoint: {error.error}") from error
        except requests.RequestException as error:
            raise _away() from error
        self._check_identity(answer, nonce=pending.nonce)
        now = int(self.now())
        return SignIn(
            access_token=answer["access_token"],
            refresh_token=answer.get("refresh_token", ""),
            expires_at=now + int(answer.get("expires_in", _DEFAULT_LIFETIME_SECONDS)),
            session_id=secrets.token_urlsafe(16),
            signed_in_at=now,
            id_token=answer["id_token"],
        )

    def renew(self, sign_in: SignIn) -> SignIn:
        """The sign-in with new tokens. Requests of several tabs at once share one renewal.

        Raises:
            UnauthenticatedError: the provider ended the session, or never gave a refresh token.
        """
        if not sign_in.refresh_token:
            raise UnauthenticatedError("signed-out", "Sign in again.")
        key = hashlib.sha256(sign_in.refresh_token.encode()).digest()
        with self._lock:
            lock = self._renewing.setdefault(key, threading.Lock())
        with lock:
            try:
                known = self._renewed.get(key)
                if known is not None and known[0] > self.now():
                    return known[1]
                renewed = self._renew(sign_in)
                self._remember(key, renewed)
                return renewed
            finally:
                with self._lock:
                    self._renewing.pop(key, None)

    def _renew(self, sign_in: SignIn) -> SignIn:
        try:
            with self._session() as session:
                answer = session.refresh_token(
                    self._endpoint("token_endpoint"), refresh_token=sign_in.refresh_token, scope=None
                )
        except OAuthError as error:
            raise UnauthenticatedError("signed-out", "Sign in again.") from error
        except (requests.RequestException, ValueError) as error:
            raise _away() from error
        return SignIn(
            access_token=answer["access_token"],
            refresh_token=answer.get("refresh_token") or sign_in.refresh_token,
            expires_at=int(self.now()) + int(answer.get("expires_in", _DEFAULT_LIFETIME_SECONDS)),
            session_id=sign_in.session_id,
            signed_in_at=sign_in.signed_in_at,
            id_token=answer.get("id_token") or sign_in.id_token,
        )

    def _remember(self, key: bytes, renewed: SignIn) -> None:
        with self._lock:
            while len(self._renewed) >= _MOST_RENEWED or (
                self._renewed and next(iter(self._renewed.values()))[0] < self.now()
            ):
                del self._renewed[next(iter(self._renewed))]
            self._renewed[key] = (self.now() + _RENEWED_KEPT_SECONDS, renewed)

    def revoke(self, sign_in: SignIn) -> None:
        """Take the refresh token back, where the provider lets us; the end of its session follows by redirect."""
        endpoint = self._described().get("revocation_endpoint")
        if endpoint and sign_in.refresh_token:
            with self._session() as session:
                session.revoke_token(endpoint, token=sign_in.refresh_token, token_type_hint="refresh_token")  # noqa: S106 - a kind, no token

    def end_session_url(self, sign_in: SignIn | None, *, after: str) -> str:
        """Where the browser ends the provider's own session; `after` where it comes back to."""
        endpoint = self._described().get("end_session_endpoint")
        if not endpoint:
            return after
        query = {"client_id": self.client_id, "post_logout_redirect_uri": after}
        if sign_in is not None and sign_in.id_token:
            query["id_token_hint"] = sign_in.id_token
        return f"{endpoint}?{urlencode(query)}"

    def is_own_answer(self, answer: Mapping[str, str]) -> bool:
        """Whether an answer names this provider (RFC 9207), where the provider says that it does so."""
        named = answer.get("iss")
        if named is None:
            return not self._described().get("authorization_response_iss_parameter_supported", False)
        return named == self.issuer

    def _check_identity(self, answer: Mapping[str, Any], *, nonce: str) -> None:
        """Check the identity token: signature, issuer, audience, nonce, time, and that it is the access token's."""
        try:
            token = self._decode(answer["id_token"])
            claims = CodeIDToken(
                token.claims,
                token.header,
                options={
                    "iss": {"essential": True, "value": self.issuer},
                    "nonce": {"essential": True, "value": nonce},
                },
                params={"nonce": nonce, "client_id": self.client_id, "access_token": answer["access_token"]},
            )
            claims.validate(now=int(self.now()), leeway=_LEEWAY_SECONDS)
        except (JoseError, KeyError, ValueError, TypeError) as error:
            raise SignInRefusedError(f"identity token: {type(error).__name__}") from error

    def _decode(self, id_token: str) -> jwt.Token:
        keys = self._key_set()
        try:
            return jwt.decode(id_token, keys, algorithms=_ALGORITHMS)
        except (JoseError, ValueError):
            # Signed with a key that is newer than what we know.
            self._keys = None
            return jwt.decode(id_token, self._key_set(), algorithms=_ALGORITHMS)

    def _key_set(self) -> KeySet:
        if self._keys is None:
            self._keys = KeySet.import_key_set(self._get(self._endpoint("jwks_uri")))  # type: ignore[arg-type]
        return self._keys

    def _endpoint(self, name: str) -> str:
        return str(self._described()[name])

    def _described(self) -> dict[str, Any]:
        """What the provider says of itself; the last word stands while it cannot be reached."""
        if self._metadata and self.now() - self._fetched_at < _METADATA_SECONDS:
            return self._metadata
        try:
            self._metadata = self._discovered()
            self._fetched_at = self.now()
        except UnavailableError:
            if not self._metadata:
                raise
        return self._metadata

    def _discovered(self) -> dict[str, Any]:
        found = self._get(self.issuer + _DISCOVERY)
        if found.get("issuer") != self.issuer:
            raise UnavailableError("issuer-mismatch", "Signing in is not set up rightly. Call the service desk.")
        return found

    def _get(self, url: str) -> dict[str, Any]:
        try:
            response = requests.get(url, timeout=_TIMEOUT_SECONDS)
            response.raise_for_status()
            found: dict[str, Any] = response.json()
        except (requests.RequestException, ValueError) as error:
            raise _away() from error
        return found

    def _session(self) -> OAuth2Session:
        return OAuth2Session(
            self.client_id,
            self.client_secret,
            token_endpoint_auth_method="client_secret_basic",  # noqa: S106 - a method, no secret
            scope=SCOPE,
            redirect_uri=self.redirect_uri,
            code_challenge_method="S256",
            default_timeout=_TIMEOUT_SECONDS,
        )


def _away() -> UnavailableError:
    return UnavailableError("identity-away", "Signing in cannot be reached. Try again in a moment.")
