"""Ids of another tenant get nobody anywhere, by any RPC, REST route or page; the calls are made from the contracts.

The last test loosens one policy of the running system for a moment, and has to see the first ones fail.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from psycopg import sql
from pydantic import SecretStr

from deploy.story.browser import Browser
from deploy.story.signin import sign_in
from kit.rpc.contract import Method
from services.gateway.app import create_app
from services.gateway.config import GatewaySettings
from tests.support.requests_from_contract import ids_asked_for, request_with_ids
from tests.support.system import System
from tests.support.world import (
    CANARY_FILE,
    CANARY_NOTE,
    Asker,
    Outcome,
    Rest,
    World,
    all_methods,
    environment_of,
    rest_of,
    world_of,
)

REFUSED = {"NOT_FOUND", "PERMISSION_DENIED", "UNAUTHENTICATED", "INVALID_ARGUMENT"}
REFUSED_BY_REST = {400, 401, 403, 404}
ANSWERED = {"OK"}
OWN_REFUSALS = {"FAILED_PRECONDITION", "ABORTED", "ALREADY_EXISTS"}
"""What someone may be told of their own: of a thing of their organisation, or by a request that names no id."""
# Whose organisation it is, is no secret: a register of them is public.
PUBLIC = {"school_id", "last_school_id", "provider_id", "organisation_id", "organisation_ids", "tenant_id"}
OUTSIDERS = ("kowhai", "rawiri", "paora", "ihaka", "tui", "oriwa", "rupene")
INSIDERS = ("anahera", "tane", "wiremu", "mere", "huria")
"""Of the provider or the school, and yet the case is not theirs to see."""
AUTHORISERS = {"tane.authoriser@putahi.example"}
ADMINISTRATORS = {"tui.administrator@ministry.example"}
OWN_WORK = {("rupene.contact@pohutukawa.example", "GetProviderContacts")}
"""The provider of rupene's own school is this one: a school may know whom to ring there."""
_CHANGING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27}|<input[^>]*name=\"(csrf_token|once)\"[^>]*>|nonce=\"[^\"]*\"|content=\"[^\"]*\""
)


@pytest.fixture(scope="module")
def world(system: System) -> Iterator[World]:
    with world_of(system) as made:
        harvest(made)
        yield made


def harvest(world: World) -> None:
    """Add every other id that the owners' own reads show, so that a new field finds its value."""
    for asker in (world.manager, world.lead, world.school):
        for method in all_methods():
            is_json = method.http_rule and method.is_read and not method.descriptor.server_streaming
            if is_json and private_ids(method) <= set(world.ids):
                answer = world.rest(asker, rest_of(method, request_for(method, world.ids)))
                if answer.status_code == 200:
                    for name, value in _ids_in(answer.json()):
                        world.ids.setdefault(name, value)


def _ids_in(found: Any) -> Iterator[tuple[str, str]]:
    match found:
        case dict():
            for name, value in found.items():
                if name.endswith("_id") and isinstance(value, str) and value:
                    yield name, value
                yield from _ids_in(value)
        case list():
            for one in found:
                yield from _ids_in(one)


def private_ids(method: Method) -> set[str]:
    """The names of the ids that a method asks for and that are someone's own."""
    asked = ids_asked_for(method.descriptor.input_type)
    return {name for name in asked if name not in PUBLIC and f"{name}s" not in PUBLIC}


def request_for(method: Method, ids: Mapping[str, str]) -> Message:
    """A valid request with these ids; a list is not narrowed by any state or kind."""
    request = request_with_ids(method.descriptor.input_type, ids)
    if method.is_read:
        for field in method.descriptor.input_type.fields:
            if field.enum_type is not None:
                request.ClearField(field.name)
    return request


def unary(asker: Asker, *, with_route: bool = False) -> list[Method]:
    """Every RPC that takes one message and gives one, but not what is someone's own work.

    That is what an authoriser does to the people of their own, and the ministry's administrator to the register.
    """
    return [
        method
        for method in all_methods()
        if not method.descriptor.client_streaming
        and not method.descriptor.server_streaming
        and (method.http_rule is not None or not with_route)
        and not (asker.words in AUTHORISERS and method.access.permission.startswith("people:") and not method.is_read)
        and (asker.words, method.descriptor.name) not in OWN_WORK
        and not (asker.words in ADMINISTRATORS and method.access.permission == "organisations:manage")
    ]


def unknown(ids: Mapping[str, str]) -> dict[str, str]:
    """The same names with ids of nothing; organisations stay."""
    return {name: value if name in PUBLIC else str(uuid4()) for name, value in ids.items()}


