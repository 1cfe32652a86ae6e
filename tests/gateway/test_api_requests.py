"""What a program may send: path, query and body become one message, or a 400 that names field and rule."""

import base64
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import pytest
from ascms.cases.v1 import cases_pb2
from ascms.identity.v1 import identity_pb2
from ascms.reporting.v1 import reporting_pb2
from flask import json
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.gateway.conftest import bearer, body_of
from tests.gateway.people import ATTENDANCE_LEAD, LEAD
from tests.support.stubs import Stub

CASE = "01890a5d-ac96-774b-bcce-b302099a8057"
PERSON = "01890a5d-ac96-774b-bcce-b302099a8058"
REQUEST = {
    "student": {"given_names": "Mere", "family_name": "Ōtene", "date_of_birth": "2012-05-17", "nsn": "0123456789"},
    "caregivers": [{"name": "Hana"}, {"name": "Tama", "relationship": "koro", "safe_to_contact": True}],
    "attendance": {"term": "2026-T1", "present_half_days": 40, "total_half_days": "84"},
    "concern": "Line one\nline two",
}
EVENT = {"kind": "EVENT_KIND_HOME_VISIT", "happened_on": "2026-03-04", "outcome": "OUTCOME_REACHED", "minutes": 40}


def post(client: FlaskClient, path: str, body: Any, *, person: Any = LEAD, **headers: str) -> TestResponse:
    return client.post(path, data=json.dumps(body), headers=bearer(person, **headers), content_type="application/json")


def violations(response: TestResponse) -> list[tuple[str, str]]:
    assert response.mimetype == "application/problem+json"
    return [(one["field"], one["reason"]) for one in body_of(response)["violations"]]


def test_a_nested_body_becomes_the_message(client: FlaskClient, services: Mapping[str, Stub]) -> None:
    response = post(client, "/api/v1/requests", REQUEST, person=ATTENDANCE_LEAD)

    assert response.status_code == 200
    (received,) = services["cases"].calls("SubmitRequest")
    assert received.request == cases_pb2.SubmitRequestRequest(
        student=cases_pb2.Student(
            given_names="Mere", family_name="Ōtene", date_of_birth="2012-05-17", nsn="0123456789"
        ),
        caregivers=[
            cases_pb2.Caregiver(name="Hana"),
            cases_pb2.Caregiver(name="Tama", relationship="koro", safe_to_contact=True),
        ],
        attendance=cases_pb2.Attendance(term="2026-T1", present_half_days=40, total_half_days=84),
        concern="Line one\nline two",
    )
    assert received.actor is not None
    assert received.actor.actor_id == ATTENDANCE_LEAD.person_id


def test_path_verb_and_body_together(client: FlaskClient, services: Mapping[str, Stub]) -> None:
    response = post(client, f"/api/v1/cases/{CASE}:assign", {"case_manager_id": PERSON, "expected_version": "7"})

    assert response.status_code == 200
    (received,) = services["cases"].calls("AssignCase")
    assert received.request == cases_pb2.AssignCaseRequest(case_id=CASE, case_manager_id=PERSON, expected_version=7)


def test_a_query_of_scalars_enums_and_booleans(client: FlaskClient, services: Mapping[str, Stub]) -> None:
    query = "state=REQUEST_STATE_SUBMITTED&overdue=true&page_size=20&page_token=abc%2Bd"
    response = client.get(f"/api/v1/incoming-requests?{query}", headers=bearer(LEAD))

    assert response.status_code == 200
    (received,) = services["cases"].calls("ListIncomingRequests")
    assert received.request == cases_pb2.ListIncomingRequestsRequest(
        state=cases_pb2.REQUEST_STATE_SUBMITTED, overdue=True, page_size=20, page_token="abc+d"
    )


def test_a_repeated_parameter(client: FlaskClient, services: Mapping[str, Stub]) -> None:
    response = client.get(f"/api/v1/people:batchGet?person_ids={CASE}&person_ids={PERSON}", headers=bearer(LEAD))

    assert response.status_code == 200
    (received,) = services["identity"].calls("BatchGetPeople")
    assert received.request == identity_pb2.BatchGetPeopleRequest(person_ids=[CASE, PERSON])


