"""Pages for when something is not as expected: each says what happened, what is kept and what to do next.

The words stand in `templates/kit/problem.html`; here is only which status each has.
"""

from collections.abc import Callable
from typing import Literal, get_args

from flask import Flask, Response, current_app, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from kit.web.security import request_id
from kit.web.urls import safe_local_path

Problem = Literal["form", "signed-out", "forbidden", "missing", "conflict", "too-large", "busy", "fault", "away"]
STATUS: dict[Problem, int] = {
    "form": 400,
    "signed-out": 401,
    "forbidden": 403,
    "missing": 404,
    "conflict": 409,
    "too-large": 413,
    "busy": 429,
    "fault": 500,
    "away": 503,
}
BY_STATUS: dict[int, Problem] = {status: problem for problem, status in STATUS.items()} | {
    405: "missing",
    410: "missing",
    412: "conflict",
    502: "away",
    504: "away",
}
RETRY_SECONDS = "30"


def problem_page(problem: Problem, *, status: int | None = None, what: str = "", back: str = "") -> Response:
    """The page of a problem. `what` is a sentence of the server's in place of ours.

    `back` is where the button leads; without it, to the same page again or to the first one, as the problem asks.
    """
    if problem not in get_args(Problem):
        raise LookupError(f"no page for {problem}")
    target = back or ("/" if problem in {"missing", "forbidden"} else _same_page())
    page = render_template("kit/problem.html", problem=problem, what=what, back=target, reference=request_id())
    response = make_response(page, status or STATUS[problem])
    if problem in {"busy", "away"}:
        response.headers["Retry-After"] = RETRY_SECONDS
    return response


def register_problem_pages(app: Flask, *, is_for_machines: Callable[[], bool] = lambda: False) -> None:
    """Answer HTTP errors with pages. Where `is_for_machines()` (an API's addresses), the error is left as it is."""

    @app.errorhandler(HTTPException)
    def show(error: HTTPException) -> Response | HTTPException:
        status = error.code or STATUS["fault"]
        if is_for_machines() or status < STATUS["form"]:
            return error
        server_fault = 500
        problem = BY_STATUS.get(status, "fault" if status >= server_fault else "form")
        response = problem_page(problem, status=status)
        for name, value in error.get_headers():
            if name in {"Allow", "Retry-After", "WWW-Authenticate"}:
                response.headers[name] = value
        return response


def _same_page() -> str:
    """The address of this request, if it can be opened by a link; else the first page."""
    if request.method in {"GET", "HEAD"}:
        return safe_local_path(request.full_path.rstrip("?"))
    try:
        current_app.create_url_adapter(request).match(request.path, method="GET")  # type: ignore[union-attr]
    except HTTPException:
        return "/"
    return safe_local_path(request.path)
