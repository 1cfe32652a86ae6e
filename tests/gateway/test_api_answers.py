"""What a program gets: JSON, versions as ETags, and every error as a problem with a stable reason."""

import threading
import time
from collections.abc import Callable, Mapping

import pytest
from ascms.cases.v1 import cases_pb2
from ascms.identity.v1 import identity_pb2
from flask import Flask
from flask.testing import FlaskClient

from kit.errors import (
    BY_KIND,
    ConflictError,
    InternalError,
    Kind,
    NotFoundError,
    StaleVersionError,
    UnauthenticatedError,
    rebuild,
)
from services.gateway.backends import Backends
from tests.gateway.conftest import answer_for, bearer, body_of, exchange
from tests.gateway.people import ATTENDANCE_LEAD, LEAD, MANAGER, RIMU, SCHOOL
from tests.support.stubs import Stub

CASE = "01890a5d-ac96-774b-bcce-b302099a8057"
PERSON = "01890a5d-ac96-774b-bcce-b302099a8058"
EVENT = {"kind": "EVENT_KIND_HUI", "happened_on": "2026-03-04"}
STATUSES = {
    Kind.INVALID_ARGUMENT: 400,
    Kind.UNAUTHENTICATED: 503,  # a service that does not take a fresh token of ours is our fault
    Kind.PERMISSION_DENIED: 403,
    Kind.NOT_FOUND: 404,
    Kind.ALREADY_EXISTS: 409,
    Kind.FAILED_PRECONDITION: 409,
    Kind.ABORTED: 409,
    Kind.RESOURCE_EXHAUSTED: 429,
    Kind.DEADLINE_EXCEEDED: 504,
    Kind.UNAVAILABLE: 503,
    Kind.INTERNAL: 500,
}


def case(version: int = 7) -> cases_pb2.GetCaseResponse:
    answer = cases_pb2.GetCaseResponse(
        case=cases_pb2.Case(
            case_id=CASE,
            number="26-00817",
            state=cases_pb2.CASE_STATE_ACTIVE,
            student=cases_pb2.Student(given_names="Mārama", nsn="0012345678"),
            minutes=2**40,
            version=version,
        )
    )
    answer.case.opened_at.FromJsonString("2026-03-03T21:00:00Z")
    return answer


def test_json_with_names_of_the_contract(client: FlaskClient, services: Mapping[str, Stub]) -> None:
    services["cases"].on("GetCase", case())

    response = client.get(f"/api/v1/cases/{CASE}", headers=bearer(LEAD))

    assert response.mimetype == "application/json"
    shown = body_of(response)["case"]
    assert shown["state"] == "CASE_STATE_ACTIVE"
    assert shown["student"]["given_names"] == "Mārama"
    assert shown["student"]["nsn"] == "0012345678"
    assert shown["student"]["family_name"] == ""
    assert shown["minutes"] == "1099511627776"
    assert shown["opened_at"] == "2026-03-03T21:00:00Z"
    assert shown["caregivers"] == []
    assert "assigned_at" not in shown
    assert "Mārama".encode() in response.data


def test_head_has_the_headers_alone(client: FlaskClient, services: Mapping[str, Stub]) -> None:
    services["cases"].on("GetCase", case())

    response = client.head(f"/api/v1/cases/{CASE}", headers=bearer(LEAD))

    assert response.status_code == 200
    assert response.headers["ETag"] == '"7"'
    assert response.data == b""


def test_the_version_of_one_thing_is_its_etag(client: FlaskClient, services: Mapping[str, Stub]) -> None:
    services["cases"].on("GetCase", case(version=7))
    services["cases"].on("RecordEvent", cases_pb2.RecordEventResponse(version=8))

    read = client.get(f"/api/v1/cases/{CASE}", headers=bearer(LEAD))
    written = client.post(f"/api/v1/cases/{CASE}/events", json=EVENT, headers=bearer(LEAD))
    listed = client.get("/api/v1/cases", headers=bearer(LEAD))

    assert read.headers["ETag"] == '"7"'
    assert written.headers["ETag"] == '"8"'
    assert "ETag" not in listed.headers


