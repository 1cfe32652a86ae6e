"""The grants of the provider: Authlib's server for the protocol, our commands for what they mean."""

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, ClassVar

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.integrations.flask_oauth2.requests import FlaskOAuth2Payload, FlaskOAuth2Request
from authlib.oauth2 import OAuth2Request
from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, ClientCredentialsGrant, RefreshTokenGrant
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core.grants import OpenIDCode
from authlib.oidc.core.util import create_half_hash
from flask import Flask
from flask import request as flask_request
from joserfc import jwt

from services.identity import commands
from services.identity.commands import Claim, CodeRequest, Deps
from services.identity.domain import ACCESS_TOKEN_LASTS, MACHINE_TOKEN_LASTS, Profile, Session
from services.identity.keys import ALGORITHM, OPENID, KeyRing
from services.identity.web.clients import SECRET_METHODS, TOKEN_METHODS, Client, Clients

_ID_TOKEN_SECONDS = 300


@dataclass(frozen=True)
class Provider:
    """What the grants need."""

    deps: Deps
    keys: KeyRing
    clients: Clients
    issuer: str


@dataclass(frozen=True)
class User:
    """Someone signed in here, as Authlib passes them on."""

    session: Session
    profile: Profile


@dataclass(frozen=True)
class Granted:
    """A claimed code or refresh token, as Authlib asks about it."""

    claim: Claim

    code_challenge_method: ClassVar[str] = "S256"

    @property
    def code_challenge(self) -> str:
        """What the verifier must hash to."""
        return self.claim.challenge

    def get_redirect_uri(self) -> str:
        """The address the code was sent to."""
        return self.claim.redirect_uri

    def get_scope(self) -> str:
        """What was asked for."""
        return self.claim.authorisation.scope

    def check_client(self, client: Client) -> bool:
        """Whether it was given to this client."""
        return self.claim.authorisation.client_id == client.client_id


class OpenIdServer(AuthorizationServer):  # type: ignore[misc]  # Authlib publishes no types, here and below
    """Authlib's server over our clients and commands."""

    def __init__(self, app: Flask, provider: Provider) -> None:
        """Register what we support and nothing else."""
        super().__init__(app, query_client=provider.clients.find, save_token=self._keep)
        self.provider = provider
        self.register_token_generator("default", _new_token(provider))
        self.register_grant(CodeGrant, [S256Only(required=True), IdToken(provider)])
        self.register_grant(RefreshGrant)
        self.register_grant(MachineGrant)
        self.register_endpoint(Revocation)

    def create_oauth2_request(self, request: Any) -> OAuth2Request:  # noqa: ARG002 - Authlib passes None: it is Flask's
        """The request at the address by which the world knows us, whatever a proxy made of it."""
        return _Request(flask_request, self.provider.issuer)

    def _keep(self, token: dict[str, Any], request: Any) -> None:
        access = token["access_token"]
        if request.client.machine is not None:
            commands.give_machine_token(self.provider.deps, request.client.machine, access_token=access)
            return
        granted: Granted = request.authorization_code or request.refresh_token
        refresh = token.get("refresh_token", "")
        commands.give_tokens(self.provider.deps, granted.claim, access_token=access, refresh_token=refresh)


class _Request(FlaskOAuth2Request):  # type: ignore[misc]
    def __init__(self, request: Any, issuer: str) -> None:
        OAuth2Request.__init__(self, method=request.method, uri=f"{issuer}{request.full_path}", headers=request.headers)
        self._request = request
        self.payload = FlaskOAuth2Payload(request)


def _new_token(provider: Provider) -> Any:
    def generate(**asked: Any) -> dict[str, Any]:
        client: Client = asked["client"]
        lasts = MACHINE_TOKEN_LASTS if client.machine is not None else ACCESS_TOKEN_LASTS
        token = {
            "token_type": "Bearer",
            "access_token": provider.deps.new_secret(),
            "expires_in": int(lasts.total_seconds()),
            "scope": client.get_allowed_scope(asked["scope"]),
        }
        if asked["include_refresh_token"]:
            token["refresh_token"] = provider.deps.new_secret()
        return token

    return generate


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
    """A code for someone signed in, and tokens for a code."""

    TOKEN_ENDPOINT_AUTH_METHODS = TOKEN_METHODS

    def generate_authorization_code(self) -> str:
        """256 random bits."""
        return self._deps.new_secret()

    def save_authorization_code(self, code: str, request: Any) -> None:
        """Keep a code with all that it is bound to."""
        asked = request.payload.data
        wanted = CodeRequest(
            client_id=request.client.client_id,
            redirect_uri=asked["redirect_uri"],
            scope=request.scope,
            nonce=asked["nonce"],
            challenge=asked["code_challenge"],
        )
        commands.give_code(self._deps, request.user.session, request=wanted, code=code)

    def query_authorization_code(self, code: str, client: Client) -> Granted | None:
        """Use a code up, before the rest of the request is looked at."""
        claim = commands.claim_code(self._deps, code, client_id=client.client_id)
        return Granted(claim) if claim is not None else None

    def delete_authorization_code(self, authorization_code: Granted) -> None:
        """It is used up already; its row stays, to recognise a second use."""

    def authenticate_user(self, authorization_code: Granted) -> User:
        """Whose code it is."""
        return _user(authorization_code)

    @property
    def _deps(self) -> Deps:
        return self.server.provider.deps  # type: ignore[no-any-return]