def test_min_position_reaches_the_read(client: FlaskClient, services: Mapping[str, Stub]) -> None:
    response = client.get("/api/v1/figures/2026-Q1?min_position=4611686018427387904", headers=bearer(LEAD))

    assert response.status_code == 200
    (received,) = services["reporting"].calls("GetProviderFigures")
    assert received.request == reporting_pb2.GetProviderFiguresRequest(
        quarter="2026-Q1", min_position=4611686018427387904
    )


@pytest.mark.parametrize("content_type", ["text/csv", "text/csv; charset=utf-8", "application/octet-stream"])
def test_a_file_as_the_body_itself(client: FlaskClient, services: Mapping[str, Stub], content_type: str) -> None:
    content = "nsn,given_names\n0123456789,Mārama\n".encode()
    response = client.post(
        "/api/v1/requests:import", data=content, headers=bearer(ATTENDANCE_LEAD), content_type=content_type
    )

    assert response.status_code == 200
    (received,) = services["cases"].calls("ImportRequests")
    assert received.request.content == content


def test_a_file_as_base64(client: FlaskClient, services: Mapping[str, Stub]) -> None:
    content = "nsn,given_names\n0123456789,Mārama\n".encode()
    body = {"content": base64.b64encode(content).decode()}
    response = post(client, "/api/v1/requests:import", body, person=ATTENDANCE_LEAD)

    assert response.status_code == 200
    (received,) = services["cases"].calls("ImportRequests")
    assert received.request.content == content


def test_null_is_as_good_as_nothing(client: FlaskClient, services: Mapping[str, Stub]) -> None:
    response = post(client, f"/api/v1/cases/{CASE}/events", EVENT | {"note": None})

    assert response.status_code == 200
    assert services["cases"].calls("RecordEvent")[0].request.note == ""


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        (EVENT | {"minutes": "1_0"}, "minutes", "type"),
        (EVENT | {"minutes": 1.5}, "minutes", "type"),
        (EVENT | {"minutes": True}, "minutes", "type"),
        (EVENT | {"minutes": " 4"}, "minutes", "type"),
        (EVENT | {"minutes": 2**40}, "minutes", "out-of-range"),
        (EVENT | {"minutes": 1441}, "minutes", "too-large"),
        (EVENT | {"minutes": []}, "minutes", "type"),
        (EVENT | {"note": "a\0b"}, "note", "characters"),
        (EVENT | {"note": "a\ud800b"}, "note", "characters"),
        (EVENT | {"note": {}}, "note", "type"),
        (EVENT | {"note": 5}, "note", "type"),
        (EVENT | {"note": "x" * 10_001}, "note", "too-long"),
        (EVENT | {"kind": "HOME_VISIT"}, "kind", "unknown-value"),
        (EVENT | {"kind": 1}, "kind", "unknown-value"),
        (EVENT | {"happened_on": "4 March"}, "happened_on", "format"),
        (EVENT | {"expected_version": "-1"}, "expected_version", "too-small"),
        (EVENT | {"case_id": CASE}, "case_id", "unknown-field"),
        (EVENT | {"happenedOn": "2026-03-04"}, "happenedOn", "unknown-field"),
        ({"kind": "EVENT_KIND_HUI"}, "happened_on", "required"),
        ({}, "kind", "required"),
        ([], "body", "type"),
        ("text", "body", "type"),
        (None, "body", "type"),
        (7, "body", "type"),
    ],
)
def test_a_wrong_field_is_named(
    client: FlaskClient, services: Mapping[str, Stub], body: Any, field: str, reason: str
) -> None:
    response = post(client, f"/api/v1/cases/{CASE}/events", body)

    assert response.status_code == 400
    assert (field, reason) in violations(response)
    assert services["cases"].received == []


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"student": []}, "student", "type"),
        ({"student": "Mere"}, "student", "type"),
        ({"student": {"nsn": "12"}}, "student.nsn", "pattern"),
        ({"student": {"nick": "M"}}, "student.nick", "unknown-field"),
        ({"student": {"gender": "GENDER_OTHER"}}, "student.gender", "unknown-value"),
        ({"caregivers": {}}, "caregivers", "type"),
        ({"caregivers": [None]}, "caregivers[0]", "type"),
        ({"caregivers": [[]]}, "caregivers[0]", "type"),
        ({"caregivers": [{"name": "Hana"}, {"name": "Tama", "phone": "x"}]}, "caregivers[1].phone", "pattern"),
        ({"caregivers": [{"name": "Hana", "safe_to_contact": "yes"}]}, "caregivers[0].safe_to_contact", "type"),
        ({"caregivers": [{"name": "n"}] * 7}, "caregivers", "too-many"),
        ({"attendance": None}, "attendance", "required"),
    ],
)
def test_a_wrong_nested_field_is_named_by_its_path(
    client: FlaskClient, services: Mapping[str, Stub], changes: dict[str, Any], field: str, reason: str
) -> None:
    response = post(client, "/api/v1/requests", REQUEST | changes, person=ATTENDANCE_LEAD)

    assert response.status_code == 400
    assert (field, reason) in violations(response)
    assert services["cases"].received == []


