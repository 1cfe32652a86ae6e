"""Messages into JSON: protobuf's own mapping with the contract's field names, and empty fields printed too.

64-bit integers are text, enums their names, moments RFC 3339, bytes base64. What has presence and is unset is left out.
"""

import base64
import json
from collections.abc import Callable
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from services.gateway.api.operations import enum_of, message_of

Writer = Callable[[Any], Any]
_LARGE = {
    FieldDescriptor.TYPE_INT64,
    FieldDescriptor.TYPE_UINT64,
    FieldDescriptor.TYPE_SINT64,
    FieldDescriptor.TYPE_FIXED64,
    FieldDescriptor.TYPE_SFIXED64,
}


def to_json(message: Message) -> bytes:
    """A message as UTF-8 JSON."""
    value = object_writer(message.DESCRIPTOR)(message)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


@cache
def object_writer(descriptor: Descriptor) -> Writer:
    """Makes a message the value that `json.dumps` takes."""
    if descriptor.full_name == Timestamp.DESCRIPTOR.full_name:
        return lambda message: message.ToJsonString()
    fields = [(field.name, field.has_presence, _field_writer(field)) for field in descriptor.fields]

    def write(message: Message) -> dict[str, Any]:
        return {
            name: writer(getattr(message, name)) if writer is not None else getattr(message, name)
            for name, has_presence, writer in fields
            if not has_presence or message.HasField(name)
        }

    return write


def _field_writer(field: FieldDescriptor) -> Writer | None:
    one = _value_writer(field)
    if not field.is_repeated:
        return one
    return list if one is None else lambda values: [one(value) for value in values]


def _value_writer(field: FieldDescriptor) -> Writer | None:
    """None for what stands in JSON as it is."""
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        descriptor = message_of(field)
        # Looked up when needed, so that a message may contain itself.
        return lambda message: object_writer(descriptor)(message)  # noqa: PLW0108 - not before it is needed
    if field.type == FieldDescriptor.TYPE_ENUM:
        names = {number: value.name for number, value in enum_of(field).values_by_number.items()}
        return lambda number: names.get(number, number)
    if field.type in _LARGE:
        return str
    if field.type == FieldDescriptor.TYPE_BYTES:
        return lambda value: base64.b64encode(value).decode()
    return None
