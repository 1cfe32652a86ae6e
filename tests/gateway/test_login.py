"""Signing in and out against a real (small) OpenID provider: code and PKCE, renewal, the end of a session."""

import threading
import time
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from flask import Flask, json
from flask.testing import FlaskClient
from pydantic import SecretStr
from werkzeug.test import TestResponse

from kit.errors import PermissionDeniedError, UnavailableError
from services.gateway.app import create_app
from services.gateway.backends import Backends
from services.gateway.config import GatewaySettings
from services.gateway.provider import Provider
from services.gateway.sessions import SESSION_SECONDS, SignIn
from tests.gateway.people import KOWHAI, LEAD, RIMU, SCHOOL
from tests.support.openid import CLIENT_ID, CLIENT_SECRET, FakeProvider
from tests.support.stubs import Stub

HERE = "http://localhost"


@pytest.fixture
def lead_signs_in(provider: FakeProvider, services: Mapping[str, Stub]) -> FakeProvider:
    provider.subject = LEAD.key
    return provider


def go_to_provider(client: FlaskClient, path: str = "/sign-in") -> str:
    """Begin here, be approved there; returns the address that the provider sends the browser back to."""
    begun = client.get(path)
    assert begun.status_code == 303
    approved = requests.get(begun.headers["Location"], allow_redirects=False, timeout=5)
    return approved.headers["Location"].removeprefix(HERE)


def sign_in_for_real(client: FlaskClient, path: str = "/sign-in") -> TestResponse:
    return client.get(go_to_provider(client, path))


def put_cookie(app: Flask, client: FlaskClient, **changes: object) -> None:
    """A session whose tokens are as the test wants them."""
    now = int(time.time())
    fields: dict[str, object] = {
        "access_token": LEAD.access_token,
        "refresh_token": "refresh",
        "expires_at": now + 300,
        "session_id": "a session",
        "signed_in_at": now,
        "id_token": "",
    }
    fields |= changes
    seal = app.extensions["ascms.login"].cookies.seal
    client.set_cookie("gateway-sign-in", seal.seal(json.dumps([fields[name] for name in SignIn.__slots__])))


def test_what_the_browser_is_sent_away_with(client: FlaskClient, lead_signs_in: FakeProvider) -> None:
    location = urlsplit(client.get("/sign-in").headers["Location"])

    asked = {name: values[0] for name, values in parse_qs(location.query).items()}
    assert f"{location.scheme}://{location.netloc}{location.path}" == f"{lead_signs_in.issuer}/authorize"
    assert asked["response_type"] == "code"
    assert asked["client_id"] == CLIENT_ID
    assert asked["redirect_uri"] == f"{HERE}/sign-in/return"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == 43
    assert len(asked["state"]) >= 32
    assert len(asked["nonce"]) >= 32
    assert "openid" in asked["scope"].split()


def test_signing_in_ends_at_the_page_that_was_asked_for(client: FlaskClient, lead_signs_in: FakeProvider) -> None:
    first = client.get("/account?tab=roles")
    response = sign_in_for_real(client, first.headers["Location"])

    assert response.status_code == 303
    assert response.headers["Location"] == "/account?tab=roles"
    assert client.get("/account").status_code == 200


def test_the_cookies_of_a_session(client: FlaskClient, lead_signs_in: FakeProvider) -> None:
    response = sign_in_for_real(client)

    cookies = [line for line in response.headers.getlist("Set-Cookie") if "gateway-sign-in=" in line]
    assert len(cookies) == 1
    assert "HttpOnly" in cookies[0]
    assert "SameSite=Lax" in cookies[0]
    assert "Path=/" in cookies[0]
    assert LEAD.key not in cookies[0]
    assert lead_signs_in.issued[0] not in cookies[0]


def test_over_https_the_cookies_are_secure_and_ours_alone(
    settings: GatewaySettings, services: Mapping[str, Stub], backends: Backends, lead_signs_in: FakeProvider
) -> None:
    app = create_app(settings.model_copy(update={"public_url": "https://cases.example.nz"}), backends=backends)
    begun = app.test_client().get("/sign-in", base_url="https://cases.example.nz")

    (cookie,) = begun.headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-gateway-session=")
    assert "Secure" in cookie
    assert "Domain" not in cookie
    assert begun.headers["Strict-Transport-Security"].startswith("max-age=")


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
    ],
)
def test_the_way_back_never_leaves_this_site(client: FlaskClient, lead_signs_in: FakeProvider, target: str) -> None:
    begun = client.get("/sign-in", query_string={"next": target})
    approved = requests.get(begun.headers["Location"], allow_redirects=False, timeout=5)
    response = client.get(approved.headers["Location"].removeprefix(HERE))

    assert response.headers["Location"] == "/"


