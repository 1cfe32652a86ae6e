"""Requests into messages: path, query and JSON body, each field by a reader made once per message type.

Stricter than protobuf's own JSON: an array is not an object, "1_0" is not a number, NUL is not text, a name that the
contract does not know is a fault, and so is one that stands twice. Every fault is collected, by field and rule.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import unquote_to_bytes

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.timestamp_pb2 import Timestamp

from kit.errors import InvalidArgumentError, Violation
from services.gateway.api.operations import RouteError, enum_of, is_timestamp, message_of

Faults = list[Violation]
Reader = Callable[[Any, str, Faults], Any]

NOTHING = object()
"""What a reader returns where it found a fault, or where null says that nothing was given."""
MOST_FAULTS = 100
MOST_PARAMETERS = 300
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,19})")
_RANGES = {
    FieldDescriptor.TYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_SINT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_SFIXED32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_FIXED32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_SINT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_SFIXED64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT64: (0, 2**64 - 1),
    FieldDescriptor.TYPE_FIXED64: (0, 2**64 - 1),
}
_KINDS = {dict: "an object", list: "an array", str: "text", bool: "true or false", int: "a number", float: "a number"}


class _DuplicateKeyError(ValueError):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def refuse(faults: Faults) -> None:
    """Raise InvalidArgumentError with what was found, if anything was."""
    if faults:
        raise InvalidArgumentError.of(*faults[:MOST_FAULTS])


def parse_json(body: bytes) -> Any:
    """The value that a body holds; raises InvalidArgumentError saying why it is not JSON (UTF-8, each key once)."""
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise _bad_body("utf-8", f"is not UTF-8: see byte {error.start}") from error
    except _DuplicateKeyError as error:
        raise InvalidArgumentError.of(
            Violation(error.key[:100], "duplicate", "stands in the same object twice")
        ) from error
    except json.JSONDecodeError as error:
        raise _bad_body("json", f"is not JSON: {error.msg}, line {error.lineno} column {error.colno}") from error
    except (ValueError, RecursionError) as error:
        raise _bad_body("json", "is not JSON that we can read: a number or the nesting goes too far") from error


def parse_query(query: bytes) -> dict[str, list[str]]:
    """Parameters by name, in their order; raises InvalidArgumentError where they are not UTF-8 or far too many."""
    found: dict[str, list[str]] = {}
    if not query:
        return found
    parts = query.split(b"&")
    if len(parts) > MOST_PARAMETERS:
        raise InvalidArgumentError.of(Violation("query", "too-many", f"may have at most {MOST_PARAMETERS} parameters"))
    for part in parts:
        if part:
            name, _, value = part.partition(b"=")
            found.setdefault(_unquoted(name), []).append(_unquoted(value))
    return found


def _unquoted(text: bytes) -> str:
    try:
        return unquote_to_bytes(text.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidArgumentError.of(Violation("query", "utf-8", "is not UTF-8")) from error


@cache
def object_reader(descriptor: Descriptor, *, without: tuple[str, ...] = ()) -> Reader:
    """Reads a JSON object into what the message's constructor takes. `without` names fields that stand elsewhere."""
    fields = {field.name: _field_reader(field) for field in descriptor.fields if field.name not in without}

    def read(value: Any, path: str, faults: Faults) -> Any:
        if type(value) is not dict:
            return _fault(faults, path or "body", "type", f"must be an object, not {_kind(value)}")
        values = {}
        for name, given in value.items():
            reader = fields.get(name)
            if reader is None:
                words = "stands in the address" if name in without else "is not a field that we know here"
                _fault(faults, (path + name)[:200], "unknown-field", words)
            elif given is not None:
                got = reader(given, path + name, faults)
                if got is not NOTHING:
                    values[name] = got
        return values

    return read


@cache
def text_reader(field: FieldDescriptor) -> Reader:
    """Reads one value of a path or query."""
    if field.type == FieldDescriptor.TYPE_MESSAGE and not is_timestamp(field):
        raise RouteError(f"{field.full_name}: a message has no place in a query")
    if field.type == FieldDescriptor.TYPE_BOOL:
        return _bool_from_text
    return _value_reader(field)


