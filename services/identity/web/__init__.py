"""The OpenID provider: pages for signing in and accepting invitations, and the protocol; Flask, at its own address.

    gunicorn 'services.identity.web:create_app()' --bind 127.0.0.1:8081 --workers 1 --worker-class gthread --threads 4

Importing this does nothing; `create_app` reads the environment (`settings.ProviderSettings`) unless it is given.
"""

from pathlib import Path

import psycopg
from flask import Flask, Response, abort, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from werkzeug.middleware.proxy_fix import ProxyFix

from kit import log, tracing
from kit.clock import Clock, SystemClock
from kit.config import load
from kit.db import Database
from kit.errors import DomainError, Kind
from kit.ids import uuid7
from kit.web import WebSettings, init_web
from kit.web.problems import problem_page, register_problem_pages
from kit.web.traffic import Traffic, note_route
from services.identity.commands import Deps
from services.identity.keys import KeyRing
from services.identity.secrets import MasterSecret, Passphrases
from services.identity.web.browser import Browser
from services.identity.web.clients import Clients
from services.identity.web.grants import OpenIdServer, Provider
from services.identity.web.invitation import InvitationPages
from services.identity.web.openid import Endpoints
from services.identity.web.passphrase import PassphrasePages
from services.identity.web.settings import ProviderSettings
from services.identity.web.sign_in import SignInPages

HERE = Path(__file__).parent
_LARGEST_BODY = 64 * 1024
_FOR_MACHINES = frozenset(
    {
        "/.well-known/openid-configuration",
        "/jwks",
        "/token",
        "/userinfo",
        "/revoke",
        "/health/live",
        "/health/ready",
        "/metrics",
    }
)


def create_app(settings: ProviderSettings | None = None, *, clock: Clock | None = None) -> Flask:
    """The application. Without `settings` it is the process: it reads the environment and sets up logs and traces.

    Raises:
        SettingsError: the environment lacks something.
    """
    if settings is None:
        settings = load(ProviderSettings)
        log.configure(service="identity-web", level=settings.log_level)
        tracing.configure(service="identity-web", ratio=settings.trace_ratio, file=settings.trace_file)
    deps = Deps(
        database=Database(settings.database_url, "identity", pool_size=settings.pool_size),
        clock=clock or SystemClock(),
        new_id=uuid7,
        secret=MasterSecret(settings.secret),
        passphrases=Passphrases(),
    )
    app = Flask("services.identity.web", root_path=str(HERE), static_folder=None)
    _configure(app, settings, deps)
    web = init_web(
        app,
        WebSettings(
            product=settings.product,
            home_url=settings.product_url,
            help_url=f"{settings.product_url}service-desk",
            privacy_url=f"{settings.product_url}privacy",
            accessibility_url=f"{settings.product_url}accessibility",
            form_targets=settings.form_targets,
            translation_folders=[HERE / "translations"],
        ),
        clock=deps.clock,
        new_id=uuid7,
    )
    provider = Provider(deps, KeyRing(deps.database, deps.secret, deps.clock), Clients(deps, settings), settings.issuer)
    browser = Browser(deps, is_secure=settings.is_secure)
    endpoints = Endpoints(provider, OpenIdServer(app, provider), browser)
    openid = endpoints.blueprint()
    app.register_blueprint(openid)
    web.csrf.exempt(openid)
    app.register_blueprint(endpoints.consent_blueprint())
    app.register_blueprint(SignInPages(deps, browser, settings.product_url).blueprint())
    app.register_blueprint(InvitationPages(deps, browser, settings.product_url).blueprint())
    app.register_blueprint(PassphrasePages(deps, browser, settings.product_url).blueprint())
    _add_health(app, deps.database)
    _add_errors(app)
    app.extensions["identity"] = deps
    # Outermost: an answer that a proxy's headers refuse is counted too.
    scheme = "https" if settings.is_secure else "http"
    app.wsgi_app = Traffic(app.wsgi_app, scheme=scheme, new_id=uuid7)  # type: ignore[method-assign]
    return app


def _configure(app: Flask, settings: ProviderSettings, deps: Deps) -> None:
    app.config.update(
        SECRET_KEY=deps.secret.key("form sessions"),
        # Cookies know no ports: another application on this host has another name for its own.
        SESSION_COOKIE_NAME="__Host-identity_form" if settings.is_secure else "identity_form",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.is_secure,
        MAX_CONTENT_LENGTH=_LARGEST_BODY,
        MAX_FORM_MEMORY_SIZE=_LARGEST_BODY,
    )
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]


def _add_health(app: Flask, database: Database) -> None:
    @app.get("/health/live")
    def live() -> Response:
        return jsonify(live=True)

    @app.get("/health/ready")
    def ready() -> Response:
        is_ready = database.is_ready()
        response = jsonify(ready=is_ready, checks={"database": is_ready})
        response.status_code = 200 if is_ready else 503
        return response

    @app.get("/metrics")
    def metrics() -> Response:
        if "X-Forwarded-For" in request.headers:
            abort(404)  # through the public door
        return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)

    app.before_request(note_route)


def _add_errors(app: Flask) -> None:
    register_problem_pages(app, is_for_machines=_is_for_machines)

    @app.errorhandler(DomainError)
    def show_domain_error(error: DomainError) -> Response:
        is_away = error.kind in (Kind.UNAVAILABLE, Kind.DEADLINE_EXCEEDED)
        if not is_away:
            log.logger().error("unexpected-error", path=request.path, **log.describe(error))
        return _failure("away" if is_away else "fault")

    @app.errorhandler(psycopg.OperationalError)
    def show_database_away(error: psycopg.OperationalError) -> Response:
        log.logger().warning("database-away", path=request.path, **log.describe(error))
        return _failure("away")

    @app.errorhandler(Exception)
    def show_fault(error: Exception) -> Response:
        log.logger().error("unexpected-error", path=request.path, **log.describe(error))
        return _failure("fault")


def _failure(problem: str) -> Response:
    if not _is_for_machines():
        return problem_page("away" if problem == "away" else "fault")
    is_away = problem == "away"
    response = jsonify(error="temporarily_unavailable" if is_away else "server_error")
    response.status_code = 503 if is_away else 500
    return response


def _is_for_machines() -> bool:
    return request.path in _FOR_MACHINES
