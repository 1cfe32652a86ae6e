"""The page behind the link of an invitation: what it leads to, accepting it, and that it is done."""

from dataclasses import dataclass

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask_babel import gettext, lazy_gettext
from wtforms import PasswordField, RadioField, SelectChoice

from kit.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    ResourceExhaustedError,
)
from kit.web.forms import Form, Needed, TextField
from kit.web.i18n import NAMES, current_language
from kit.web.problems import problem_page
from services.identity import commands
from services.identity.commands import Deps, Link, NewProfile, Opened
from services.identity.domain.invitations import InvitationState
from services.identity.strength import SHORTEST_PASSPHRASE
from services.identity.web.browser import Browser
from services.identity.web.passphrase import say_weakness

_LONGEST_NAME = 200
_GONE = 410
_MISSING = 404


class ProfileForm(Form):
    """A new profile."""

    name = TextField(lazy_gettext("Your name"), [Needed(lazy_gettext("Enter your name."))])
    passphrase = PasswordField(lazy_gettext("Passphrase"), [Needed(lazy_gettext("Choose a passphrase."))])
    language = RadioField(
        lazy_gettext("Language of messages to you"), choices=[SelectChoice(code, name) for code, name in NAMES.items()]
    )


@dataclass(frozen=True)
class InvitationPages:
    """The pages, with what they need. `home` is the product's own address.

    The secret stands in the query, which no log holds, and never in the path.
    """

    deps: Deps
    browser: Browser
    home: str

    def blueprint(self) -> Blueprint:
        """Their routes."""
        blueprint = Blueprint("invitation", __name__)
        blueprint.get("/invitation")(self.show)
        blueprint.post("/invitation", endpoint="accept")(self.accept)
        blueprint.get("/invitation/accepted", endpoint="accepted")(self.accepted)
        return blueprint

    def show(self) -> Response:
        """What has become of the invitation, or how to accept it."""
        try:
            opened = commands.open_invitation(self.deps, _link())
        except NotFoundError:
            return self._closed(None)
        except ResourceExhaustedError:
            return problem_page("busy")
        form = ProfileForm(formdata=None, name=opened.invitation.name, language=current_language())
        return self._page(opened, form)

    def accept(self) -> Response:
        """Accept it, with the profile that is signed in or with a new one."""
        link, user = _link(), self.browser.user()
        try:
            opened = commands.open_invitation(self.deps, link)
            if request.form.get("profile") == "own" and user is not None:
                commands.accept_invitation(self.deps, link, profile=user.profile)
                return _accepted()
            return self._accept_as_new(opened, link)
        except FailedPreconditionError:
            # Used, withdrawn or expired since the page was opened: the page that says so.
            return self._page(commands.open_invitation(self.deps, link), ProfileForm(formdata=None))
        except NotFoundError:
            return self._closed(None)
        except ResourceExhaustedError:
            return problem_page("busy")

    def _accept_as_new(self, opened: Opened, link: Link) -> Response:
        form = ProfileForm()
        if not form.validate_on_submit():
            return self._page(opened, form, status=400)
        name = (form.name.data or "")[:_LONGEST_NAME]
        wanted = NewProfile(name=name, passphrase=form.passphrase.data or "", language=form.language.data)
        try:
            commands.accept_with_new_profile(self.deps, link, wanted=wanted)
        except InvalidArgumentError as refused:
            form.passphrase.errors = [say_weakness(refused.violations[0].reason)]
            return self._page(opened, form, status=400)
        except AlreadyExistsError:
            form.form_errors = [gettext("Your address has a profile already. Sign in to accept with it.")]
            return self._page(opened, form, status=409)
        return _accepted()

    def accepted(self) -> Response:
        """It is done, and what comes next."""
        return Response(render_template("identity/invitation_accepted.html", home=self.home))

    def _page(self, opened: Opened, form: ProfileForm, *, status: int = 200) -> Response:
        state = opened.invitation.state(self.deps.clock.now())
        if state is not InvitationState.PENDING:
            return self._closed(state)
        own_address = url_for("invitation.show", key=_link().key)
        page = render_template(
            "identity/invitation.html",
            form=form,
            key=_link().key,
            invitation=opened.invitation,
            organisation=opened.organisation,
            user=self.browser.user(),
            shortest=SHORTEST_PASSPHRASE,
            sign_in=url_for("sign_in.show", next=own_address),
        )
        return Response(page, status=status)

    def _closed(self, state: InvitationState | None) -> Response:
        page = render_template("identity/invitation_closed.html", state=state, home=self.home)
        return Response(page, status=_MISSING if state is None else _GONE)


def _link() -> Link:
    return Link(request.values.get("key", "")[:200], request.remote_addr or "")


def _accepted() -> Response:
    response = redirect(url_for("invitation.accepted"), 303)
    assert isinstance(response, Response)
    return response