class QueryReader:
    """Reads the parameters of one operation. Nested fields have dots in their names: `student.nsn`."""

    def __init__(self, fields: Sequence[FieldDescriptor]) -> None:
        """Make a reader for each parameter."""
        self._readers: dict[str, tuple[tuple[str, ...], bool, Reader]] = {}
        for field in fields:
            self._add(field, ())

    @property
    def names(self) -> list[str]:
        """Every parameter's name."""
        return list(self._readers)

    def read(self, given: Mapping[str, Sequence[str]], faults: Faults) -> dict[str, Any]:
        """What the message's constructor takes."""
        values: dict[str, Any] = {}
        for name, texts in given.items():
            known = self._readers.get(name)
            if known is None:
                _fault(faults, name[:200], "unknown-parameter", "is not a parameter that we know here")
                continue
            path, is_repeated, reader = known
            if not is_repeated and len(texts) > 1:
                _fault(faults, name, "duplicate", "stands in the query twice")
                continue
            got = [
                reader(text, f"{name}[{index}]" if is_repeated else name, faults) for index, text in enumerate(texts)
            ]
            if NOTHING not in got:
                target = values
                for part in path[:-1]:
                    target = target.setdefault(part, {})
                target[path[-1]] = got if is_repeated else got[0]
        return values

    def _add(self, field: FieldDescriptor, above: tuple[str, ...]) -> None:
        path = (*above, field.name)
        is_message = field.type == FieldDescriptor.TYPE_MESSAGE and not is_timestamp(field)
        if is_message and not field.is_repeated:
            for inner in message_of(field).fields:
                self._add(inner, path)
        else:
            self._readers[".".join(path)] = (path, field.is_repeated, text_reader(field))


def _field_reader(field: FieldDescriptor) -> Reader:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        raise RouteError(f"{field.full_name}: maps are not used in these contracts")
    one = _value_reader(field)
    if not field.is_repeated:
        return one

    def read(value: Any, path: str, faults: Faults) -> Any:
        if type(value) is not list:
            return _fault(faults, path, "type", f"must be an array, not {_kind(value)}")
        got = [one(item, f"{path}[{index}]", faults) for index, item in enumerate(value)]
        return NOTHING if NOTHING in got else got

    return read


def _value_reader(field: FieldDescriptor) -> Reader:
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return _timestamp if is_timestamp(field) else _nested(message_of(field))
    if field.type == FieldDescriptor.TYPE_STRING:
        return _text
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _base64
    if field.type == FieldDescriptor.TYPE_BOOL:
        return _bool
    if field.type == FieldDescriptor.TYPE_ENUM:
        return _enum(field)
    if field.type in _RANGES:
        return _integer(*_RANGES[field.type])
    raise RouteError(f"{field.full_name}: no reader for this type")


def _nested(descriptor: Descriptor) -> Reader:
    def read(value: Any, path: str, faults: Faults) -> Any:
        # Looked up when needed, so that a message may contain itself.
        reader = object_reader(descriptor)
        if type(value) is not dict:
            return _fault(faults, path, "type", f"must be an object, not {_kind(value)}")
        return reader(value, f"{path}.", faults)

    return read


def _text(value: Any, path: str, faults: Faults) -> Any:
    if type(value) is not str:
        return _fault(faults, path, "type", f"must be text, not {_kind(value)}")
    if "\0" in value:
        return _fault(faults, path, "characters", "has a NUL character")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        return _fault(faults, path, "characters", "has half of a character (a lone surrogate)")
    return value


def _bool(value: Any, path: str, faults: Faults) -> Any:
    return value if type(value) is bool else _fault(faults, path, "type", f"must be true or false, not {_kind(value)}")


def _bool_from_text(value: str, path: str, faults: Faults) -> Any:
    known = {"true": True, "false": False}.get(value)
    return _fault(faults, path, "type", "must be true or false") if known is None else known


def _integer(least: int, most: int) -> Reader:
    def read(value: Any, path: str, faults: Faults) -> Any:
        if type(value) is str and _INTEGER.fullmatch(value):
            value = int(value)
        if type(value) is not int:
            return _fault(faults, path, "type", 'must be a whole number, such as 10 or "10"')
        if not least <= value <= most:
            return _fault(faults, path, "out-of-range", f"must be from {least} to {most}")
        return value

    return read


def _enum(field: FieldDescriptor) -> Reader:
    numbers = {value.name: value.number for value in enum_of(field).values}
    names = ", ".join(numbers)

    def read(value: Any, path: str, faults: Faults) -> Any:
        number = numbers.get(value) if type(value) is str else None
        return _fault(faults, path, "unknown-value", f"must be one of {names}") if number is None else number

    return read


def _base64(value: Any, path: str, faults: Faults) -> Any:
    if type(value) is not str:
        return _fault(faults, path, "type", f"must be base64 text, not {_kind(value)}")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return _fault(faults, path, "format", "must be base64 (RFC 4648, with padding)")


def _timestamp(value: Any, path: str, faults: Faults) -> Any:
    found = Timestamp()
    try:
        found.FromJsonString(value)
    except (ValueError, TypeError, AttributeError):
        return _fault(faults, path, "format", "must be a moment, such as 2026-03-04T10:00:00Z")
    return found


def _fault(faults: Faults, path: str, reason: str, description: str) -> object:
    faults.append(Violation(path, reason, description))
    return NOTHING


def _kind(value: object) -> str:
    return "null" if value is None else _KINDS.get(type(value), "that")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _value in pairs:
            if key in seen:
                raise _DuplicateKeyError(key)
            seen.add(key)
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _bad_body(reason: str, description: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"bad-{reason}", f"The body {description}.", violations=[Violation("body", reason, description)]
    )
