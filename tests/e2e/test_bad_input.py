"""Whatever is sent to a real system, by REST or by forms: a clear 4xx that names field and rule, and no half a write.

The faults are tried on every write route that the contracts have, so a new one is tried as well.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest
import requests
from psycopg import sql

from deploy.story.browser import Browser, Form
from deploy.story.signin import sign_in
from kit.rpc.contract import Method
from kit.tables import TableClass, table_class
from services.cases.importing import COLUMNS
from services.cases.store import METADATA
from tests.support.requests_from_contract import request_with_ids
from tests.support.system import System
from tests.support.world import TIMEOUT_SECONDS, Asker, Rest, World, all_methods, environment_of, rest_of, world_of

TEN_MEGABYTES = 10 * 1024 * 1024
DEEP = 50_000
# What a person may well write, and what must come back as it was written and do nothing.
AS_TYPED = (
    '<script>alert(1)</script> <b>"it\'s"</b> =HYPERLINK("http://x") #set text(red) *b* {{7*7}} ${x} %s \\n Pūkeko'
)
PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def world(system: System) -> Iterator[World]:
    with world_of(system) as made:
        yield made


def writes() -> list[Method]:
    """Every RPC with a route that changes something and takes JSON; what takes a file has its own tests."""
    return [
        method
        for method in all_methods()
        if method.http_rule is not None and not method.is_read and not method.descriptor.client_streaming
    ]


def owner(world: World, method: Method) -> Asker:
    """Someone who may call it."""
    return world.one_who_may(method.access.permission)


def valid(world: World, method: Method) -> tuple[Rest, dict[str, Any]]:
    """Call and body that the contract's own rules let through."""
    call = rest_of(method, request_with_ids(method.descriptor.input_type, world.ids))
    assert call.body is not None
    return call, call.body


def rows(world: World) -> dict[str, int]:
    """How many rows each of cases' tables has, but for those that reading fills."""
    login = environment_of(world.system, "cases")["ASCMS_DATABASE_URL"]
    owned = [
        table.name
        for table in METADATA.sorted_tables
        if table_class(table) in {TableClass.TENANT, TableClass.SHARED} and table.name != "access_log"
    ]
    with psycopg.connect(login.replace("cases_login@", "postgres@")) as admin:
        found = {}
        for name in [*owned, "audit"]:
            counted = admin.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))).fetchone()
            assert counted is not None
            found[name] = counted[0]
        last = admin.execute("SELECT last_value FROM pg_sequences WHERE sequencename LIKE 'outbox%'").fetchone()
        return found | {"position": last[0] if last else 0}


@contextmanager
def nothing_written(world: World) -> Iterator[None]:
    """What happens inside leaves no row behind."""
    before = rows(world)
    yield
    after = {name: count for name, count in rows(world).items() if name != "position"}
    assert after == {name: count for name, count in before.items() if name != "position"}


def send(
    world: World, asker: Asker, to: str | Rest, data: Any, *, content_type: str = "application/json", **headers: str
) -> requests.Response:
    """Send bytes, or a generator of them in chunks, as they are: to a call's address, or by POST to a path."""
    verb, path = (to.verb, to.path) if isinstance(to, Rest) else ("POST", to)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return world.session.request(
        verb,
        world.cast.base_url + path,
        data=data,
        headers={"Authorization": f"Bearer {asker.access_token}", "Content-Type": content_type, **named},
        timeout=TIMEOUT_SECONDS,
    )


def fault_of(answer: requests.Response, *statuses: int) -> str:
    """What is wrong with a refusal; empty when it is clear."""
    where = f"{answer.request.method} {answer.request.path_url[:80]} {answer.status_code} {answer.text[:200]}"
    if answer.status_code not in statuses:
        return f"status: {where}"
    if answer.headers["Content-Type"] != PROBLEM:
        return f"type: {where}"
    found = answer.json()
    if not (found["reason"] and found["detail"] and found["request_id"]):
        return f"says nothing: {where}"
    if answer.status_code == 400 and not all(one["field"] and one["description"] for one in found["violations"]):
        return f"names no field: {where}"
    if answer.status_code == 400 and not found["violations"]:
        return f"names no field at all: {where}"
    return ""


EXPLAINED = {("PlanRegister", "content")}
"""Files whose faults are the answer: by line and path, and nothing is planned."""


