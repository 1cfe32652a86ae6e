"""Calls to other services: a deadline on each, the caller's token and request id along, errors as they were raised."""

import itertools
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, TypeVar

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.message import Message
from opentelemetry.trace import SpanKind

from kit import log, tracing
from kit.rpc.flow import FLOW
from kit.rpc.status import from_rpc_error, was_lost

Stub = TypeVar("Stub")
Response = TypeVar("Response")

DEADLINE_SECONDS = 5.0
_EXPECTED_SECONDS = 5.0
"""How long after its last answer a service that cannot be reached is taken to be on its way back."""

# gRPC itself tries again only what failed before it was handed over. What was lost later we repeat once where that can
# do no harm: a read, or a write with an idempotency key (docs/adr/0018). Anything else only a person may repeat.
_SERVICE_CONFIG = json.dumps({"methodConfig": [{"name": [{}], "waitForReady": False}]})


class Channels:
    """Several connections to one service, made on first use in each process: a channel must not cross a fork."""

    def __init__(self, target: str, *, count: int = 2) -> None:
        """Remember where; connect later."""
        self.target = target
        self._count = count
        self._lock = threading.Lock()
        self._pid = 0
        self._stubs: dict[Any, Iterator[Any]] = {}
        self._channels: list[grpc.Channel] = []

    def stub(self, kind: Callable[[grpc.Channel], Stub]) -> Stub:
        """A stub of a generated class, on the next connection in turn."""
        with self._lock:
            if self._pid != os.getpid():
                self._connect()
            if kind not in self._stubs:
                self._stubs[kind] = itertools.cycle([kind(channel) for channel in self._channels])
            chosen: Stub = next(self._stubs[kind])
            return chosen

    def close(self) -> None:
        """End the connections."""
        with self._lock:
            for channel in self._channels:
                channel.close()
            self._channels, self._stubs, self._pid = [], {}, 0

    def _connect(self) -> None:
        self._stubs = {}
        self._channels = [
            grpc.insecure_channel(
                self.target,
                options=[
                    # Differing arguments, or gRPC would share one connection among the channels.
                    ("ascms.channel", number),
                    ("grpc.use_local_subchannel_pool", 1),
                    ("grpc.service_config", _SERVICE_CONFIG),
                    ("grpc.initial_reconnect_backoff_ms", 100),
                    # A service that was restarted is found again within half a second, not after a long pause.
                    ("grpc.min_reconnect_backoff_ms", 500),
                    ("grpc.max_reconnect_backoff_ms", 500),
                    ("grpc.max_receive_message_length", 8 * 1024 * 1024),
                    *FLOW,
                ],
            )
            for number in range(self._count)
        ]
        # Last: a failure above must not leave a process that believes it is connected and has no channel.
        self._pid = os.getpid()


class Backend:
    """One service as its callers see it: `cases.call(lambda s: s.GetCase, request, token=...)`."""

    def __init__(self, channels: Channels, stub: Callable[[grpc.Channel], Any]) -> None:
        """Bind connections to a generated stub class."""
        self._channels = channels
        self._stub = stub
        self._answered_at = -_EXPECTED_SECONDS

    def call(
        self,
        method: str,
        request: Any,
        *,
        token: str = "",
        timeout_seconds: float = DEADLINE_SECONDS,
        idempotency_key: str = "",
    ) -> Any:
        """Call an RPC by name and return its response; raise the DomainError that the service raised.

        A streaming RPC takes an iterator of requests, or returns one of responses.
        """
        metadata = call_metadata(token=token, idempotency_key=idempotency_key)
        with tracing.span(f"call {method}", kind=SpanKind.CLIENT):
            if parent := tracing.traceparent():
                metadata.append(("traceparent", parent))
            until = time.monotonic() + timeout_seconds
            try:
                answer = self._rpc(method)(request, timeout=timeout_seconds, metadata=metadata)
            except grpc.RpcError as error:
                if not was_lost(error):
                    self._answered_at = time.monotonic()
                    raise from_rpc_error(error) from error
                if not (idempotency_key or self._is_read(method, request)):
                    raise from_rpc_error(error) from error
                answer = self._repeat(method, request, metadata, until=until)
            self._answered_at = time.monotonic()
        # A stream of responses is both a call and an iterator; a single response is neither.
        return _with_errors(answer) if isinstance(answer, grpc.Call) and isinstance(answer, Iterator) else answer

    def close(self) -> None:
        """End the connections."""
        self._channels.close()

    def _rpc(self, method: str) -> Callable[..., Any]:
        rpc: Callable[..., Any] = getattr(self._channels.stub(self._stub), method)
        return rpc

    def _repeat(self, method: str, request: Any, metadata: list[tuple[str, str]], *, until: float) -> Any:
        """The same call, in what is left of its time. One that was there a moment ago is waited for: it is replaced."""
        now = time.monotonic()
        is_expected = now - self._answered_at < _EXPECTED_SECONDS
        try:
            return self._rpc(method)(
                request, timeout=max(until - now, 0.001), metadata=metadata, wait_for_ready=is_expected
            )
        except grpc.RpcError as error:
            raise from_rpc_error(error) from error

    def _is_read(self, method: str, request: Any) -> bool:
        """Whether the contract says that a call changes nothing; a stream of requests is no such call."""
        if not isinstance(request, Message):
            return False
        return _is_read(f"{request.DESCRIPTOR.file.package}.{self._stub.__name__.removesuffix('Stub')}", method)


@cache
def _is_read(service: str, method: str) -> bool:
    options = descriptor_pool.Default().FindServiceByName(service).FindMethodByName(method).GetOptions()
    return bool(options.idempotency_level == options.NO_SIDE_EFFECTS)


def call_metadata(*, token: str = "", idempotency_key: str = "") -> list[tuple[str, str]]:
    """The metadata that every call carries."""
    metadata = []
    if token:
        metadata.append(("authorization", f"Bearer {token}"))
    if request_id := log.request_id():
        metadata.append(("x-request-id", request_id))
    if idempotency_key:
        metadata.append(("idempotency-key", idempotency_key))
    return metadata


def _with_errors(responses: Iterator[Response]) -> Iterator[Response]:
    try:
        yield from responses
    except grpc.RpcError as error:
        raise from_rpc_error(error) from error
