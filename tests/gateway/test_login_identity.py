"""Signing in with the real identity service: its pages, its tokens, its database; one browser on both addresses."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread

import pytest
import requests
from flask import Flask
from pydantic import SecretStr
from requests_oauth2client import IdToken, InvalidGrant, OAuth2Client
from werkzeug.serving import BaseWSGIServer, make_server

from kit.clock import SystemClock
from kit.db import Database
from kit.ids import uuid7
from kit.rpc.server import serve
from services.gateway.app import create_app
from services.gateway.backends import STUBS, Backends
from services.gateway.config import GatewaySettings
from services.gateway.login import Login
from services.identity import commands, web
from services.identity.app import build_servicer
from services.identity.commands import Deps
from services.identity.secrets import MasterSecret, Passphrases
from services.identity.store import EXTRA_ROLES
from services.identity.web.settings import ProviderSettings
from tests.service.identity.client import form_fields
from tests.service.identity.world import (
    LEAD,
    MACHINE,
    MACHINE_SECRET,
    MANAGER,
    SCHOOL,
    SECRET,
    SERVICE_SECRET,
    Demo,
    settle,
)
from tests.support.postgres import database_of, empty

CLIENT_SECRET = "the gateway's own secret, of thirty-two and more"
SECONDS = 10


@dataclass
class Real:
    """Both addresses, and identity's own doors."""

    url: str
    issuer: str
    deps: Deps
    login: Login

    def sign_in(self, browser: requests.Session, person: Demo, path: str = "/account") -> requests.Response:
        """Open a page, be sent to sign in, fill in the form, come back."""
        page = browser.get(self.url + path, timeout=SECONDS)
        fields = form_fields(page.text) | {"email": person.email, "passphrase": person.passphrase}
        return browser.post(f"{self.issuer}/sign-in", data=fields, timeout=SECONDS)