def test_every_fault_is_named_at_once(client: FlaskClient) -> None:
    body = EVENT | {"minutes": "many", "note": 5, "extra": True}
    response = post(client, f"/api/v1/cases/{CASE}/events", body)

    assert violations(response) == [("minutes", "type"), ("note", "type"), ("extra", "unknown-field")]


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        (b'{"kind": "EVENT_KIND_HUI", "kind": "EVENT_KIND_ACTION"}', "kind", "duplicate"),
        (b'{"note": "M\xe9re"}', "body", "utf-8"),
        (b'{"note": ', "body", "json"),
        (b"", "body", "json"),
        (b"nothing", "body", "json"),
        (b'{"minutes": NaN}', "body", "json"),
        (b'{"minutes": ' + b"9" * 5_000 + b"}", "body", "json"),
        (b"[" * 100_000, "body", "json"),
        (b'\xef\xbb\xbf{"note": ""}', "body", "json"),
        (b"{} {}", "body", "json"),
    ],
)
def test_a_body_that_is_not_clean_json(client: FlaskClient, body: bytes, field: str, reason: str) -> None:
    response = client.post(
        f"/api/v1/cases/{CASE}/events", data=body, headers=bearer(LEAD), content_type="application/json"
    )

    assert response.status_code == 400
    assert violations(response) == [(field, reason)]


@pytest.mark.parametrize(
    ("query", "field", "reason"),
    [
        ("stat=REQUEST_STATE_SUBMITTED", "stat", "unknown-parameter"),
        ("page_size=1_0", "page_size", "type"),
        ("page_size=", "page_size", "type"),
        ("page_size=201", "page_size", "too-large"),
        ("page_size=1&page_size=2", "page_size", "duplicate"),
        ("overdue=yes", "overdue", "type"),
        ("state=SUBMITTED", "state", "unknown-value"),
        ("page_token=a%00b", "page_token", "characters"),
        ("page_token=%ff", "query", "utf-8"),
        ("%fe=1", "query", "utf-8"),
        ("&".join(f"a{number}=1" for number in range(301)), "query", "too-many"),
    ],
)
def test_a_wrong_parameter_is_named(client: FlaskClient, query: str, field: str, reason: str) -> None:
    response = client.get(f"/api/v1/incoming-requests?{query}", headers=bearer(LEAD))

    assert response.status_code == 400
    assert violations(response) == [(field, reason)]


@pytest.mark.parametrize(
    ("segment", "reason"),
    [
        ("not-an-id", "format"),
        (CASE.upper(), "format"),
        ("a%00b", "characters"),
        ("%ff", "utf-8"),
        ("x" * 1_000, "too-long"),
        ("%E2%80%AE", "characters"),
    ],
)
def test_an_id_in_the_path_that_is_none(client: FlaskClient, segment: str, reason: str) -> None:
    response = client.get(f"/api/v1/cases/{segment}", headers=bearer(LEAD))

    assert response.status_code == 400
    assert violations(response) == [("case_id", reason)]


