"""The addresses below /api: the operations, the document that describes them, and the page made from it."""

import hashlib

from flask import Blueprint, Flask, Response, json, render_template, request
from werkzeug.routing import BaseConverter

from services.gateway.api.openapi import document
from services.gateway.api.operations import operations
from services.gateway.api.reference import present
from services.gateway.api.transcoder import view_of
from services.gateway.security import declare, open_to_all

PREFIX = "/api"


class Segment(BaseConverter):
    """One segment of a path, up to a colon: what follows that is a verb."""

    regex = "[^/:]+"
    part_isolating = True


def init_api(app: Flask, *, issuer: str) -> Blueprint:
    """Add the API; returns its blueprint, which takes no cookies and so needs no token in its forms."""
    app.url_map.converters["segment"] = Segment
    blueprint = Blueprint("api", __name__, url_prefix=PREFIX, template_folder="templates")
    described = document(issuer=issuer)
    body = json.dumps(described, ensure_ascii=False, sort_keys=False, separators=(",", ":")).encode()
    etag = hashlib.sha256(body).hexdigest()[:32]
    reference = present(described)

    @blueprint.get("/openapi.json")
    @open_to_all
    def openapi() -> Response:
        response = Response(body, mimetype="application/json")
        response.headers["Cache-Control"] = "public, max-age=60"
        response.set_etag(etag)
        response.make_conditional(request)
        return response

    @blueprint.get("/")
    @open_to_all
    def show_reference() -> str:
        return render_template("api/reference.html", reference=reference)

    for number, operation in enumerate(operations()):
        access = operation.method.access
        blueprint.add_url_rule(
            operation.flask_rule,
            endpoint=f"{operation.name}-{number}",
            view_func=declare(view_of(operation), access.permission or "signed-in"),
            methods=[operation.verb],
        )
    app.register_blueprint(blueprint)
    return blueprint