def test_if_match_becomes_the_expected_version(client: FlaskClient, services: Mapping[str, Stub]) -> None:
    for etag in ('"7"', "*"):
        client.post(
            f"/api/v1/cases/{CASE}:assign", json={"case_manager_id": PERSON}, headers=bearer(LEAD, If_Match=etag)
        )

    assert [one.request.expected_version for one in services["cases"].calls("AssignCase")] == [7, 0]


@pytest.mark.parametrize("etag", ["7", 'W/"7"', '"seven"', '"7", "8"', '""', '"-1"', '"99999999999999999999"'])
def test_an_if_match_that_is_no_etag_of_ours(client: FlaskClient, services: Mapping[str, Stub], etag: str) -> None:
    response = client.post(
        f"/api/v1/cases/{CASE}:assign", json={"case_manager_id": PERSON}, headers=bearer(LEAD, If_Match=etag)
    )

    assert response.status_code == 400
    assert body_of(response)["violations"][0]["field"] == "If-Match"
    assert services["cases"].received == []


def test_if_match_and_body_that_contradict_each_other(client: FlaskClient) -> None:
    body = {"case_manager_id": PERSON, "expected_version": 6}
    response = client.post(f"/api/v1/cases/{CASE}:assign", json=body, headers=bearer(LEAD, If_Match='"7"'))

    assert response.status_code == 400
    assert body_of(response)["violations"][0]["reason"] == "contradiction"


def test_if_match_where_nothing_would_heed_it(client: FlaskClient) -> None:
    response = client.get(f"/api/v1/cases/{CASE}", headers=bearer(LEAD, If_Match='"7"'))

    assert response.status_code == 400
    assert body_of(response)["violations"][0]["field"] == "If-Match"


@pytest.mark.parametrize(("headers", "status"), [({"If_Match": '"6"'}, 412), ({}, 409)])
def test_a_stale_version(
    client: FlaskClient, services: Mapping[str, Stub], headers: dict[str, str], status: int
) -> None:
    services["cases"].on("AssignCase", StaleVersionError(expected=6, actual=7))
    body = {"case_manager_id": PERSON, "expected_version": 6}

    response = client.post(f"/api/v1/cases/{CASE}:assign", json=body, headers=bearer(LEAD, **headers))

    assert response.status_code == status
    assert body_of(response)["reason"] == "stale-version"
    assert body_of(response)["metadata"] == {"expected": "6", "actual": "7"}


def test_another_conflict_stays_one(client: FlaskClient, services: Mapping[str, Stub]) -> None:
    services["cases"].on("AssignCase", ConflictError("try-again", "Someone else changed this."))

    response = client.post(
        f"/api/v1/cases/{CASE}:assign", json={"case_manager_id": PERSON}, headers=bearer(LEAD, If_Match='"6"')
    )

    assert response.status_code == 409


def test_the_idempotency_key_goes_along_with_a_write(client: FlaskClient, services: Mapping[str, Stub]) -> None:
    headers = bearer(LEAD, Idempotency_Key="key-1")
    client.post(f"/api/v1/cases/{CASE}/events", json=EVENT, headers=headers)
    client.get(f"/api/v1/cases/{CASE}", headers=headers)

    assert services["cases"].calls("RecordEvent")[0].idempotency_key == "key-1"
    assert services["cases"].calls("GetCase")[0].idempotency_key == ""


@pytest.mark.parametrize("key", ["", "a b", "kēī", "x" * 121])
def test_a_key_that_is_none(client: FlaskClient, services: Mapping[str, Stub], key: str) -> None:
    headers = bearer(LEAD) | {"Idempotency-Key": key.encode().decode("latin-1")}
    response = client.post(f"/api/v1/cases/{CASE}/events", json=EVENT, headers=headers)

    assert response.status_code == 400
    assert body_of(response)["violations"][0]["field"] == "Idempotency-Key"
    assert services["cases"].received == []


