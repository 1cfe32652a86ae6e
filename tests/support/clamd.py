"""A small clamd: its protocol over TCP, one signature. What it finds is spelt out nowhere, so no scanner stops here."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

HARMFUL = b"made-up-" + b"harmful-" + b"content-0817"
SIGNATURE = "Demo.Harmful.UNOFFICIAL"


@dataclass
class FakeClamd:
    """What it was given, and how it is to behave."""

    address: tuple[str, int]
    most_bytes: int = 26_214_400
    seen: list[int] = field(default_factory=list)
    """Sizes of what it has scanned."""

    @property
    def url(self) -> str:
        """Where it is, as a setting says it."""
        return f"clamd://{self.address[0]}:{self.address[1]}"


@contextmanager
def fake_clamd() -> Iterator[FakeClamd]:
    """One that runs on a free port of this machine."""

    class Conversation(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            answers = {b"zPING": lambda: b"PONG", b"zINSTREAM": self.scan}
            self.wfile.write(answers[self.command()]() + b"\0")

        def command(self) -> bytes:
            return b"".join(iter(lambda: self.rfile.read(1), b"\0"))

        def scan(self) -> bytes:
            content = b"".join(iter(self.piece, b""))
            fake.seen.append(len(content))
            if len(content) > fake.most_bytes:
                return b"INSTREAM size limit exceeded. ERROR"
            return f"stream: {SIGNATURE} FOUND".encode() if HARMFUL in content else b"stream: OK"

        def piece(self) -> bytes:
            return self.rfile.read(int.from_bytes(self.rfile.read(4), "big"))

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server(("127.0.0.1", 0), Conversation) as server:
        fake = FakeClamd(("127.0.0.1", server.server_address[1]))
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield fake
        server.shutdown()
        thread.join()
