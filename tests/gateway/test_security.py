"""Who may open a page, what stands around every answer, and what a page costs."""

import json
import threading
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import pytest
import structlog
from ascms.cases.v1 import cases_pb2
from ascms.identity.v1 import identity_pb2
from flask import Flask, Response, g
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from kit import tracing
from kit.errors import UnauthenticatedError, UnavailableError
from services.gateway import security
from services.gateway.app import BODY_BYTES, create_app
from services.gateway.backends import Backends, backend_calls, call, names_of, organisations_of
from services.gateway.config import GatewaySettings
from services.gateway.security import UndeclaredAccessError, caller, needs, open_to_all, takes_up_to
from tests.gateway.conftest import bearer, body_of, exchange
from tests.gateway.people import KOWHAI, LEAD, MANAGER, RIMU, SCHOOL
from tests.support.stubs import Stub

SignIn = Callable[..., FlaskClient]


def add_view(app: Flask, path: str, view: Callable[[], object], *, methods: tuple[str, ...] = ("GET",)) -> None:
    app.add_url_rule(path, endpoint=path, view_func=view, methods=list(methods))  # type: ignore[arg-type]


def test_nobody_signed_in_goes_to_the_sign_in_and_back(app: Flask, services: Mapping[str, Stub]) -> None:
    add_view(app, "/test", needs(None)(lambda: "secret"))

    response = app.test_client().get("/test?state=new&q=M%C4%81rama")

    assert response.status_code == 303
    assert response.headers["Location"] == "/sign-in?next=%2Ftest%3Fstate%3Dnew%26q%3DM%25C4%2581rama"


def test_a_form_of_nobody_is_not_lost_by_a_redirect(app: Flask, services: Mapping[str, Stub]) -> None:
    add_view(app, "/test", needs(None)(lambda: "secret"), methods=("POST",))

    response = app.test_client().post("/test", headers={"Referer": "http://localhost/cases/1?a=b"})
    elsewhere = app.test_client().post("/test", headers={"Referer": "http://evil.example/x"})

    assert response.status_code == 401
    assert 'href="/sign-in?next=%2Fcases%2F1%3Fa%3Db"' in response.text
    assert "evil" not in elsewhere.text


def test_a_fragment_of_nobody_moves_the_whole_page(app: Flask, services: Mapping[str, Stub]) -> None:
    add_view(app, "/test", needs(None)(lambda: "secret"))

    response = app.test_client().get("/test", headers={"HX-Request": "true"})

    assert response.status_code == 401
    assert response.headers["HX-Redirect"].startswith("/sign-in?next=")


def test_a_permission_opens_a_page_or_not(app: Flask, sign_in: SignIn) -> None:
    add_view(app, "/test", needs("cases:assign")(lambda: "for leads"))

    assert sign_in(LEAD).get("/test").text == "for leads"
    assert sign_in(MANAGER).get("/test").status_code == 403


def test_what_a_view_knows_of_its_reader(app: Flask, sign_in: SignIn) -> None:
    seen: list[security.Caller] = []

    def view() -> str:
        seen.append(caller())
        return "seen"

    add_view(app, "/test", needs(None)(view))
    sign_in(LEAD, organisation=RIMU.organisation_id).get("/test")

    (who,) = seen
    assert who.person_id == str(LEAD.person_id)
    assert who.name == LEAD.name
    assert who.organisation == security.Organisation(RIMU.organisation_id, "provider", RIMU.name)
    assert [one.id for one in who.organisations] == [KOWHAI.organisation_id, RIMU.organisation_id]
    assert who.roles == (security.Role("workflow_lead", works=True),)
    assert who.may("cases:assign")
    assert not who.may("figures:national")


def test_an_open_page_asks_nobody(app: Flask, services: Mapping[str, Stub]) -> None:
    add_view(app, "/test", open_to_all(lambda: "open"))

    assert app.test_client().get("/test").text == "open"
    assert services["identity"].received == []


def test_every_view_says_who_may_open_it(app: Flask) -> None:
    assert list(security.undeclared_views(app)) == []


def test_a_view_that_says_nothing_stops_the_application(app: Flask) -> None:
    add_view(app, "/test", lambda: "whose?")

    with pytest.raises(UndeclaredAccessError, match="/test"):
        security.require_declared_access(app)


def test_headers_of_every_page(client: FlaskClient) -> None:
    headers = client.get("/signed-out").headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("host", ["evil.example", "localhost:81", "localhost.evil.example", "", "a b"])
def test_another_host_is_refused(client: FlaskClient, host: str) -> None:
    page = client.get("/signed-out", headers={"Host": host})
    api = client.get("/api/v1/cases", headers={"Host": host})

    assert (page.status_code, api.status_code) == (400, 400)
    assert "evil" not in page.text