@pytest.mark.parametrize("fault", ["nonce", "issuer", "signature", "audience"])
def test_an_identity_token_that_is_not_right(client: FlaskClient, lead_signs_in: FakeProvider, fault: str) -> None:
    lead_signs_in.faults.add(fault)

    response = sign_in_for_real(client)

    assert response.status_code == 400
    assert client.get("/account").status_code == 303


def test_an_answer_of_another_provider(client: FlaskClient, lead_signs_in: FakeProvider) -> None:
    address = go_to_provider(client)
    forged = address.replace(
        f"iss={lead_signs_in.issuer.replace(':', '%3A').replace('/', '%2F')}", "iss=http%3A%2F%2Fevil"
    )
    unnamed = address.partition("&iss=")[0]

    assert forged != address
    assert client.get(forged).status_code == 400
    assert client.get(unnamed).status_code == 400
    assert lead_signs_in.issued == []


def test_an_answer_that_nobody_asked_for(client: FlaskClient, lead_signs_in: FakeProvider) -> None:
    theirs = go_to_provider(client)
    stranger = client.application.test_client()

    response = stranger.get(theirs)

    assert response.status_code == 400
    assert lead_signs_in.issued == []


def test_an_answer_works_once(client: FlaskClient, lead_signs_in: FakeProvider) -> None:
    address = go_to_provider(client)
    client.get(address)
    client.delete_cookie("gateway-sign-in")

    response = client.get(address)

    assert response.status_code == 400


def test_a_code_of_another_sign_in(client: FlaskClient, lead_signs_in: FakeProvider) -> None:
    """PKCE: a code that was stolen and put into one's own answer does not fit one's own verifier."""
    stolen = parse_qs(urlsplit(go_to_provider(client.application.test_client())).query)["code"][0]
    own = go_to_provider(client)
    own_code = parse_qs(urlsplit(own).query)["code"][0]

    response = client.get(own.replace(own_code, stolen))

    assert response.status_code == 400


def test_the_provider_says_no(client: FlaskClient, lead_signs_in: FakeProvider) -> None:
    location = client.get("/sign-in").headers["Location"]
    state = parse_qs(urlsplit(location).query)["state"][0]

    response = client.get(
        "/sign-in/return", query_string={"error": "access_denied", "state": state, "iss": lead_signs_in.issuer}
    )

    assert response.status_code == 400
    assert 'href="/sign-in?next=/"' in response.text


def test_several_tabs_sign_in_at_once(client: FlaskClient, lead_signs_in: FakeProvider) -> None:
    first, second = go_to_provider(client, "/sign-in?next=/account"), go_to_provider(client, "/sign-in?next=/cases")

    assert client.get(second).headers["Location"] == "/cases"
    assert client.get(first).headers["Location"] == "/"


def test_sign_ins_that_were_never_finished_do_not_fill_the_cookie(
    client: FlaskClient, lead_signs_in: FakeProvider
) -> None:
    for number in range(30):
        client.get(f"/sign-in?next=/cases/{number}{'x' * 490}")

    cookie = client.get_cookie("gateway-session")
    assert cookie is not None
    assert len(cookie.value) < 3_800


def test_signing_in_begins_a_new_session(client: FlaskClient, lead_signs_in: FakeProvider) -> None:
    with client.session_transaction(base_url=HERE) as session:
        session["left by someone else"] = "yes"
    client.set_cookie("gateway-organisation", RIMU.organisation_id)

    sign_in_for_real(client)

    with client.session_transaction(base_url=HERE) as session:
        assert "left by someone else" not in session
    organisation = client.get_cookie("gateway-organisation")
    assert organisation is not None
    assert organisation.value == KOWHAI.organisation_id


def test_someone_whose_access_ended_gets_a_page_and_no_loop(client: FlaskClient, lead_signs_in: FakeProvider) -> None:
    lead_signs_in.subject = "stranger"

    response = sign_in_for_real(client)

    assert response.status_code == 403
    assert client.get_cookie("gateway-sign-in") is None


def test_the_provider_is_away(settings: GatewaySettings, backends: Backends, services: Mapping[str, Stub]) -> None:
    app = create_app(settings.model_copy(update={"issuer": "http://127.0.0.1:1"}), backends=backends)

    assert app.test_client().get("/sign-in").status_code == 503


