"""What went wrong, as its reader needs it: a page for people, problem+json (RFC 9457) under /api. Mapped once, here."""

from collections.abc import Callable, Mapping
from urllib.parse import urlencode, urlsplit

from flask import Flask, Response, json, redirect, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from kit import log
from kit.errors import DomainError, Kind, Violation
from kit.web.problems import BY_STATUS, RETRY_SECONDS, Problem, problem_page
from kit.web.security import request_id
from kit.web.urls import safe_local_path
from services.gateway.account.suspended import suspended_page
from services.gateway.security import is_signed_out
from services.gateway.wording import error_words

API = "/api/"
PROBLEM_TYPE = "application/problem+json"

STATUS: Mapping[Kind, int] = {
    Kind.INVALID_ARGUMENT: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.PERMISSION_DENIED: 403,
    Kind.NOT_FOUND: 404,
    Kind.ALREADY_EXISTS: 409,
    Kind.FAILED_PRECONDITION: 409,
    Kind.ABORTED: 409,
    Kind.RESOURCE_EXHAUSTED: 429,
    Kind.DEADLINE_EXCEEDED: 504,
    Kind.UNAVAILABLE: 503,
    Kind.INTERNAL: 500,
}
TITLES: Mapping[int, str] = {
    400: "The request is wrong",
    401: "Credentials are missing or not valid",
    403: "Not allowed",
    404: "Not found",
    405: "The method is not allowed here",
    409: "In conflict with the present state",
    412: "Changed by someone else",
    413: "The body is too large",
    415: "The content type is not supported",
    429: "Too many requests",
    500: "Something went wrong",
    503: "A part of the system is away",
    504: "It took too long",
}
_PAGES: Mapping[Kind, Problem] = {
    Kind.INVALID_ARGUMENT: "form",
    Kind.UNAUTHENTICATED: "signed-out",
    Kind.PERMISSION_DENIED: "forbidden",
    Kind.NOT_FOUND: "missing",
    Kind.ALREADY_EXISTS: "conflict",
    Kind.FAILED_PRECONDITION: "conflict",
    Kind.ABORTED: "conflict",
    Kind.RESOURCE_EXHAUSTED: "busy",
    Kind.DEADLINE_EXCEEDED: "away",
    Kind.UNAVAILABLE: "away",
    Kind.INTERNAL: "fault",
}
_HTTP_REASONS: Mapping[int, tuple[str, str]] = {
    400: ("bad-request", "The request could not be read."),
    404: ("not-found", "There is nothing at this address."),
    405: ("method-not-allowed", "This address does not take this method: see the Allow header."),
    413: ("body-too-large", "The body is larger than this address takes."),
    415: ("content-type", "Send the body in a content type that this address takes."),
}
_SAFE = {"GET", "HEAD"}