def faulty_bodies(body: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, bytes]:
    """Bodies that are wrong whatever the route, by what is wrong with them; `fields` are those to fill with junk."""
    found = {
        "an array": b"[]",
        "text": b'"x"',
        "null": b"null",
        "cut off": b"{",
        "nothing": b" ",
        "not UTF-8": b'{"note": "\xff\xfe"}',
        "UTF-16": '{"a": 1}'.encode("utf-16"),
        "twice": b'{"a": 1, "a": 2}',
        "deep arrays": b"[" * DEEP,
        "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
        "not a number": b'{"expected_version": NaN}',
        "endless": b'{"expected_version": 1e999}',
        "many digits": b'{"expected_version": ' + b"9" * 6_000 + b"}",
        "unknown field": json.dumps({**body, "tenant_id": "x"}).encode(),
    }
    for name, value in fields.items():
        found |= {f"{name}: {junk!r:.20}": json.dumps({**body, name: junk}).encode() for junk in _junk(value)}
    return found


def _junk(value: Any) -> list[Any]:
    match value:
        case bool():
            return ["true", 1, []]
        case int():
            return ["1e3", "0x10", " 7", "\N{FULLWIDTH DIGIT SEVEN}", "1_0", "", 1.5, -1, 2**70, True, [], {}]
        case str():
            return ["\0", "a\0b", "\ud800", "\u202e", "x" * 40_000, 7, True, [], {}]
        case list():
            return ["x", 7, {}, [7], [[]], [None]]
        case _:
            return ["x", 7, []]


def test_every_write_refuses_what_is_wrong_and_writes_nothing(world: World) -> None:
    faults = []
    with nothing_written(world):
        for method in writes():
            asker = owner(world, method)
            call, body = valid(world, method)
            junk = {name: value for name, value in body.items() if (method.descriptor.name, name) not in EXPLAINED}
            for words, content in faulty_bodies(body, junk).items():
                answer = send(world, asker, call, content, Idempotency_Key=str(uuid4()))
                if fault := fault_of(answer, 400):
                    faults.append(f"{words}: {fault}")
    assert faults == []


def test_every_write_refuses_what_is_not_its_type_or_size(world: World) -> None:
    faults = []
    with nothing_written(world):
        for method in writes():
            asker = owner(world, method)
            call, body = valid(world, method)
            large = json.dumps({**body, "note": "x" * TEN_MEGABYTES}).encode()
            pieces = (large[start : start + 65_536] for start in range(0, len(large), 65_536))
            for answer, statuses in (
                (send(world, asker, call, b"a=b", content_type="application/x-www-form-urlencoded"), (415,)),
                (send(world, asker, call, b"<a/>", content_type="text/xml"), (415,)),
                (send(world, asker, call, b"{}", content_type="application/json; charset=utf-16"), (415,)),
                (send(world, asker, replace(call, path=f"{call.path}?unknown=1"), json.dumps(body).encode()), (400,)),
                (send(world, asker, call, json.dumps(body).encode(), Idempotency_Key="a b"), (400,)),
                (send(world, asker, call, json.dumps(body).encode(), Idempotency_Key="x" * 5_000), (400,)),
                (send(world, asker, call, json.dumps(body).encode(), X_Organisation="'; --"), (400,)),
                (send(world, asker, call, json.dumps(body).encode(), If_Match='W/"x"'), (400,)),
                (send(world, asker, call, large), (413,)),
                (send(world, asker, call, pieces), (413,)),
            ):
                if fault := fault_of(answer, *statuses):
                    faults.append(fault)
    assert faults == []


@pytest.mark.parametrize(
    "id_",
    ["x", "..", "%00", "%FF", "1", "0" * 5_000, "01890a5d-ac96-774b-bcce-b302099a805", "{01890a5dac96774bbcceb302099a8057}",  # noqa: E501 - one list
     "01890A5D-AC96-774B-BCCE-B302099A8057", "%2e%2e%2f", "' OR 1=1"],
)  # fmt: skip
def test_an_id_that_is_none(world: World, id_: str) -> None:
    for asker, path in (
        (world.manager, "/api/v1/cases/{}"),
        (world.manager, "/api/v1/cases/{}/events"),
        (world.lead, "/api/v1/incoming-requests/{}"),
        (world.school, "/api/v1/requests/{}"),
        (world.school, "/api/v1/schools/{}/provider"),
    ):
        url = world.cast.base_url + path.format(quote(id_, safe="%"))
        answer = world.session.get(
            url, headers={"Authorization": f"Bearer {asker.access_token}"}, timeout=TIMEOUT_SECONDS
        )
        assert answer.status_code in {400, 404}, (url, answer.status_code)
        assert fault_of(answer, answer.status_code) == ""
    browser = Browser(world.cast.base_url)
    assert browser.get(f"/cases/{quote(id_, safe='%')}").status in {200, 404, 400}


