"""gunicorn's settings and hooks. It reads names of a module, so this one reads the environment when imported."""

import os
import shutil
from typing import Any

from prometheus_client import multiprocess

from kit import log, tracing
from kit.config import load
from services.gateway.config import GatewaySettings

_SETTINGS = load(GatewaySettings)

bind = f"[{_SETTINGS.host}]:{_SETTINGS.port}" if ":" in _SETTINGS.host else f"{_SETTINGS.host}:{_SETTINGS.port}"
workers = _SETTINGS.workers
worker_class = "kit.web.worker.PlainWorker"
threads = _SETTINGS.threads
# The application is built before the fork and its memory shared; it connects to nothing until a request comes.
preload_app = True
keepalive = 15
# A worker that does not even answer its master is replaced. Slow requests end by their own deadlines.
timeout = 60
graceful_timeout = 20
limit_request_line = 8_190
limit_request_field_size = 16_380
# Traffic logs each request, with its route and without what stands in its address.
accesslog = None
loglevel = "warning"
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108, PTH112 - memory, for the heartbeat file


def on_starting(server: Any) -> None:
    """In the master, before anything else."""
    del server
    log.configure(service="gateway", level=_SETTINGS.log_level)


def when_ready(server: Any) -> None:
    """The address is taken, the application built."""
    del server
    log.logger().info("started", address=bind, workers=workers, threads=threads)


def post_fork(server: Any, worker: Any) -> None:
    """In each worker: what has threads of its own must not come from before the fork."""
    del server, worker
    tracing.configure(service="gateway", ratio=_SETTINGS.trace_ratio, file=_SETTINGS.trace_file)


def child_exit(server: Any, worker: Any) -> None:
    """In the master: a worker's gauges go with it, its counts stay in the sums."""
    del server
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    """In the master, at the end."""
    del server
    if (folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")).rpartition("/")[2].startswith("ascms-gateway-"):
        shutil.rmtree(folder, ignore_errors=True)
    log.logger().info("stopped")
