"""The edge of every gRPC service: one interceptor that knows the caller, checks the contract, and maps errors.

A servicer's methods are marked `@read` or `@write(encode)` and take `(self, request, call)`: decode, one call, encode.
One interceptor and not a chain, since each link costs as much as the work it does (docs/performance.md).
"""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent import futures
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
import psycopg
from google.protobuf import message_factory
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from prometheus_client import Counter, Histogram

from kit import idempotency, log, tracing
from kit.actor import Actor, ActorKind
from kit.db import Database
from kit.errors import (
    ConflictError,
    DeadlineExceededError,
    DomainError,
    InternalError,
    InvalidArgumentError,
    PermissionDeniedError,
    ResourceExhaustedError,
    UnauthenticatedError,
    UnavailableError,
    Violation,
)
from kit.rpc.contract import MAX_KEY_LENGTH, Method, methods
from kit.rpc.flow import FLOW
from kit.rpc.status import to_status
from kit.rpc.validation import validate
from kit.tokens import Verifier

_SECONDS = Histogram(
    "ascms_rpc_seconds",
    "Time to answer a call, by method and status.",
    ["method", "status"],
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),
)
_FAULTS = Counter("ascms_rpc_faults", "Calls that met an error nobody foresaw")
_MAX_MESSAGE_BYTES = 4 * 1024 * 1024
_SLOW_SECONDS = 1.0
_CALLS_A_THREAD = 4
"""More than this at once is refused at once: late answers help nobody."""

Result = TypeVar("Result")
Handler = Callable[..., Any]
if TYPE_CHECKING:
    _MethodHandler = grpc.RpcMethodHandler[Any, Any]
    _Interceptor = grpc.ServerInterceptor[Any, Any]
else:  # The stubs are generic, the classes are not.
    _MethodHandler, _Interceptor = grpc.RpcMethodHandler, grpc.ServerInterceptor


@dataclass(frozen=True, slots=True)
class Call:
    """What a handler may know of its call besides the request. `actor` is None only for open methods."""

    method: Method
    caller: Actor | None
    token: str = ""
    """The caller's own token, for a question to another service on the caller's behalf."""
    idempotency_key: str = ""
    database: Database | None = None

    @property
    def actor(self) -> Actor:
        """The verified caller."""
        assert self.caller is not None, "an open method has no actor"
        return self.caller


_call: ContextVar[Call] = ContextVar("call")


def read(handler: Handler) -> Handler:
    """Mark a servicer's method that changes nothing: `def GetCase(self, request, call) -> GetCaseResponse`."""

    @wraps(handler)
    def answer(servicer: object, request: Any, _context: grpc.ServicerContext) -> Any:
        return handler(servicer, request, _call.get())

    return answer


def write(encode: Callable[[Any], Message]) -> Callable[[Handler], Handler]:
    """Mark a servicer's method that runs one command and returns its result; `encode` makes it the response.

    A call with an idempotency key that was answered before gets that answer again.
    """

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        def answer(servicer: object, request: Any, _context: grpc.ServicerContext) -> Message:
            call = _call.get()
            if not call.idempotency_key:
                return _run(handler, servicer, request, call, idempotency.Answering(call.method.path, encode))
            return _run_once(handler, servicer, request, call, encode)

        return answer

    return decorate


def _run_once(
    handler: Handler, servicer: object, request: Any, call: Call, encode: Callable[[Any], Message]
) -> Message:
    assert call.database is not None, "a service with writes has a database"
    first = request
    if call.method.descriptor.client_streaming:
        # The first message says what comes: two streams are the same where it is, so it should name what follows.
        first = next(request, None)
        if first is None:
            raise InvalidArgumentError.of(Violation("request", "required", "is needed"))
        request = itertools.chain([first], request)
    asked = idempotency.Answering(
        call.method.path,
        encode,
        key=call.idempotency_key,
        request_hash=idempotency.hash_request(call.method.path, first.SerializeToString(deterministic=True)),
    )
    earlier = idempotency.find_answer(call.database, call.actor, asked)
    if earlier is None:
        try:
            return _run(handler, servicer, request, call, asked)
        except (psycopg.errors.UniqueViolation, DomainError):
            # The same key at the same moment: the other call committed first, and this one met its key, or the state
            # that it left behind. Its answer is ours; without one, the error stands.
            earlier = idempotency.find_answer(call.database, call.actor, asked)
            if earlier is None:
                raise
    response = message_factory.GetMessageClass(call.method.descriptor.output_type)
    return response.FromString(earlier)