def test_a_stale_version_and_a_key_used_for_something_else(world: World) -> None:
    case_path = f"/api/v1/cases/{world.ids['case_id']}"
    assign = json.dumps({"case_manager_id": world.ids["case_manager_id"]}).encode()
    stale = json.dumps({"case_manager_id": world.ids["case_manager_id"], "expected_version": 1}).encode()
    other = json.dumps(world.visit() | {"minutes": 1}).encode()
    with nothing_written(world):
        by_header = send(world, world.lead, f"{case_path}:assign", assign, If_Match='"1"')
        by_field = send(world, world.lead, f"{case_path}:assign", stale)
        reused = send(world, world.manager, f"{case_path}/events", other, Idempotency_Key=world.keys["RecordEvent"])
    assert fault_of(by_header, 412) == fault_of(by_field, 409) == fault_of(reused, 400) == ""
    assert by_header.json()["reason"] == by_field.json()["reason"] == "stale-version"
    assert reused.json()["reason"] == "idempotency-key-reused"


HEADER = ",".join(COLUMNS)
ROW = "0417,,Kea Sample,,,2014-02-03,5,,,,,,,2026-T1,10,60,Away often.," + "," * (len(COLUMNS) - 18)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a,b\n1,2\n", "header"),
        (HEADER.encode() + b"\n" + ROW.encode().replace(b"Kea", b"K\xe9a") + b"\n", "not-utf-8"),
        (HEADER.encode() + b"\n" + ROW.encode().replace(b"Kea", b"K\0a") + b"\n", "nul"),
        (HEADER.encode() + b"\n", "no-rows"),
        (HEADER.encode() + b'\n"' + ROW.encode() + b"\n", "not-csv"),
        (HEADER.encode() + b"\n" + b"x" * 1_048_577, "too-long"),
        (HEADER.encode() + b"\n" + (ROW.encode() + b"\n") * 1_001, "too-many-rows"),
        (HEADER.encode() + b"\n" + b'"' + b"x" * 200_000 + b'"', "not-csv"),
    ],
)
def test_a_file_that_is_none(world: World, content: bytes, reason: str) -> None:
    with nothing_written(world):
        answer = send(world, world.school, "/api/v1/requests:import", content, content_type="text/csv")
        browser = signed_in(world, "mere")
        form = browser.get("/requests/import").form("file")
        page = browser_post(browser, form, {}, file=content)
    assert fault_of(answer, 400) == ""
    assert {one["reason"] for one in answer.json()["violations"]} == {reason}
    assert page.status_code == 422
    assert "error-summary" in page.text


def test_a_row_that_is_wrong_stops_no_other(world: World) -> None:
    fresh = f"Kea Sample{uuid4().hex[:6]}"
    good = ROW.replace("Kea Sample", fresh)
    content = "\n".join([HEADER, good, good.replace("2014-02-03", "2014-02-31"), "0417,too,few", "9" * 40]).encode()
    answer = send(world, world.school, "/api/v1/requests:import", content, content_type="text/csv").json()
    assert (answer["submitted"], answer["refused"]) == (1, 3)
    refused = answer["rows"][1:]
    assert all(one["violations"][0]["column"] and one["violations"][0]["description"] for one in refused)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"MZ\x90\0\x03" * 50, "type"),
        (b"<html><script>alert(1)</script>", "type"),
        (b"PK\x03\x04" + bytes(60), "type"),
        (bytes(25 * 1024 * 1024 + 1), "too-large"),
    ],
)
def test_a_file_of_a_case_that_may_not_be_kept(world: World, content: bytes, reason: str) -> None:
    path = f"/api/v1/cases/{world.ids['case_id']}/documents"
    before = world.get(world.manager, path.removeprefix("/api"))
    answer = send(world, world.manager, f"{path}?name=photo.jpg", content, content_type="image/jpeg")
    assert fault_of(answer, 400) == ""
    assert [(one["field"], one["reason"]) for one in answer.json()["violations"]] == [("body", reason)]
    assert world.get(world.manager, path.removeprefix("/api")) == before


# ---- forms


def signed_in(world: World, name: str) -> Browser:
    """Someone's browser."""
    browser = Browser(world.cast.base_url)
    sign_in(browser, next(one for one in world.cast.people if one.email.startswith(f"{name}.")))
    return browser


def browser_post(
    browser: Browser, form: Form, values: Mapping[str, Any], *, file: bytes | None = None
) -> requests.Response:
    """Send a form as it stands with some values changed; None leaves a field out."""
    data = {name: value for name, value in {**form.values, **values}.items() if value is not None}
    files = {"file": ("a.csv", file, "text/csv")} if file is not None else None
    return browser._session.post(form.action, data=data, files=files, timeout=TIMEOUT_SECONDS, allow_redirects=False)


