"""gunicorn's worker, as it meets what is no request: an answer in plain words, a log line without its content."""

from typing import Any

from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker

from kit import log

_PAGE = """\
<!doctype html>
<html lang="en-NZ"><head><meta charset="utf-8"><title>This could not be read</title></head>
<body><main><h1>This could not be read</h1><p>{english}</p><p lang="mi">{maori}</p>
<p><a href="/">Start again</a></p></main></body></html>
"""
_LONG = (
    "The address, or what your browser sent with it, is too long. Begin at the first page.",
    "He roa rawa te wāhitau, ngā mea rānei i tukuna e tō pūtirotiro. Tīmata i te whārangi tuatahi.",
)
_UNREADABLE = (
    "What arrived was not a whole request. Load the page again.",
    "Kāore i tae katoa mai te tono. Utaina anō te whārangi.",
)
_STATUSES = {
    errors.LimitRequestLine: (414, "URI Too Long", _LONG),
    errors.LimitRequestHeaders: (431, "Request Header Fields Too Large", _LONG),
}


class PlainWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn publishes no types
    """Threads as gunicorn has them. What it would say of a broken request quotes it; this one does neither."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what could not be read, and close. The application's own faults stay gunicorn's to tell."""
        if not isinstance(exc, errors.ParseException):
            super().handle_error(req, client, addr, exc)
            return
        status, reason, (english, maori) = _STATUSES.get(type(exc), (400, "Bad Request", _UNREADABLE))
        log.logger().warning("unreadable-request", fault=type(exc).__name__, status=status)
        page = _PAGE.format(english=english, maori=maori).encode()
        head = (
            f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: text/html; charset=utf-8\r\n"
            f"Content-Length: {len(page)}\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
            "Content-Security-Policy: default-src 'none'\r\n\r\n"
        )
        try:
            client.sendall(head.encode() + page)
        except OSError:
            log.logger().debug("nobody-listened")