def leaks(world: World, asker: Asker, text: str, *, allowed: frozenset[str] = frozenset()) -> list[str]:
    """What a text shows of the world, each id and canary by name."""
    ids = {name: value for name, value in world.ids.items() if name not in PUBLIC | allowed}
    canaries = world.canaries if not allowed else ("note-canary", CANARY_FILE)
    found = [f"{asker.words} sees {name}" for name, value in ids.items() if value in text]
    return found + [f"{asker.words} sees {canary!r}" for canary in canaries if canary in text]


def judge_rpcs(world: World, asker: Asker, *, allowed: frozenset[str] = frozenset()) -> list[str]:
    """Everything that the RPCs give away to an asker, in words."""
    found = []
    for method in unary(asker):
        name = method.descriptor.name
        got = world.rpc(asker, method, request_for(method, world.ids))
        if got.code not in REFUSED | ANSWERED | (OWN_REFUSALS if allowed or not private_ids(method) else set()):
            found.append(f"{name}: {asker.words} is answered {got.code} {got.details}")
        found += [f"{name}: {one}" for one in leaks(world, asker, got.text, allowed=allowed)]
        if private_ids(method) and not allowed:
            other = world.rpc(asker, method, request_for(method, unknown(world.ids)))
            if other != got:
                found.append(f"{name}: {asker.words} can tell a foreign id from none: {got} {other}")
    return found


def judge_rest(world: World, asker: Asker, *, allowed: frozenset[str] = frozenset()) -> list[str]:
    """The same for the REST API."""
    found = []
    for method in unary(asker, with_route=True):
        call = rest_of(method, request_for(method, world.ids))
        got = world.rest(asker, call)
        where = f"{call.verb} {call.path}"
        is_own = bool(allowed) or not private_ids(method)
        if got.status_code not in REFUSED_BY_REST | {200} | ({409} if is_own else set()):
            found.append(f"{where}: {asker.words} is answered {got.status_code} {got.text}")
        found += [f"{where}: {one}" for one in leaks(world, asker, got.text, allowed=allowed)]
        if private_ids(method) and not allowed:
            other = world.rest(asker, rest_of(method, request_for(method, unknown(world.ids))))
            if _refusal(got) != _refusal(other):
                found.append(f"{where}: {asker.words} can tell a foreign id from none: {got.text} {other.text}")
    return found


def _refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, re.sub(r'"request_id": *"[^"]*"', "", answer.text)


def strangers(world: World) -> list[Asker]:
    """Everyone who has nothing to do with the request or its case."""
    return [*(world.person(name) for name in OUTSIDERS), Asker("nobody", ""), Asker("a made-up token", "x" * 43)]


def insiders(world: World) -> list[Asker]:
    """Those who share its organisation."""
    return [*(world.person(name) for name in INSIDERS), world.machine()]


SHARED = frozenset(
    {
        "person_id",
        "person_ids",
        "case_manager_id",
        "owner_id",
        "primary_contact_id",
        "invitation_id",
        "submitted_by",
        "request_id",
        "draft_id",
        "notice_id",
        "subject_id",
    }
)
"""What an insider may know: the school its request, both their people, each their notices."""


def test_every_id_that_a_contract_asks_for_is_tried(world: World) -> None:
    # What only services may ask is refused before any id is read.
    asked = {name for method in all_methods() for name in private_ids(method) if not method.access.purpose}
    assert asked <= set(world.ids), "make one of each in tests/support/world.py"


def test_the_owners_get_their_own(world: World) -> None:
    case, request = {"case_id": world.ids["case_id"]}, {"request_id": world.ids["request_id"]}
    for asker, name, ids, expected in (
        (world.manager, "GetCase", case, CANARY_NOTE),
        (world.lead, "GetCase", case, CANARY_NOTE),
        (world.manager, "ListEvents", case, CANARY_NOTE),
        (world.manager, "ListDocuments", case, CANARY_FILE),
        (world.manager, "DownloadDocument", {"document_id": world.ids["document_id"]}, CANARY_FILE),
        (world.lead, "GetIncomingRequest", request, world.number),
        (world.school, "GetSubmittedRequest", request, world.number),
        (world.machine(), "GetSubmittedRequest", request, world.number),
    ):
        method = world.method(name)
        got = world.rpc(asker, method, request_with_ids(method.descriptor.input_type, ids))
        assert (got.code, expected in got.text) == ("OK", True), (name, asker.words, got)


@pytest.mark.timeout(60)
def test_strangers_reach_nothing_by_rpc(world: World) -> None:
    assert [fault for asker in strangers(world)[:-1] for fault in judge_rpcs(world, asker)] == []


@pytest.mark.timeout(60)
def test_strangers_reach_nothing_by_rest(world: World) -> None:
    assert [fault for asker in strangers(world) for fault in judge_rest(world, asker)] == []


