"""The API's readers and writers against protobuf's own: what one writes the other reads, whatever the content."""

import json
from typing import Any

import pytest
from ascms.cases.v1 import cases_pb2
from ascms.documents.v1 import documents_pb2
from ascms.identity.v1 import identity_pb2
from ascms.reporting.v1 import reporting_pb2
from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.api.binding import NOTHING, object_reader
from services.gateway.api.comments import comments
from services.gateway.api.encoding import to_json
from services.gateway.api.operations import is_timestamp, operations

RESPONSES: list[type[Message]] = [
    cases_pb2.GetCaseResponse,
    cases_pb2.ListCasesResponse,
    cases_pb2.ImportRequestsResponse,
    documents_pb2.ListDocumentsResponse,
    identity_pb2.GetCallerResponse,
    reporting_pb2.GetNationalFiguresResponse,
]
REQUESTS: list[type[Message]] = [
    cases_pb2.SubmitRequestRequest,
    cases_pb2.RecordEventRequest,
    cases_pb2.ImportRequestsRequest,
]
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
NUMBERS = {
    FieldDescriptor.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_STRING: TEXT,
    FieldDescriptor.TYPE_BYTES: st.binary(max_size=12),
}


def messages(kind: type[Message]) -> st.SearchStrategy[Message]:
    descriptor: Any = kind.DESCRIPTOR
    fields = {field.name: values_of(field) for field in descriptor.fields}
    return st.fixed_dictionaries({}, optional=fields).map(lambda values: kind(**values))


def values_of(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    one = value_of(field)
    return st.lists(one, max_size=3) if field.is_repeated else one


def value_of(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if is_timestamp(field):
        return st.integers(0, 2**32).map(timestamp)
    if field.message_type is not None:
        return messages(message_factory.GetMessageClass(field.message_type))
    if field.enum_type is not None:
        return st.sampled_from([value.number for value in field.enum_type.values])
    return NUMBERS[field.type]


def timestamp(seconds: int) -> Message:
    kind = message_factory.GetMessageClass(descriptor_pool.Default().FindMessageTypeByName("google.protobuf.Timestamp"))
    return kind(seconds=seconds)


@pytest.mark.parametrize("kind", RESPONSES, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_what_is_written_is_what_protobuf_writes(kind: type[Message], data: st.DataObject) -> None:
    message = data.draw(messages(kind))

    expected = json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    assert json.loads(to_json(message)) == expected


@pytest.mark.parametrize("kind", [*REQUESTS, *RESPONSES], ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_what_is_written_is_read_as_it_was(kind: type[Message], data: st.DataObject) -> None:
    message = data.draw(messages(kind))
    faults: list[Any] = []

    values = object_reader(kind.DESCRIPTOR)(json.loads(to_json(message)), "", faults)

    assert faults == []
    assert kind(**values) == message


FIELDS = sorted({field.name for kind in REQUESTS for field in kind.DESCRIPTOR.fields} | {"nsn", "name", "term"})
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), inner),
    max_leaves=10,
)


@pytest.mark.parametrize("kind", REQUESTS, ids=lambda kind: kind.__name__)
@given(value=JSON_VALUES)
def test_any_json_is_a_message_or_a_fault_and_never_a_crash(kind: type[Message], value: Any) -> None:
    faults: list[Any] = []

    got = object_reader(kind.DESCRIPTOR)(value, "", faults)

    assert faults or isinstance(kind(**got), Message)
    assert got is not NOTHING or faults


def test_every_route_can_be_served() -> None:
    names = [operation.name for operation in operations()]

    assert len(names) == len(set(names)) >= 18


def test_every_operation_has_its_comment() -> None:
    silent = [operation.name for operation in operations() if not comments().get(operation.method.descriptor.full_name)]

    assert silent == []
