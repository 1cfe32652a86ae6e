"""Forms prove that they were ours: Flask-WTF's token, with a page in words when it is missing or too old."""

from flask import Flask, Response
from flask_wtf.csrf import CSRFError, CSRFProtect

from kit.web.problems import problem_page


def init_csrf(app: Flask) -> CSRFProtect:
    """Protect every unsafe method. The answer lets the application exempt what signs its requests otherwise."""
    app.config.setdefault("WTF_CSRF_TIME_LIMIT", None)  # as long as the session: people write notes for hours
    app.config.setdefault("WTF_CSRF_SSL_STRICT", True)
    app.config["SESSION_COOKIE_SAMESITE"] = app.config["SESSION_COOKIE_SAMESITE"] or "Lax"
    protection = CSRFProtect(app)

    @app.errorhandler(CSRFError)
    def refuse(_error: CSRFError) -> Response:
        return problem_page("form")

    return protection
