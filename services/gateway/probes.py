"""What machines ask: is the process alive, can it do its work, how has it been."""

import os

from flask import Blueprint, Flask, Response, abort, json, request
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from kit.health import Readiness
from services.gateway.backends import STUBS, Backends
from services.gateway.security import open_to_all

NEEDED = ("identity", "cases")
"""Without these no page works. With another one away most do, and those that do not say so: taking the whole site
out of service would help nobody."""
NAME = "probes"


def init_probes(app: Flask, backends: Backends) -> None:
    """Add /health/live, /health/ready and /metrics. They answer under any host name: probes use addresses."""
    blueprint = Blueprint(NAME, __name__)
    readiness = Readiness({name: lambda name=name: backends.is_serving(name) for name in STUBS})  # type: ignore[misc]

    @blueprint.get("/health/live")
    @open_to_all
    def live() -> Response:
        return _json({"live": True}, 200)

    @blueprint.get("/health/ready")
    @open_to_all
    def ready() -> Response:
        state = readiness.state()
        is_ready = all(state[name] for name in NEEDED)
        return _json({"ready": is_ready, "checks": state}, 200 if is_ready else 503)

    @blueprint.get("/metrics")
    @open_to_all
    def metrics() -> Response:
        if "X-Forwarded-For" in request.headers:
            abort(404)  # through the public door
        return Response(generate_latest(_registry()), content_type=CONTENT_TYPE_LATEST)

    app.register_blueprint(blueprint)


def _registry() -> CollectorRegistry:
    """The sums of all workers where they share a folder (see gunicorn_conf.py), else of this process."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def _json(body: object, status: int) -> Response:
    return Response(json.dumps(body), status=status, mimetype="application/json")
