"""Identity behind its real edge and database, and its OpenID provider, over the demonstration's people."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from ascms.identity.v1 import identity_pb2_grpc
from flask import Flask
from psycopg.rows import dict_row

from kit.clock import FixedClock
from kit.db import Database
from kit.migrations import with_parts
from kit.rpc.client import Backend, Channels
from kit.rpc.server import serve
from kit.tokens import Verifier
from services.identity.app import build_servicer
from services.identity.commands import Deps
from services.identity.store import EXTRA_ROLES
from services.identity.web import create_app
from services.identity.web.settings import ProviderSettings
from tests.service.identity.client import CLIENT_SECRET, ISSUER, POST_LOGOUT_URI, REDIRECT_URI, OpenIdClient
from tests.service.identity.world import SECRET, SERVICE_SECRET, make_deps, settle
from tests.support.postgres import admin_url, database_of, empty

Call = Callable[..., Any]


@pytest.fixture(scope="session")
def identity_url(worker: str) -> Iterator[str]:
    with database_of("identity", worker=worker, extra_roles=EXTRA_ROLES) as url:
        yield url


@pytest.fixture
def database(identity_url: str) -> Iterator[Database]:
    empty(identity_url)
    database = Database(identity_url, "identity", pool_size=8)
    yield database
    database.close()


@pytest.fixture
def bare(database: Database, clock: FixedClock) -> Deps:
    """Identity without anybody in it."""
    return make_deps(database, clock)


@pytest.fixture
def deps(bare: Deps) -> Deps:
    """Identity with the demonstration's organisations and people."""
    settle(bare)
    return bare


@pytest.fixture
def edge(deps: Deps) -> Iterator[tuple[Call, Verifier]]:
    """A call by name with a token, and the verifier that identity itself uses."""
    servicer, verifier = build_servicer(deps, service_secret=SERVICE_SECRET)
    server = serve(address="127.0.0.1:0", servicers=[servicer], verifier=verifier, database=deps.database)
    backend = Backend(Channels(f"127.0.0.1:{server.port}", count=1), identity_pb2_grpc.IdentityServiceStub)
    yield backend.call, verifier
    backend.close()
    server.stop(0)


@pytest.fixture
def call(edge: tuple[Call, Verifier]) -> Call:
    """`call("GetCaller", request, token=…)`."""
    return edge[0]


@pytest.fixture
def verifier(edge: tuple[Call, Verifier]) -> Verifier:
    """Verifies internal tokens."""
    return edge[1]


@pytest.fixture
def app(deps: Deps, identity_url: str, clock: FixedClock) -> Iterator[Flask]:
    """The OpenID provider."""
    app = create_app(
        ProviderSettings(
            database_url=identity_url,
            secret=SECRET,
            issuer=ISSUER,
            gateway_client_secret=CLIENT_SECRET,
            gateway_redirect_uris=(REDIRECT_URI,),
            gateway_post_logout_uris=(POST_LOGOUT_URI,),
            program_redirect_uris=("http://127.0.0.1/callback",),
        ),
        clock=clock,
    )
    yield app
    app.extensions["identity"].database.close()


@pytest.fixture
def openid(app: Flask) -> OpenIdClient:
    """A client of the provider, with a browser of its own."""
    return OpenIdClient(app)


@pytest.fixture
def rows(identity_url: str, database: Database) -> Callable[..., list[dict[str, Any]]]:
    """What stands in the database, past every policy: `rows("SELECT …", …)`."""
    name = identity_url.partition("?")[0].rpartition("/")[2]

    def select(query: str, *parameters: object) -> list[dict[str, Any]]:
        with psycopg.connect(with_parts(admin_url(), database=name), row_factory=dict_row) as admin:
            return admin.execute(query, parameters).fetchall()

    return select
