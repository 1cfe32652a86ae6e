"""A bad network: a proxy between two processes, over TCP or a PostgreSQL socket, that does to bytes what it is told."""

import contextlib
import enum
import select
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

_PIECE = 64 * 1024


class Fault(enum.Enum):
    """What the network does."""

    NONE = "nothing"
    LATENCY = "latency"
    """Each piece is late by `Proxy.latency_seconds`."""
    RESET = "reset"
    """Each connection is reset with the first answer that comes by."""
    BLACK_HOLE = "black hole"
    """Questions arrive and answers do not; nothing is closed."""
    DRIP = "a byte a second"


class Proxy:
    """Listens, connects on to `target`, and carries bytes both ways. Connections that met a fault end with `mend`."""

    def __init__(self, listener: socket.socket, target: str | tuple[str, int]) -> None:
        self.fault = Fault.NONE
        self.latency_seconds = 0.2
        self._listener, self._target = listener, target
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def mend(self) -> None:
        """The network is well again; what hung on it is told so, as keepalives tell it."""
        self.fault = Fault.NONE
        with self._lock:
            held, self._open = self._open, set()
        for each in held:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End everything."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.mend()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                asking, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=[asking], daemon=True).start()

    def _carry(self, asking: socket.socket) -> None:
        kind = socket.AF_UNIX if isinstance(self._target, str) else socket.AF_INET
        with asking, socket.socket(kind) as answering, contextlib.suppress(OSError):
            answering.connect(self._target)
            with self._lock:
                self._open |= {asking, answering}
            try:
                while self._turn(asking, answering):
                    pass
            finally:
                with self._lock:
                    self._open -= {asking, answering}

    def _turn(self, asking: socket.socket, answering: socket.socket) -> bool:
        for source in select.select([asking, answering], [], [], 1.0)[0]:
            is_answer = source is answering
            piece = source.recv(1 if self.fault is Fault.DRIP else _PIECE)
            if not piece:
                return False
            if self.fault is Fault.LATENCY:
                time.sleep(self.latency_seconds)
            elif self.fault is Fault.DRIP:
                time.sleep(1.0)
            elif self.fault is Fault.RESET and is_answer:
                asking.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            elif self.fault is Fault.BLACK_HOLE and is_answer:
                continue
            (asking if is_answer else answering).sendall(piece)
        return True


@contextlib.contextmanager
def tcp_proxy(port: int) -> Iterator[tuple[Proxy, int]]:
    """Before a port of this machine; the proxy and its own port."""
    listener = socket.create_server(("127.0.0.1", 0))
    proxy = Proxy(listener, ("127.0.0.1", port))
    try:
        yield proxy, listener.getsockname()[1]
    finally:
        proxy.close()


@contextlib.contextmanager
def postgres_proxy(sockets: str, folder: Path) -> Iterator[Proxy]:
    """Before the server whose socket lies in `sockets`; its own lies in `folder`, which is the `host` to name."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / ".s.PGSQL.5432"))
    listener.listen()
    proxy = Proxy(listener, f"{sockets}/.s.PGSQL.5432")
    try:
        yield proxy
    finally:
        proxy.close()