@pytest.mark.parametrize("kind", list(BY_KIND))
def test_every_kind_of_error_is_a_problem(client: FlaskClient, services: Mapping[str, Stub], kind: Kind) -> None:
    error = rebuild(kind=kind, reason="a-reason", message="What happened.", violations=(), metadata={"a": "b"})
    services["cases"].on("GetCase", error)

    response = client.get(f"/api/v1/cases/{CASE}", headers=bearer(LEAD))

    assert response.status_code == STATUSES[kind]
    assert response.mimetype == "application/problem+json"
    assert body_of(response)["status"] == STATUSES[kind]
    assert body_of(response)["request_id"] == response.headers["X-Request-ID"]
    assert set(body_of(response)) >= {"type", "title", "status", "detail", "reason", "violations", "request_id"}
    assert body_of(response)["type"] == f"urn:ascms:problem:{body_of(response)['reason']}"


def test_reason_and_facts_arrive_as_the_service_gave_them(client: FlaskClient, services: Mapping[str, Stub]) -> None:
    services["cases"].on("GetCase", NotFoundError("case"))

    response = client.get(f"/api/v1/cases/{CASE}", headers=bearer(LEAD))

    assert response.status_code == 404
    assert body_of(response)["reason"] == "not-found"
    assert body_of(response)["metadata"] == {"what": "case"}


def test_a_fault_of_a_service_tells_nothing(client: FlaskClient, services: Mapping[str, Stub]) -> None:
    services["cases"].on("GetCase", ValueError("password=hunter2"))

    response = client.get(f"/api/v1/cases/{CASE}", headers=bearer(LEAD))

    assert response.status_code == 500
    assert b"hunter2" not in response.data


def test_a_service_that_is_away(settings: object, services: Mapping[str, Stub], backends: Backends, app: Flask) -> None:
    addresses = {**backends.addresses, "cases": "127.0.0.1:1"}
    away = Backends(addresses)
    app.extensions["ascms.backends"] = away

    response = app.test_client().get("/api/v1/cases", headers=bearer(LEAD))
    away.close()

    assert response.status_code == 503
    assert body_of(response)["reason"] == "service-away"
    assert response.headers["Retry-After"] == "30"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic bGVhZDp0b2tlbg=="},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer stranger.token"},
        {"Authorization": "Bearer " + "x" * 513},
        {"Authorization": "Bearer lead.token lead.token"},
        {"Authorization": "Bearer kōwhai".encode().decode("latin-1")},
    ],
)
def test_no_good_token(client: FlaskClient, services: Mapping[str, Stub], headers: dict[str, str]) -> None:
    response = client.get("/api/v1/cases", headers=headers)

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith('Bearer realm="ascms"')
    assert response.mimetype == "application/problem+json"
    assert services["cases"].received == []


def test_a_session_is_no_credential_here(sign_in: Callable[..., FlaskClient], services: Mapping[str, Stub]) -> None:
    browser = sign_in(LEAD)

    read = browser.get("/api/v1/cases")
    written = browser.post(f"/api/v1/cases/{CASE}/events", json=EVENT)

    assert (read.status_code, written.status_code) == (401, 401)
    assert services["cases"].received == []


def test_a_permission_that_is_missing(client: FlaskClient, services: Mapping[str, Stub]) -> None:
    response = client.post(f"/api/v1/cases/{CASE}:assign", json={"case_manager_id": PERSON}, headers=bearer(MANAGER))

    assert response.status_code == 403
    assert body_of(response)["reason"] == "permission-missing"
    assert services["cases"].received == []


def test_acting_for_one_of_several_organisations(client: FlaskClient, services: Mapping[str, Stub]) -> None:
    response = client.get("/api/v1/cases", headers=bearer(LEAD, X_Organisation=RIMU.organisation_id))

    assert response.status_code == 200
    actor = services["cases"].calls("ListCases")[0].actor
    assert actor is not None
    assert str(actor.tenant_id) == RIMU.organisation_id