@pytest.mark.timeout(60)
def test_colleagues_reach_no_case_that_is_not_theirs(world: World) -> None:
    found = []
    at_school = {world.school.words, world.machine().words}
    for asker in insiders(world):
        # A school knows that there is a case; of what happened in it nothing is shared here, so it must see nothing.
        allowed = SHARED | {"case_id"} if asker.words in at_school else SHARED
        found += judge_rpcs(world, asker, allowed=allowed) + judge_rest(world, asker, allowed=allowed)
    assert found == []


def test_a_case_that_is_not_theirs_is_as_none_to_colleagues(world: World) -> None:
    colleague = world.person("anahera")
    for name in ("GetCase", "ListEvents", "ListDocuments", "CheckCase", "RecordEvent"):
        method = world.method(name)
        got, other = (world.rpc(colleague, method, request_for(method, ids)) for ids in (world.ids, unknown(world.ids)))
        assert (got, got.code) == (other, "NOT_FOUND"), name


def test_streams_are_refused_too(world: World) -> None:
    upload = world.method("UploadDocument")
    downloads = [world.method(name) for name in ("DownloadDocument", "DownloadSharedDocument")]
    seen: dict[str, set[tuple[Outcome, ...]]] = {}
    for asker in [*strangers(world)[:-1], *insiders(world)]:
        for ids in (world.ids, unknown(world.ids)):
            part = GetMessageClass(upload.descriptor.input_type)
            header = part(header={"case_id": ids["case_id"], "name": "a.txt"})
            got = world.rpc(asker, upload, [header, part(chunk=b"x")])
            given = [world.rpc(asker, one, request_with_ids(one.descriptor.input_type, ids)) for one in downloads]
            seen.setdefault(asker.words, set()).add((got, *given))
            assert {got.code, *(one.code for one in given)} <= REFUSED, (asker.words, got, given)
            by_rest = (
                world.rest(asker, Rest("POST", f"/api/v1/cases/{ids['case_id']}/documents", [("name", "a.txt")], None)),
                world.rest(asker, Rest("GET", f"/api/v1/documents/{ids['document_id']}/content", [], None)),
                world.rest(asker, Rest("GET", f"/api/v1/shared-documents/{ids['document_id']}/content", [], None)),
            )
            assert {answer.status_code for answer in by_rest} <= REFUSED_BY_REST, asker.words
    assert [words for words, outcomes in seen.items() if len(outcomes) > 1] == []


def test_anothers_people_are_as_none_where_a_case_is_ones_own(world: World) -> None:
    lead = world.person("kowhai")
    case_id = world.get(lead, "/v1/cases", page_size=1)["cases"][0]["case_id"]
    waiting = world.get(lead, "/v1/incoming-requests", page_size=1)["requests"]
    assign, open_case = world.method("AssignCase"), world.method("OpenCase")
    requests = [(assign, {"case_id": case_id})]
    requests += [(open_case, {"request_id": one["request_id"]}) for one in waiting]
    for method, own in requests:
        foreign, none = (
            world.rpc(lead, method, request_with_ids(method.descriptor.input_type, {**own, "case_manager_id": manager}))
            for manager in (world.ids["case_manager_id"], str(uuid4()))
        )
        assert (foreign, foreign.code != "OK") == (none, True)


def test_a_page_token_is_good_for_its_own_organisation_alone(world: World) -> None:
    owners = (world.manager, world.lead, world.school, world.person("tui"))
    tried, found = 0, []
    for method in unary(world.lead):
        if "page_token" not in method.descriptor.input_type.fields_by_name:
            continue
        for owner in owners:
            request: Any = request_for(method, world.ids)
            request.page_size = 1
            first: Any = world.rpc(owner, method, request)
            if first.code != "OK" or not first.response.next_page_token:
                continue
            request.page_token = first.response.next_page_token
            tried += 1
            for asker in strangers(world)[:-1]:
                if owner.words == asker.words:
                    continue
                got = world.rpc(asker, method, request)
                found += [f"{method.path}: {one}" for one in leaks(world, asker, got.text)]
                if got.code not in REFUSED:
                    found.append(f"{method.path}: {asker.words} reads on with the token of {owner.words}")
    assert tried >= 5
    assert found == []


@pytest.mark.timeout(60)
def test_anothers_idempotency_key_changes_no_refusal(world: World) -> None:
    """Every write that is refused is refused in the same words with a key that someone else used as with none."""
    found, tried = [], 0
    assert len(world.used_keys) >= 4
    for asker in (world.person("kowhai"), world.person("paora"), world.person("anahera")):
        for method in unary(asker):
            request = request_for(method, world.ids)
            without = None if method.is_read or method.access.is_open else world.rpc(asker, method, request)
            if without is None or without.code == "OK":
                continue
            for owner, key in world.used_keys.items():
                tried += 1
                if world.rpc(asker, method, request, key=key) != without:
                    found.append(f"{method.path}: {asker.words} is answered otherwise with the key of {owner}")
    assert tried > 100
    assert found == []


