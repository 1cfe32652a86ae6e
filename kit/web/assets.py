"""Static files with addresses that change with their content, so that browsers may keep them for a year.

The address is `/assets/<fingerprint of all files>/<path>`: one fingerprint for the whole set, so that a stylesheet
can name its fonts by a relative path. Everything is read once at start (about 250 kB) and text is compressed then.
"""

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, Response, abort, request

FINGERPRINT_LENGTH = 16
YEAR = 31_536_000
COMPRESSED = {".css", ".js", ".svg", ".txt", ".json", ".webmanifest"}
TYPES = {".woff2": "font/woff2", ".js": "text/javascript", ".webmanifest": "application/manifest+json"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, ready to send."""

    body: bytes
    compressed: bytes | None
    content_type: str
    etag: str


class Assets:
    """All static files of an application, in memory, with their common fingerprint."""

    def __init__(self, folders: Sequence[Path], *, bundles: Mapping[str, Sequence[str]], prefix: str) -> None:
        """Read the folders (a path may occur in one of them only) and join the bundles, each from files by name."""
        bodies: dict[str, bytes] = {}
        for folder in folders:
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                name = path.relative_to(folder).as_posix()
                if name in bodies:
                    raise ValueError(f"two static files are named {name}")
                bodies[name] = path.read_bytes()
        for name, parts in bundles.items():
            bodies[name] = b"\n".join(bodies[part] for part in parts)
        self._files = {name: _asset(name, body) for name, body in bodies.items()}
        digest = hashlib.sha256()
        for name, asset in sorted(self._files.items()):
            digest.update(f"{name}\0{asset.etag}\n".encode())
        self.fingerprint = digest.hexdigest()[:FINGERPRINT_LENGTH]
        self._prefix = prefix

    def url(self, name: str) -> str:
        """The address of a file; an unknown name is a fault of the template."""
        if name not in self._files:
            raise LookupError(f"no static file {name}")
        return f"{self._prefix}/{self.fingerprint}/{name}"

    def get(self, name: str) -> Asset | None:
        """A file, or None."""
        return self._files.get(name)

    def blueprint(self) -> Blueprint:
        """The route that serves them."""
        blueprint = Blueprint("kit_assets", __name__)

        @blueprint.get(f"{self._prefix}/<fingerprint>/<path:name>")
        def asset(fingerprint: str, name: str) -> Response:
            found = self.get(name)
            if found is None:
                abort(404)
            return _respond(found, is_current=fingerprint == self.fingerprint)

        @blueprint.get("/favicon.ico")
        def favicon() -> Response:
            found = self.get("favicon.svg")
            if found is None:
                abort(404)
            return _respond(found, is_current=False)

        return blueprint


def _asset(name: str, body: bytes) -> Asset:
    suffix = Path(name).suffix
    content_type = TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    if content_type.startswith("text/"):
        content_type += "; charset=utf-8"
    return Asset(
        body=body,
        compressed=gzip.compress(body, mtime=0) if suffix in COMPRESSED else None,
        content_type=content_type,
        etag=hashlib.sha256(body).hexdigest()[:32],
    )


def _respond(asset: Asset, *, is_current: bool) -> Response:
    """The file. During a rolling deployment an older page may ask by its old fingerprint: served, but not kept."""
    body = asset.body
    response = Response(content_type=asset.content_type)
    if asset.compressed is not None:
        response.headers["Vary"] = "Accept-Encoding"
        if request.accept_encodings["gzip"] > 0:
            body = asset.compressed
            response.headers["Content-Encoding"] = "gzip"
    response.set_data(body)
    response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable" if is_current else "public, max-age=60"
    response.set_etag(asset.etag, weak=True)
    response.make_conditional(request)
    return response
