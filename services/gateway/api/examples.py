"""Made-up values for the API's description: each passes the rules of its field, which a test holds them to."""

from collections.abc import Mapping
from typing import Any

from ascms.common.v1 import options_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from kit.rpc.contract import field_rule
from services.gateway.api.operations import enum_of, is_timestamp, message_of

MOMENT = "2026-03-03T21:00:00Z"
_BY_FORMAT: Mapping[int, str] = {
    options_pb2.FORMAT_UUID: "01890a5d-ac96-774b-bcce-b302099a8057",
    options_pb2.FORMAT_DATE: "2026-03-04",
    options_pb2.FORMAT_EMAIL: "name@example.nz",
    options_pb2.FORMAT_QUARTER: "2026-Q1",
    options_pb2.FORMAT_SECRET: "",
}
_BY_NAME: Mapping[str, Any] = {
    "address": "1 Nowhere Street\nNgāmotu",
    "attempts_reason": "",
    "band": "moderate",
    "call_number": "CALL-2041",
    "concern": "Has not been at school since the second week of term.",
    "contact_name": "Hēmi Example",
    "contact_phone": "06 555 0101",
    "content_type": "application/pdf",
    "date_of_birth": "2012-05-17",
    "ethnicities": "211",
    "family_name": "Example-Ngā",
    "given_names": "Tāmati",
    "indicator": "home-visits",
    "language": "en",
    "minutes": 40,
    "note": "Talked with the whānau about mornings.",
    "nsn": "0123456789",
    "number": "26-00817",
    "page_size": 50,
    "permissions": "cases:read",
    "phone": "021 555 0101",
    "preferred_name": "",
    "present_half_days": 61,
    "recipients": "Kererū Example",
    "region": "07",
    "relationship": "koro",
    "role": "case_manager",
    "school_number": "0123",
    "barriers": "transport",
    "query": "tamati exam",
    "steps": "calls_home",
    "skip_reason": "",
    "stage": 1,
    "steps_tried": "Two calls and a letter.",
    "student_name": "Tāmati Example-Ngā",
    "support": "A ride to school each morning.",
    "term": "2026-T1",
    "total_half_days": 84,
    "version": "7",
    "words": "We talked about this on the phone.",
    "working_role": "case_manager",
    "year_level": 8,
}
_LARGE = {FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_UINT64}


def example_of(descriptor: Descriptor, *, without: tuple[str, ...] = (), seen: tuple[str, ...] = ()) -> dict[str, Any]:
    """An object as the API takes or gives it. `without` names fields that stand elsewhere."""
    names = (*seen, descriptor.full_name)
    return {
        field.name: _example(field, names)
        for field in descriptor.fields
        if field.name not in without and _full_name(field) not in names
    }


def example_value(field: FieldDescriptor) -> Any:
    """One value of a scalar field."""
    if field.name in _BY_NAME and _fits(field, _BY_NAME[field.name]):
        known = _BY_NAME[field.name]
        return str(known) if field.type in _LARGE else known
    if field.type == FieldDescriptor.TYPE_ENUM:
        return enum_of(field).values[min(1, len(enum_of(field).values) - 1)].name
    if field.type == FieldDescriptor.TYPE_BOOL:
        return True
    if field.type == FieldDescriptor.TYPE_STRING:
        return _text(field)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return "bnNuLGdpdmVuX25hbWVzLGZhbWlseV9uYW1lCg=="
    return "0" if field.type in _LARGE else 0


def _fits(field: FieldDescriptor, known: Any) -> bool:
    """Whether a known example is of the field's type: a name may mean a text here and a count there ("number")."""
    if field.type in _LARGE:
        return str(known).isdigit()
    return isinstance(known, str) == (field.type == FieldDescriptor.TYPE_STRING)


def _example(field: FieldDescriptor, seen: tuple[str, ...]) -> Any:
    if field.type != FieldDescriptor.TYPE_MESSAGE:
        one = example_value(field)
    elif is_timestamp(field):
        one = MOMENT
    else:
        one = example_of(message_of(field), seen=seen)
    return [one] if field.is_repeated else one


def _text(field: FieldDescriptor) -> str:
    rule = field_rule(field)
    if rule is not None and rule.format in _BY_FORMAT:
        return _BY_FORMAT[rule.format]
    if field.name.endswith("_id") or field.name.endswith("_ids") or field.name.endswith("_by"):
        return _BY_FORMAT[options_pb2.FORMAT_UUID]
    if field.name.endswith("_on"):
        return _BY_FORMAT[options_pb2.FORMAT_DATE]
    return "" if field.name.endswith("_token") else f"{field.name.replace('_', ' ')}"


def _full_name(field: FieldDescriptor) -> str:
    return str(field.message_type.full_name) if field.message_type is not None else ""