def test_another_name_of_a_developers_machine_is_known(settings: GatewaySettings) -> None:
    here = settings.model_copy(update={"public_url": "http://127.0.0.1:8080"})
    live = settings.model_copy(update={"public_url": "https://cases.example.nz"})
    aliases = ["localhost:8080", "127.0.0.1:8080", "[::1]:8080"]
    others = ["localhost", "localhost:8081", "localhost:x", "evil.example:8080", "", "127.0.0.1.evil.example:8080"]
    assert [host for host in [*aliases, *others] if here.is_own_alias(host)] == aliases
    assert not live.is_own_alias("localhost")


def test_probes_answer_under_any_host(client: FlaskClient) -> None:
    assert client.get("/health/live", headers={"Host": "10.0.0.7:8080"}).status_code == 200


def test_ready_follows_the_services(
    app: Flask, settings: GatewaySettings, services: Mapping[str, Stub], backends: Backends
) -> None:
    partly = Backends({**backends.addresses, "reporting": "127.0.0.1:1"})
    not_at_all = Backends({**backends.addresses, "cases": "127.0.0.1:1"})

    ready = app.test_client().get("/health/ready")
    without_figures = create_app(settings, backends=partly).test_client().get("/health/ready")
    without_cases = create_app(settings, backends=not_at_all).test_client().get("/health/ready")
    partly.close()
    not_at_all.close()

    assert (ready.status_code, body_of(ready)["ready"]) == (200, True)
    assert (without_figures.status_code, body_of(without_figures)["checks"]["reporting"]) == (200, False)
    assert (without_cases.status_code, body_of(without_cases)["checks"]["cases"]) == (503, False)


def test_metrics_are_not_for_the_public(client: FlaskClient) -> None:
    client.get("/signed-out", buffered=True)

    assert "http_seconds_count" in client.get("/metrics").text
    assert client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 404


def test_a_request_in_the_log_has_ids_and_no_words(app: Flask, sign_in: SignIn, services: Mapping[str, Stub]) -> None:
    add_view(app, "/test", needs(None)(lambda: "seen"), methods=("POST",))
    browser = sign_in(LEAD)

    with capture_logs(processors=[_with_context]) as lines:
        browser.post("/test?q=Aroha", data={"note": "Hine"}, headers={"X-Request-Id": "request-0001"}, buffered=True)

    (line,) = [one for one in lines if one["event"] == "request"]
    assert line["method"] == "POST"
    assert line["route"] == "/test"
    assert line["status"] == 200
    assert line["ms"] >= 0
    assert line["request_id"] == "request-0001"
    assert line["actor_id"] == str(LEAD.person_id)
    assert "Aroha" not in json.dumps(line)
    assert "Hine" not in json.dumps(line)