def test_anothers_idempotency_key_answers_nothing(world: World) -> None:
    submission = world.submission() | {"concern": "Asked for by two schools.", "steps_tried": ""}
    number = f"{uuid4().int % 10**9:09d}"
    submission["student"] = {
        "nsn": number,
        "given_names": "Sparrow Sample",
        "date_of_birth": "2014-02-03",
        "year_level": 5,
    }
    submission["caregivers"] = []
    submitted = world.post(world.school, "/v1/requests", submission, key=world.keys["Other"])["request"]["request_id"]
    case_path = f"/api/v1/cases/{world.ids['case_id']}"
    opened = {"case_manager_id": world.ids["case_manager_id"]}
    calls = {
        "Other": Rest("POST", "/api/v1/requests", [], submission),
        "OpenCase": Rest("POST", f"/api/v1/incoming-requests/{world.ids['request_id']}:open", [], opened),
        "RecordEvent": Rest("POST", f"{case_path}/events", [], world.visit()),
    }
    secret = {submitted} | {value for name, value in world.ids.items() if name not in PUBLIC}
    for name, call in calls.items():
        for asker in [*strangers(world), world.person("anahera")]:
            got = world.rest(asker, call, key=world.keys[name])
            assert [one for one in secret if one in got.text] == [], (name, asker.words, got.text)
    again = world.rest(world.manager, calls["RecordEvent"], key=world.keys["RecordEvent"]).json()
    assert again["entry"]["entry_id"] == world.ids["entry_id"]


@pytest.mark.timeout(60)
def test_strangers_reach_nothing_by_page(world: World) -> None:
    paths = _pages_with_ids()
    assert "/cases/{case_id}" in paths
    found = []
    for name in ("kowhai", "paora", "ihaka", "anahera", "wiremu"):
        browser = Browser(world.cast.base_url)
        sign_in(browser, next(one for one in world.cast.people if one.email.startswith(f"{name}.")))
        for path in paths:
            got, other = (browser.get(path.format_map(ids)) for ids in (world.ids, unknown(world.ids)))
            if got.status not in {403, 404}:
                found.append(f"{path}: {name} is answered {got.status}")
            if _CHANGING.sub("", got.html) != _CHANGING.sub("", other.html):
                found.append(f"{path}: {name} can tell a foreign id from none")
            found += [f"{path}: {name} sees {one!r}" for one in world.canaries if one in got.html]
        browser.close()
    assert found == []


def _pages_with_ids() -> list[str]:
    """The address of every page that takes an id."""
    here = GatewaySettings(
        environment="test", public_url="http://127.0.0.1:1", issuer="http://127.0.0.1:2",
        gateway_client_secret=SecretStr("x"), secret=SecretStr("x" * 32), identity_address="x", cases_address="x",
        documents_address="x", reporting_address="x", notifications_address="x",
    )  # fmt: skip
    rules = create_app(here).url_map.iter_rules()
    return sorted(
        {
            re.sub(r"<uuid:(\w+)>", r"{\1}", rule.rule)
            for rule in rules
            if "<uuid:" in rule.rule and "GET" in (rule.methods or ()) and not rule.rule.startswith("/api/")
        }
    )


@contextmanager
def loosened(world: World, table: str) -> Iterator[None]:
    """One table of cases, for a moment, readable by every tenant."""
    login = environment_of(world.system, "cases")["ASCMS_DATABASE_URL"]
    with psycopg.connect(login.replace("cases_login@", "postgres@"), autocommit=True) as admin:
        name, rule = admin.execute(
            "SELECT policyname, qual FROM pg_policies WHERE tablename = %s AND 'cases_tenant' = ANY(roles) "
            "AND cmd IN ('ALL', 'SELECT')", [table]
        ).fetchone() or ("", "")  # fmt: skip
        change = sql.SQL("ALTER POLICY {} ON {} USING ({})")
        parts = sql.Identifier(name), sql.Identifier(table)
        admin.execute(change.format(*parts, sql.SQL("true")))
        try:
            yield
        finally:
            admin.execute(change.format(*parts, sql.SQL(rule)))


def test_the_judges_see_a_loosened_policy(world: World) -> None:
    lead = world.person("kowhai")
    with loosened(world, "case_record"):
        by_rpc, by_rest = judge_rpcs(world, lead), judge_rest(world, lead)
    assert any("GetCase" in one and "sees" in one for one in by_rpc)
    assert any("can tell a foreign id from none" in one for one in by_rest)
    assert judge_rpcs(world, lead) == []
