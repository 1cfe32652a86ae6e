"""A virus scanner: ClamAV's daemon over its socket. Clients on the package index are years old; the protocol holds.

INSTREAM takes the bytes in pieces, each behind its length, ended by a piece of length 0, and answers with one line:
`stream: OK`, `stream: <signature> FOUND`, or an error.
"""

import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from kit import log
from kit.errors import UnavailableError

_TIMEOUT_SECONDS = 60.0
_READY_SECONDS = 2.0
_LONGEST_ANSWER = 4096


class Scanner(Protocol):
    """What says whether a file is harmful. Every method raises UnavailableError where it cannot say."""

    def is_clean(self, pieces: Iterable[bytes]) -> bool:
        """Whether nothing harmful was found in a file's bytes."""
        ...

    def is_ready(self) -> bool:
        """Whether the scanner answers now."""
        ...


def open_scanner(url: str) -> Scanner | None:
    """The scanner that a URL names: `clamd://host:port`, `clamd:///path/of/its/socket`, or none where it is empty.

    Raises:
        ValueError: the URL names none of these.
    """
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme == "clamd" and parts.hostname and parts.port:
        return ClamdScanner((parts.hostname, parts.port))
    if parts.scheme == "clamd" and not parts.netloc and parts.path:
        return ClamdScanner(Path(unquote(parts.path)))
    raise ValueError("a scanner is clamd://host:port or clamd:///path/of/its/socket")


@dataclass(frozen=True)
class ClamdScanner:
    """A clamd at a host and port, or at a socket of this machine. A connection each time: it holds no state."""

    address: tuple[str, int] | Path
    timeout_seconds: float = _TIMEOUT_SECONDS
    """Of each send and of the answer, not of the whole."""

    def is_clean(self, pieces: Iterable[bytes]) -> bool:
        """Send the bytes as they come; no more than one piece is in memory."""
        with self._connected(self.timeout_seconds) as clamd:
            clamd.sendall(b"zINSTREAM\0")
            for piece in pieces:
                clamd.sendall(len(piece).to_bytes(4, "big") + piece)
            clamd.sendall(bytes(4))
            answer = _line(clamd)
        if answer == b"stream: OK":
            return True
        if answer.startswith(b"stream: ") and answer.endswith(b" FOUND"):
            # The signature's name is ClamAV's own words and says nothing of the file's.
            log.logger().warning("harmful-file", signature=answer[8:-6].decode("ascii", "replace")[:100])
            return False
        # Such as "INSTREAM size limit exceeded. ERROR": its configuration is too small for our files.
        log.logger().error("scanner-refused", answer=answer.decode("ascii", "replace")[:100])
        raise UnavailableError("scanner-away", "Files cannot be checked now.")

    def is_ready(self) -> bool:
        """Whether it answers a ping."""
        try:
            with self._connected(_READY_SECONDS) as clamd:
                clamd.sendall(b"zPING\0")
                return _line(clamd) == b"PONG"
        except UnavailableError:
            return False

    @contextmanager
    def _connected(self, timeout_seconds: float) -> Iterator[socket.socket]:
        try:
            if isinstance(self.address, Path):
                clamd = socket.socket(socket.AF_UNIX)
                clamd.settimeout(timeout_seconds)
                with clamd:
                    clamd.connect(str(self.address))
                    yield clamd
            else:
                with socket.create_connection(self.address, timeout=timeout_seconds) as clamd:
                    yield clamd
        except OSError as error:
            raise UnavailableError("scanner-away", "Files cannot be checked now.") from error


def _line(clamd: socket.socket) -> bytes:
    answer = b""
    while not answer.endswith(b"\0") and len(answer) < _LONGEST_ANSWER:
        more = clamd.recv(_LONGEST_ANSWER)
        if not more:
            break
        answer += more
    return answer.rstrip(b"\0")
