"""Nothing of a student, a caregiver or a note leaves the database it belongs to: by logs, events, figures or mails."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import yaml
from psycopg import sql

from deploy.story.browser import Browser
from deploy.story.signin import sign_in
from tests.support.postgres import ROOT
from tests.support.system import System
from tests.support.world import Rest, World, environment_of, world_of

# Where a case's own data stay: everything else is searched.
_HOME = {
    "cases": {
        *("request", "request_draft", "case_record", "search_token", "entry", "correction", "shared_entry"),
        *("task", "letter", "idempotency"),
    },
    "documents": {"document", "idempotency"},
}
_SERVICES = ("identity", "cases", "documents", "reporting", "notifications")


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
    browser = Browser(world.cast.base_url)
    sign_in(browser, next(one for one in world.cast.people if one.email.startswith("hemi.")))
    browser.get(f"/cases/{world.ids['case_id']}")
    last = world.post(world.manager, f"/v1/cases/{world.ids['case_id']}/events", world.visit())
    assert world.get(world.lead, "/v1/figures/2026-Q1", min_position=int(last["position"]))["is_current"]


def secrets(world: World) -> tuple[str, ...]:
    """What must not be found: the student's, the caregiver's, the notes; and what opens a session."""
    tokens = tuple(asker.access_token for asker in (world.lead, world.manager, world.school))
    return (*world.canaries, *tokens, *(world.internal(one) for one in (world.lead, world.manager)))


def found_in_logs(world: World) -> list[str]:
    """Secrets, and anyone's e-mail address or name, in what the processes printed since they were ready."""
    log = world.system.log
    lines = [line for line in log.splitlines() if not line.startswith("ascms ")]
    register = yaml.safe_load((ROOT / "deploy" / "demo" / "people.yaml").read_text(encoding="utf-8"))["people"]
    names = [one[part] for one in register for part in ("name", "email", "passphrase")]
    return [word for word in (*secrets(world), *names) if any(word in line for line in lines)]


def found_in_broker(world: World) -> list[str]:
    """Secrets in any record."""
    with psycopg.connect(environment_of(world.system, "cases")["ASCMS_BROKER_URL"]) as broker:
        rows = broker.execute("SELECT topic, key, value, headers FROM bus.record").fetchall()
    assert len(rows) > 3
    texts = [f"{topic}{key}{headers}{bytes(value).decode('utf-8', 'replace')}" for topic, key, value, headers in rows]
    return [word for word in secrets(world) if any(word in text for text in texts)]


def found_in_databases(world: World, *, home: dict[str, set[str]]) -> list[str]:
    """Secrets in any table but those that are their home."""
    found = []
    for service in _SERVICES:
        login = environment_of(world.system, service)["ASCMS_DATABASE_URL"]
        with psycopg.connect(login.replace(f"{service}_login@", "postgres@")) as admin:
            tables = admin.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            for (table,) in tables:
                if table in home.get(service, set()):
                    continue
                rows = admin.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(table))).fetchall()
                text = "\n".join(row[0] for row in rows)
                found += [f"{service}.{table}: {word}" for word in secrets(world) if word in text]
                found += [f"{service}.{table}: {word}" for word in secrets(world) if word.encode().hex() in text]
    return found


def found_in_files(world: World) -> list[str]:
    """Secrets in mails and in the state folder's own files; what people uploaded is in the store alone."""
    folders = [world.system.state / "mail", *world.system.state.glob("*.json")]
    paths = [path for folder in folders for path in ([folder] if folder.is_file() else sorted(folder.rglob("*")))]
    assert len(paths) > 3
    return [f"{path.name}: {word}" for path in paths for word in secrets(world) if word in _text(path)]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def test_no_personal_data_in_logs(world: World) -> None:
    assert "request" in world.system.log
    assert found_in_logs(world) == []


def test_no_personal_data_in_events(world: World) -> None:
    assert found_in_broker(world) == []


def test_no_personal_data_outside_their_home(world: World) -> None:
    assert found_in_databases(world, home=_HOME) == []


def test_no_personal_data_in_mails_and_files(world: World) -> None:
    assert found_in_files(world) == []


def test_the_search_finds_what_is_there(world: World) -> None:
    """Planted where it must not be, and looked for where it may be: both are found."""
    assert {one.partition(":")[0] for one in found_in_databases(world, home={})} >= {"cases.request", "cases.entry"}
    planted = world.system.state / "mail" / "planted.eml"
    planted.write_text(f"Subject: {world.number}\n", encoding="utf-8")
    try:
        assert found_in_files(world) == [f"planted.eml: {world.number}"]
    finally:
        planted.unlink()
    world.number, kept = "reporting", world.number  # A word that every log has.
    try:
        assert found_in_logs(world) == ["reporting"]
    finally:
        world.number = kept
