"""Files on their way through: first whole into a file without a name, then on.

So a slow sender or reader holds a thread here and none of the service behind, and no file is ever in memory. The
temporary folder (`TMPDIR`) must be on a disk: it takes the largest file as often as the gateway has threads.
"""

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any, Protocol

from flask import Response, send_file

MOST_BYTES = 25 * 1024 * 1024
"""The largest file that documents takes."""
TIMEOUT_SECONDS = 60.0
"""For a whole file between us and the service; the other side of us may take longer."""
PIECE_BYTES = 256 * 1024
# What is handed out is to be saved. Were it opened here all the same, it could load nothing and run nothing.
_POLICY = "default-src 'none'; sandbox"


class Readable(Protocol):
    """A body or a file of a form."""

    def read(self, amount: int, /) -> bytes:
        """At most `amount` bytes; none at the end."""
        ...


@dataclass(frozen=True)
class Spooled:
    """A file that has arrived whole, at its beginning. `sha256` in hexadecimal."""

    file: IO[bytes]
    size: int
    sha256: str

    def pieces(self) -> Iterator[bytes]:
        """Its bytes."""
        self.file.seek(0)
        while piece := self.file.read(PIECE_BYTES):
            yield piece


class TooLargeError(Exception):
    """A file has more bytes than the largest; the rest was not read."""


def spool(source: Readable, into: IO[bytes]) -> Spooled:
    """Read a file to its end; raises TooLargeError one byte over the limit, with no more kept than that."""
    digest, size = hashlib.sha256(), 0
    while piece := source.read(PIECE_BYTES):
        size += len(piece)
        if size > MOST_BYTES:
            raise TooLargeError
        digest.update(piece)
        into.write(piece)
    return Spooled(into, size, digest.hexdigest())


def measure(file: IO[bytes]) -> Spooled:
    """What is spooled already; raises TooLargeError one byte over the limit."""
    digest, size = hashlib.sha256(), 0
    file.seek(0)
    while piece := file.read(PIECE_BYTES):
        size += len(piece)
        if size > MOST_BYTES:
            raise TooLargeError
        digest.update(piece)
    return Spooled(file, size, digest.hexdigest())


def drain(source: Readable) -> None:
    """Read on to the end, keeping nothing: a browser that is still sending does not look at an answer."""
    while source.read(PIECE_BYTES):
        pass


def hand_out(header: Any, pieces: Iterable[bytes]) -> Response:
    """A file as an answer, to be saved under its name. Nothing is sent before all of it has come.

    `header` has `name`, `content_type` and `size`.
    """
    # Flask closes it with the answer.
    file = tempfile.TemporaryFile()  # noqa: SIM115
    try:
        for piece in pieces:
            file.write(piece)
        file.seek(0)
        response = send_file(
            file, mimetype=header.content_type, as_attachment=True, download_name=header.name, etag=False, max_age=None
        )
    except BaseException:
        file.close()
        raise
    response.content_length = header.size
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Cache-Control"] = "no-store"
    return response