class HttpError(Exception):
    """An error of HTTP itself that a domain knows nothing of: 406, 413, 415, 412."""

    def __init__(self, status: int, reason: str, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        """A status, a stable reason, a sentence."""
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.headers = dict(headers or {})


def init_errors(app: Flask) -> None:
    """Answer every error with its page or its problem."""
    app.register_error_handler(DomainError, show_domain_error)
    app.register_error_handler(CSRFError, _show_csrf_error)
    app.register_error_handler(HTTPException, _show_http_error)
    app.register_error_handler(HttpError, problem_of_http)
    app.register_error_handler(Exception, _show_fault)


def is_api() -> bool:
    """Whether a program asks: everything below /api but the page that describes it."""
    return request.path.startswith(API) and request.path != API


def show_domain_error(error: DomainError) -> Response:
    """The page of an error, or its problem under /api."""
    return problem_of(error) if is_api() else page_of(error)


def sign_in_url() -> str:
    """Where signing in begins, so that it ends at the page that was asked for.

    After a form that is the page the form stood on: its address is what a reload can show.
    """
    if request.method in _SAFE:
        after = request.full_path.rstrip("?")
    else:
        came_from = urlsplit(request.referrer or "")
        is_ours = came_from.netloc == request.host
        after = came_from.path + (f"?{came_from.query}" if came_from.query else "") if is_ours else "/"
    return "/sign-in?" + urlencode({"next": after})


def page_of(error: DomainError) -> Response:
    """The page that fits an error; nobody signed in goes to the sign-in instead, unless a form would be lost."""
    if error.kind == Kind.UNAUTHENTICATED and is_signed_out():
        if request.headers.get("HX-Request"):
            return Response(status=401, headers={"HX-Redirect": sign_in_url()})
        if request.method in _SAFE:
            target = redirect(sign_in_url(), 303)
            assert isinstance(target, Response)
            return target
        return problem_page("signed-out", back=sign_in_url())
    if error.reason in _OWN_PAGES:
        return _OWN_PAGES[error.reason](error)
    if error.kind == Kind.INVALID_ARGUMENT and request.method in _SAFE:
        # Only an address can be wrong in a read: a mistyped id or filter.
        return problem_page("missing")
    problem = _PAGES[error.kind]
    says_what_to_do = error.kind in {Kind.FAILED_PRECONDITION, Kind.ALREADY_EXISTS}
    # The browser goes back to the form with what was written in it; anything else starts afresh.
    back = "/" if problem in {"missing", "forbidden"} else _this_address()
    return problem_page(problem, what=error_words(error) if says_what_to_do else "", back=back)


def _no_access_page(error: DomainError) -> Response:
    return Response(render_template("home/no_access.html"), status=STATUS[error.kind])


_OWN_PAGES: Mapping[str, Callable[[DomainError], Response]] = {
    "organisation-suspended": suspended_page,
    "no-access": _no_access_page,  # known, and no organisation gives them a role
}


def _this_address() -> str:
    if request.method in _SAFE:
        return request.full_path.rstrip("?")
    came_from = urlsplit(request.referrer or "")
    return safe_local_path(came_from.path) if came_from.netloc == request.host else "/"


def problem_of(error: DomainError, *, status: int | None = None) -> Response:
    """An error as problem+json."""
    return problem(
        status or STATUS[error.kind],
        reason=error.reason,
        detail=error.message,
        violations=error.violations,
        metadata=error.metadata,
    )


def problem_of_http(error: HttpError) -> Response:
    """An error of HTTP as problem+json."""
    response = problem(error.status, reason=error.reason, detail=error.message)
    response.headers.update(error.headers)
    return response


def problem(
    status: int,
    *,
    reason: str,
    detail: str,
    violations: tuple[Violation, ...] = (),
    metadata: Mapping[str, str] | None = None,
) -> Response:
    """A problem (RFC 9457): `reason` is stable, `detail` is for people."""
    body = {
        "type": f"urn:ascms:problem:{reason}",
        "title": TITLES.get(status, TITLES[500]),
        "status": status,
        "detail": detail,
        "reason": reason,
        "violations": [
            {"field": one.field, "reason": one.reason, "description": one.description} for one in violations
        ],
        "request_id": request_id(),
    }
    if metadata:
        body["metadata"] = dict(metadata)
    response = Response(json.dumps(body, ensure_ascii=False, sort_keys=False), status=status, mimetype=PROBLEM_TYPE)
    if status == STATUS[Kind.UNAUTHENTICATED]:
        invalid = ', error="invalid_token"' if "Authorization" in request.headers else ""
        response.headers["WWW-Authenticate"] = f'Bearer realm="ascms"{invalid}'
    if status in {STATUS[Kind.UNAVAILABLE], STATUS[Kind.RESOURCE_EXHAUSTED]}:
        response.headers["Retry-After"] = RETRY_SECONDS
    return response


def _show_csrf_error(_error: CSRFError) -> Response:
    return problem_page("form", back=_this_address())


def _show_http_error(error: HTTPException) -> Response | HTTPException:
    status = error.code or 500
    if status < 400:  # noqa: PLR2004 - redirects that Werkzeug raises
        return error
    if is_api():
        reason, detail = _HTTP_REASONS.get(status, ("http-error", error.description or error.name))
        response = problem(status, reason=reason, detail=detail)
    else:
        response = problem_page(BY_STATUS.get(status, "fault" if status >= 500 else "form"), status=status)  # noqa: PLR2004
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            response.headers[name] = value
    return response


def _show_fault(error: Exception) -> Response:
    log.logger().error("unexpected-error", route=str(request.url_rule or ""), **log.describe(error))
    if is_api():
        return problem(500, reason="internal", detail="Something went wrong. It has been reported.")
    return problem_page("fault", back=_this_address())
