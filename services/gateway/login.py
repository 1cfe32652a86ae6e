"""Signing in and out with the OpenID provider, and choosing the organisation to work for."""

from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from urllib.parse import urlsplit

import requests
from flask import Blueprint, Flask, Response, redirect, request, session
from flask_babel import gettext as _

from kit import log
from kit.errors import DomainError, Kind, PermissionDeniedError, UnauthenticatedError
from kit.web.i18n import current_language
from kit.web.problems import problem_page
from kit.web.urls import safe_local_path
from services.gateway.backends import Backends
from services.gateway.config import GatewaySettings
from services.gateway.provider import Pending, Provider, SignInRefusedError
from services.gateway.security import Authentication, Caller, needs, open_to_all
from services.gateway.sessions import Cookies, SealedSessions, SignIn, cookie_name

_RENEW_BEFORE_SECONDS = 20
_MOST_PENDING = 4
_LONGEST_AFTER = 500
_PENDING = "sign_in"
_NOT_THEIRS = {Kind.PERMISSION_DENIED, Kind.NOT_FOUND, Kind.INVALID_ARGUMENT}


@dataclass(eq=False)
class Login:
    """Who a browser's cookies stand for."""

    provider: Provider
    cookies: Cookies
    backends: Backends
    now: Callable[[], float]

    def authentication(self) -> Authentication:
        """For pages: the session decides."""
        return Authentication(now=self.caller, renew=lambda: self.caller(is_fresh=True))

    def caller(self, *, is_fresh: bool = False) -> Caller:
        """Who is signed in; raises UnauthenticatedError for nobody, and forgets a sign-in that the provider ended."""
        sign_in = self.cookies.read_sign_in(request.cookies)
        if sign_in is None:
            raise UnauthenticatedError("signed-out", "Sign in first.")
        try:
            if self.now() > sign_in.expires_at - _RENEW_BEFORE_SECONDS:
                sign_in = self._renewed(sign_in)
            try:
                return self._exchanged(sign_in, is_fresh=is_fresh)
            except UnauthenticatedError:
                # The access token ended before its time; the session behind it may still stand.
                return self._exchanged(self._renewed(sign_in), is_fresh=True)
        except UnauthenticatedError:
            self.forget()
            raise

    def finish(self, pending: Pending | None, answer: Mapping[str, str]) -> Caller:
        """Take the provider's answer to a sign-in under way.

        Raises:
            SignInRefusedError: it is no answer to what we asked.
            UnauthenticatedError: it is, but identity does not let this person in.
        """
        if pending is None or not self.provider.is_own_answer(answer):
            raise SignInRefusedError("state or issuer")
        if "error" in answer:
            raise SignInRefusedError("the provider said no")
        return self._admit(self.provider.redeem(answer.get("code", ""), pending))

    def leave(self, *, after: str) -> str:
        """End the session here and take its tokens back; returns where the browser ends the provider's own."""
        left = self.forget()
        if left is not None:
            try:
                self.provider.revoke(left)
            except (requests.RequestException, DomainError) as error:
                # The provider ends the session when the browser arrives there; here it is over in any case.
                log.logger().warning("revocation-failed", **log.describe(error))
        return self.provider.end_session_url(left, after=after)

    def _admit(self, sign_in: SignIn) -> Caller:
        """Begin a session: everything that belonged to another one is left behind."""
        session.clear()
        self.cookies.keep_organisation("")
        # Kept also for someone who has no role yet: once they are given one, loading the page again is enough.
        self.cookies.keep_sign_in(sign_in)
        who = self.backends.exchange(sign_in.access_token, is_fresh=True)
        # The person may choose another organisation in another browser; this one stays where it is.
        self.cookies.keep_organisation(who.organisation.id)
        return who

    def choose(self, organisation_id: str) -> Caller:
        """Work for another organisation from now on; raises what identity raises where the person has no role there."""
        sign_in = self.cookies.read_sign_in(request.cookies)
        if sign_in is None:
            raise UnauthenticatedError("signed-out", "Sign in first.")
        who = self.backends.exchange(sign_in.access_token, organisation_id, is_fresh=True)
        self.cookies.keep_organisation(who.organisation.id)
        return who

    def forget(self) -> SignIn | None:
        """End the session in this browser; returns what it was."""
        sign_in = self.cookies.read_sign_in(request.cookies)
        session.clear()
        self.cookies.keep_sign_in(None)
        self.cookies.keep_organisation("")
        return sign_in

    def _renewed(self, sign_in: SignIn) -> SignIn:
        renewed = self.provider.renew(sign_in)
        self.cookies.keep_sign_in(renewed)
        return renewed

    def _exchanged(self, sign_in: SignIn, *, is_fresh: bool) -> Caller:
        chosen = self.cookies.read_organisation(request.cookies)
        try:
            return self.backends.exchange(sign_in.access_token, chosen, is_fresh=is_fresh)
        except DomainError as error:
            if not chosen or error.kind not in _NOT_THEIRS:
                raise
        # Their last role there has ended, or the cookie was tampered with: identity says where they work now.
        who = self.backends.exchange(sign_in.access_token, is_fresh=True)
        self.cookies.keep_organisation(who.organisation.id)
        return who


