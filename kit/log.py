"""JSON logs: ids and facts, never names or free text. One line an event."""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog

_CONFIGURED = False


def configure(*, service: str, level: str = "INFO") -> None:
    """Send structlog and the standard library's logging to standard error as JSON lines. Repeating it is harmless."""
    global _CONFIGURED  # noqa: PLW0603 - logging is global in Python whatever we do
    if _CONFIGURED:
        return
    _CONFIGURED = True
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_service(service),
    ]
    structlog.configure(
        processors=[*shared, _exceptions_without_values, structlog.processors.JSONRenderer(ensure_ascii=False)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _exceptions_without_values,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    logging.basicConfig(
        handlers=[handler], level=max(logging.getLevelNamesMapping()[level], logging.WARNING), force=True
    )


def logger() -> Any:
    """A logger: `logger().info("case-opened", case_id=...)`."""
    return structlog.get_logger()


def _with_service(service: str) -> Any:
    def add(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"] = service
        return event

    return add


def bind(**ids: str) -> None:
    """Add ids to every line of this request or message: `bind(request_id=..., actor_id=...)`."""
    structlog.contextvars.bind_contextvars(**ids)


def clear() -> None:
    """Forget what was bound: at the start of each request, since threads are reused."""
    structlog.contextvars.clear_contextvars()


def request_id() -> str:
    """The id of the request under way, from the browser on; empty outside any."""
    bound = structlog.contextvars.get_contextvars().get("request_id", "")
    return str(bound)


def describe(error: BaseException) -> dict[str, Any]:
    """An error for the log: its class, place, and PostgreSQL's name for it. Never its message: that may hold data."""
    frames = traceback.extract_tb(error.__traceback__)[-12:]
    described: dict[str, Any] = {
        "error": f"{type(error).__module__}.{type(error).__qualname__}",
        "frames": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    if sqlstate := getattr(error, "sqlstate", None):
        described["sqlstate"] = sqlstate
        described["constraint"] = getattr(getattr(error, "diag", None), "constraint_name", None)
    if error.__cause__ is not None:
        described["cause"] = describe(error.__cause__)
    return described


def _exceptions_without_values(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event.update(describe(error))
    return event
