"""Answers as files: what a program asks for by `Accept` is the file that the page offers."""

from collections.abc import Mapping
from io import BytesIO
from zipfile import ZipFile

import pytest
from ascms.reporting.v1 import returns_pb2
from flask.testing import FlaskClient

from tests.gateway.conftest import bearer
from tests.gateway.people import LEAD
from tests.support.stubs import Stub

RETURN = "/api/v1/returns/2026-Q1"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture(autouse=True)
def filed(services: Mapping[str, Stub]) -> None:
    answer = returns_pb2.GetReturnResponse(provider_return=returns_pb2.Return(quarter="2026-Q1", version=3))
    answer.figures.add(indicator="cases-opened", value=17, rule_version=1)
    services["reporting"].on("GetReturn", answer)


def test_a_return_is_a_workbook_where_that_is_asked_for(client: FlaskClient) -> None:
    response = client.get(RETURN, headers=bearer(LEAD, Accept=XLSX))

    assert (response.status_code, response.mimetype) == (200, XLSX)
    assert response.headers["Content-Disposition"] == 'attachment; filename="return-2026-Q1-draft.xlsx"'
    assert "xl/workbook.xml" in ZipFile(BytesIO(response.data)).namelist()


@pytest.mark.parametrize(("media", "begins"), [("text/csv", b"\xef\xbb\xbf"), ("application/pdf", b"%PDF-")])
def test_a_return_is_csv_or_pdf_too(client: FlaskClient, media: str, begins: bytes) -> None:
    response = client.get(RETURN, headers=bearer(LEAD, Accept=f"{media}, */*;q=0.1"))

    assert response.mimetype == media
    assert response.data.startswith(begins)


@pytest.mark.parametrize("accept", ["application/json", "*/*", "image/png", ""])
def test_json_is_what_everyone_else_gets(client: FlaskClient, accept: str) -> None:
    response = client.get(RETURN, headers=bearer(LEAD, Accept=accept))

    assert response.mimetype == "application/json"
    assert response.headers["ETag"] == '"3"'


def test_the_document_lists_the_files(client: FlaskClient) -> None:
    described = client.get("/api/openapi.json").get_json()["paths"]

    content = described["/v1/returns/{quarter}"]["get"]["responses"]["200"]["content"]
    assert set(content) == {"application/json", "text/csv", XLSX, "application/pdf"}
    others = described["/v1/returns"]["get"]["responses"]["200"]["content"]
    assert set(others) == {"application/json"}
