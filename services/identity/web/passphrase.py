"""The pages about passphrases: changing one's own, asking for a link, and choosing a new one behind it."""

from dataclasses import dataclass

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask_babel import gettext, lazy_gettext, ngettext
from wtforms import PasswordField

from kit.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    ResourceExhaustedError,
    UnauthenticatedError,
)
from kit.web.forms import EmailAddressField, Form, Needed
from kit.web.problems import problem_page
from services.identity import commands
from services.identity.commands import Deps, ResetLink
from services.identity.domain.passphrases import ResetState
from services.identity.strength import LONGEST_PASSPHRASE, SHORTEST_PASSPHRASE
from services.identity.web.browser import Browser

_LONGEST_EMAIL = 200
_GONE = 410
_MISSING = 404


class ChangeForm(Form):
    """The present passphrase and a new one."""

    present = PasswordField(
        lazy_gettext("Present passphrase"), [Needed(lazy_gettext("Enter your present passphrase."))]
    )
    passphrase = PasswordField(lazy_gettext("New passphrase"), [Needed(lazy_gettext("Choose a passphrase."))])


class AskForm(Form):
    """Where to send a link."""

    email = EmailAddressField(lazy_gettext("Email address"), [Needed(lazy_gettext("Enter your email address."))])


class ResetForm(Form):
    """A new passphrase."""

    passphrase = PasswordField(lazy_gettext("New passphrase"), [Needed(lazy_gettext("Choose a passphrase."))])


@dataclass(frozen=True)
class PassphrasePages:
    """The pages, with what they need. `home` is the product's own address.

    The secret of a link stands in the query, which no log holds, and never in the path.
    """

    deps: Deps
    browser: Browser
    home: str

    def blueprint(self) -> Blueprint:
        """Their routes."""
        blueprint = Blueprint("passphrase", __name__)
        blueprint.get("/passphrase")(self.show)
        blueprint.post("/passphrase")(self.change)
        blueprint.get("/passphrase/forgotten")(self.ask)
        blueprint.post("/passphrase/forgotten", endpoint="send")(self.send)
        blueprint.get("/passphrase/forgotten/sent", endpoint="sent")(self.sent)
        blueprint.get("/passphrase/reset")(self.open)
        blueprint.post("/passphrase/reset")(self.reset)
        blueprint.get("/passphrase/changed", endpoint="changed")(self.changed)
        return blueprint

    def show(self) -> Response:
        """The form to change one's own, for who is signed in here."""
        if self.browser.user() is None:
            return _redirect(url_for("sign_in.show", next=url_for("passphrase.show")))
        return self._change_page(ChangeForm(formdata=None))

    def change(self) -> Response:
        """Change one's own; the other sessions end."""
        user = self.browser.user()
        if user is None:
            return _redirect(url_for("sign_in.show", next=url_for("passphrase.show")))
        form = ChangeForm()
        if not form.validate_on_submit():
            return self._change_page(form, status=400)
        present = (form.present.data or "")[:LONGEST_PASSPHRASE]
        try:
            commands.change_passphrase(
                self.deps, user.session, user.profile, present=present, passphrase=form.passphrase.data or ""
            )
        except UnauthenticatedError:
            form.present.errors = [gettext("This is not your present passphrase. Check it and try again.")]
            return self._change_page(form, status=400)
        except InvalidArgumentError as refused:
            form.passphrase.errors = [say_weakness(refused.violations[0].reason)]
            return self._change_page(form, status=400)
        except ResourceExhaustedError as refused:
            form.form_errors = [*form.form_errors, say_wait(refused)]
            return self._change_page(form, status=429)
        return _redirect(url_for("passphrase.changed"))

    def ask(self) -> Response:
        """The form that asks for a link."""
        return self._ask_page(AskForm(formdata=None, email=request.args.get("email", "")[:_LONGEST_EMAIL]))

    def send(self) -> Response:
        """Take a wish for a link; the answer is the same for every address."""
        form = AskForm()
        if not form.validate_on_submit():
            return self._ask_page(form, status=400)
        email = (form.email.data or "")[:_LONGEST_EMAIL]
        try:
            commands.wish_for_reset(
                self.deps, email=email, place=request.remote_addr or "", device=self.browser.device(email)
            )
        except ResourceExhaustedError as refused:
            form.form_errors = [*form.form_errors, say_wait(refused)]
            return self._ask_page(form, status=429)
        return _redirect(url_for("passphrase.sent"))

    def sent(self) -> Response:
        """What happens now, if the address is known here."""
        return Response(render_template("identity/passphrase_sent.html"))

    def open(self) -> Response:
        """What has become of a link, or the form behind it."""
        return self._behind_link(ResetForm(formdata=None))

    def reset(self) -> Response:
        """Choose a new passphrase; every session ends."""
        form = ResetForm()
        if not form.validate_on_submit():
            return self._behind_link(form, status=400)
        try:
            commands.reset_passphrase(self.deps, _link(), passphrase=form.passphrase.data or "")
        except InvalidArgumentError as refused:
            form.passphrase.errors = [say_weakness(refused.violations[0].reason)]
            return self._behind_link(form, status=400)
        except (FailedPreconditionError, NotFoundError):
            return self._behind_link(form)
        except ResourceExhaustedError:
            return problem_page("busy")
        return _redirect(url_for("passphrase.changed"))

    def changed(self) -> Response:
        """It is done."""
        user = self.browser.user()
        return Response(render_template("identity/passphrase_changed.html", user=user, home=self.home))

    def _change_page(self, form: ChangeForm, *, status: int = 200) -> Response:
        user = self.browser.user()
        page = render_template(
            "identity/passphrase.html", form=form, user=user, shortest=SHORTEST_PASSPHRASE, home=self.home
        )
        return Response(page, status=status)

    def _ask_page(self, form: AskForm, *, status: int = 200) -> Response:
        return Response(render_template("identity/passphrase_forgotten.html", form=form), status=status)

    def _behind_link(self, form: ResetForm, *, status: int = 200) -> Response:
        """What has become of the link in hand is said before anything is asked."""
        state: ResetState | None = None
        try:
            state = commands.open_reset(self.deps, _link()).state(self.deps.clock.now())
        except NotFoundError:
            status = _MISSING
        except ResourceExhaustedError:
            return problem_page("busy")
        if state is ResetState.PENDING:
            page = render_template(
                "identity/passphrase_reset.html", form=form, key=_link().key, shortest=SHORTEST_PASSPHRASE
            )
            return Response(page, status=status)
        page = render_template("identity/passphrase_closed.html", state=state)
        return Response(page, status=_GONE if state is not None else _MISSING)


def say_weakness(reason: str) -> str:
    """Why a passphrase that someone chose was refused."""
    match reason:
        case "too-short":
            words = gettext("Choose a passphrase of %(count)s characters or more.", count=SHORTEST_PASSPHRASE)
        case "too-long":
            words = gettext("Choose a shorter passphrase.")
        case _:
            words = gettext(
                "This one is among the first that others would try. Choose several words that do not belong together."
            )
    return str(words)


def say_wait(error: ResourceExhaustedError) -> str:
    """How long to wait after too many tries."""
    return str(
        ngettext(
            "Too many tries. Wait %(num)s minute, then try again.",
            "Too many tries. Wait %(num)s minutes, then try again.",
            int(error.metadata["minutes"]),
        )
    )


def _link() -> ResetLink:
    return ResetLink(request.values.get("key", "")[:200], request.remote_addr or "")


def _redirect(target: str) -> Response:
    response = redirect(target, 303)
    assert isinstance(response, Response)
    return response
