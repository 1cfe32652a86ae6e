"""Two languages, English and te reo Māori: which one a page is in, and the switch between them."""

from collections.abc import Sequence
from gettext import NullTranslations
from pathlib import Path
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, abort, g, redirect, request
from flask_babel import Babel, get_locale, get_translations

from kit.web.dates import Language
from kit.web.urls import safe_local_path

COOKIE = "language"
YEAR = 31_536_000
NAMES: dict[Language, str] = {"en": "English", "mi": "Te reo Māori"}
TAGS: dict[Language, str] = {"en": "en-NZ", "mi": "mi"}


def choose_language() -> Language:
    """The language of this request: what the person chose, else what the browser asks for, else English."""
    for tag in (request.cookies.get(COOKIE, ""), *request.accept_languages.values()):
        language = tag.split("-", 1)[0].lower()  # "mi-NZ" is te reo Māori too
        if language in NAMES:
            return "mi" if language == "mi" else "en"
    return "en"


def current_language() -> Language:
    """The language that the page is being written in."""
    return "mi" if str(get_locale()) == "mi" else "en"


def init_i18n(app: Flask, *, directories: Sequence[Path]) -> None:
    """Flask-Babel over the catalogues of kit and application; where both know a text, the later folder wins.

    Templates do not ask Flask-Babel for each of their texts which language the request has: that is asked once a page.
    """
    Babel(
        app,
        default_locale="en",
        default_timezone="Pacific/Auckland",
        default_translation_directories=";".join(str(directory) for directory in directories),
        locale_selector=choose_language,
    )
    environment = app.jinja_env
    environment.install_gettext_callables(_say, _say_number, newstyle=True)  # type: ignore[attr-defined]
    environment.globals["_"] = environment.globals["gettext"]


def _say(text: str) -> str:
    found: str = _catalogue().gettext(text)
    return found


def _say_number(one: str, many: str, number: int) -> str:
    found: str = _catalogue().ngettext(one, many, number)
    return found


def _catalogue() -> NullTranslations:
    """The texts of this request's language."""
    if "catalogue" not in g:
        g.catalogue = get_translations()
    found: NullTranslations = g.catalogue
    return found


def language_blueprint() -> Blueprint:
    """`POST /language`: remember the choice and go back to the page.

    It needs no session, so that it works on every page, also after a sign-out and on the page that says that a form
    was too old. Instead of a token it refuses a request that another site made.
    """
    blueprint = Blueprint("kit_language", __name__)

    @blueprint.post("/language")
    def switch_language() -> Response:
        if not _is_same_origin():
            abort(403)
        language = request.form.get("language")
        if language not in NAMES:
            abort(400)
        response = redirect(safe_local_path(request.form.get("next")), 303)
        response.set_cookie(
            COOKIE, language, max_age=YEAR, secure=request.is_secure, httponly=True, samesite="Lax", path="/"
        )
        assert isinstance(response, Response)
        return response

    return blueprint


def _is_same_origin() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host