@pytest.mark.parametrize(("organisation", "status"), [(SCHOOL.organisation_id, 404), ("rimu", 400), ("*", 400)])
def test_an_organisation_that_is_not_theirs(
    client: FlaskClient, services: Mapping[str, Stub], organisation: str, status: int
) -> None:
    response = client.get("/api/v1/cases", headers=bearer(LEAD, X_Organisation=organisation))

    assert response.status_code == status
    assert services["cases"].received == []


def test_one_exchange_serves_many_requests(client: FlaskClient, services: Mapping[str, Stub]) -> None:
    for _ in range(3):
        client.get("/api/v1/cases", headers=bearer(LEAD))
    client.get("/api/v1/requests", headers=bearer(ATTENDANCE_LEAD))

    assert len(services["identity"].calls("ExchangeToken")) == 2


def test_a_kept_token_that_a_service_refuses_is_renewed(client: FlaskClient, services: Mapping[str, Stub]) -> None:
    def bad_at_first(request: identity_pb2.ExchangeTokenRequest) -> identity_pb2.ExchangeTokenResponse:
        answer = exchange(request)
        answer.token = answer.token if len(services["identity"].calls("ExchangeToken")) > 1 else "old"
        return answer

    services["identity"].on("ExchangeToken", bad_at_first)

    response = client.get("/api/v1/cases", headers=bearer(LEAD))

    assert response.status_code == 200
    assert len(services["identity"].calls("ExchangeToken")) == 2


def test_a_token_near_its_end_is_not_kept(client: FlaskClient, services: Mapping[str, Stub]) -> None:
    def short(_request: identity_pb2.ExchangeTokenRequest) -> identity_pb2.ExchangeTokenResponse:
        answer = answer_for(LEAD, LEAD.organisations[0])
        answer.expires_at.FromSeconds(int(time.time()) + 5)
        return answer

    services["identity"].on("ExchangeToken", short)
    for _ in range(2):
        client.get("/api/v1/cases", headers=bearer(LEAD))

    assert len(services["identity"].calls("ExchangeToken")) == 2


def test_the_request_id_goes_all_the_way(app: Flask) -> None:
    given = app.test_client().get("/api/v1/cases", headers={"X-Request-Id": "from-the-browser-1"})
    odd = app.test_client().get("/api/v1/cases", headers={"X-Request-Id": "x\ty"})

    assert given.headers["X-Request-ID"] == "from-the-browser-1"
    assert odd.headers["X-Request-ID"] not in ("", "x\ty")


def test_requests_at_once_do_not_mix(app: Flask, services: Mapping[str, Stub]) -> None:
    seen: list[tuple[str, str]] = []

    def ask(person: object, path: str) -> None:
        for _ in range(10):
            response = app.test_client().get(path, headers=bearer(person))  # type: ignore[arg-type]
            seen.append((path, body_of(response)["person"]["name"]))

    services["identity"].on("GetCaller", InternalError("unused", "unused"))
    services["identity"].on(
        "GetCaller", lambda _request: identity_pb2.GetCallerResponse(person=identity_pb2.Person(name="anyone"))
    )
    threads = [threading.Thread(target=ask, args=(person, "/api/v1/me")) for person in (LEAD, MANAGER)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    callers = {one.actor.actor_id for one in services["identity"].calls("GetCaller") if one.actor}
    assert len(seen) == 20
    assert callers == {LEAD.person_id, MANAGER.person_id}


def test_unauthenticated_from_identity_is_401(client: FlaskClient, services: Mapping[str, Stub]) -> None:
    services["identity"].on("ExchangeToken", UnauthenticatedError("token-ended", "Sign in again."))

    response = client.get("/api/v1/cases", headers=bearer(LEAD))

    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]