@contextmanager
def listening() -> Iterator[BaseWSGIServer]:
    server = make_server("127.0.0.1", 0, Flask("nothing yet"), threaded=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def real(worker: str) -> Iterator[Real]:
    with (
        database_of("identity", worker=f"{worker}_gateway", extra_roles=EXTRA_ROLES) as database_url,
        listening() as provider,
        listening() as gateway,
    ):
        empty(database_url)
        database = Database(database_url, "identity", pool_size=4)
        deps = Deps(database, SystemClock(), uuid7, MasterSecret(SECRET), Passphrases(memory_kib=64, passes=1))
        settle(deps)
        servicer, verifier = build_servicer(deps, service_secret=SERVICE_SECRET)
        grpc_server = serve(address="127.0.0.1:0", servicers=[servicer], verifier=verifier, database=database)
        issuer, url = f"http://127.0.0.1:{provider.server_port}", f"http://127.0.0.1:{gateway.server_port}"
        provider.app = web.create_app(
            ProviderSettings(
                database_url=database_url,
                secret=SECRET,
                issuer=issuer,
                gateway_client_secret=CLIENT_SECRET,
                gateway_redirect_uris=(f"{url}/sign-in/return",),
                gateway_post_logout_uris=(f"{url}/signed-out",),
            )
        )
        backends = Backends(dict.fromkeys(STUBS, f"127.0.0.1:{grpc_server.port}"))
        address = f"127.0.0.1:{grpc_server.port}"
        gateway.app = create_app(
            GatewaySettings(
                public_url=url,
                issuer=issuer,
                gateway_client_secret=SecretStr(CLIENT_SECRET),
                secret=SecretStr("a secret of the tests, long enough to seal with"),
                identity_address=address,
                cases_address=address,
                documents_address=address,
                reporting_address=address,
                notifications_address=address,
            ),
            backends=backends,
        )
        yield Real(url, issuer, deps, gateway.app.extensions["ascms.login"])
        backends.close()
        grpc_server.stop(0)
        provider.app.extensions["identity"].database.close()
        database.close()


@pytest.fixture
def browser() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


def test_a_person_signs_in_works_and_signs_out(real: Real, browser: requests.Session) -> None:
    arrived = real.sign_in(browser, LEAD)
    assert (arrived.status_code, arrived.url) == (200, f"{real.url}/account")

    token = re.findall(r'name="csrf_token" value="([^"]+)"', arrived.text)[0]
    left = browser.post(f"{real.url}/sign-out", data={"csrf_token": token}, timeout=SECONDS)
    assert (left.status_code, left.url.partition("?")[0]) == (200, f"{real.url}/signed-out")

    again = browser.get(f"{real.url}/account", timeout=SECONDS)
    assert again.url.startswith(f"{real.issuer}/sign-in")


def test_tokens_are_renewed(real: Real, browser: requests.Session) -> None:
    real.sign_in(browser, LEAD)
    sealed = browser.cookies["gateway-sign-in"]
    real.login.now = lambda: time.time() + 3600
    renewed = browser.get(f"{real.url}/account", timeout=SECONDS)
    real.login.now = time.time

    assert renewed.url == f"{real.url}/account"
    assert browser.cookies["gateway-sign-in"] != sealed
    assert browser.get(f"{real.url}/account", timeout=SECONDS).url == f"{real.url}/account"


def test_a_machine_uses_the_api_with_its_own_credentials(real: Real) -> None:
    asked = requests.post(
        f"{real.issuer}/token",
        data={"grant_type": "client_credentials"},
        auth=(str(MACHINE), MACHINE_SECRET),
        timeout=SECONDS,
    )
    headers = {"Authorization": f"Bearer {asked.json()['access_token']}"}

    answer = requests.get(f"{real.url}/api/v1/me", headers=headers, timeout=SECONDS)
    elsewhere = requests.get(
        f"{real.url}/api/v1/me", headers=headers | {"X-Organisation": str(uuid7())}, timeout=SECONDS
    )

    assert answer.status_code == 200
    assert answer.json()["organisation"]["organisation_id"] == str(SCHOOL)
    assert answer.json()["permissions"] == [
        "cases:read-shared",
        "cases:read-shared-all",
        "requests:read-all",
        "requests:submit",
        "students:search",
    ]
    assert elsewhere.status_code in {403, 404}


def test_ended_access_ends_the_session(real: Real, browser: requests.Session) -> None:
    assert real.sign_in(browser, MANAGER).url == f"{real.url}/account"
    commands.end_sessions(real.deps, person_id=MANAGER.id, reason="test")
    # What the gateway keeps in memory is good for a minute: as if that were over.
    real.login.backends.callers.clear()

    page = browser.get(f"{real.url}/account", timeout=SECONDS)

    assert page.url.startswith(f"{real.issuer}/sign-in")
    assert "gateway-sign-in" not in browser.cookies


def test_a_client_library_that_is_not_ours_signs_in_refreshes_and_signs_out(
    real: Real, browser: requests.Session
) -> None:
    # Given a library that knows of the provider what its discovery document says, and checks what it is told
    client = OAuth2Client.from_discovery_endpoint(
        issuer=real.issuer,
        client_id="gateway",
        client_secret=CLIENT_SECRET,
        redirect_uri=f"{real.url}/sign-in/return",
        id_token_signed_response_alg="ES256",
        testing=True,  # it insists on https otherwise
    )
    # When someone signs in at the address that it makes
    asked = client.authorization_request(scope="openid profile email")
    page = browser.get(str(asked.uri), timeout=SECONDS)
    fields = form_fields(page.text) | {"email": LEAD.email, "passphrase": LEAD.passphrase}
    signed_in = browser.post(f"{real.issuer}/sign-in", data=fields, timeout=SECONDS, allow_redirects=False)
    back = browser.get(real.issuer + signed_in.headers["Location"], timeout=SECONDS, allow_redirects=False)
    # Then it takes the answer (state, issuer), the code (PKCE) and the ID token (signature, audience, nonce)
    token = client.authorization_code(asked.validate_callback(back.headers["Location"]))
    assert isinstance(token.id_token, IdToken)
    assert token.id_token.sub == str(LEAD.id)
    assert client.userinfo(token)["email"] == LEAD.email
    # And refreshes, and gives back what it got
    renewed = client.refresh_token(token)
    assert client.userinfo(renewed)["sub"] == str(LEAD.id)
    assert client.revoke_access_token(renewed)
    # And when the person is signed out by the ID token, nothing is left of it
    left = browser.get(
        f"{real.issuer}/end-session",
        params={"id_token_hint": str(token.id_token), "post_logout_redirect_uri": f"{real.url}/signed-out"},
        timeout=SECONDS,
        allow_redirects=False,
    )
    assert left.headers["Location"] == f"{real.url}/signed-out"
    with pytest.raises(InvalidGrant):
        client.refresh_token(renewed)
