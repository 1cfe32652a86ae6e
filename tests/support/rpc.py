"""A service's real gRPC server in this process, behind the real edge, and calls to it as an actor."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc

from kit.actor import Actor
from kit.db import Database
from kit.rpc.client import Backend, Channels
from kit.rpc.server import Servicer, serve
from tests.support.tokens import token_for, verifier


class Caller:
    """Calls a service as whoever is named: `caller("GetCase", request, as_=lead)`."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __call__(self, method: str, request: Any, *, as_: Actor | None, idempotency_key: str = "") -> Any:
        token = token_for(as_) if as_ is not None else ""
        return self._backend.call(method, request, token=token, idempotency_key=idempotency_key)


@contextmanager
def running(
    servicer: Servicer, stub: Callable[[grpc.Channel], Any], *, database: Database | None = None
) -> Iterator[Caller]:
    """Serve on a free port for the length of the block."""
    server = serve(address="127.0.0.1:0", servicers=[servicer], verifier=verifier(), database=database)
    backend = Backend(Channels(f"127.0.0.1:{server.port}", count=1), stub)
    try:
        yield Caller(backend)
    finally:
        backend.close()
        server.stop(0)
