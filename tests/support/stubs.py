"""Services that answer what a test tells them, behind the real edge: tokens, permissions, field rules are checked."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from ascms.cases.v1 import cases_pb2, cases_pb2_grpc
from ascms.documents.v1 import documents_pb2, documents_pb2_grpc
from ascms.identity.v1 import identity_pb2, identity_pb2_grpc
from ascms.notifications.v1 import notifications_pb2, notifications_pb2_grpc
from ascms.reporting.v1 import reporting_pb2, reporting_pb2_grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message

from kit.actor import Actor
from kit.rpc.server import Call, Server, Servicer, read, serve
from tests.support.tokens import verifier

Answer = Message | Exception | Sequence[Message] | Callable[[Any], Any]

_SERVICES: Mapping[str, tuple[Callable[..., None], ServiceDescriptor]] = {
    "identity": (
        identity_pb2_grpc.add_IdentityServiceServicer_to_server,
        identity_pb2.DESCRIPTOR.services_by_name["IdentityService"],
    ),
    "cases": (
        cases_pb2_grpc.add_CasesServiceServicer_to_server,
        cases_pb2.DESCRIPTOR.services_by_name["CasesService"],
    ),
    "documents": (
        documents_pb2_grpc.add_DocumentsServiceServicer_to_server,
        documents_pb2.DESCRIPTOR.services_by_name["DocumentsService"],
    ),
    "reporting": (
        reporting_pb2_grpc.add_ReportingServiceServicer_to_server,
        reporting_pb2.DESCRIPTOR.services_by_name["ReportingService"],
    ),
    "notifications": (
        notifications_pb2_grpc.add_NotificationsServiceServicer_to_server,
        notifications_pb2.DESCRIPTOR.services_by_name["NotificationsService"],
    ),
}


@dataclass(frozen=True)
class Received:
    """A call that arrived: past the edge, so its token and fields were good. Streams arrive as lists."""

    method: str
    request: Any
    actor: Actor | None
    idempotency_key: str


@dataclass
class Stub:
    """One service. What no test told it is answered with an empty message."""

    name: str
    received: list[Received] = field(default_factory=list)
    _answers: dict[str, Answer] = field(default_factory=dict)

    def on(self, method: str, answer: Answer) -> None:
        """Answer a method with a message, several (a stream), a DomainError, or what a function of the request says."""
        self._answers[method] = answer

    def calls(self, method: str) -> list[Received]:
        """The calls of one method, in their order."""
        return [one for one in self.received if one.method == method]

    def reset(self) -> None:
        """Forget answers and calls."""
        self.received.clear()
        self._answers.clear()

    def servicer(self) -> Servicer:
        """What the real edge serves."""
        add, descriptor = _SERVICES[self.name]
        methods = {method.name: read(self._handler(method)) for method in descriptor.methods}
        return Servicer(type(f"{self.name.title()}Stub", (), methods)(), add, descriptor)

    def _handler(self, method: MethodDescriptor) -> Callable[[object, Any, Call], Any]:
        empty = message_factory.GetMessageClass(method.output_type)

        def answer(_servicer: object, request: Any, call: Call) -> Any:
            given = list(request) if method.client_streaming else request
            self.received.append(Received(method.name, given, call.caller, call.idempotency_key))
            known = self._answers.get(method.name, empty())
            said = known(given) if callable(known) and not isinstance(known, Message) else known
            if isinstance(said, Exception):
                raise said
            return iter(said) if isinstance(said, list | tuple) else said

        return answer


@contextmanager
def serving(stubs: Sequence[Stub]) -> Iterator[dict[str, str]]:
    """Serve each stub on a free port; yields their addresses by name."""
    with ExitStack() as stack:
        addresses = {}
        for stub in stubs:
            server = _start(stub)
            stack.callback(server.stop, 0)
            addresses[stub.name] = f"127.0.0.1:{server.port}"
        yield addresses


def _start(stub: Stub) -> Server:
    server = serve(address="127.0.0.1:0", servicers=[stub.servicer()], verifier=verifier())
    server.set_ready(is_ready=True)
    return server
