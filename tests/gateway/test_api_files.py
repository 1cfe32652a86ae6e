"""Files by REST: the body is the file, the answer is the file; both stand in the contract as streams."""

import hashlib
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any

import pytest
from ascms.documents.v1 import documents_pb2, files_pb2
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from kit.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError, Violation
from services.gateway.transfer import MOST_BYTES
from tests.gateway.conftest import bearer, body_of
from tests.gateway.people import MANAGER
from tests.support.stubs import Stub

CASE = "01890a5d-ac96-774b-bcce-b302099a8057"
DOCUMENT = "01890a5d-ac96-774b-bcce-b302099a8059"
FILES = f"/api/v1/cases/{CASE}/documents"
CONTENT = f"/api/v1/documents/{DOCUMENT}/content"
PHOTO = b"\x89PNG\r\n" + bytes(700_000)


def upload(client: FlaskClient, query: str = "?name=a.png", body: Any = PHOTO, **headers: str) -> TestResponse:
    return client.post(FILES + query, data=body, headers=bearer(MANAGER, **headers), content_type="image/png")


def handed_out(**fields: Any) -> list[documents_pb2.DownloadDocumentResponse]:
    known = {"name": "Whānau hui.png", "content_type": "image/png", "size": len(PHOTO), "version": 3, **fields}
    return [
        documents_pb2.DownloadDocumentResponse(document=documents_pb2.Document(**known)),
        documents_pb2.DownloadDocumentResponse(chunk=PHOTO[:400_000]),
        documents_pb2.DownloadDocumentResponse(chunk=PHOTO[400_000:]),
    ]


def test_a_body_arrives_as_a_stream_behind_what_the_address_says(
    client: FlaskClient, services: Mapping[str, Stub]
) -> None:
    answer = documents_pb2.Document(document_id=DOCUMENT, version=1)
    services["documents"].on("UploadDocument", documents_pb2.UploadDocumentResponse(document=answer, position=7))
    query = "?name=Wh%C4%81nau%20hui.png&description=Who+came&visibility=DOCUMENT_VISIBILITY_SCHOOL"

    response = upload(client, query, **{"Idempotency-Key": "once"})

    assert response.status_code == 200
    assert (body_of(response)["position"], response.headers["ETag"]) == ("7", '"1"')
    (received,) = services["documents"].calls("UploadDocument")
    first, *rest = received.request
    assert first.header == documents_pb2.UploadHeader(
        case_id=CASE,
        name="Whānau hui.png",
        description="Who came",
        visibility=files_pb2.DOCUMENT_VISIBILITY_SCHOOL,
        sha256=hashlib.sha256(PHOTO).hexdigest(),
    )
    assert b"".join(part.chunk for part in rest) == PHOTO
    assert received.idempotency_key == "once"


def test_a_file_of_the_largest_size_passes(client: FlaskClient, services: Mapping[str, Stub]) -> None:
    assert upload(client, body=bytes(MOST_BYTES)).status_code == 200
    (received,) = services["documents"].calls("UploadDocument")
    assert sum(len(part.chunk) for part in received.request) == MOST_BYTES


def test_one_byte_more_is_refused_by_its_rule(client: FlaskClient, services: Mapping[str, Stub]) -> None:
    response = upload(client, body=bytes(MOST_BYTES + 1))

    assert response.status_code == 400
    assert body_of(response)["violations"] == [
        {"field": "body", "reason": "too-large", "description": "may have at most 25 MB"}
    ]
    assert services["documents"].calls("UploadDocument") == []


def test_far_more_is_not_even_read(client: FlaskClient, services: Mapping[str, Stub]) -> None:
    response = client.post(
        FILES + "?name=a",
        input_stream=BytesIO(),
        environ_overrides={"CONTENT_LENGTH": str(2 * MOST_BYTES + 1)},
        headers=bearer(MANAGER),
    )

    assert (response.status_code, body_of(response)["reason"]) == (413, "body-too-large")
    assert services["documents"].calls("UploadDocument") == []


def test_a_body_that_ends_early_reaches_no_service(client: FlaskClient, services: Mapping[str, Stub]) -> None:
    response = client.post(
        FILES + "?name=a",
        input_stream=BytesIO(PHOTO),
        environ_overrides={"CONTENT_LENGTH": str(len(PHOTO) + 1)},
        headers=bearer(MANAGER),
    )

    assert response.status_code == 400
    assert services["documents"].calls("UploadDocument") == []


@pytest.mark.parametrize(
    ("violation", "named"),
    [("chunk", "body"), ("header.name", "name")],
)
def test_what_the_service_refuses_is_named_as_http_has_it(
    client: FlaskClient, services: Mapping[str, Stub], violation: str, named: str
) -> None:
    services["documents"].on("UploadDocument", InvalidArgumentError.of(Violation(violation, "type", "is no good")))

    assert [one["field"] for one in body_of(upload(client))["violations"]] == [named]


@pytest.mark.parametrize("query", ["", "?name=", "?name=a&name=b", "?name=a&unknown=1", "?name=a&sha256=x"])
def test_what_the_address_says_has_rules(client: FlaskClient, query: str) -> None:
    response = upload(client, query)

    assert response.status_code == 400
    assert response.mimetype == "application/problem+json"


def test_a_file_is_handed_out_to_be_saved(client: FlaskClient, services: Mapping[str, Stub]) -> None:
    services["documents"].on("DownloadDocument", handed_out())

    with client.get(CONTENT, headers=bearer(MANAGER)) as response:
        assert (response.status_code, response.data) == (200, PHOTO)
        headers = response.headers
    assert headers["Content-Type"] == "image/png"
    assert headers["Content-Length"] == str(len(PHOTO))
    assert (
        headers["Content-Disposition"]
        == "attachment; filename=\"Whanau hui.png\"; filename*=UTF-8''Wh%C4%81nau%20hui.png"
    )
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("error", "status"),
    [(NotFoundError("file"), 404), (FailedPreconditionError("not-scanned", "This file is being checked."), 409)],
)
def test_what_may_not_be_had_is_a_problem(
    client: FlaskClient, services: Mapping[str, Stub], error: Exception, status: int
) -> None:
    services["documents"].on("DownloadDocument", error)

    response = client.get(CONTENT, headers=bearer(MANAGER))

    assert response.status_code == status
    assert response.mimetype == "application/problem+json"


def test_a_file_that_breaks_off_is_no_half_a_file(client: FlaskClient, services: Mapping[str, Stub]) -> None:
    def broken(_request: Any) -> Iterator[documents_pb2.DownloadDocumentResponse]:
        yield handed_out()[0]
        raise FailedPreconditionError("gone", "It is gone.")

    services["documents"].on("DownloadDocument", broken)

    assert client.get(CONTENT, headers=bearer(MANAGER)).status_code == 409
