"""One trace and one request id, from the browser's header to what a consumer makes of the event.

Gateway, cases, its database, the relay, the log and a consumer are the real ones; only identity is made up. The caller
asks for the trace (a sampled `traceparent`), so that nothing else that runs in this process is traced.
"""

import contextlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from ascms.cases.v1 import events_pb2
from ascms.common.v1.envelope_pb2 import Envelope
from ascms.identity.v1 import identity_pb2
from flask.testing import FlaskClient
from psycopg.rows import dict_row
from pydantic import SecretStr

from kit import log, tracing
from kit.bus import open_broker
from kit.clock import FixedClock
from kit.consumer import ConsumerLoop
from kit.db import Database, Transaction
from kit.errors import NotFoundError
from kit.ids import uuid7
from kit.migrations import with_parts
from kit.paging import PageTokens
from kit.relay import Relay
from kit.rpc.server import serve
from kit.service import Threaded
from services.cases.commands.deps import Deps
from services.cases.directory import Provider
from services.cases.rpc import servicer
from services.gateway.app import create_app
from services.gateway.backends import Backends
from services.gateway.config import GatewaySettings
from tests.service.cases.directory import FakeDirectory
from tests.support import postgres
from tests.support.postgres import admin_url, database_of, empty
from tests.support.stubs import Stub, serving
from tests.support.tokens import person, token_for, verifier
from tests.support.waiting import until

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
REQUEST_ID = "request-from-the-browser"
SCHOOL = UUID("5c000000-0000-7000-8000-000000000001")
PROVIDER = UUID("60000000-0000-7000-8000-000000000001")
ATTENDANCE_LEAD = person(1, "requests:submit", tenant=SCHOOL, tenant_kind="school")
SUBMITTED = events_pb2.RequestSubmitted.DESCRIPTOR.full_name
PRIVATE = ("Mere", "Ōtene", "0123456789", "Hana", "Nobody answers", "Kāretu")
BODY = {
    "student": {
        "given_names": "Mere",
        "family_name": "Ōtene",
        "date_of_birth": "2012-05-17",
        "nsn": "0123456789",
        "year_level": 9,
        "gender": "GENDER_FEMALE",
    },
    "caregivers": [{"name": "Hana", "relationship": "nan", "phone": "021 000 000"}],
    "attendance": {"term": "2026-T1", "present_half_days": 28, "total_half_days": 60},
    "concern": "Nobody answers in Kāretu.",
}


class Spans:
    """What the file exporter wrote."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def all(self) -> list[dict[str, Any]]:
        if not self.file.exists():
            return []
        return [json.loads(line) for line in self.file.read_text(encoding="utf-8").splitlines()]

    def named(self, name: str) -> dict[str, Any] | None:
        return next((span for span in self.all() if span["name"] == name), None)

    def below(self, parent: Mapping[str, Any]) -> list[str]:
        return [span["name"] for span in self.all() if span["parent_id"] == parent["span_id"]]


@pytest.fixture
def spans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Spans]:
    """The tracer of a process that keeps what its caller asks for, writing to a file."""
    file = tmp_path / "spans.jsonl"
    provider = tracing.make_provider(service="test", ratio=0.0, file=str(file))
    monkeypatch.setattr(tracing, "_TRACER", provider.get_tracer("ascms"))
    yield Spans(file)
    provider.shutdown()


@pytest.fixture
def cases_url(worker: str) -> Iterator[str]:
    with database_of("cases", worker=f"tracing_{worker}") as url:
        empty(url)
        yield url


@pytest.fixture
def database(cases_url: str) -> Iterator[Database]:
    with contextlib.closing(Database(cases_url, "cases")) as database:
        yield database


@pytest.fixture
def bus_url(worker: str) -> Iterator[str]:
    with postgres.bus_database(f"tracing_bus_{worker}") as name:
        yield with_parts(admin_url(), database=name)


@pytest.fixture
def cases_address(database: Database, clock: FixedClock) -> Iterator[str]:
    directory = FakeDirectory(
        providers={SCHOOL: Provider(PROVIDER, "02")}, numbers={SCHOOL: "0417"}, case_managers=set()
    )
    deps = Deps(database, clock, directory, uuid7, b"a key for tests, thirty-two bytes")
    server = serve(
        address="127.0.0.1:0",
        servicers=[servicer(deps, PageTokens("tests"))],
        verifier=verifier(),
        database=database,
    )
    yield f"127.0.0.1:{server.port}"
    server.stop(0)


@pytest.fixture
def client(cases_address: str, clock: FixedClock) -> Iterator[FlaskClient]:
    """The gateway, with an identity that takes any access token for the attendance lead's."""
    identity = Stub("identity")
    identity.on("ExchangeToken", exchange)
    with serving([identity]) as addresses:
        nowhere = dict.fromkeys(("documents", "reporting", "notifications"), "127.0.0.1:1")
        where = {**nowhere, **addresses, "cases": cases_address}
        backends = Backends(where)
        values: dict[str, Any] = {f"{name}_address": address for name, address in where.items()}
        settings = GatewaySettings(
            public_url="http://localhost",
            issuer="http://127.0.0.1:1",
            gateway_client_secret=SecretStr("s" * 32),
            secret=SecretStr("t" * 40),
            **values,
        )
        yield create_app(settings, backends=backends, clock=clock).test_client()
        backends.close()


