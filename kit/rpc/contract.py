"""What the descriptors say about a method: the one place that reads the options of the contracts."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from ascms.common.v1 import options_pb2
from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor, ServiceDescriptor

MAX_KEY_LENGTH = 120
"""Longest `Idempotency-Key`, in characters."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call: exactly one of the four, as the option says."""

    permission: str = ""
    is_signed_in: bool = False
    purpose: str = ""
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Method:
    """One RPC. `path` is "/ascms.cases.v1.CasesService/GetCase"."""

    path: str
    access: Access
    is_read: bool
    descriptor: MethodDescriptor

    @property
    def http_rule(self) -> http_pb2.HttpRule | None:
        """The REST route, or None for methods that only services call."""
        options = self.descriptor.GetOptions()
        return options.Extensions[annotations_pb2.http] if options.HasExtension(annotations_pb2.http) else None


class UndeclaredAccessError(Exception):
    """A method says nobody may call it: its contract lacks the access option."""


def methods(service: ServiceDescriptor) -> Iterator[Method]:
    """Every method of a service; raises UndeclaredAccessError where the access option is missing."""
    for descriptor in service.methods:
        yield _method(descriptor)


@cache
def _method(descriptor: MethodDescriptor) -> Method:
    options = descriptor.GetOptions()
    path = f"/{descriptor.containing_service.full_name}/{descriptor.name}"
    if not options.HasExtension(options_pb2.access):
        raise UndeclaredAccessError(path)
    access = options.Extensions[options_pb2.access]
    rule = access.WhichOneof("rule")
    if rule is None:
        raise UndeclaredAccessError(path)
    return Method(
        path=path,
        access=Access(
            permission=access.permission,
            is_signed_in=access.signed_in,
            purpose=access.purpose,
            is_open=access.open,
        ),
        is_read=options.idempotency_level == options.NO_SIDE_EFFECTS,
        descriptor=descriptor,
    )


def field_rule(field: FieldDescriptor) -> options_pb2.FieldRule | None:
    """What a field accepts, or None where the contract leaves it to the type."""
    options = field.GetOptions()
    return options.Extensions[options_pb2.rule] if options.HasExtension(options_pb2.rule) else None
