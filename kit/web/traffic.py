"""Around every request: its id, trace, line in the log and metric. Never its query, its body or anyone's name."""

import time
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import request
from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Histogram
from werkzeug.wsgi import ClosingIterator

from kit import log, tracing
from kit.ids import NewId
from kit.web.security import REQUEST_ID

_SECONDS = Histogram(
    "ascms_http_seconds",
    "Time to answer a request, by method, route and status.",
    ["method", "route", "status"],
    buckets=(0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),
)
_FAULTS = Counter("ascms_http_faults", "Requests that met an error nobody foresaw")
_FAULT = "500"
_ROUTE = "ascms.route"
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_UNLOGGED = ("/health/", "/metrics", "/assets/")


class Traffic:
    """WSGI middleware. The request id is settled here, before anything can fail, and handed on in its header."""

    def __init__(self, app: WSGIApplication, *, scheme: str, new_id: NewId) -> None:
        """`scheme` is what people use to reach us, whatever the proxy in front says."""
        self._app = app
        self._scheme = scheme
        self._new_id = new_id

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer, and note how it went when the answer is closed."""
        started = time.perf_counter()
        given = environ.get("HTTP_X_REQUEST_ID", "")
        request_id = given if REQUEST_ID.fullmatch(given) else str(self._new_id())
        environ["HTTP_X_REQUEST_ID"] = request_id
        environ["wsgi.url_scheme"] = self._scheme
        log.clear()
        log.bind(request_id=request_id)
        statuses: list[str] = []

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Callable[[bytes], object]:
            statuses.append(status[:3])
            return start_response(status, headers, *rest)

        method = environ["REQUEST_METHOD"] if environ["REQUEST_METHOD"] in _METHODS else "OTHER"
        parent = environ.get("HTTP_TRACEPARENT", "")
        with tracing.span(f"HTTP {method}", kind=SpanKind.SERVER, parent=parent) as span:
            body = self._app(environ, start)
            route = str(environ.get(_ROUTE, "none"))
            if span.is_recording():
                span.update_name(f"{method} {route}")
                span.set_attribute("request_id", request_id)

        def finish() -> None:
            seconds = time.perf_counter() - started
            status = statuses[-1] if statuses else "000"
            _SECONDS.labels(method, route, status).observe(seconds)
            if status == _FAULT:
                _FAULTS.inc()
            if not route.startswith(_UNLOGGED):
                log.logger().info(
                    "request", method=method, route=route, status=int(status), ms=round(seconds * 1000, 1)
                )

        return ClosingIterator(body, [finish])


def note_route() -> None:
    """Leave the rule that matched ("/things/<thing_id>") where it is found after the answer: never the address."""
    if request.url_rule is not None:
        request.environ[_ROUTE] = request.url_rule.rule