def _run(handler: Handler, servicer: object, request: Any, call: Call, answering: idempotency.Answering) -> Message:
    token = idempotency.answering.set(answering)
    try:
        result = handler(servicer, request, call)
    finally:
        idempotency.answering.reset(token)
    return answering.message if answering.message is not None else answering.encode(result)


@dataclass(eq=False)
class Server:
    """A running gRPC server and its health service."""

    server: grpc.Server
    health: health.HealthServicer
    port: int

    def set_ready(self, *, is_ready: bool) -> None:
        """Tell gRPC health whether calls can be answered; both sides of the service follow it."""
        status = health_pb2.HealthCheckResponse.SERVING if is_ready else health_pb2.HealthCheckResponse.NOT_SERVING
        self.health.set("", status)

    def stop(self, grace_seconds: float) -> None:
        """Refuse new calls, let those under way finish, then end."""
        self.health.enter_graceful_shutdown()
        self.server.stop(grace_seconds).wait()


@dataclass(frozen=True)
class Servicer:
    """A servicer with the generated function that adds it and the descriptor that rules it."""

    implementation: object
    add: Callable[[Any, grpc.Server], None]
    descriptor: ServiceDescriptor


def serve(
    *,
    address: str,
    servicers: Sequence[Servicer],
    verifier: Verifier,
    database: Database | None = None,
    threads: int = 4,
    options: "ServerOptions | None" = None,
) -> Server:
    """Start a server on `address` ("127.0.0.1:0" takes a free port).

    Raises:
        OSError: the address is in use.
    """
    options = options or ServerOptions()
    edge = Edge(servicers=servicers, verifier=verifier, database=database)
    server = grpc.server(
        futures.ThreadPoolExecutor(threads, thread_name_prefix="rpc"),
        interceptors=[edge],
        maximum_concurrent_rpcs=threads * _CALLS_A_THREAD,
        options=[
            ("grpc.so_reuseport", int(options.share_port)),
            ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
            *FLOW,
        ],
    )
    for servicer in servicers:
        servicer.add(servicer.implementation, server)
    health_servicer = health.HealthServicer(experimental_non_blocking=True)
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    if options.is_development:
        names = [servicer.descriptor.full_name for servicer in servicers]
        reflection.enable_server_reflection([*names, reflection.SERVICE_NAME, health.SERVICE_NAME], server)
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise OSError(f"cannot listen on {address}: is another copy running?") from error
    server.start()
    return Server(server, health_servicer, port)


@dataclass(frozen=True)
class ServerOptions:
    """`share_port`: several processes on one port; `is_development`: reflection, so that grpcurl finds the methods."""

    share_port: bool = False
    is_development: bool = False


