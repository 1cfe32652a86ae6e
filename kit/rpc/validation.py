"""Requests are checked against the rules in their contract before a handler sees them.

Text becomes Unicode NFC, so that a macron typed on any device is the same letter. Every fault of a request is named at
once, by field path and rule.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

from ascms.common.v1 import options_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from kit.errors import InvalidArgumentError, Violation
from kit.rpc.contract import field_rule

_DEFAULT_LENGTH = 200
_DEFAULT_MULTILINE_LENGTH = 4_000
_DEFAULT_ITEMS = 100

# Control characters, and the ones that turn text round on the screen and so can make one thing look like another.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
_FORBIDDEN_MULTILINE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_QUARTER = re.compile(r"(20|21)[0-9]{2}-Q[1-4]")
_INCOMPLETE = {"required", "too-small"}
_PRINTABLE = re.compile(r"[\x21-\x7e]*")

Check = Callable[[Any, str, list[Violation]], None]


def validate(request: Message) -> None:
    """Check and normalise a request in place; raise InvalidArgumentError with every violation."""
    violations: list[Violation] = []
    _check_message(request, "", violations)
    if violations:
        raise InvalidArgumentError.of(*violations)


def _check_message(message: Message, prefix: str, violations: list[Violation]) -> None:
    for field, check in _checks(message.DESCRIPTOR):
        check(message, f"{prefix}{field}", violations)


@cache
def _checks(descriptor: Descriptor) -> tuple[tuple[str, Check], ...]:
    return tuple((field.name, _check_for(field)) for field in descriptor.fields)


def _check_for(field: FieldDescriptor) -> Check:
    rule = field_rule(field) or options_pb2.FieldRule()
    if field.is_repeated:
        return _repeated(field, rule)
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return _submessage(field, rule)
    return _scalar(field, rule)


def _repeated(field: FieldDescriptor, rule: options_pb2.FieldRule) -> Check:
    name, most = field.name, rule.max_items or _DEFAULT_ITEMS
    element = None if field.type == FieldDescriptor.TYPE_MESSAGE else _value_check(field, rule)

    def check(message: Message, path: str, violations: list[Violation]) -> None:
        values = getattr(message, name)
        if rule.required and not values:
            violations.append(Violation(path, "required", "is needed"))
        if len(values) > most:
            violations.append(Violation(path, "too-many", f"may have at most {most:,} items"))
            return
        for index, value in enumerate(values):
            if element is None:
                _check_message(value, f"{path}[{index}].", violations)
            else:
                values[index] = element(value, f"{path}[{index}]", violations)

    return check


def _submessage(field: FieldDescriptor, rule: options_pb2.FieldRule) -> Check:
    name = field.name

    def check(message: Message, path: str, violations: list[Violation]) -> None:
        if message.HasField(name):
            found: list[Violation] = []
            _check_message(getattr(message, name), f"{path}.", found)
            # A number that is not there is 0, and may be smaller than any that is.
            violations += [each for each in found if not (rule.may_be_incomplete and each.reason in _INCOMPLETE)]
        elif rule.required:
            violations.append(Violation(path, "required", "is needed"))

    return check


def _scalar(field: FieldDescriptor, rule: options_pb2.FieldRule) -> Check:
    name, verify = field.name, _value_check(field, rule)
    in_oneof = field.containing_oneof is not None and not field.has_presence
    empty: object = {FieldDescriptor.TYPE_STRING: "", FieldDescriptor.TYPE_BYTES: b""}.get(field.type, 0)

    def check(message: Message, path: str, violations: list[Violation]) -> None:
        value = getattr(message, name)
        if value == empty:
            if rule.required and not in_oneof:
                violations.append(Violation(path, "required", "is needed"))
                return
            if isinstance(value, (str, bytes)):
                return
        checked = verify(value, path, violations)
        if checked is not value:
            setattr(message, name, checked)

    return check


def _value_check(field: FieldDescriptor, rule: options_pb2.FieldRule) -> Callable[[Any, str, list[Violation]], Any]:
    if field.type == FieldDescriptor.TYPE_STRING:
        return _text(rule)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _bytes(rule)
    if field.type == FieldDescriptor.TYPE_ENUM:
        return _enum(field)
    if field.type == FieldDescriptor.TYPE_BOOL:
        return lambda value, _path, _violations: value
    return _number(rule)


def _text(rule: options_pb2.FieldRule) -> Callable[[str, str, list[Violation]], str]:
    multiline = rule.format == options_pb2.FORMAT_MULTILINE
    most = rule.max_length or (_DEFAULT_MULTILINE_LENGTH if multiline else _DEFAULT_LENGTH)
    forbidden = _FORBIDDEN_MULTILINE if multiline else _FORBIDDEN
    pattern = re.compile(rule.pattern) if rule.pattern else None
    form = _FORMS.get(rule.format)

    def verify(value: str, path: str, violations: list[Violation]) -> str:
        if not value.isascii():
            value = unicodedata.normalize("NFC", value)
        if len(value) > most:
            violations.append(Violation(path, "too-long", f"may have at most {most:,} characters"))
        elif forbidden.search(value):
            violations.append(Violation(path, "characters", "has characters that cannot be shown"))
        elif rule.required and not value.strip():
            violations.append(Violation(path, "required", "is needed"))
        elif pattern is not None and not pattern.fullmatch(value):
            violations.append(Violation(path, "pattern", f"must be {rule.pattern_hint}"))
        elif form is not None and not form[0](value):
            violations.append(Violation(path, "format", f"must be {form[1]}"))
        return value

    return verify


def _bytes(rule: options_pb2.FieldRule) -> Callable[[bytes, str, list[Violation]], bytes]:
    def verify(value: bytes, path: str, violations: list[Violation]) -> bytes:
        if rule.max_items and len(value) > rule.max_items:
            violations.append(Violation(path, "too-long", f"may have at most {rule.max_items:,} bytes"))
        return value

    return verify


def _enum(field: FieldDescriptor) -> Callable[[int, str, list[Violation]], int]:
    assert field.enum_type is not None
    known = frozenset(field.enum_type.values_by_number)

    def verify(value: int, path: str, violations: list[Violation]) -> int:
        if value not in known:
            violations.append(Violation(path, "unknown-value", "is not one of the allowed values"))
        return value

    return verify


def _number(rule: options_pb2.FieldRule) -> Callable[[int, str, list[Violation]], int]:
    least = rule.minimum if rule.HasField("minimum") else None
    most = rule.maximum if rule.HasField("maximum") else None

    def verify(value: int, path: str, violations: list[Violation]) -> int:
        if least is not None and value < least:
            violations.append(Violation(path, "too-small", f"must be at least {least:,}"))
        elif most is not None and value > most:
            violations.append(Violation(path, "too-large", f"must be at most {most:,}"))
        return value

    return verify


def is_uuid(value: str) -> bool:
    """Whether text is a UUID in its canonical lower-case form."""
    try:
        return str(UUID(value)) == value
    except ValueError:
        return False


def _is_date(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


_FORMS: dict[int, tuple[Callable[[str], object], str]] = {
    options_pb2.FORMAT_UUID: (is_uuid, "an id, such as 01890a5d-ac96-774b-bcce-b302099a8057"),
    options_pb2.FORMAT_DATE: (_is_date, "a date, such as 2026-03-04"),
    options_pb2.FORMAT_EMAIL: (_EMAIL.fullmatch, "an e-mail address, such as name@example.nz"),
    options_pb2.FORMAT_QUARTER: (_QUARTER.fullmatch, "a quarter, such as 2026-Q1"),
    options_pb2.FORMAT_SECRET: (_PRINTABLE.fullmatch, "printable characters without spaces"),
}