def init_login(app: Flask, login: Login, settings: GatewaySettings, sessions: SealedSessions) -> None:
    """Give the application its sessions and the four addresses of signing in."""
    app.session_interface = sessions
    app.config.update(
        SESSION_COOKIE_NAME=cookie_name("session", is_secure=settings.is_secure),
        SESSION_COOKIE_SECURE=settings.is_secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
    )
    app.extensions["ascms.login"] = login
    app.after_request(login.cookies.write)
    app.register_blueprint(_blueprint(login, settings))


def _blueprint(login: Login, settings: GatewaySettings) -> Blueprint:
    blueprint = Blueprint("login", __name__)

    @blueprint.get("/sign-in")
    @open_to_all
    def sign_in() -> Response:
        after = safe_local_path(request.args.get("next"))
        after = after if len(after) <= _LONGEST_AFTER else urlsplit(after).path[:_LONGEST_AFTER]
        pending = Pending.begin(after)
        url = login.provider.authorization_url(pending, language=current_language())
        # Several tabs may be signing in; the oldest is forgotten before the cookie grows too large.
        session[_PENDING] = [*session.get(_PENDING, [])[1 - _MOST_PENDING :], list(astuple(pending))]
        return _see(url)

    @blueprint.get("/sign-in/return")
    @open_to_all
    def sign_in_return() -> Response:
        pending = _take_pending(request.args.get("state", ""))
        if pending is None and login.cookies.read_sign_in(request.cookies) is not None:
            # Another tab finished first and began the session anew.
            return _see("/")
        try:
            login.finish(pending, request.args)
        except SignInRefusedError as error:
            log.logger().warning("sign-in-refused", why=str(error))
            return _try_again(pending)
        except PermissionDeniedError:
            # The first page says what is missing.
            return _see("/")
        except UnauthenticatedError:
            login.forget()
            # Not by redirect: with the provider's session still there, the browser would go round for ever.
            return problem_page("forbidden", what=_("Your access does not work at the moment."), back="/sign-in")
        assert pending is not None
        return _see(safe_local_path(pending.after))

    @blueprint.post("/sign-out")
    @open_to_all
    def sign_out() -> Response:
        return _see(login.leave(after=f"{settings.public_url}/signed-out"))

    @blueprint.get("/signed-out")
    @open_to_all
    def signed_out() -> Response:
        return problem_page("signed-out", status=200, what=_("You have signed out."), back="/sign-in")

    @blueprint.post("/organisation")
    @needs(None)
    def choose_organisation() -> Response:
        # To the first page: what this one shows belongs to the organisation that is being left.
        login.choose(request.form.get("organisation", ""))
        return _see("/")

    return blueprint


def form_targets(settings: GatewaySettings) -> list[str]:
    """Where forms may end besides here: signing out ends at the provider."""
    parts = urlsplit(settings.issuer)
    return [f"{parts.scheme}://{parts.netloc}"]


def _take_pending(state: str) -> Pending | None:
    """The sign-in that an answer belongs to; it can be used once."""
    waiting = [Pending(*one) for one in session.get(_PENDING, [])]
    found = next((one for one in waiting if one.state == state), None)
    session[_PENDING] = [list(astuple(one)) for one in waiting if one is not found]
    return found


def _try_again(pending: Pending | None) -> Response:
    back = "/sign-in" if pending is None else f"/sign-in?next={pending.after}"
    words = _("This sign-in could not be finished: it was begun too long ago, or in another browser.")
    return problem_page("signed-out", status=400, what=words, back=back)


def _see(url: str) -> Response:
    response = redirect(url, 303)
    assert isinstance(response, Response)
    return response