@pytest.mark.parametrize("value", ["", "x", "gAAAAABm", "." * 4_000])
def test_a_cookie_that_was_tampered_with(client: FlaskClient, services: Mapping[str, Stub], value: str) -> None:
    client.set_cookie("gateway-sign-in", value)
    client.set_cookie("gateway-session", value)

    response = client.get("/account")

    assert response.status_code == 303
    assert response.headers["Location"] == "/sign-in?next=%2Faccount"


def test_one_changed_letter_of_a_cookie(app: Flask, client: FlaskClient, services: Mapping[str, Stub]) -> None:
    put_cookie(app, client)
    good = client.get_cookie("gateway-sign-in")
    assert good is not None
    middle = len(good.value) // 2
    changed = "A" if good.value[middle] != "A" else "B"
    client.set_cookie("gateway-sign-in", good.value[:middle] + changed + good.value[middle + 1 :])

    assert client.get("/account").status_code == 303


def test_what_is_sealed_for_one_cookie_does_not_open_as_another(
    app: Flask, client: FlaskClient, services: Mapping[str, Stub]
) -> None:
    put_cookie(app, client)
    sign_in = client.get_cookie("gateway-sign-in")
    assert sign_in is not None
    client.delete_cookie("gateway-sign-in")
    client.set_cookie("gateway-session", sign_in.value)

    assert client.get("/account").status_code == 303


def test_a_secret_can_be_replaced_while_people_work(
    settings: GatewaySettings, backends: Backends, app: Flask, client: FlaskClient, services: Mapping[str, Stub]
) -> None:
    put_cookie(app, client)
    sealed = client.get_cookie("gateway-sign-in")
    assert sealed is not None
    old = settings.secret.get_secret_value()
    both = create_app(
        settings.model_copy(update={"secret": SecretStr(f"{'a newer secret ' * 3},{old}")}), backends=backends
    )
    browser = both.test_client()
    browser.set_cookie("gateway-sign-in", sealed.value)

    assert browser.get("/account").status_code == 200


def test_a_session_ends_however_often_it_is_renewed(
    app: Flask, client: FlaskClient, services: Mapping[str, Stub]
) -> None:
    put_cookie(app, client, signed_in_at=int(time.time()) - SESSION_SECONDS - 1)

    assert client.get("/account").status_code == 303


def test_an_access_token_at_its_end_is_renewed(app: Flask, client: FlaskClient, lead_signs_in: FakeProvider) -> None:
    lead_signs_in.refresh_tokens["first"] = LEAD.key
    put_cookie(app, client, refresh_token="first", expires_at=int(time.time()) + 5)

    response = client.get("/account")

    assert response.status_code == 200
    assert lead_signs_in.renewals == 1
    assert any("gateway-sign-in=" in line for line in response.headers.getlist("Set-Cookie"))
    assert client.get("/account").status_code == 200
    assert lead_signs_in.renewals == 1


def test_an_access_token_that_ended_early_is_renewed(
    app: Flask, client: FlaskClient, lead_signs_in: FakeProvider
) -> None:
    lead_signs_in.refresh_tokens["first"] = LEAD.key
    put_cookie(app, client, access_token="nobody.any-more", refresh_token="first")

    assert client.get("/account").status_code == 200
    assert lead_signs_in.renewals == 1


def test_renewal_is_kept_even_where_the_page_fails(
    app: Flask, client: FlaskClient, lead_signs_in: FakeProvider, services: Mapping[str, Stub]
) -> None:
    lead_signs_in.refresh_tokens["first"] = LEAD.key
    put_cookie(app, client, refresh_token="first", expires_at=0)
    services["cases"].on("ListCases", UnavailableError("away", "away"))

    response = client.get("/cases")

    assert response.status_code == 503
    assert any("gateway-sign-in=" in line for line in response.headers.getlist("Set-Cookie"))