def test_parameters_have_no_place_beside_a_body(client: FlaskClient) -> None:
    response = post(client, f"/api/v1/cases/{CASE}/events?minutes=5", EVENT)

    assert response.status_code == 400
    assert violations(response) == [("minutes", "unknown-parameter")]


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/json; charset=latin-1"],
)
def test_another_content_type(client: FlaskClient, content_type: str) -> None:
    response = client.post(
        f"/api/v1/cases/{CASE}/events", data=b"kind=1", headers=bearer(LEAD), content_type=content_type
    )

    assert response.status_code == 415
    assert body_of(response)["reason"] == "content-type"
    assert response.headers["Accept-Post"] == "application/json"


def test_a_csv_has_no_place_where_no_file_is_wanted(client: FlaskClient) -> None:
    response = client.post(f"/api/v1/cases/{CASE}/events", data=b"a,b", headers=bearer(LEAD), content_type="text/csv")

    assert response.status_code == 415


@pytest.mark.parametrize("content_type", ["application/json", "text/csv"])
def test_a_body_of_ten_megabytes(client: FlaskClient, services: Mapping[str, Stub], content_type: str) -> None:
    response = client.post(
        "/api/v1/requests:import",
        data=b"x" * 10_000_000,
        headers=bearer(ATTENDANCE_LEAD),
        content_type=content_type,
    )

    assert response.status_code == 413
    assert body_of(response)["reason"] == "body-too-large"
    assert services["cases"].received == []


@pytest.mark.parametrize("content_type", ["application/json", "text/csv"])
def test_ten_megabytes_without_a_length(client: FlaskClient, services: Mapping[str, Stub], content_type: str) -> None:
    response = client.post(
        "/api/v1/requests:import",
        input_stream=BytesIO(b"x" * 10_000_000),
        headers=bearer(ATTENDANCE_LEAD, Transfer_Encoding="chunked"),
        environ_overrides={"wsgi.input_terminated": True},
        content_type=content_type,
    )

    assert response.status_code == 413
    assert services["cases"].received == []


def test_a_file_larger_than_its_rule(client: FlaskClient, services: Mapping[str, Stub]) -> None:
    response = client.post(
        "/api/v1/requests:import",
        data=b"x" * 1_048_577,
        headers=bearer(ATTENDANCE_LEAD),
        content_type="text/csv",
    )

    assert response.status_code == 400
    assert violations(response) == [("content", "too-long")]


@pytest.mark.parametrize("content", ["not base64!", "YQ", "YQ==\n", 5])
def test_a_file_that_is_not_base64(client: FlaskClient, content: Any) -> None:
    response = post(client, "/api/v1/requests:import", {"content": content}, person=ATTENDANCE_LEAD)

    assert response.status_code == 400
    assert violations(response)[0][0] == "content"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", f"/api/v1/cases/{CASE}", {"GET", "HEAD", "OPTIONS"}),
        ("GET", f"/api/v1/cases/{CASE}:assign", {"OPTIONS", "POST"}),
        ("PUT", "/api/v1/requests", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("BREW", "/api/v1/requests", {"GET", "HEAD", "OPTIONS", "POST"}),
    ],
)
def test_another_method(client: FlaskClient, method: str, path: str, allowed: set[str]) -> None:
    response = client.open(path, method=method, headers=bearer(LEAD))

    assert response.status_code == 405
    assert {name.strip() for name in response.headers["Allow"].split(",")} == allowed
    assert body_of(response)["reason"] == "method-not-allowed"


@pytest.mark.parametrize("path", ["/api/v1/nothing", f"/api/v1/cases/{CASE}:close", "/api/v2/cases", "/api/v1/cases/"])
def test_another_address(client: FlaskClient, path: str) -> None:
    response = client.get(path, headers=bearer(LEAD))

    assert response.status_code in {404, 405}
    assert response.mimetype == "application/problem+json"
