"""What every page of the product shares: look, components, languages, forms, headers, error pages.

It knows no word of the domain. An application calls `init_web` once:

    web = init_web(app, WebSettings(product="…", …), clock=clock, new_id=uuid7, header=header_of_this_request)

and its templates begin with `{% extends "kit/base.html" %}` and import from `kit/components/*.html`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask, get_flashed_messages, request
from flask_wtf.csrf import CSRFProtect
from jinja2 import ChoiceLoader, PackageLoader, PrefixLoader

from kit.clock import Clock, local_date
from kit.ids import NewId
from kit.web.assets import Assets
from kit.web.csrf import init_csrf
from kit.web.filters import filters_for
from kit.web.forms import error_list
from kit.web.i18n import NAMES, TAGS, current_language, init_i18n, language_blueprint
from kit.web.pages import Header
from kit.web.security import init_security, request_id
from kit.web.urls import safe_local_path, with_query

HERE = Path(__file__).parent
BUNDLES = {"kit.css": ("tokens.css", "govuk.css", "app.css", "components.css", "records.css", "print.css")}

__all__ = ["Web", "WebSettings", "init_web"]


@dataclass(frozen=True, slots=True)
class WebSettings:
    """What differs between the applications that use the kit.

    `form_targets` are origins beside our own at which a form may end (the sign-in service, through a redirect).
    `static_folders` and `translation_folders` are the application's own, beside the kit's.
    """

    product: str
    service_desk_phone: str = "0800 422 599"
    privacy_url: str = "/privacy"
    accessibility_url: str = "/accessibility"
    help_url: str = ""
    """Where help is, for those who are not signed in too; empty: no link."""
    home_url: str = "/"
    asset_prefix: str = "/assets"
    form_targets: Sequence[str] = ()
    static_folders: Sequence[Path] = ()
    translation_folders: Sequence[Path] = ()


@dataclass(frozen=True, slots=True)
class Web:
    """What `init_web` made, for the application that needs to reach it."""

    assets: Assets
    csrf: CSRFProtect


def init_web(
    app: Flask,
    settings: WebSettings,
    *,
    clock: Clock,
    new_id: NewId,
    header: Callable[[], Header] = Header,
) -> Web:
    """Give an application the kit. `header` is asked once a page, within the request."""
    assets = Assets([HERE / "static", *settings.static_folders], bundles=BUNDLES, prefix=settings.asset_prefix)
    loaders = [PackageLoader("kit.web"), PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")})]
    app.jinja_loader = ChoiceLoader([*([app.jinja_loader] if app.jinja_loader else []), *loaders])
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True

    init_security(app, new_id=new_id, form_targets=settings.form_targets)
    init_i18n(app, directories=[HERE / "translations", *settings.translation_folders])
    csrf = init_csrf(app)
    app.register_blueprint(assets.blueprint())
    language = language_blueprint()
    app.register_blueprint(language)
    csrf.exempt(language)

    app.jinja_env.filters.update(filters_for(clock))
    app.jinja_env.globals.update(
        asset_url=assets.url,
        current_language=current_language,
        error_list=error_list,
        html_language=lambda: TAGS[current_language()],
        kit_header=header,
        kit_languages=NAMES,
        kit_settings=settings,
        kit_flashes=_take_flashes,
        request_id=request_id,
        safe_local_path=safe_local_path,
        this_path=_this_path,
        today=lambda: local_date(clock.now()),
        with_query=with_query,
    )
    return Web(assets=assets, csrf=csrf)


def _take_flashes() -> list[tuple[str, str]]:
    """(kind, words) of what happened before this page: "success", "notice" or "error"."""
    messages: Any = get_flashed_messages(with_categories=True)
    return [(str(kind), str(words)) for kind, words in messages]


def _this_path() -> str:
    """The address of this page, for coming back to it; after a POST that of where the form stands."""
    return request.full_path.rstrip("?") if request.method in {"GET", "HEAD"} else request.path