def _with_context(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    return dict(event) | structlog.contextvars.get_contextvars()


def test_a_large_body_is_refused_before_it_is_read(app: Flask, sign_in: SignIn) -> None:
    add_view(app, "/test", needs(None)(lambda: "read"), methods=("POST",))
    add_view(app, "/files", takes_up_to(5_000_000)(needs(None)(lambda: "read")), methods=("POST",))
    app.config["WTF_CSRF_ENABLED"] = True
    browser = sign_in(LEAD)

    refused = browser.post("/test", data={"file": "x" * BODY_BYTES})
    # Past the limit, it is the missing token of the form that is refused.
    taken = browser.post("/files", data=b"x" * BODY_BYTES)

    assert (refused.status_code, taken.status_code) == (413, 400)


def test_calls_carry_the_reader_and_are_counted(app: Flask, sign_in: SignIn, services: Mapping[str, Stub]) -> None:
    def view() -> Response:
        call("cases", "ListCases", cases_pb2.ListCasesRequest(), idempotency_key="key")
        return Response(",".join(backend_calls()))

    add_view(app, "/test", needs(None)(view))
    response = sign_in(MANAGER).get("/test", headers={"X-Request-Id": "request-0002"})

    assert response.text == "cases.ListCases"
    assert response.headers["X-Backend-Calls"] == "cases.ListCases"
    (received,) = services["cases"].received
    assert received.actor is not None
    assert received.actor.actor_id == MANAGER.person_id
    assert received.idempotency_key == "key"


def test_names_are_asked_for_once_a_minute_and_organisation(
    app: Flask, sign_in: SignIn, services: Mapping[str, Stub]
) -> None:
    ids = [str(LEAD.person_id), str(MANAGER.person_id), "", str(LEAD.person_id)]
    people = [identity_pb2.Person(person_id=ids[0], name="Hēmi"), identity_pb2.Person(person_id="x", name="other")]
    services["identity"].on("BatchGetPeople", identity_pb2.BatchGetPeopleResponse(people=people))
    seen: list[dict[str, str]] = []

    def view() -> str:
        seen.append(names_of(ids))
        return "seen"

    add_view(app, "/test", needs(None)(view))
    for _ in range(2):
        sign_in(LEAD).get("/test")
    sign_in(LEAD, organisation=RIMU.organisation_id).get("/test")

    assert seen == [{ids[0]: "Hēmi"}] * 3
    asked = services["identity"].calls("BatchGetPeople")
    assert len(asked) == 2
    assert list(asked[0].request.person_ids) == ids[:2]


def test_organisations_by_id(app: Flask, sign_in: SignIn, services: Mapping[str, Stub]) -> None:
    services["identity"].on("BatchGetOrganisations", identity_pb2.BatchGetOrganisationsResponse(organisations=[SCHOOL]))
    seen: list[dict[str, security.Organisation]] = []

    def view() -> str:
        seen.append(organisations_of([SCHOOL.organisation_id, RIMU.organisation_id]))
        return "seen"

    add_view(app, "/test", needs(None)(view))
    for _ in range(2):
        sign_in(LEAD).get("/test")

    expected = security.Organisation(SCHOOL.organisation_id, "school", SCHOOL.name)
    assert seen == [{SCHOOL.organisation_id: expected}] * 2
    assert len(services["identity"].calls("BatchGetOrganisations")) == 1


def test_many_names_come_in_batches(app: Flask, sign_in: SignIn, services: Mapping[str, Stub]) -> None:
    ids = [f"01890a5d-ac96-774b-bcce-{number:012x}" for number in range(450)]
    add_view(app, "/test", needs(None)(lambda: str(names_of(ids))))

    assert sign_in(LEAD).get("/test").text == "{}"
    assert [len(one.request.person_ids) for one in services["identity"].calls("BatchGetPeople")] == [200, 200, 50]


def test_identity_away_is_asked_once_for_a_page_and_its_frame(
    app: Flask, sign_in: SignIn, services: Mapping[str, Stub]
) -> None:
    services["identity"].on("ExchangeToken", UnavailableError("away", "away"))
    add_view(app, "/test", needs(None)(lambda: "seen"))

    response = sign_in(LEAD).get("/test")

    assert response.status_code == 503
    assert len(services["identity"].calls("ExchangeToken")) == 1


def test_a_stream_whose_token_is_refused_is_not_sent_twice(
    app: Flask, sign_in: SignIn, services: Mapping[str, Stub]
) -> None:
    def old(request: identity_pb2.ExchangeTokenRequest) -> identity_pb2.ExchangeTokenResponse:
        answer = exchange(request)
        answer.token = "old"
        return answer

    services["identity"].on("ExchangeToken", old)
    add_view(app, "/test", needs(None)(lambda: call("documents", "UploadDocument", iter(()))))

    assert sign_in(LEAD).get("/test").status_code == 503


def test_one_trace_from_the_browser_to_the_service(client: FlaskClient, services: Mapping[str, Stub]) -> None:
    traced: list[str] = []

    def answer(_request: object) -> cases_pb2.ListCasesResponse:
        traced.append(tracing.traceparent())
        return cases_pb2.ListCasesResponse()

    services["cases"].on("ListCases", answer)
    trace = "0af7651916cd43dd8448eb211c80319c"

    client.get("/api/v1/cases", headers=bearer(LEAD, traceparent=f"00-{trace}-b7ad6b7169203331-01"))

    assert [one.split("-")[1] for one in traced] == [trace]


def test_threads_keep_their_readers_apart(app: Flask, services: Mapping[str, Stub]) -> None:
    names: list[str] = []

    def view() -> str:
        return str(g.caller.name)

    add_view(app, "/test", needs(None)(view))
    cookies = app.extensions["ascms.login"].cookies

    def ask(person: object) -> None:
        browser = app.test_client()
        tokens = [person.access_token, "", 2**40, "s", 2**40, ""]  # type: ignore[attr-defined]
        browser.set_cookie("gateway-sign-in", cookies.seal.seal(json.dumps(tokens)))
        names.extend(f"{person.name}={browser.get('/test').text}" for _ in range(10))  # type: ignore[attr-defined]

    threads = [threading.Thread(target=ask, args=(person,)) for person in (LEAD, MANAGER) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(names) == {f"{LEAD.name}={LEAD.name}", f"{MANAGER.name}={MANAGER.name}"}


def test_nobody_is_not_an_error_for_the_frame(app: Flask, services: Mapping[str, Stub]) -> None:
    with app.test_request_context("/", base_url="http://localhost"):
        assert security.caller_or_none() is None
        assert security.is_signed_out()
        with pytest.raises(UnauthenticatedError):
            caller()