def forms(world: World) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Every form that writes: who sends it, where it is, and values that would do."""
    case, request = f"/cases/{world.ids['case_id']}", world.get(
        world.lead, "/v1/incoming-requests", state="REQUEST_STATE_SUBMITTED", page_size=1
    )["requests"][0]["request_id"]  # fmt: skip
    # A draft may lack anything but the year, whose 0 is a year too.
    asked = {"year_level": "5"}
    return {
        "submit": ("mere", "/requests/new", asked),
        "record": ("hemi", f"{case}/events/new?kind=home-visit", {"note": "x"}),
        "assign": ("mahina", f"{case}/assign", {"case_manager_id": world.ids["case_manager_id"]}),
        "open": ("mahina", f"/incoming/{request}", {"case_manager_id": "later"}),
    }


FREE_TEXT = {"given_names", "family_name", "preferred_name", "note", "concern", "steps_tried", "barrier_words"}
# They only carry what a browser keeps, or are read only where something else was chosen.
WITHOUT_RULE = {"csrf_token", "once", "version", "shown", "shown_terms", "share", "other_minutes", "is_sensitive"}
NEVER = ("a\0b", "\u202etxt", "x" * 300_000)
NO_CHOICE = (["a", "b", "c"], "\N{FULLWIDTH DIGIT ONE}e9", "../../x")


def _wrong_values(form: Form, asked: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each field of a form with each value that it cannot take."""
    yield from ((field, None) for field in asked if field != "note")
    for field in {**form.values, **form.options}:
        if field in WITHOUT_RULE or field.startswith("caregiver_"):
            continue
        yield from ((field, junk) for junk in NEVER)
        yield from ((field, junk) for junk in NO_CHOICE if field not in FREE_TEXT)


@pytest.mark.parametrize("name", ["submit", "record", "assign", "open"])
def test_a_form_refuses_what_is_wrong_and_writes_nothing(world: World, name: str) -> None:
    who, path, asked = forms(world)[name]
    browser = signed_in(world, who)
    form = browser.get(path).form("once", *asked)
    faults = []
    with nothing_written(world):
        for words, token in {"no token": None, "a wrong token": "x", "an old token": "ImFiYyI.aaaa.bbbb"}.items():
            answer = browser_post(browser, form, {**asked, "csrf_token": token})
            if answer.status_code != 400 or "<h1" not in answer.text:
                faults.append(f"{words}: {answer.status_code}")
        for field, junk in _wrong_values(form, asked):
            answer = browser_post(browser, form, {**asked, field: junk, "once": str(uuid4())})
            if answer.status_code != 422 or "error-summary" not in answer.text:
                faults.append(f"{field} {junk!r:.30}: {answer.status_code} {answer.headers.get('Location')}")
        answer = browser_post(browser, form, {**asked, "note": "x" * TEN_MEGABYTES})
        if answer.status_code != 413:
            faults.append(f"ten megabytes: {answer.status_code}")
    assert faults == []


def test_what_people_write_comes_back_as_they_wrote_it(world: World) -> None:
    student = {"given_names": AS_TYPED[:100], "family_name": AS_TYPED[:90], "preferred_name": AS_TYPED[:80]}
    submission = {
        **world.submission(),
        "student": {**student, "nsn": f"{uuid4().int % 10**9:09d}", "date_of_birth": "2014-02-03", "year_level": 5},
        "caregivers": [{"name": AS_TYPED[:70], "relationship": AS_TYPED[:60]}],
        "concern": f"{AS_TYPED}\nsecond line",
        "steps_tried": AS_TYPED,
    }
    made = world.post(world.school, "/v1/requests", submission)["request"]
    case = world.post(world.lead, f"/v1/incoming-requests/{made['request_id']}:open", {})["case"]
    world.post(world.lead, f"/v1/cases/{case['case_id']}:assign", {"case_manager_id": world.ids["case_manager_id"]})
    world.post(world.manager, f"/v1/cases/{case['case_id']}/events", world.visit() | {"note": AS_TYPED})

    read = world.get(world.school, f"/v1/requests/{made['request_id']}")["request"]
    assert {name: read["student"][name] for name in student} == student
    assert (read["concern"], read["steps_tried"]) == (submission["concern"], AS_TYPED)
    assert world.get(world.manager, f"/v1/cases/{case['case_id']}")["entries"][0]["note"] == AS_TYPED
    for name, path in (
        ("mere", f"/requests/{made['request_id']}"),
        ("mere", "/requests"),
        ("mahina", f"/incoming/{made['request_id']}"),
        ("mahina", "/cases"),
        ("hemi", f"/cases/{case['case_id']}"),
    ):
        page = signed_in(world, name).get(path)
        assert page.status == 200
        assert "<script>alert" not in page.html, path
        assert "{{7*7}}" in page.html or "&lt;script&gt;" in page.html, path
