"""An error that rises out of a view becomes the page that fits it, in the frame of the product."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from kit.errors import BY_KIND, DomainError, Kind, rebuild
from services.gateway.security import needs
from tests.gateway.people import LEAD

SignIn = Callable[..., FlaskClient]
READS = {
    Kind.INVALID_ARGUMENT: 404,
    Kind.UNAUTHENTICATED: 401,
    Kind.PERMISSION_DENIED: 403,
    Kind.NOT_FOUND: 404,
    Kind.ALREADY_EXISTS: 409,
    Kind.FAILED_PRECONDITION: 409,
    Kind.ABORTED: 409,
    Kind.RESOURCE_EXHAUSTED: 429,
    Kind.DEADLINE_EXCEEDED: 503,
    Kind.UNAVAILABLE: 503,
    Kind.INTERNAL: 500,
}
WRITES = READS | {Kind.INVALID_ARGUMENT: 400}


def error_of(kind: Kind) -> DomainError:
    return rebuild(kind=kind, reason="a-reason", message="Finish the two tasks first.", violations=(), metadata={})


def raise_in_view(app: Flask, error: Exception) -> None:
    def view() -> str:
        raise error

    app.add_url_rule("/test", view_func=needs(None)(view), endpoint="test", methods=["GET", "POST"])


@pytest.mark.parametrize("kind", list(BY_KIND))
def test_every_kind_has_its_page(app: Flask, sign_in: SignIn, kind: Kind) -> None:
    raise_in_view(app, error_of(kind))
    browser = sign_in(LEAD)

    read, written = browser.get("/test"), browser.post("/test")

    assert (read.status_code, written.status_code) == (READS[kind], WRITES[kind])
    for page in (read, written):
        assert page.mimetype == "text/html"
        assert page.headers["X-Request-ID"] in page.text
        assert LEAD.name in page.text


@pytest.mark.parametrize("kind", [Kind.FAILED_PRECONDITION, Kind.ALREADY_EXISTS])
def test_what_to_do_first_is_said(app: Flask, sign_in: SignIn, kind: Kind) -> None:
    raise_in_view(app, error_of(kind))

    assert "Finish the two tasks first." in sign_in(LEAD).post("/test").text


@pytest.mark.parametrize("kind", [Kind.NOT_FOUND, Kind.PERMISSION_DENIED, Kind.INTERNAL])
def test_what_would_tell_too_much_is_not_said(app: Flask, sign_in: SignIn, kind: Kind) -> None:
    raise_in_view(app, error_of(kind))

    assert "Finish the two tasks first." not in sign_in(LEAD).get("/test").text


def test_a_fault_of_ours_is_a_page_without_its_words(app: Flask, sign_in: SignIn) -> None:
    raise_in_view(app, RuntimeError("connection string with a password"))

    page = sign_in(LEAD).get("/test")

    assert page.status_code == 500
    assert "password" not in page.text


def test_the_button_after_a_form_leads_to_where_it_stood(app: Flask, sign_in: SignIn) -> None:
    raise_in_view(app, error_of(Kind.ABORTED))
    browser = sign_in(LEAD)

    ours = browser.post("/test", headers={"Referer": "http://localhost/cases/1"})
    elsewhere = browser.post("/test", headers={"Referer": "http://evil.example/cases/1"})

    assert 'href="/cases/1"' in ours.text
    assert "evil" not in elsewhere.text


def test_a_form_without_its_token(app: Flask, sign_in: SignIn) -> None:
    app.config["WTF_CSRF_ENABLED"] = True

    page = sign_in(LEAD).post("/organisation", data={"organisation": "x"})

    assert page.status_code == 400
    assert page.mimetype == "text/html"


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("DELETE", "/signed-out", 405)])
def test_addresses_and_methods_that_are_none(client: FlaskClient, method: str, path: str, status: int) -> None:
    page = client.open(path, method=method)

    assert page.status_code == status
    assert page.mimetype == "text/html"


def test_methods_that_would_do_are_named(client: FlaskClient) -> None:
    assert "GET" in client.delete("/signed-out").headers["Allow"]


def test_the_page_of_the_api_is_a_page_and_the_rest_a_problem(client: FlaskClient) -> None:
    assert client.delete("/api/").mimetype == "text/html"
    assert client.get("/api/nowhere").mimetype == "application/problem+json"
