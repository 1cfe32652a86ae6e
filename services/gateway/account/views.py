"""The person who is signed in: their roles and what is missing; and the pages that everyone may read."""

from flask import Blueprint, current_app, render_template

from services.gateway.organisations.pages import present_own_roles
from services.gateway.security import caller, needs, open_to_all

blueprint = Blueprint("account", __name__)


@blueprint.get("/account")
@needs(None)
def show() -> str:
    """Who you are here, what your roles are for, and whether they work."""
    who = caller()
    passphrase_url = f"{current_app.extensions['ascms.login'].provider.issuer}/passphrase"
    return render_template("account/show.html", who=who, roles=present_own_roles(who), passphrase_url=passphrase_url)


@blueprint.get("/privacy")
@open_to_all
def show_privacy() -> str:
    """What is kept about students and whānau, who sees it, and what they may ask for."""
    return render_template("account/privacy.html")


@blueprint.get("/accessibility")
@open_to_all
def show_accessibility() -> str:
    """What we hold ourselves to, and whom to tell when something is in the way."""
    return render_template("account/accessibility.html")
