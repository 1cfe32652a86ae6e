"""Liveness, readiness and metrics over HTTP, beside each gRPC server."""

import json
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest

_FRESH_SECONDS = 1.0
_READY = Gauge("ascms_ready", "1 while what a process depends on is there", ["check"], multiprocess_mode="livemin")


@dataclass(eq=False)
class Readiness:
    """What a process needs to do its work, each with a check that answers within a second or two."""

    checks: Mapping[str, Callable[[], bool]]
    asides: Mapping[str, Callable[[], bool]] = field(default_factory=dict)
    """Shown beside the others, and not needed: the door answers while they fail."""
    _state: dict[str, bool] = field(default_factory=dict, init=False)
    _at: float = field(default=-_FRESH_SECONDS, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def state(self) -> dict[str, bool]:
        """Each check's answer, at most a second old."""
        with self._lock:
            if time.monotonic() - self._at > _FRESH_SECONDS:
                self._state = {name: _answers(check) for name, check in {**self.checks, **self.asides}.items()}
                self._at = time.monotonic()
                for name, answer in self._state.items():
                    _READY.labels(name).set(int(answer))
            return dict(self._state)

    def is_ready(self) -> bool:
        """Whether every check passes, the asides left out."""
        state = self.state()
        return all(state[name] for name in self.checks)


def _answers(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except Exception:  # noqa: BLE001 - a check that fails is a check that says no
        return False


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A probe that went away before its answer is no fault of ours; anything else is told as ever."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def serve_health(address: str, readiness: Readiness) -> ThreadingHTTPServer:
    """Serve /health/live, /health/ready and /metrics on `address` in a thread; `shutdown()` ends it."""
    host, _, port = address.rpartition(":")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == "/health/live":
                self._answer(200, "application/json", b'{"live": true}')
            elif self.path == "/health/ready":
                is_ready = readiness.is_ready()
                body = json.dumps({"ready": is_ready, "checks": readiness.state()}).encode()
                self._answer(200 if is_ready else 503, "application/json", body)
            elif self.path == "/metrics":
                self._answer(200, CONTENT_TYPE_LATEST, generate_latest())
            else:
                self._answer(404, "application/json", b'{"error": "no such page"}')

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
            """Say nothing: probes come every few seconds."""

        def _answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = _Server((host, int(port)), Handler)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server