@dataclass(eq=False)
class Edge(_Interceptor):
    """Who calls, what is allowed, whether the request holds to its contract, and what an error looks like."""

    servicers: Sequence[Servicer]
    verifier: Verifier
    database: Database | None
    _methods: Mapping[str, Method] = field(init=False)
    _handlers: dict[str, _MethodHandler] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Read every method's contract; one without an access option stops the server here."""
        self._methods = {method.path: method for servicer in self.servicers for method in methods(servicer.descriptor)}

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], _MethodHandler | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> _MethodHandler | None:
        """Wrap each handler once."""
        path = handler_call_details.method
        if path in self._handlers:
            return self._handlers[path]
        inner = continuation(handler_call_details)
        method = self._methods.get(path)
        # Health and reflection have no contract of ours, and no data.
        if inner is None or method is None:
            return inner
        self._handlers[path] = self._wrap(method, inner)
        return self._handlers[path]

    def _wrap(self, method: Method, inner: _MethodHandler) -> _MethodHandler:
        serializers = {
            "request_deserializer": inner.request_deserializer,
            "response_serializer": inner.response_serializer,
        }
        if inner.unary_unary:
            behaviour = self._unary(method, inner.unary_unary)
            return grpc.unary_unary_rpc_method_handler(behaviour, **serializers)
        if inner.stream_unary:
            behaviour = self._unary(method, _checking_stream(inner.stream_unary), is_stream=True)
            return grpc.stream_unary_rpc_method_handler(behaviour, **serializers)
        if inner.unary_stream:
            return grpc.unary_stream_rpc_method_handler(self._streaming(method, inner.unary_stream), **serializers)
        raise NotImplementedError(f"{method.path}: bidirectional streams are not used here")

    def _unary(self, method: Method, handler: Handler, *, is_stream: bool = False) -> Handler:
        seconds = {code: _SECONDS.labels(method.path, code) for code in ("OK",)}
        name = method.path.rpartition("/")[2]

        def behaviour(request: Any, context: grpc.ServicerContext) -> Any:
            started = time.perf_counter()
            status = "OK"
            metadata = _metadata(context)
            parent = metadata.get("traceparent", "")
            token = None
            try:
                token = _call.set(self._open(method, metadata))
                if not is_stream:
                    validate(request)
                with tracing.remote_span(name, parent=parent):
                    return handler(request, context)
            except Exception as raised:  # noqa: BLE001 - the one place where every error gets its status
                error = _as_domain_error(raised, method.path)
                status = error.kind.value
                context.abort_with_status(to_status(error))
            finally:
                if token is not None:
                    _call.reset(token)
                elapsed = time.perf_counter() - started
                (seconds.get(status) or _SECONDS.labels(method.path, status)).observe(elapsed)
                if elapsed > _SLOW_SECONDS:
                    log.logger().warning("slow-call", method=method.path, seconds=round(elapsed, 3), status=status)
                log.clear()

        return behaviour

    def _streaming(self, method: Method, handler: Handler) -> Handler:
        name = method.path.rpartition("/")[2]

        def behaviour(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
            started = time.perf_counter()
            status = "OK"
            metadata = _metadata(context)
            token = None
            try:
                token = _call.set(self._open(method, metadata))
                validate(request)
                responses = iter(handler(request, context))
                # The span ends with the first message: until then one thread does everything, and what may be refused
                # is refused; afterwards bytes flow, each perhaps on another thread.
                with tracing.remote_span(name, parent=metadata.get("traceparent", "")):
                    first = next(responses, None)
                if first is not None:
                    yield first
                    yield from responses
            except Exception as raised:  # noqa: BLE001 - as above
                error = _as_domain_error(raised, method.path)
                status = error.kind.value
                context.abort_with_status(to_status(error))
            finally:
                _SECONDS.labels(method.path, status).observe(time.perf_counter() - started)
                # A stream may be closed from another thread, where this token means nothing.
                try:
                    if token is not None:
                        _call.reset(token)
                except ValueError:
                    pass
                log.clear()

        return behaviour

    def _open(self, method: Method, metadata: Mapping[str, str]) -> Call:
        log.clear()
        if request_id := metadata.get("x-request-id"):
            log.bind(request_id=request_id[:80])
        access = method.access
        if access.is_open:
            return Call(method, None, database=self.database)
        token = _bearer(metadata)
        actor = self.verifier.verify(token)
        if access.permission:
            actor.require(access.permission)
        elif access.purpose and actor.purpose != access.purpose:
            raise PermissionDeniedError("purpose-needed", "This is for the system itself.")
        elif access.is_signed_in and actor.kind == ActorKind.SERVICE and not actor.purpose:
            raise PermissionDeniedError("purpose-needed", "This is for people.")
        if actor.actor_id is not None:
            log.bind(actor_id=str(actor.actor_id))
        return Call(method, actor, token=token, idempotency_key=_key(metadata), database=self.database)


def _metadata(context: grpc.ServicerContext) -> dict[str, str]:
    # Keys that end in -bin hold bytes; none of ours do.
    return {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}


def _bearer(metadata: Mapping[str, str]) -> str:
    scheme, _, token = metadata.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not token:
        raise UnauthenticatedError("token-missing", "Sign in first.")
    return token


def _key(metadata: Mapping[str, str]) -> str:
    key = metadata.get("idempotency-key", "")
    if len(key) > MAX_KEY_LENGTH:
        raise InvalidArgumentError.of(
            Violation("Idempotency-Key", "too-long", f"may have at most {MAX_KEY_LENGTH} characters")
        )
    return key


def _checking_stream(handler: Handler) -> Handler:
    def checked(requests: Iterator[Message], context: grpc.ServicerContext) -> Any:
        def each() -> Iterator[Message]:
            for request in requests:
                validate(request)
                yield request

        return handler(each(), context)

    return checked


def _as_domain_error(error: Exception, method: str) -> DomainError:
    if isinstance(error, DomainError):
        return error
    if isinstance(error, (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)):
        return ConflictError("try-again", "Someone else changed this at the same moment. Try again.")
    if isinstance(error, psycopg.errors.QueryCanceled):
        return DeadlineExceededError("took-too-long", "This took too long. Try again in a moment.")
    if isinstance(error, (psycopg.errors.DiskFull, psycopg.errors.ConfigurationLimitExceeded)):
        return ResourceExhaustedError("no-space", "The system cannot store anything now. It has been reported.")
    if isinstance(error, psycopg.OperationalError):
        return UnavailableError("database-away", "The system cannot reach its database. Try again in a moment.")
    _FAULTS.inc()
    log.logger().error("unexpected-error", method=method, **log.describe(error))
    return InternalError("internal", "Something went wrong. It has been reported.")
