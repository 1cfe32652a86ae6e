"""JSON schemas of messages and fields, with the rules that the services check."""

from typing import Any

from ascms.common.v1 import options_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from kit.rpc.contract import field_rule
from services.gateway.api.comments import comments
from services.gateway.api.operations import enum_of, is_timestamp, message_of

Schema = dict[str, Any]

_DEFAULT_LENGTH, _DEFAULT_MULTILINE_LENGTH, _DEFAULT_ITEMS = 200, 4_000, 100
_FORMATS = {
    options_pb2.FORMAT_UUID: "uuid",
    options_pb2.FORMAT_DATE: "date",
    options_pb2.FORMAT_EMAIL: "email",
}
_QUARTER = "^(20|21)[0-9]{2}-Q[1-4]$"
_SMALL = {
    FieldDescriptor.TYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_SINT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_SFIXED32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_FIXED32: (0, 2**32 - 1),
}


class Schemas:
    """Collects the schemas of every message and enum that operations use, for `components`."""

    def __init__(self) -> None:
        """Start with none."""
        self.found: dict[str, Schema] = {}
        self._asked: set[str] = set()

    def of_message(self, descriptor: Descriptor, *, is_request: bool, without: tuple[str, ...] = ()) -> Schema:
        """A reference to a message's schema. `without` leaves out fields that stand elsewhere.

        A message that stands in both directions has two: answers do not keep the rules of requests. A draft lacks what
        is needed later, a list leaves out what is long.
        """
        name = name_of(descriptor)
        if is_request:
            self._asked.add(name)
        elif name in self._asked:
            name = f"{name}.Read"
        if name not in self.found:
            self.found[name] = {}  # a message may contain itself
            self.found[name] = self._message(descriptor, is_request=is_request, without=without)
        return {"$ref": f"#/components/schemas/{name}"}

    def of_field(self, field: FieldDescriptor, *, is_request: bool) -> Schema:
        """The schema of a field's value, an array for a repeated one."""
        rule = field_rule(field) or options_pb2.FieldRule()
        one = self._value(field, rule, is_request=is_request)
        if not field.is_repeated:
            return one
        array: Schema = {"type": "array", "items": one}
        if is_request:
            array["maxItems"] = rule.max_items or _DEFAULT_ITEMS
        return array

    def _message(self, descriptor: Descriptor, *, is_request: bool, without: tuple[str, ...]) -> Schema:
        fields = [field for field in descriptor.fields if field.name not in without]
        schema: Schema = {"type": "object", "description": comments().get(descriptor.full_name, "")}
        schema["properties"] = {
            field.name: _described(self.of_field(field, is_request=is_request), field) for field in fields
        }
        required = [field.name for field in fields if is_required(field)]
        if is_request:
            schema["additionalProperties"] = False
            if required:
                schema["required"] = required
        return schema

    def _value(self, field: FieldDescriptor, rule: options_pb2.FieldRule, *, is_request: bool) -> Schema:
        if is_timestamp(field):
            return {"type": "string", "format": "date-time"}
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            return self.of_message(message_of(field), is_request=is_request)
        if field.type == FieldDescriptor.TYPE_ENUM:
            return self._enum(enum_of(field))
        return _scalar(field, rule, is_request=is_request)

    def _enum(self, descriptor: EnumDescriptor) -> Schema:
        name = name_of(descriptor)
        scope = descriptor.full_name.rpartition(".")[0]
        meanings = [f"* `{value.name}`: {comments().get(f'{scope}.{value.name}', '')}" for value in descriptor.values]
        self.found.setdefault(
            name,
            {
                "type": "string",
                "enum": [value.name for value in descriptor.values],
                "description": "\n".join([comments().get(descriptor.full_name, ""), "", *meanings]),
            },
        )
        return {"$ref": f"#/components/schemas/{name}"}


def name_of(descriptor: Descriptor | EnumDescriptor) -> str:
    """A component's name: "cases.Student" for ascms.cases.v1.Student."""
    _root, service, _version, *rest = descriptor.full_name.split(".")
    return ".".join([service, *rest])


def is_required(field: FieldDescriptor) -> bool:
    """Whether the contract wants a field."""
    rule = field_rule(field)
    return rule is not None and rule.required


def _described(schema: Schema, field: FieldDescriptor) -> Schema:
    comment = comments().get(field.full_name)
    return schema | {"description": comment} if comment else schema


def _scalar(field: FieldDescriptor, rule: options_pb2.FieldRule, *, is_request: bool) -> Schema:
    if field.type == FieldDescriptor.TYPE_BOOL:
        return {"type": "boolean"}
    if field.type == FieldDescriptor.TYPE_STRING:
        return _text(rule) if is_request else _form(rule)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return {"type": "string", "contentEncoding": "base64"}
    return _number(field, rule, is_request=is_request)


def _text(rule: options_pb2.FieldRule) -> Schema:
    multiline = rule.format == options_pb2.FORMAT_MULTILINE
    most = rule.max_length or (_DEFAULT_MULTILINE_LENGTH if multiline else _DEFAULT_LENGTH)
    schema: Schema = {"type": "string", "maxLength": most} | _form(rule)
    if rule.required:
        schema["minLength"] = 1
    if rule.pattern:
        # An empty optional field is as good as none.
        schema["pattern"] = f"^({rule.pattern})$" if rule.required else f"^({rule.pattern})?$"
    return schema


def _form(rule: options_pb2.FieldRule) -> Schema:
    schema: Schema = {"type": "string"}
    if rule.format in _FORMATS and rule.required:
        schema["format"] = _FORMATS[rule.format]
    elif rule.format in _FORMATS:
        schema["x-format-unless-empty"] = _FORMATS[rule.format]
    elif rule.format == options_pb2.FORMAT_QUARTER:
        schema["pattern"] = _QUARTER
    return schema


def _number(field: FieldDescriptor, rule: options_pb2.FieldRule, *, is_request: bool) -> Schema:
    small = _SMALL.get(field.type)
    if small is None and not is_request:
        return {"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"}
    schema: Schema = (
        {"type": "integer", "format": "int32"} if small else {"type": ["integer", "string"], "format": "int64"}
    )
    if not is_request:
        return schema
    if rule.HasField("minimum"):
        schema["minimum"] = rule.minimum
    if rule.HasField("maximum"):
        schema["maximum"] = rule.maximum
    return schema
