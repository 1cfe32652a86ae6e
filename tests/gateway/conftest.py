"""The gateway in this process, its services as stubs behind the real edge, and people made up for it.

A test says what a service answers (`services["cases"].on("GetCase", …)`), signs someone in (`sign_in(LEAD)`) or takes
their access token (`bearer(LEAD)`), and looks at answers and at what arrived (`services["cases"].calls("GetCase")`).
"""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from ascms.identity.v1 import identity_pb2
from flask import Flask, json
from flask.testing import FlaskClient
from pydantic import SecretStr
from werkzeug.test import TestResponse

from kit.actor import Actor, ActorKind
from kit.clock import FixedClock
from kit.errors import NotFoundError, UnauthenticatedError
from services.gateway.app import create_app
from services.gateway.backends import STUBS, Backends
from services.gateway.config import GatewaySettings
from tests.gateway.people import PEOPLE, Person
from tests.support.openid import CLIENT_SECRET, FakeProvider, openid_provider
from tests.support.stubs import Stub, serving
from tests.support.tokens import token_for

PUBLIC_URL = "http://localhost"


@pytest.fixture(scope="session")
def provider_process() -> Iterator[FakeProvider]:
    with openid_provider() as provider:
        yield provider


@pytest.fixture(scope="session")
def service_processes() -> Iterator[tuple[dict[str, Stub], dict[str, str]]]:
    stubs = {name: Stub(name) for name in STUBS}
    with serving(list(stubs.values())) as addresses:
        yield stubs, addresses


@pytest.fixture
def provider(provider_process: FakeProvider) -> FakeProvider:
    """The OpenID provider, with nobody signed in."""
    provider_process.reset()
    return provider_process


@pytest.fixture
def services(service_processes: tuple[dict[str, Stub], dict[str, str]]) -> Mapping[str, Stub]:
    """The services by name, each answering with empty messages but for identity, which knows the people."""
    stubs, _addresses = service_processes
    for stub in stubs.values():
        stub.reset()
    stubs["identity"].on("ExchangeToken", exchange)
    return stubs


@pytest.fixture
def settings(provider: FakeProvider, service_processes: tuple[dict[str, Stub], dict[str, str]]) -> GatewaySettings:
    _stubs, addresses = service_processes
    values: dict[str, Any] = {f"{name}_address": address for name, address in addresses.items()}
    return GatewaySettings(
        environment="development",
        public_url=PUBLIC_URL,
        issuer=provider.issuer,
        gateway_client_secret=SecretStr(CLIENT_SECRET),
        secret=SecretStr("a secret of the tests, long enough to seal with"),
        **values,
    )


@pytest.fixture
def backends(settings: GatewaySettings) -> Iterator[Backends]:
    found = Backends.of(settings)
    yield found
    found.close()


@pytest.fixture
def app(settings: GatewaySettings, services: Mapping[str, Stub], backends: Backends, clock: FixedClock) -> Flask:
    """The application, signed out. Its day is the clock's."""
    found = create_app(settings, backends=backends, clock=clock)
    # The token of forms has its own tests; elsewhere it would stand in every line.
    found.config["WTF_CSRF_ENABLED"] = False
    return found


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser."""
    return app.test_client()


@pytest.fixture
def sign_in(app: Flask, client: FlaskClient) -> Callable[..., FlaskClient]:
    """`sign_in(LEAD)`: the browser has a session of that person. `organisation=` acts for one of several."""

    def begin(person: Person, *, organisation: str = "") -> FlaskClient:
        now = int(time.time())
        tokens = [person.access_token, "", now + 3600, "a session", now, ""]
        sealed = app.extensions["ascms.login"].cookies.seal.seal(json.dumps(tokens))
        client.set_cookie("gateway-sign-in", sealed)
        client.set_cookie("gateway-organisation", organisation or person.organisations[0].organisation_id)
        return client

    return begin


def bearer(person: Person, **headers: str) -> dict[str, str]:
    """Headers of a program that acts for a person; underscores in names become dashes."""
    extra = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"Authorization": f"Bearer {person.access_token}", **extra}


def body_of(response: TestResponse) -> Any:
    """The JSON of an answer."""
    return json.loads(response.data)


def exchange(request: Any) -> identity_pb2.ExchangeTokenResponse:
    """What identity answers: a token for the person whose access token it is, at an organisation of theirs."""
    person = PEOPLE.get(request.access_token.partition(".")[0])
    if person is None:
        raise UnauthenticatedError("token-invalid", "Sign in again.")
    chosen = request.organisation_id or person.organisations[0].organisation_id
    organisation = next((one for one in person.organisations if one.organisation_id == chosen), None)
    if organisation is None:
        raise NotFoundError("organisation")
    return answer_for(person, organisation)


def answer_for(person: Person, organisation: identity_pb2.Organisation) -> identity_pb2.ExchangeTokenResponse:
    actor = Actor(
        kind=ActorKind.PERSON,
        tenant_id=person.tenant_of(organisation),
        tenant_kind=identity_pb2.OrganisationKind.Name(organisation.kind).rpartition("_")[2].lower(),
        actor_id=person.person_id,
        permissions=frozenset(person.permissions),
    )
    answer = identity_pb2.ExchangeTokenResponse(
        token=token_for(actor),
        person=identity_pb2.Person(
            person_id=str(person.person_id),
            name=person.name,
            roles=[identity_pb2.RoleGrant(role=role, works=True) for role in person.roles],
        ),
        organisation=organisation,
        organisations=person.organisations,
        permissions=sorted(person.permissions),
    )
    answer.expires_at.FromSeconds(int(time.time()) + 60)
    return answer
