"""The protocol's addresses: discovery, keys, authorize, token, userinfo, revoke, end-session."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import OAuth2Error
from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for
from joserfc import jwt
from joserfc.errors import JoseError
from werkzeug.datastructures import MultiDict

from kit.web.problems import problem_page
from services.identity import commands
from services.identity.keys import ALGORITHM, OPENID
from services.identity.web.browser import Browser
from services.identity.web.clients import SCOPES, TOKEN_METHODS, Client
from services.identity.web.grants import OpenIdServer, Provider, User, user_info

_LONGEST_PARAMETER = 1_000
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_PROMPTS = frozenset({"none", "login", "consent", "select_account"})
_LANGUAGE_SECONDS = 31_536_000


@dataclass(frozen=True)
class _Refusal:
    """An error to send back to the client, as RFC 6749 and OpenID Connect name it."""

    error: str
    description: str


@dataclass(frozen=True)
class Endpoints:
    """The addresses, with what they need."""

    provider: Provider
    server: OpenIdServer
    browser: Browser

    def blueprint(self) -> Blueprint:
        """Their routes. None of them takes a form of ours, so none has our token against forgery."""
        blueprint = Blueprint("openid", __name__)
        blueprint.get("/.well-known/openid-configuration")(self.discovery)
        blueprint.get("/jwks")(self.jwks)
        blueprint.get("/authorize")(self.authorize)
        blueprint.post("/authorize", endpoint="authorize_by_form")(self.authorize_by_form)
        blueprint.post("/token")(self.token)
        blueprint.route("/userinfo", methods=["GET", "POST"])(self.userinfo)
        blueprint.post("/revoke")(self.revoke)
        blueprint.route("/end-session", methods=["GET", "POST"])(self.end_session)
        return blueprint

    def consent_blueprint(self) -> Blueprint:
        """The one form of ours among them, with our token against forgery."""
        blueprint = Blueprint("consent", __name__)
        blueprint.post("/authorize/consent", endpoint="answer")(self.consent)
        return blueprint

    def discovery(self) -> Response:
        """What there is, for clients that configure themselves."""
        issuer = self.provider.issuer
        return _public(
            {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token",
                "userinfo_endpoint": f"{issuer}/userinfo",
                "revocation_endpoint": f"{issuer}/revoke",
                "end_session_endpoint": f"{issuer}/end-session",
                "jwks_uri": f"{issuer}/jwks",
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [ALGORITHM],
                "scopes_supported": list(SCOPES),
                "claims_supported": ["sub", "sid", "name", "locale", "email", "auth_time", "nonce", "at_hash"],
                "token_endpoint_auth_methods_supported": list(TOKEN_METHODS),
                "revocation_endpoint_auth_methods_supported": list(TOKEN_METHODS),
                "code_challenge_methods_supported": ["S256"],
                "ui_locales_supported": ["en", "mi"],
                "authorization_response_iss_parameter_supported": True,
                "request_parameter_supported": False,
                "request_uri_parameter_supported": False,
                "claims_parameter_supported": False,
            }
        )

    def jwks(self) -> Response:
        """The public keys of ID tokens. Those of internal tokens are not among them."""
        return _public(self.provider.keys.public_keys(OPENID))

    def authorize_by_form(self) -> Response:
        """The same request as a form: asked again as a link, so that signing in can come back to it."""
        return _redirect(f"{url_for('openid.authorize')}?{urlencode(list(request.form.items(multi=True)))}")

    def authorize(self) -> Response:
        """A code for a client, once its person is signed in here."""
        asked = request.args
        refused = self._refused(asked)
        if refused is not None:
            return refused
        user = self.browser.user()
        if user is None and "none" in asked.get("prompt", "").split():
            return self._back(asked, _Refusal("login_required", "Nobody is signed in."))
        if user is None or self._must_sign_in_again(asked, user):
            return self._ask_to_sign_in(asked)
        if self.provider.clients.find(asked["client_id"]).is_public:
            return self._ask_consent(asked, user)
        return self._grant(asked, user)

    def consent(self) -> Response:
        """A code for a program whose person allows it, and a refusal for one whose person does not.

        Which request that answers stands in the address, as it did when it was asked: it is looked at anew.
        """
        asked = request.args
        refused = self._refused(asked)
        if refused is not None:
            return refused
        user = self.browser.user()
        if user is None or self._must_sign_in_again(asked, user):
            return self._ask_to_sign_in(asked)
        if request.form.get("decision") != "allow":
            return self._back(asked, _Refusal("access_denied", "The person did not allow it."))
        return self._grant(asked, user)

    def _refused(self, asked: MultiDict[str, str]) -> Response | None:
        """What is wrong with an authorisation request; None for one that may be granted."""
        client = self.provider.clients.find(asked.get("client_id", ""))
        if not client.check_redirect_uri(asked.get("redirect_uri", "")) or _has_strange(asked):
            # Nobody knows where this came from, so nobody is sent anywhere.
            return problem_page("form", back=self._home)
        refusal = _refusal(asked)
        return self._back(asked, refusal) if refusal is not None else None

    def _ask_consent(self, asked: Mapping[str, str], user: User) -> Response:
        """A program is whatever runs on the person's machine: each time it asks, they are asked."""
        if "none" in asked.get("prompt", "").split():
            return self._back(asked, _Refusal("consent_required", "The person must allow it."))
        page = render_template(
            "identity/consent.html",
            user=user,
            scopes=asked["scope"].split(),
            action=f"{url_for('consent.answer')}?{urlencode(asked)}",
        )
        return Response(page, headers={"Cache-Control": "no-store"})

    def _grant(self, asked: Mapping[str, str], user: User) -> Response:
        try:
            grant = self.server.get_consent_grant(end_user=user)
        except OAuth2Error as error:
            return self._back(asked, _Refusal(error.error, "The request cannot be granted as it is."))
        response = self.server.create_authorization_response(grant_user=user, grant=grant)
        return self._with_issuer(response)

    def token(self) -> Response:
        """Tokens for a code, a refresh token, or a machine's credentials."""
        if request.args:
            return _oauth_error(_Refusal("invalid_request", "Parameters belong into the form, not the address."))
        if any(len(values) > 1 for values in request.form.listvalues()):
            return _oauth_error(_Refusal("invalid_request", "A parameter was given twice."))
        response: Response = self.server.create_token_response()
        response.headers["Cache-Control"] = "no-store"
        return response

    def userinfo(self) -> Response:
        """What a client may know of the person behind an access token."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        claim = commands.find_holder(self.provider.deps, token) if scheme == "Bearer" and token else None
        if claim is None:
            response = _oauth_error(_Refusal("invalid_token", "The access token is no more."), status=401)
            response.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
            return response
        return jsonify(user_info(claim.profile, claim.authorisation.scope))

    def revoke(self) -> Response:
        """A client gives back a token."""
        response: Response = self.server.create_endpoint_response("revocation")
        response.headers["Cache-Control"] = "no-store"
        return response

    def end_session(self) -> Response:
        """A client's wish to sign its person out. With an ID token of ours it is done; without, the person is asked."""
        asked = request.values
        hint = self._read_hint(asked.get("id_token_hint", ""))
        client = self.provider.clients.find(asked.get("client_id", "") or (hint or {}).get("aud", ""))
        target = asked.get("post_logout_redirect_uri", "")
        is_contradictory = hint is not None and hint["aud"] != client.client_id
        if is_contradictory or (target and target not in client.post_logout_uris):
            return problem_page("form", back=self._home)
        user = self.browser.user()
        if hint is not None:
            commands.end_session_by_id(
                self.provider.deps,
                person_id=UUID(hint["sub"]),
                session_id=UUID(hint["sid"]),
                reason="signed-out",
            )
        elif user is not None:
            return Response(render_template("identity/sign_out.html", user=user, home=self._home))
        response = self._signed_out(client, target, state=asked.get("state", ""))
        if user is None or (hint is not None and str(user.session.id) == hint["sid"]):
            self.browser.forget(response)
        return response

    @property
    def _home(self) -> str:
        return self.provider.clients.settings.product_url

    def _signed_out(self, client: Client, target: str, *, state: str) -> Response:
        if not target or target not in client.post_logout_uris:
            return _redirect(url_for("sign_in.signed_out"))
        return _redirect(str(add_params_to_uri(target, [("state", state)])) if state else target)

    def _read_hint(self, token: str) -> dict[str, Any] | None:
        """The claims of an ID token that we signed for a client of ours, however long ago; None for anything else."""
        if not token:
            return None
        try:
            keys = self.provider.keys.verification_keys(OPENID)
            claims = jwt.decode(token, keys, algorithms=[ALGORITHM]).claims
            if claims["iss"] != self.provider.issuer or claims["aud"] != self.provider.clients.gateway.client_id:
                return None
            UUID(claims["sub"]), UUID(claims["sid"])
        except (JoseError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return dict(claims)

    def _must_sign_in_again(self, asked: Mapping[str, str], user: User) -> bool:
        if "login" in asked.get("prompt", "").split():
            return True
        age = (self.provider.deps.clock.now() - user.session.started_at).total_seconds()
        return "max_age" in asked and int(age) > int(asked["max_age"])

    def _ask_to_sign_in(self, asked: Mapping[str, str]) -> Response:
        """To the sign-in page, and from there back to this request without what made us ask."""
        rest = {name: value for name, value in asked.items() if name not in {"prompt", "max_age", "login_hint"}}
        target = f"{url_for('openid.authorize')}?{urlencode(rest)}"
        response = _redirect(url_for("sign_in.show", next=target, email=asked.get("login_hint") or None))
        wanted = [word for word in asked.get("ui_locales", "").split() if word in {"en", "mi"}]
        if wanted and "language" not in request.cookies:
            response.set_cookie(
                "language",
                wanted[0],
                max_age=_LANGUAGE_SECONDS,
                secure=self.browser.is_secure,
                samesite="Lax",
                path="/",
            )
        return response

    def _back(self, asked: Mapping[str, str], refusal: _Refusal) -> Response:
        """To the client, which was checked, with an error."""
        parameters = [("error", refusal.error), ("error_description", refusal.description)]
        if state := asked.get("state"):
            parameters.append(("state", state))
        return self._with_issuer(_redirect(str(add_params_to_uri(asked["redirect_uri"], parameters))))

    def _with_issuer(self, response: Response) -> Response:
        """RFC 9207: every answer says whose it is, so that no client takes it for another provider's."""
        if response.location:
            response.location = str(add_params_to_uri(response.location, [("iss", self.provider.issuer)]))
        response.headers["Cache-Control"] = "no-store"
        return response


def _has_strange(asked: Any) -> bool:
    """Whether something stands twice, is very long, or has characters that no client sends."""
    if any(len(values) > 1 for _, values in asked.lists()):
        return True
    return any(len(value) > _LONGEST_PARAMETER or not value.isprintable() for value in asked.values())


def _refusal(asked: Mapping[str, str]) -> _Refusal | None:
    """The first rule that an authorisation request breaks."""
    prompts = asked.get("prompt", "").split()
    rules = (
        ("request" in asked, "request_not_supported", "request is not supported."),
        ("request_uri" in asked, "request_uri_not_supported", "request_uri is not supported."),
        (asked.get("response_type") != "code", "unsupported_response_type", "response_type must be code."),
        (asked.get("response_mode", "query") != "query", "invalid_request", "response_mode must be query."),
        ("openid" not in asked.get("scope", "").split(), "invalid_scope", "scope must include openid."),
        (not asked.get("nonce"), "invalid_request", "nonce is needed."),
        (asked.get("code_challenge_method") != "S256", "invalid_request", "code_challenge_method must be S256."),
        (not _CHALLENGE.fullmatch(asked.get("code_challenge", "")), "invalid_request", "code_challenge is needed."),
        (bool(set(prompts) - _PROMPTS), "invalid_request", "prompt is not known."),
        ("none" in prompts and len(prompts) > 1, "invalid_request", "prompt none stands alone."),
        (not re.fullmatch(r"[0-9]{1,9}", asked.get("max_age", "0")), "invalid_request", "max_age must be seconds."),
    )
    return next((_Refusal(error, words) for is_broken, error, words in rules if is_broken), None)


def _redirect(target: str) -> Response:
    response = redirect(target, 303)
    assert isinstance(response, Response)
    return response


def _public(document: Mapping[str, Any]) -> Response:
    response = jsonify(document)
    response.headers["Cache-Control"] = "public, max-age=30"
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _oauth_error(refusal: _Refusal, *, status: int = 400) -> Response:
    response = jsonify({"error": refusal.error, "error_description": refusal.description})
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response
