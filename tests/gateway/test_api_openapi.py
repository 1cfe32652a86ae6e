"""The description of the API says what the API does: valid, complete, with examples that the services would take."""

import re
from typing import Any

import jsonschema
import pytest
from flask import Flask, json
from flask.testing import FlaskClient
from google.protobuf import message_factory
from openapi_spec_validator import OpenAPIV31SpecValidator

from kit.rpc.contract import methods
from kit.rpc.validation import validate
from services.gateway.api.binding import object_reader
from services.gateway.api.examples import example_of
from services.gateway.api.openapi import document
from services.gateway.api.operations import SERVICES, Operation, operations
from tests.gateway.conftest import body_of

OPERATIONS = list(operations())
WRITES = [operation for operation in OPERATIONS if operation.takes_json]
ANSWERS = [operation for operation in OPERATIONS if operation.stream_out is None]


@pytest.fixture
def described(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = body_of(client.get("/api/openapi.json"))
    return found


def name_of(operation: Operation) -> str:
    return operation.name


def test_it_is_valid(described: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(described).validate()

    assert described["openapi"].startswith("3.1")


def test_it_has_exactly_the_routes_of_the_contracts(described: dict[str, Any]) -> None:
    in_contracts = {
        (str(method.http_rule.WhichOneof("pattern")), getattr(method.http_rule, method.http_rule.WhichOneof("pattern")))
        for service in SERVICES.values()
        for method in methods(service)
        if method.http_rule is not None
    }

    assert {(verb, path) for path, verbs in described["paths"].items() for verb in verbs} == in_contracts
    assert len(in_contracts) >= 18


def test_the_application_has_exactly_those_routes_too(app: Flask, described: dict[str, Any]) -> None:
    routes = {
        (verb.lower(), re.sub(r"<segment:(\w+)>", r"{\1}", rule.rule.removeprefix("/api")))
        for rule in app.url_map.iter_rules()
        for verb in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/v1/")
    }

    assert routes == {(verb, path) for path, verbs in described["paths"].items() for verb in verbs}


def test_every_operation_and_field_is_explained(described: dict[str, Any]) -> None:
    silent = [
        f"{name}.{field}"
        for name, schema in described["components"]["schemas"].items()
        for field, one in schema.get("properties", {}).items()
        if not one.get("description")
    ]
    for verbs in described["paths"].values():
        for operation in verbs.values():
            silent += [operation["operationId"]] if not operation["summary"] else []
            silent += [one["name"] for one in operation["parameters"] if not ("$ref" in one or one.get("description"))]

    assert silent == []


@pytest.mark.parametrize("operation", WRITES, ids=name_of)
def test_examples_hold_to_the_rules_of_the_services(operation: Operation) -> None:
    faults: list[Any] = []
    values = object_reader(operation.input)(example_of(operation.input), "", faults)
    message = message_factory.GetMessageClass(operation.input)(**values)

    validate(message)
    assert faults == []


@pytest.mark.parametrize("operation", WRITES, ids=name_of)
def test_examples_hold_to_the_schemas(described: dict[str, Any], operation: Operation) -> None:
    body = described["paths"][operation.template][operation.verb.lower()]["requestBody"]["content"]["application/json"]
    schema = {"$ref": body["schema"]["$ref"], "components": described["components"]}

    jsonschema.Draft202012Validator(schema).validate(body["example"])


@pytest.mark.parametrize("operation", ANSWERS, ids=name_of)
def test_example_answers_hold_to_the_schemas(described: dict[str, Any], operation: Operation) -> None:
    answer = described["paths"][operation.template][operation.verb.lower()]["responses"]["200"]
    media = answer["content"]["application/json"]
    schema = {"$ref": media["schema"]["$ref"], "components": described["components"]}

    jsonschema.Draft202012Validator(schema).validate(media["example"])
    assert ("ETag" in answer["headers"]) == bool(operation.version_path)


def test_a_file_is_a_body_and_an_answer(described: dict[str, Any]) -> None:
    upload = described["paths"]["/v1/cases/{case_id}/documents"]["post"]
    download = described["paths"]["/v1/documents/{document_id}/content"]["get"]

    assert list(upload["requestBody"]["content"]) == ["application/octet-stream"]
    assert [one["name"] for one in upload["parameters"] if "name" in one] == [
        "case_id", "name", "description", "visibility", "sha256"
    ]  # fmt: skip
    # As it was taken in: each file has its own type.
    assert list(download["responses"]["200"]["content"]) == ["application/octet-stream", "*/*"]


@pytest.mark.parametrize(
    ("body", "is_good"),
    [
        ({"kind": "EVENT_KIND_HUI", "happened_on": "2026-03-04"}, True),
        ({"kind": "EVENT_KIND_HUI"}, False),
        ({"kind": "HUI", "happened_on": "2026-03-04"}, False),
        ({"kind": "EVENT_KIND_HUI", "happened_on": "2026-03-04", "minutes": 1441}, False),
        ({"kind": "EVENT_KIND_HUI", "happened_on": "2026-03-04", "note": "x" * 10_001}, False),
        ({"kind": "EVENT_KIND_HUI", "happened_on": "2026-03-04", "extra": 1}, False),
    ],
)
def test_the_schema_knows_the_field_rules(described: dict[str, Any], body: dict[str, Any], is_good: bool) -> None:  # noqa: FBT001 - a column of the table
    schema = {"$ref": "#/components/schemas/cases.RecordEventRequest", "components": described["components"]}

    assert jsonschema.Draft202012Validator(schema).is_valid(body) == is_good


def test_what_stands_in_the_path_does_not_stand_in_the_body(described: dict[str, Any]) -> None:
    schema = described["components"]["schemas"]["cases.AssignCaseRequest"]

    assert "case_id" not in schema["properties"]
    assert schema["required"] == ["case_manager_id"]


def test_it_names_the_provider_of_tokens() -> None:
    found = document(issuer="https://identity.example.nz")

    schemes = found["components"]["securitySchemes"]
    assert schemes["openid"]["openIdConnectUrl"] == "https://identity.example.nz/.well-known/openid-configuration"


def test_it_is_kept_by_browsers_until_it_changes(client: FlaskClient) -> None:
    first = client.get("/api/openapi.json")
    again = client.get("/api/openapi.json", headers={"If-None-Match": first.headers["ETag"]})

    assert again.status_code == 304


def test_the_page_lists_every_operation_with_a_call_to_paste(client: FlaskClient) -> None:
    page = client.get("/api/")

    assert page.status_code == 200
    assert page.mimetype == "text/html"
    for operation in OPERATIONS:
        assert f'id="{operation.name}"' in page.text
        assert f"/api{operation.template}" in page.text
    assert "curl &#34;$ASCMS/api/v1/cases/01890a5d-ac96-774b-bcce-b302099a8057:assign" in page.text
    assert "<script>" not in page.text


def test_the_document_is_json_text(client: FlaskClient) -> None:
    assert json.loads(client.get("/api/openapi.json").data)["info"]["title"] == "Attendance Service API"
