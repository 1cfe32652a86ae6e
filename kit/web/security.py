"""Headers on every answer, and the id that follows a request through every process."""

import re
from collections.abc import Sequence

from flask import Flask, Response, g, request

from kit.ids import NewId

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
HSTS_SECONDS = 63_072_000
PERMISSIONS = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"


def content_security_policy(form_targets: Sequence[str]) -> str:
    """Everything from here, nothing inline. `form_targets` are further origins that a form may end at.

    Chromium applies form-action to redirects too, so the sign-in service's origin belongs there.
    """
    return "; ".join(
        (
            "default-src 'self'",
            "base-uri 'none'",
            " ".join(("form-action 'self'", *form_targets)),
            "frame-ancestors 'none'",
            "object-src 'none'",
        )
    )


def init_security(app: Flask, *, new_id: NewId, form_targets: Sequence[str]) -> None:
    """Give each request an id (the caller's, if it is well formed) and each answer its headers."""
    policy = content_security_policy(form_targets)

    @app.before_request
    def take_request_id() -> None:
        given = request.headers.get("X-Request-ID", "")
        g.request_id = given if REQUEST_ID.fullmatch(given) else str(new_id())

    @app.after_request
    def set_headers(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("Content-Security-Policy", policy)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "same-origin"
        headers["Permissions-Policy"] = PERMISSIONS
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["X-Request-ID"] = request_id()
        if request.is_secure:
            headers["Strict-Transport-Security"] = f"max-age={HSTS_SECONDS}; includeSubDomains"
        if "Cache-Control" not in headers:
            # Pages show people's records, and computers at schools are shared: Back after signing out shows nothing.
            headers["Cache-Control"] = "no-store"
        return response


def request_id() -> str:
    """The id of the request being answered; empty when it failed before it had one."""
    return str(g.get("request_id", ""))