def exchange(_request: identity_pb2.ExchangeTokenRequest) -> identity_pb2.ExchangeTokenResponse:
    school = identity_pb2.Organisation(
        organisation_id=str(SCHOOL), kind=identity_pb2.ORGANISATION_KIND_SCHOOL, name="Te Kura o Tāwhai"
    )
    answer = identity_pb2.ExchangeTokenResponse(
        token=token_for(ATTENDANCE_LEAD),
        person=identity_pb2.Person(person_id=str(ATTENDANCE_LEAD.person_id), name="Made Up"),
        organisation=school,
        organisations=[school],
        permissions=sorted(ATTENDANCE_LEAD.permissions),
    )
    answer.expires_at.FromSeconds(int(time.time()) + 60)
    return answer


def submit(client: FlaskClient, body: Mapping[str, Any] = BODY, *, sampled: bool = True) -> Any:
    headers = {
        "Authorization": "Bearer an-access-token",
        "X-Request-Id": REQUEST_ID,
        "traceparent": f"00-{TRACE}-{SPAN}-{int(sampled):02d}",
    }
    return client.post("/api/v1/requests", json=body, headers=headers)


def outbox_of(cases_url: str) -> list[dict[str, Any]]:
    name = cases_url.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(with_parts(admin_url(), database=name), row_factory=dict_row) as admin:
        return admin.execute("SELECT * FROM outbox ORDER BY id").fetchall()


@contextmanager
def relayed_to(database: Database, bus_url: str, seen: list[tuple[str, Envelope]]) -> Iterator[None]:
    """The relay, and a consumer that notes the request id of its log lines and the envelope."""

    def note(tx: Transaction, envelope: Envelope, _message: events_pb2.RequestSubmitted) -> None:
        del tx
        seen.append((log.request_id(), envelope))

    broker = open_broker(bus_url)
    relay = Relay(database=database, broker=broker)
    consumer = ConsumerLoop(
        name="cases.tests",
        topics=["ascms.cases.v1"],
        handlers={SUBMITTED: note},
        database=database,
        broker=broker,
    )
    workers = [Threaded(relay, name="relay"), Threaded(consumer, name="consumer")]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        for worker in reversed(workers):
            worker.stop()


def test_one_trace_and_one_request_id_from_the_browser_to_the_consumer(
    spans: Spans, client: FlaskClient, database: Database, cases_url: str, bus_url: str
) -> None:
    response = submit(client)
    (row,) = outbox_of(cases_url)
    seen: list[tuple[str, Envelope]] = []
    with relayed_to(database, bus_url, seen):
        consumed = until(lambda: spans.named(f"consume {SUBMITTED}"), "the consumer's span")

    # The answer, the row in the database, the event and the handler's log lines have the browser's id.
    (request_id, envelope) = seen[0]
    assert response.status_code == 200
    assert response.headers["X-Request-Id"] == REQUEST_ID
    assert (row["request_id"], envelope.request_id, request_id) == (REQUEST_ID,) * 3
    # Browser → HTTP → call → gRPC → transaction → consumer → its transaction: each the parent of the next.
    http = spans.named("POST /api/v1/requests")
    call, rpc = spans.named("call SubmitRequest"), spans.named("SubmitRequest")
    assert http is not None
    assert call is not None
    assert rpc is not None
    cause = next(span for span in spans.all() if span["span_id"] == row["traceparent"].split("-")[2])
    assert (http["parent_id"], call["parent_id"], rpc["parent_id"]) == (SPAN, http["span_id"], call["span_id"])
    assert (cause["name"], cause["parent_id"]) == ("transaction", rpc["span_id"])
    assert row["traceparent"] == envelope.traceparent == f"00-{TRACE}-{cause['span_id']}-01"
    assert consumed["parent_id"] == cause["span_id"]
    assert "transaction" in spans.below(consumed)
    assert {span["trace_id"] for span in spans.all()} == {TRACE}


def test_a_trace_holds_nobodys_data(spans: Spans, client: FlaskClient) -> None:
    submit(client)
    again = submit(client)  # the same student a second time

    written = spans.file.read_text(encoding="utf-8")
    assert again.status_code in {200, 409}
    assert spans.named("SubmitRequest") is not None
    assert [word for word in PRIVATE if word in json.dumps(spans.all(), ensure_ascii=False)] == []
    assert "Bearer" not in written


def test_of_an_error_a_span_keeps_the_class_and_not_the_words(spans: Spans) -> None:
    parent = f"00-{TRACE}-{SPAN}-01"
    with pytest.raises(LookupError), tracing.span("outer", parent=parent), tracing.span("inner"):
        raise LookupError("Mere Ōtene, 0123456789")

    assert [(span["name"], span["fault"]) for span in spans.all()] == [
        ("inner", "LookupError"),
        ("outer", "LookupError"),
    ]
    assert "Mere" not in spans.file.read_text(encoding="utf-8")


def test_what_nobody_asked_to_keep_leaves_no_span_and_still_has_one_trace(
    spans: Spans, client: FlaskClient, cases_url: str
) -> None:
    response = submit(client, sampled=False)

    (row,) = outbox_of(cases_url)
    assert response.status_code == 200
    assert row["traceparent"].startswith(f"00-{TRACE}-")
    assert row["traceparent"].endswith("-00")
    assert spans.all() == []


def test_a_read_is_traced_down_to_its_transaction(spans: Spans, client: FlaskClient) -> None:
    headers = {"Authorization": "Bearer an-access-token", "traceparent": f"00-{TRACE}-{SPAN}-01"}
    missing = client.get(f"/api/v1/requests/{uuid4()}", headers=headers)

    rpc = spans.named("GetSubmittedRequest")
    assert rpc is not None
    assert missing.status_code == 404
    assert spans.below(rpc) == ["transaction"]
    assert rpc["fault"] == NotFoundError.__name__
