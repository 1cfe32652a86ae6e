"""Nothing of a student, a caregiver or a note leaves the database it belongs to.

Not by logs, topics, other databases (reporting's above all), mails, files, or the addresses of pages. And whatever is
planted in one of these places is found.
"""

from collections.abc import Iterator
from uuid import uuid4

import pytest
import yaml
from ascms.common.v1.envelope_pb2 import Envelope

from deploy.story.browser import Browser, Page
from deploy.story.signin import sign_in
from kit.bus import Record, open_broker
from tests.support.postgres import ROOT
from tests.support.system import System
from tests.support.world import Rest, World, environment_of, world_of
from tests.support.written import (
    TOPICS,
    database_of_system,
    found_in_addresses,
    found_in_databases,
    found_in_files,
    found_in_logs,
    found_in_topics,
)

# Where a case's own data stay: everything else is searched.
_HOME = {
    "cases": {
        *("request", "request_draft", "case_record", "search_token", "entry", "correction", "shared_entry"),
        *("task", "letter", "idempotency"),
    },
    "documents": {"document", "idempotency"},
}
_ADDRESS = "12 Canary Terrace, Samplebird Bay"
_PAGES = ("/", "/cases", "/cases/{case}", "/incoming", "/incoming/{request}", "/tasks", "/notices", "/figures")


@pytest.fixture(scope="module")
def world(system: System) -> Iterator[World]:
    with world_of(system) as made:
        _provoke(made)
        yield made


def _provoke(world: World) -> None:
    """Have everything refused and shown that could end up in a log, with personal data in it."""
    for asker in (world.lead, world.person("kowhai"), world.school):
        for body in (world.submission(), {**world.submission(), "student": {"given_names": world.canaries[1]}}):
            world.rest(asker, Rest("POST", "/api/v1/requests", [], body), key=str(uuid4()))
        call = Rest("POST", f"/api/v1/cases/{world.ids['case_id']}/events", [], world.visit() | {"minutes": 9_999})
        world.rest(asker, call)
        world.rest(asker, Rest("GET", "/api/v1/cases", [("page_token", world.number)], None))
    attempt = {"kind": "EVENT_KIND_CONTACT_ATTEMPT", "target": _ADDRESS}
    world.post(world.manager, f"/v1/cases/{world.ids['case_id']}/events", world.visit() | attempt)
    browser = _lead(world)
    # Someone who types what they look for into the address itself.
    for path in ("/cases?q={}", "/search?q={}", "/incoming/{}", "/figures/{}", "/api/v1/cases/{}"):
        browser.get(path.format(world.canaries[1]))
        browser.get(path.format(world.number))
    browser.get(f"{world.cast.issuer}/sign-in?email={world.canaries[6]}")
    last = world.post(world.manager, f"/v1/cases/{world.ids['case_id']}/events", world.visit())
    assert world.get(world.lead, "/v1/figures/2026-Q1", min_position=int(last["position"]))["is_current"]


def _lead(world: World) -> Browser:
    browser = Browser(world.cast.base_url)
    sign_in(browser, next(one for one in world.cast.people if one.email == world.lead.words))
    return browser


def secrets(world: World) -> tuple[str, ...]:
    """What must not be found: the student's, the caregiver's, the notes; and what opens a session."""
    tokens = tuple(asker.access_token for asker in (world.lead, world.manager, world.school))
    return (*world.canaries, _ADDRESS, *tokens, *(world.internal(one) for one in (world.lead, world.manager)))


def people() -> list[str]:
    """Anyone's name, e-mail address or passphrase."""
    register = yaml.safe_load((ROOT / "deploy" / "demo" / "people.yaml").read_text(encoding="utf-8"))["people"]
    return [one[part] for one in register for part in ("name", "email", "passphrase")]


def test_no_personal_data_in_logs(world: World) -> None:
    assert "request" in world.system.log
    assert found_in_logs(world.system, [*secrets(world), *people()]) == []


def test_no_personal_data_in_topics(world: World) -> None:
    assert found_in_topics(world.system, secrets(world)) == []


def test_no_personal_data_outside_their_home(world: World) -> None:
    assert found_in_databases(world.system, secrets(world), home=_HOME) == []


def test_no_personal_data_in_mails_and_files(world: World) -> None:
    assert found_in_files(world.system, secrets(world)) == []


def test_no_personal_data_in_addresses(world: World) -> None:
    browser, ids = _lead(world), {"case": world.ids["case_id"], "request": world.ids["request_id"]}
    pages = [browser.get(path.format(**ids)) for path in _PAGES]
    search = browser.get("/search")
    found = browser.send(search.form("q"), {"q": world.number})

    assert {page.status for page in pages} == {200}
    assert world.canaries[2] in found.text, "the search shows whom it found"
    assert found_in_addresses([*pages, search, found], secrets(world)) == []


# What is planted is found: one for each place.


def test_planted_in_a_log_it_is_found(world: World) -> None:
    with world.system.log_path.open("a", encoding="utf-8") as log:
        log.write('{"event": "planted", "address": "/cases?q=12+Canary+Terrace%2C+Samplebird+Bay"}\n')

    assert found_in_logs(world.system, secrets(world)) == [_ADDRESS]


def test_planted_in_a_topic_it_is_found(world: World) -> None:
    url = environment_of(world.system, "cases")["ASCMS_BROKER_URL"]
    planted = Envelope(
        event_id=str(uuid4()),
        type="ascms.planted.v1.Nothing",
        source="planted",
        tenant_id=str(uuid4()),
        payload=world.number.encode(),
    )
    with open_broker(url) as broker, broker.producer() as producer:
        producer.send_batch([Record(TOPICS[0], "planted", planted.SerializeToString())])

    assert found_in_topics(world.system, secrets(world)) == [world.number]


def test_planted_in_reporting_it_is_found(world: World) -> None:
    assert {one.partition(":")[0] for one in found_in_databases(world.system, secrets(world), home={})} >= {
        "cases.request",
        "cases.entry",
    }
    with database_of_system(world.system, "reporting") as reporting:
        change = "UPDATE case_fact SET student_hash = %s WHERE id = %s"
        kept = reporting.execute("SELECT student_hash FROM case_fact WHERE id = %s", [world.ids["case_id"]]).fetchone()
        reporting.execute(change, [world.number, world.ids["case_id"]])
        try:
            found = found_in_databases(world.system, secrets(world), home=_HOME)
        finally:
            reporting.execute(change, [*(kept or [""]), world.ids["case_id"]])

    assert found == [f"reporting.case_fact: {world.number}"]


def test_planted_in_a_mail_it_is_found(world: World) -> None:
    planted = world.system.state / "mail" / "planted.eml"
    planted.write_text(f"Subject: {world.canaries[5]}\n", encoding="utf-8")
    try:
        assert found_in_files(world.system, secrets(world)) == [f"planted.eml: {world.canaries[5]}"]
    finally:
        planted.unlink()


def test_planted_in_an_address_it_is_found(world: World) -> None:
    address = f"/cases?student={world.canaries[1].replace(' ', '%20')}"
    page = Page("/", 200, "", "", (), (("/cases", ""), ("/tasks", ""), (address, "Whom?")), "")

    assert found_in_addresses([page], secrets(world)) == [f"/cases?student={world.canaries[1]}: {world.canaries[1]}"]
