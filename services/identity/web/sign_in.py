"""The pages people see: signing in, signed in, signing out."""

from dataclasses import dataclass

from flask import Blueprint, Response, redirect, render_template, request, session, url_for
from flask_babel import gettext, lazy_gettext
from prometheus_client import Counter
from wtforms import PasswordField

from kit.errors import DomainError, PermissionDeniedError, ResourceExhaustedError, UnauthenticatedError
from kit.web.forms import EmailAddressField, Form, Needed
from kit.web.urls import safe_local_path
from services.identity import commands
from services.identity.commands import Attempt, Deps
from services.identity.web.browser import Browser
from services.identity.web.passphrase import say_wait

_SIGN_INS = Counter("ascms_sign_ins", "Tries to sign in, by what became of them", ["outcome"])
_OUTCOMES = {
    UnauthenticatedError: ("refused", 401),
    PermissionDeniedError: ("disabled", 403),
    ResourceExhaustedError: ("too-many", 429),
}
for _outcome in ("signed-in", *(name for name, _status in _OUTCOMES.values())):
    _SIGN_INS.labels(_outcome)  # Told from the start: an alert cannot see something rise from nothing.
_LONGEST_EMAIL = 200
_LONGEST_PASSPHRASE = 200


class SignInForm(Form):
    """An address and a passphrase."""

    email = EmailAddressField(lazy_gettext("Email address"), [Needed(lazy_gettext("Enter your email address."))])
    passphrase = PasswordField(lazy_gettext("Passphrase"), [Needed(lazy_gettext("Enter your passphrase."))])


@dataclass(frozen=True)
class SignInPages:
    """The pages, with what they need. `home` is the product's own address."""

    deps: Deps
    browser: Browser
    home: str

    def blueprint(self) -> Blueprint:
        """Their routes."""
        blueprint = Blueprint("sign_in", __name__)
        blueprint.get("/")(self.home_page)
        blueprint.get("/sign-in")(self.show)
        blueprint.post("/sign-in", endpoint="submit")(self.submit)
        blueprint.post("/sign-out")(self.sign_out)
        blueprint.get("/signed-out")(self.signed_out)
        return blueprint

    def home_page(self) -> Response:
        """Who is signed in here, or the way in."""
        user = self.browser.user()
        if user is None:
            return _redirect(url_for("sign_in.show"))
        return Response(render_template("identity/signed_in.html", user=user, home=self.home))

    def show(self) -> Response:
        """The empty form."""
        return self._page(SignInForm(email=request.args.get("email", "")[:_LONGEST_EMAIL]))

    def submit(self) -> Response:
        """Sign in, and go on to where it was asked for."""
        form = SignInForm()
        if not form.validate_on_submit():
            return self._page(form, status=400)
        email, passphrase = form.email.data or "", form.passphrase.data or ""
        attempt = Attempt(
            email=email[:_LONGEST_EMAIL],
            passphrase=passphrase[:_LONGEST_PASSPHRASE],
            place=request.remote_addr or "",
            device=self.browser.device(email),
            cookie=self.browser.cookie,
        )
        try:
            signed_in = commands.sign_in(self.deps, attempt)
        except (UnauthenticatedError, PermissionDeniedError, ResourceExhaustedError) as refused:
            return self._refused(form, refused)
        _SIGN_INS.labels("signed-in").inc()
        # Nothing that was known to this browser before it signed in stays valid.
        session.clear()
        response = _redirect(_target())
        self.browser.remember(response, cookie=signed_in.cookie, email=email)
        return response

    def sign_out(self) -> Response:
        """End the session of this browser."""
        user = self.browser.user()
        if user is not None:
            commands.end_session(self.deps, (user.session, user.profile), reason="signed-out")
        session.clear()
        response = _redirect(url_for("sign_in.signed_out"))
        self.browser.forget(response)
        return response

    def signed_out(self) -> Response:
        """It is done."""
        return Response(render_template("identity/signed_out.html", home=self.home))

    def _refused(self, form: SignInForm, error: DomainError) -> Response:
        outcome, status = _OUTCOMES[type(error)]
        _SIGN_INS.labels(outcome).inc()
        form.form_errors = [*form.form_errors, _words(error)]
        return self._page(form, status=status)

    def _page(self, form: SignInForm, *, status: int = 200) -> Response:
        page = render_template("identity/sign_in.html", form=form, target=_target(fallback=""), home=self.home)
        return Response(page, status=status)


def _words(error: DomainError) -> str:
    if isinstance(error, ResourceExhaustedError):
        return say_wait(error)
    match error.reason:
        case "account-disabled":
            words = gettext("This account is switched off. Ask your delegated authoriser to switch it on again.")
        case _:
            words = gettext("The email address and the passphrase do not belong together. Check both and try again.")
    return str(words)


def _target(*, fallback: str = "/") -> str:
    """Where to go on: an authorisation request, an invitation or the passphrase's page; never anywhere else."""
    wanted = safe_local_path(request.values.get("next"), fallback=fallback)
    return wanted if wanted == "/passphrase" or wanted.startswith(("/authorize?", "/invitation?")) else fallback


def _redirect(target: str) -> Response:
    response = redirect(target, 303)
    assert isinstance(response, Response)
    return response
