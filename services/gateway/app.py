"""The Flask application: wiring only. gunicorn calls `create_app()` (see gunicorn_conf.py)."""

import time
from pathlib import Path

from flask import Flask, Response, redirect, request

from kit.clock import Clock, SystemClock
from kit.config import load
from kit.ids import uuid7
from kit.web import WebSettings, init_web
from kit.web.problems import problem_page
from kit.web.styleguide import register_styleguide
from kit.web.traffic import Traffic, note_route
from services.gateway import api, pages, probes
from services.gateway.backends import Backends, backend_calls, init_backends
from services.gateway.config import GatewaySettings
from services.gateway.errors import init_errors, is_api, problem
from services.gateway.frame import header
from services.gateway.login import Login, form_targets, init_login
from services.gateway.provider import Provider
from services.gateway.security import init_access, require_declared_access
from services.gateway.sessions import Cookies, Seal, SealedSessions, derived_key, secrets_of

HERE = Path(__file__).parent
PRODUCT = "Attendance Service"
BODY_BYTES = 2 * 1024 * 1024
"""What an address takes unless its view says otherwise (`takes_up_to`): a megabyte of CSV, also as base64."""


def create_app(
    settings: GatewaySettings | None = None, *, backends: Backends | None = None, clock: Clock | None = None
) -> Flask:
    """Build the application. Nothing connects before the first request, so gunicorn may fork after this.

    Raises:
        SettingsError: without `settings`, where the environment does not make valid ones.
        UndeclaredAccessError: a view does not say who may open it.
    """
    settings = settings or load(GatewaySettings)
    backends = backends or Backends.of(settings)
    secrets = secrets_of(settings)
    app = Flask("services.gateway", static_folder=None, template_folder=str(HERE / "templates"))
    app.config.update(
        SECRET_KEY=derived_key(secrets[0], "forms"),
        SECRET_KEY_FALLBACKS=[derived_key(secret, "forms") for secret in secrets[1:]],
        SESSION_REFRESH_EACH_REQUEST=False,
        MAX_CONTENT_LENGTH=BODY_BYTES,
        JSON_SORT_KEYS=False,
    )
    login = Login(
        provider=Provider(
            issuer=settings.issuer,
            client_id=settings.gateway_client_id,
            client_secret=settings.gateway_client_secret.get_secret_value(),
            redirect_uri=f"{settings.public_url}/sign-in/return",
        ),
        cookies=Cookies(Seal(secrets, purpose="sign-in cookie"), is_secure=settings.is_secure),
        backends=backends,
        now=time.time,
    )

    app.before_request(note_route)
    init_access(app, login.authentication())
    init_backends(app, backends)
    web = init_web(
        app,
        WebSettings(
            product=PRODUCT,
            help_url="/service-desk",
            form_targets=form_targets(settings),
            static_folders=[HERE / "api" / "static", HERE / "static"],
            translation_folders=[HERE / "translations"],
        ),
        clock=clock or SystemClock(),
        new_id=uuid7,
        header=header,
    )
    _check_host(app, settings)
    if settings.is_development:
        register_styleguide(app, clock=clock or SystemClock())
        app.after_request(_tell_backend_calls)
    init_errors(app)
    probes.init_probes(app, backends)
    init_login(app, login, settings, SealedSessions(Seal(secrets, purpose="session cookie")))
    web.csrf.exempt(api.init_api(app, issuer=settings.issuer))
    pages.register(app)
    require_declared_access(app)
    app.wsgi_app = Traffic(  # type: ignore[method-assign]
        app.wsgi_app, scheme="https" if settings.is_secure else "http", new_id=uuid7
    )
    return app


def _check_host(app: Flask, settings: GatewaySettings) -> None:
    """Answer only for our own name: links and redirects must not be made for a host that someone else chose."""

    @app.before_request
    def check_host() -> Response | None:
        if request.host == settings.public_host or request.blueprint == probes.NAME:
            return None
        if settings.is_own_alias(request.host):
            # On a developer's machine: sessions belong to one of its names, tokens to none.
            return None if is_api() else redirect(f"{settings.public_url}{request.full_path.rstrip('?')}", 308)  # type: ignore[return-value]
        if is_api():
            return problem(400, reason="host", detail=f"This is {settings.public_url}, not the host you asked for.")
        return problem_page("missing", status=400, back=f"{settings.public_url}/")


def _tell_backend_calls(response: Response) -> Response:
    """For developers and tests: what the page cost."""
    response.headers["X-Backend-Calls"] = ",".join(backend_calls())
    return response