class RefreshGrant(RefreshTokenGrant):  # type: ignore[misc]
    """New tokens for a refresh token, which is used up by it."""

    TOKEN_ENDPOINT_AUTH_METHODS = TOKEN_METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Granted | None:
        """Use a refresh token up."""
        client_id = self.request.client.client_id
        claim = commands.claim_refresh_token(self.server.provider.deps, refresh_token, client_id=client_id)
        return Granted(claim) if claim is not None else None

    def authenticate_user(self, refresh_token: Granted) -> User:
        """Whose token it is."""
        return _user(refresh_token)

    def revoke_old_credential(self, refresh_token: Granted) -> None:
        """It is used up already; its row stays, to recognise reuse."""


class MachineGrant(ClientCredentialsGrant):  # type: ignore[misc]
    """A token for a machine's own credentials."""

    TOKEN_ENDPOINT_AUTH_METHODS = SECRET_METHODS


class Revocation(RevocationEndpoint):  # type: ignore[misc]
    """RFC 7009: a client gives back what it was given."""

    CLIENT_AUTH_METHODS = TOKEN_METHODS

    def authenticate_token(self, request: Any, client: Client) -> str | None:
        """The token as it came: whether it is this client's is looked up when it is revoked."""
        self.check_params(request, client)
        return str(request.form["token"])

    def revoke_token(self, token: str, request: Any) -> None:
        """End what the token belongs to, if it is the client's."""
        commands.revoke_token(self.server.provider.deps, token, client_id=request.client.client_id)


class S256Only(CodeChallenge):  # type: ignore[misc]
    """PKCE is needed, and only as S256."""

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD: ClassVar[list[str]] = ["S256"]
    CODE_CHALLENGE_METHODS: ClassVar[dict[str, Any]] = {
        "S256": lambda verifier, challenge: hmac.compare_digest(_s256(verifier), challenge)
    }

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        """Both parameters, or nothing."""
        asked = grant.request.payload.data
        if not asked.get("code_challenge") or asked.get("code_challenge_method") != "S256":
            raise InvalidRequestError("A code_challenge with code_challenge_method S256 is needed.")
        super().validate_code_challenge(grant, redirect_uri)


def _s256(verifier: str) -> str:
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class IdToken(OpenIDCode):  # type: ignore[misc]
    """ID tokens: ES256, five minutes, with the session they speak of."""

    def __init__(self, provider: Provider) -> None:
        """A nonce is always needed."""
        super().__init__(require_nonce=True)
        self._provider = provider

    def exists_nonce(self, nonce: str, request: Any) -> bool:
        """Nonces are the client's to compare: a code is good once anyhow."""
        del nonce, request
        return False

    def encode_id_token(self, token: dict[str, Any], request: Any) -> str:
        """Sign what we say about the person, for this client alone."""
        provider = self._provider
        claim: Claim = request.authorization_code.claim
        key = provider.keys.signing_key(OPENID)
        issued_at = int(provider.deps.clock.now().timestamp())
        claims = {
            "iss": provider.issuer,
            "aud": request.client.client_id,
            "iat": issued_at,
            "exp": issued_at + _ID_TOKEN_SECONDS,
            "auth_time": int(claim.authorisation.session.started_at.timestamp()),
            "nonce": claim.nonce,
            "sid": str(claim.authorisation.session.id),
            "at_hash": create_half_hash(token["access_token"], ALGORITHM).decode(),
            **user_info(claim.profile, claim.authorisation.scope),
        }
        return jwt.encode({"alg": ALGORITHM, "kid": key.kid, "typ": "JWT"}, claims, key, algorithms=[ALGORITHM])


def user_info(profile: Profile, scope: str) -> dict[str, Any]:
    """What scopes say about a person."""
    info: dict[str, Any] = {"sub": str(profile.person_id)}
    words = scope.split()
    if "profile" in words:
        info |= {"name": profile.name, "locale": profile.language}
    if "email" in words:
        info |= {"email": profile.email}
    return info


def _user(granted: Granted) -> User:
    return User(granted.claim.authorisation.session, granted.claim.profile)