def test_tabs_at_once_share_one_renewal(app: Flask, client: FlaskClient, lead_signs_in: FakeProvider) -> None:
    lead_signs_in.refresh_tokens["first"] = LEAD.key
    put_cookie(app, client, refresh_token="first", expires_at=0)
    cookie = client.get_cookie("gateway-sign-in")
    assert cookie is not None
    statuses: list[int] = []

    def open_tab() -> None:
        tab = app.test_client()
        tab.set_cookie("gateway-sign-in", cookie.value)
        statuses.append(tab.get("/account").status_code)

    tabs = [threading.Thread(target=open_tab) for _ in range(8)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()

    assert statuses == [200] * 8
    assert lead_signs_in.renewals == 1


def test_a_session_that_the_provider_ended(app: Flask, client: FlaskClient, lead_signs_in: FakeProvider) -> None:
    put_cookie(app, client, refresh_token="revoked", expires_at=0)

    response = client.get("/account")

    assert response.status_code == 303
    assert response.headers["Location"] == "/sign-in?next=%2Faccount"
    assert client.get_cookie("gateway-sign-in") is None


def test_a_session_stands_while_the_provider_is_away(
    app: Flask, client: FlaskClient, services: Mapping[str, Stub]
) -> None:
    app.extensions["ascms.login"].provider.issuer = "http://127.0.0.1:1"
    put_cookie(app, client, expires_at=0)

    assert client.get("/account").status_code == 503
    assert client.get_cookie("gateway-sign-in") is not None


def test_signing_out(client: FlaskClient, lead_signs_in: FakeProvider) -> None:
    sign_in_for_real(client)

    response = client.post("/sign-out")

    location = urlsplit(response.headers["Location"])
    asked = {name: values[0] for name, values in parse_qs(location.query).items()}
    assert response.status_code == 303
    assert location.path == "/end-session"
    assert asked["post_logout_redirect_uri"] == f"{HERE}/signed-out"
    assert asked["client_id"] == CLIENT_ID
    assert len(lead_signs_in.revoked) == 1
    assert client.get("/account").status_code == 303
    assert client.get("/signed-out").status_code == 200


def test_signing_out_takes_a_form_of_ours(app: Flask, client: FlaskClient, lead_signs_in: FakeProvider) -> None:
    sign_in_for_real(client)
    app.config["WTF_CSRF_ENABLED"] = True

    assert client.post("/sign-out").status_code == 400
    assert client.get("/sign-out").status_code == 405
    assert client.get("/account").status_code == 200


def test_the_header_of_a_page_lets_forms_end_at_the_provider(client: FlaskClient, lead_signs_in: FakeProvider) -> None:
    policy = client.get("/signed-out").headers["Content-Security-Policy"]

    assert f"form-action 'self' {lead_signs_in.issuer}" in policy


def test_choosing_another_organisation(sign_in: Callable[..., FlaskClient], services: Mapping[str, Stub]) -> None:
    browser = sign_in(LEAD)
    browser.get("/cases")

    response = browser.post("/organisation", data={"organisation": RIMU.organisation_id, "next": "/cases/1"})
    browser.get("/cases")

    assert response.headers["Location"] == "/"
    tenants = [str(one.actor.tenant_id) for one in services["cases"].calls("ListCases") if one.actor]
    assert tenants == [KOWHAI.organisation_id, RIMU.organisation_id]


@pytest.mark.parametrize("organisation", [SCHOOL.organisation_id, "", "nonsense"])
def test_an_organisation_that_is_not_theirs(
    sign_in: Callable[..., FlaskClient], services: Mapping[str, Stub], organisation: str
) -> None:
    browser = sign_in(LEAD)

    browser.post("/organisation", data={"organisation": organisation})
    browser.get("/cases")

    (received,) = services["cases"].calls("ListCases")
    assert received.actor is not None
    assert str(received.actor.tenant_id) == KOWHAI.organisation_id


def test_a_chosen_organisation_that_ended_gives_way_to_another(
    sign_in: Callable[..., FlaskClient], services: Mapping[str, Stub]
) -> None:
    browser = sign_in(LEAD, organisation=SCHOOL.organisation_id)

    assert browser.get("/account").status_code == 200
    cookie = browser.get_cookie("gateway-organisation")
    assert cookie is not None
    assert cookie.value == KOWHAI.organisation_id


def test_someone_without_any_working_access(sign_in: Callable[..., FlaskClient], services: Mapping[str, Stub]) -> None:
    services["identity"].on("ExchangeToken", PermissionDeniedError("no-access", "Your access has ended."))

    assert sign_in(LEAD).get("/account").status_code == 403


def test_a_provider_that_speaks_for_another(provider: FakeProvider) -> None:
    answers = Provider(
        issuer=f"{provider.issuer}/elsewhere",
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        redirect_uri=f"{HERE}/sign-in/return",
    )

    with pytest.raises(UnavailableError):
        answers.is_own_answer({})
