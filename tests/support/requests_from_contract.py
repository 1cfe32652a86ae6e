"""Makes a request for any RPC from its contract alone: the ids that are given, and something valid for the rest."""

from collections.abc import Mapping

from ascms.common.v1 import options_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from kit.rpc.contract import field_rule

_TEXTS = {
    options_pb2.FORMAT_UUID: "01890a5d-ac96-774b-bcce-b302099a8057",
    options_pb2.FORMAT_DATE: "2026-03-04",
    options_pb2.FORMAT_EMAIL: "someone@nowhere.example",
    options_pb2.FORMAT_QUARTER: "2026-Q1",
}
# One example for each pattern in the contracts: a new pattern needs a new example, and the test that uses it says so.
_PATTERNS = {
    "[0-9]{9,10}": "012345678",
    "[+()0-9 -]{6,30}": "021 000 000",
    "[0-9]{4}-T[1-4]": "2026-T1",
    "[0-9]{1,4}": "0417",
    "[A-Za-z0-9-]{3,30}": "CALL-2041",
    "[a-z][a-z-]*": "cases-opened",
    "[a-z][a-z:-]*": "overview",
    "[a-z0-9]+(-[a-z0-9]+)*": "taranaki-demo",
}


def request_with_ids(descriptor: Descriptor, ids: Mapping[str, str]) -> Message:
    """A request in which every field that `ids` names has that id, and every other required field something valid."""
    message = GetMessageClass(descriptor)()
    for field in descriptor.fields:
        rule = field_rule(field) or options_pb2.FieldRule()
        if field.name in ids:
            _set(message, field, ids[field.name])
        elif field.name == "page_token":
            continue
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            inner = request_with_ids(_kind(field), ids)
            if field.is_repeated:
                getattr(message, field.name).add().CopyFrom(inner)
            else:
                getattr(message, field.name).CopyFrom(inner)
        elif field.type == FieldDescriptor.TYPE_STRING and (rule.required or rule.pattern):
            _set(message, field, _PATTERNS[rule.pattern] if rule.pattern else _TEXTS.get(rule.format, "Demo"))
        elif field.type == FieldDescriptor.TYPE_ENUM:
            _set(message, field, 1)
        elif field.type == FieldDescriptor.TYPE_INT32 and rule.minimum > 0:
            _set(message, field, rule.minimum)
        elif field.type == FieldDescriptor.TYPE_BYTES:
            _set(message, field, b"school_number\n0001\n")
    return message


def ids_asked_for(descriptor: Descriptor) -> set[str]:
    """The id fields of a request, those of its parts included."""
    found = {field.name.removesuffix("s") for field in descriptor.fields if field.name.endswith(("_id", "_ids"))}
    for field in descriptor.fields:
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            found |= ids_asked_for(_kind(field))
    return found


def _kind(field: FieldDescriptor) -> Descriptor:
    assert field.message_type is not None
    return field.message_type


def _set(message: Message, field: FieldDescriptor, value: object) -> None:
    if field.is_repeated:
        getattr(message, field.name).append(value)
    else:
        setattr(message, field.name, value)
