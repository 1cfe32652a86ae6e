"""Every RPC has a permission, every route is one of a kind, every permission belongs to a role."""

import re

import pytest
from ascms.common.v1 import options_pb2
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from kit.rpc.contract import Method, field_rule, methods
from services.identity import roles
from tests.support.services import ROOT, contract_files, contract_services

METHODS = [pytest.param(method, id=method.path) for service in contract_services() for method in methods(service)]


@pytest.mark.parametrize("method", METHODS)
def test_a_permission_belongs_to_a_role(method: Method) -> None:
    permission = method.access.permission
    known = {each for role in roles.ROLES.values() for each in role.permissions}
    assert not permission or permission in known


def test_every_permission_of_a_role_is_asked_for() -> None:
    """A permission that opens nothing is a mistake, or decides what a caller sees inside a method: those are named."""
    asked = {method.access.permission for service in contract_services() for method in methods(service)}
    held = {each for role in roles.ROLES.values() for each in role.permissions}
    assert held - asked == {"cases:read-shared-all", "requests:read-all"}


@pytest.mark.parametrize("method", METHODS)
def test_a_purpose_belongs_to_a_service(method: Method) -> None:
    purpose = method.access.purpose
    assert not purpose or purpose in {known for _, known in roles.SERVICE_PURPOSES}


# A question with a name in it must not stand in an address, where logs and histories keep it.
ASKED_IN_A_BODY = {"SearchStudents"}


@pytest.mark.parametrize("method", METHODS)
def test_a_read_is_a_get_and_a_write_is_not(method: Method) -> None:
    rule = None if method.descriptor.name in ASKED_IN_A_BODY else method.http_rule
    assert rule is None or (rule.WhichOneof("pattern") == "get") == method.is_read


def header_of(stream: Descriptor) -> Descriptor:
    """What the first message of a file's stream carries."""
    (header,) = [field.message_type for field in stream.fields if field.message_type is not None]
    return header


@pytest.mark.parametrize("method", METHODS)
def test_every_path_parameter_is_a_required_field(method: Method) -> None:
    rule = method.http_rule
    path = "" if rule is None else getattr(rule, str(rule.WhichOneof("pattern")))
    given = header_of(method.descriptor.input_type) if method.descriptor.client_streaming else None
    for name in re.findall(r"\{(\w+)\}", path):
        own = field_rule((given or method.descriptor.input_type).fields_by_name[name])
        assert own is not None
        assert own.required, name


def test_routes_are_one_of_a_kind() -> None:
    routes = [
        (rule.WhichOneof("pattern"), re.sub(r"\{\w+\}", "{}", getattr(rule, str(rule.WhichOneof("pattern")))))
        for service in contract_services()
        for method in methods(service)
        if (rule := method.http_rule) is not None
    ]
    assert len(routes) == len(set(routes))


def test_every_write_answers_with_a_position() -> None:
    writes = [method for service in contract_services() for method in methods(service) if not method.is_read]
    without = [
        method.path
        for method in writes
        if not method.access.is_open and "position" not in method.descriptor.output_type.fields_by_name
    ]
    assert without == []


def test_every_id_in_a_request_is_checked() -> None:
    unchecked = [
        f"{method.path}: {field.name}"
        for service in contract_services()
        for method in methods(service)
        for field in method.descriptor.input_type.fields
        if field.name.endswith(("_id", "_ids"))
        and (field_rule(field) or options_pb2.FieldRule()).format != options_pb2.FORMAT_UUID
    ]
    assert unchecked == []


def test_events_carry_no_personal_data() -> None:
    """Field names that would hold a name, an address or a number of a person."""
    telling = re.compile(r"name|phone|email|address|nsn|birth|note|concern|caregiver", re.IGNORECASE)
    found = [
        f"{message.full_name}.{field.name}"
        for file in contract_files()
        if file.name.endswith("events.proto")
        for message in file.message_types_by_name.values()
        for field in message.fields
        if telling.search(field.name)
    ]
    assert found == []


EVENTS = [
    pytest.param(message, id=message.full_name)
    for file in contract_files()
    if file.name.endswith("events.proto")
    for message in file.message_types_by_name.values()
]


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_has_a_golden_example_in_both_forms(event: Descriptor) -> None:
    """Whoever changes an event meets its example, and consumers in other languages have something to test with."""
    stem = ROOT / "proto" / "examples" / event.full_name.split(".")[1] / event.name
    text = stem.with_suffix(".json").read_text(encoding="utf-8")
    kind = message_factory.GetMessageClass(event)
    from_json = json_format.Parse(text, kind())
    assert from_json == kind.FromString(stem.with_suffix(".binpb").read_bytes())
    assert {field.name for field, _ in from_json.ListFields()} == {field.name for field in event.fields}


def test_text_has_a_bound() -> None:
    """A field without a rule still has the edge's default bound; bytes have none of their own, so they need one."""
    unbounded = [
        f"{method.path}: {field.name}"
        for service in contract_services()
        for method in methods(service)
        for field in method.descriptor.input_type.fields
        if field.type == FieldDescriptor.TYPE_BYTES and not (field_rule(field) or options_pb2.FieldRule()).max_items
    ]
    assert unbounded == []
