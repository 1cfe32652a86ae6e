"""What the REST API offers: every RPC whose contract has an HTTP route. Read once, at start."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from ascms.cases.v1 import cases_pb2
from ascms.documents.v1 import documents_pb2
from ascms.identity.v1 import identity_pb2
from ascms.notifications.v1 import notifications_pb2
from ascms.reporting.v1 import reporting_pb2
from google.api import http_pb2
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from kit.rpc.contract import Method, methods

SERVICES: Mapping[str, ServiceDescriptor] = {
    "cases": cases_pb2.DESCRIPTOR.services_by_name["CasesService"],
    "documents": documents_pb2.DESCRIPTOR.services_by_name["DocumentsService"],
    "reporting": reporting_pb2.DESCRIPTOR.services_by_name["ReportingService"],
    "notifications": notifications_pb2.DESCRIPTOR.services_by_name["NotificationsService"],
    "identity": identity_pb2.DESCRIPTOR.services_by_name["IdentityService"],
}
WHOLE_BODY = "*"
EXPECTED_VERSION = "expected_version"
VERSION = "version"


def message_of(field: FieldDescriptor) -> Descriptor:
    """The message of a message field."""
    assert field.message_type is not None
    return field.message_type


def enum_of(field: FieldDescriptor) -> EnumDescriptor:
    """The enumeration of an enum field."""
    assert field.enum_type is not None
    return field.enum_type


def is_timestamp(field: FieldDescriptor) -> bool:
    """Whether a field holds a moment, which is text in JSON."""
    return field.message_type is not None and field.message_type.full_name == Timestamp.DESCRIPTOR.full_name


class RouteError(Exception):
    """A contract has a route that this API cannot serve; the message names it."""


@dataclass(frozen=True)
class FileStream:
    """A stream of messages that is one file: the first carries `header_field`, the others bytes in `piece_field`."""

    message: type[Message]
    header_field: str
    header: Descriptor
    piece_field: str

    @classmethod
    def of(cls, method: Method, descriptor: Descriptor) -> "FileStream":
        """The stream of these messages; raises RouteError where they are no file."""
        headers = [field for field in descriptor.fields if field.type == FieldDescriptor.TYPE_MESSAGE]
        pieces = [field for field in descriptor.fields if field.type == FieldDescriptor.TYPE_BYTES]
        is_either = len(descriptor.oneofs) == 1 and len(descriptor.oneofs[0].fields) == len(descriptor.fields)
        if len(headers) != 1 or len(pieces) != 1 or not is_either:
            raise RouteError(f"{method.path}: a stream with a route has one header or one piece in each message")
        message = message_factory.GetMessageClass(descriptor)
        return cls(message, headers[0].name, message_of(headers[0]), pieces[0].name)


@dataclass(frozen=True)
class Operation:
    """One RPC at one route. `template` is the contract's path: "/v1/cases/{case_id}:assign"."""

    service: str
    method: Method
    verb: str
    template: str
    body: str

    @property
    def name(self) -> str:
        """The RPC's name, "AssignCase"."""
        return str(self.method.descriptor.name)

    @property
    def input(self) -> Descriptor:
        """The request's message; of a stream, what its first message carries."""
        return self.stream_in.header if self.stream_in else self.method.descriptor.input_type

    @property
    def output(self) -> Descriptor:
        """The response's message; of a stream, what its first message carries."""
        return self.stream_out.header if self.stream_out else self.method.descriptor.output_type

    @cached_property
    def stream_in(self) -> "FileStream | None":
        """How a file comes, where the body is one."""
        descriptor = self.method.descriptor
        return FileStream.of(self.method, descriptor.input_type) if descriptor.client_streaming else None

    @cached_property
    def stream_out(self) -> "FileStream | None":
        """How a file goes, where the answer is one."""
        descriptor = self.method.descriptor
        return FileStream.of(self.method, descriptor.output_type) if descriptor.server_streaming else None

    @cached_property
    def request_class(self) -> type[Message]:
        """The request's class."""
        return message_factory.GetMessageClass(self.input)

    @cached_property
    def path_fields(self) -> tuple[str, ...]:
        """Fields that stand in the path, in its order."""
        return tuple(part.partition("}")[0] for part in self.template.split("{")[1:])

    @cached_property
    def body_fields(self) -> tuple[FieldDescriptor, ...]:
        """Fields that stand in the JSON body, where the whole request is the body."""
        if self.body != WHOLE_BODY:
            return ()
        return tuple(field for field in self.input.fields if field.name not in self.path_fields)

    @cached_property
    def query_fields(self) -> tuple[FieldDescriptor, ...]:
        """Fields that stand in the query."""
        if self.body == WHOLE_BODY:
            return ()
        taken = {*self.path_fields, self.body}
        return tuple(field for field in self.input.fields if field.name not in taken)

    @cached_property
    def file_field(self) -> FieldDescriptor | None:
        """The one bytes field of a body that is a file and may be sent as it is."""
        fields = self.body_fields
        return fields[0] if len(fields) == 1 and fields[0].type == FieldDescriptor.TYPE_BYTES else None

    @property
    def takes_json(self) -> bool:
        """Whether the body is the request as JSON."""
        return self.body == WHOLE_BODY

    @property
    def takes_version(self) -> bool:
        """Whether If-Match means something here."""
        return EXPECTED_VERSION in self.input.fields_by_name

    @cached_property
    def version_path(self) -> tuple[str, ...]:
        """Where the response has the version of what it shows, for its ETag; empty where it has none."""
        if self.stream_out is not None:
            return ()
        if _is_version(self.output):
            return (VERSION,)
        inside = [
            field.name
            for field in self.output.fields
            if field.type == FieldDescriptor.TYPE_MESSAGE and not field.is_repeated and _is_version(message_of(field))
        ]
        return (inside[0], VERSION) if len(inside) == 1 else ()

    @property
    def flask_rule(self) -> str:
        """The route as Werkzeug writes it. A value never has a colon: what follows one is a verb."""
        return self.template.replace("{", "<segment:").replace("}", ">")


def operations() -> Iterator[Operation]:
    """Every operation, in the order of the contracts; raises RouteError for one that cannot be served."""
    for service, descriptor in SERVICES.items():
        for method in methods(descriptor):
            if method.http_rule is not None:
                for rule in (method.http_rule, *method.http_rule.additional_bindings):
                    yield _operation(service, method, rule)


def _operation(service: str, method: Method, rule: http_pb2.HttpRule) -> Operation:
    verb = rule.WhichOneof("pattern")
    if verb not in {"get", "post", "put", "patch", "delete"}:
        raise RouteError(f"{method.path}: {verb or 'no'} method")
    operation = Operation(service, method, verb.upper(), getattr(rule, verb), rule.body)
    bodies = {"", WHOLE_BODY} if operation.stream_in is None else {operation.stream_in.piece_field}
    answers = {""} if operation.stream_out is None else {operation.stream_out.piece_field}
    if rule.body not in bodies or rule.response_body not in answers:
        raise RouteError(f"{method.path}: the body is the whole message, or the pieces of a file")
    for name in operation.path_fields:
        field = operation.input.fields_by_name.get(name)
        if field is None or field.type != FieldDescriptor.TYPE_STRING or field.is_repeated:
            raise RouteError(f"{method.path}: {{{name}}} must be a text field of the request")
    return operation


def _is_version(descriptor: Descriptor) -> bool:
    field = descriptor.fields_by_name.get(VERSION)
    return field is not None and field.type == FieldDescriptor.TYPE_INT64 and not field.is_repeated
