"""Bytes that no browser sends, against gunicorn as it is configured: one request is one, and nothing is quoted."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.postgres import ROOT
from tests.support.system import free_base_port
from tests.support.waiting import until

SECRET_WORDS = "Aroha-Canary"
ANSWER = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


@dataclass(frozen=True)
class Server:
    """The gateway's process, with no service behind it."""

    port: int
    log: Path

    def send(self, raw: bytes) -> list[int]:
        """The statuses of all that comes back for some bytes, until the other side has no more to say."""
        return [int(found) for found in ANSWER.findall(self.read(raw))]

    def read(self, raw: bytes) -> bytes:
        with closing(socket.create_connection(("127.0.0.1", self.port), timeout=20)) as connection:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65_536), b""))

    def request(self, head: str, body: bytes = b"") -> bytes:
        return head.format(host=f"127.0.0.1:{self.port}").replace("\n", "\r\n").encode("latin-1") + b"\r\n" + body


def _is_listening(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    port, folder = free_base_port(), tmp_path_factory.mktemp("gateway")
    names = ("IDENTITY", "CASES", "DOCUMENTS", "REPORTING", "NOTIFICATIONS")
    settings = {
        "ASCMS_PORT": str(port),
        "ASCMS_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "ASCMS_ISSUER": "http://127.0.0.1:1",
        "ASCMS_GATEWAY_CLIENT_SECRET": "s" * 32,
        "ASCMS_SECRET": "t" * 40,
        "ASCMS_WORKERS": "1",
        **{f"ASCMS_{name}_ADDRESS": "127.0.0.1:1" for name in names},
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.gateway"], cwd=ROOT, env={**os.environ, **settings}, stdout=log, stderr=log
        )
        until(lambda: _is_listening(port) or None, "the gateway")
        yield Server(port, folder / "log")
        process.terminate()
        process.wait(timeout=30)


HOST = "Host: {host}\n"
BODY = b"0\r\n\r\nGET /health/live HTTP/1.1\r\nHost: smuggled\r\n\r\n"
SMUGGLED = {
    "length and chunks": ("Content-Length: 6\nTransfer-Encoding: chunked\n", BODY),
    "chunks and length": ("Transfer-Encoding: chunked\nContent-Length: 6\n", BODY),
    "two lengths": ("Content-Length: 0\nContent-Length: 48\n", BODY),
    "two lengths in one": ("Content-Length: 0, 48\n", BODY),
    "a length with a sign": ("Content-Length: +5\n", BODY),
    "a length below nothing": ("Content-Length: -1\n", BODY),
    "a length in hexadecimal": ("Content-Length: 0x10\n", BODY),
    "another coding": ("Transfer-Encoding: xchunked\n", BODY),
    "chunks twice": ("Transfer-Encoding: chunked, chunked\n", BODY),
    "a coding behind chunks": ("Transfer-Encoding: chunked, identity\n", BODY),
    "chunks in a vertical tab": ("Transfer-Encoding: \x0bchunked\n", BODY),
    "a name with a space": ("Content-Length : 5\n", BODY),
    "a name with a tab": ("Transfer-Encoding\t: chunked\n", BODY),
    "a folded line": ("X-A: b\n Transfer-Encoding: chunked\n", BODY),
    "a chunk without a length": ("Transfer-Encoding: chunked\n", b"zz\r\n\r\n" + BODY),
    "a chunk with a sign": ("Transfer-Encoding: chunked\n", b"+1\r\na\r\n" + BODY),
}


@pytest.mark.parametrize(("headers", "body"), SMUGGLED.values(), ids=SMUGGLED)
def test_what_could_be_read_in_two_ways_is_refused_and_the_connection_ends(
    server: Server, headers: str, body: bytes
) -> None:
    answers = server.send(server.request(f"POST /health/live HTTP/1.1\n{HOST}{headers}", body))
    assert answers[-1] in {400, 501}
    assert 200 not in answers


def test_two_whole_requests_are_two(server: Server) -> None:
    """The control of the above: the address would answer."""
    first = server.request(f"POST /health/live HTTP/1.1\n{HOST}Content-Length: 1\n", b"x")
    second = server.request(f"GET /health/live HTTP/1.1\n{HOST}")
    assert server.send(first + second) == [405, 200]


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /health/live HTTP/1.1\nHost: x\n\n",
        b"GET /health/live HTTP/1.1\r\nHost: x\nX-B: c\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: x\rX-B: c\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: x\r\nX\x00Y: c\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-Y: c\x00d\r\n\r\n",
        b"GET\x0b/health/live HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /health/live\r\n\r\n",
        b"G\xc3\x89T /health/live HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /health/live HTTP/9.9\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_is_no_request_is_not_answered_as_one(server: Server, raw: bytes) -> None:
    assert 200 not in server.send(raw)


def test_a_host_that_stands_twice_is_refused(server: Server) -> None:
    raw = server.request(f"GET /signed-out HTTP/1.1\n{HOST}Host: evil.example\n")
    answer = server.read(raw)
    assert ANSWER.match(answer)
    assert b" 200 " not in answer.partition(b"\r\n")[0]
    assert b"evil" not in answer


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (f"GET /{SECRET_WORDS}?q={'x' * 9_000} HTTP/1.1\n{HOST}", 414),
        (f"GET /signed-out HTTP/1.1\n{HOST}X-A: {SECRET_WORDS}{'x' * 17_000}\n", 431),
        (f"GET /signed-out HTTP/1.1\n{HOST}" + "".join(f"X-{number}: {SECRET_WORDS}\n" for number in range(200)), 431),
        (f"GET /{SECRET_WORDS} HTTP/1.1\n{HOST}{SECRET_WORDS} x: y\n", 400),
        (f"{SECRET_WORDS} HTTP/1.1\n{HOST}", 400),
    ],
)
def test_too_much_is_said_in_plain_words_and_quoted_nowhere(server: Server, head: str, status: int) -> None:
    answer = server.read(server.request(head))
    assert ANSWER.findall(answer) == [str(status).encode()]
    page = answer.partition(b"\r\n\r\n")[2].decode()
    assert "<h1>This could not be read</h1>" in page
    assert "Tīmata" in page or "Utaina" in page
    assert SECRET_WORDS not in page + server.log.read_text(encoding="utf-8")
