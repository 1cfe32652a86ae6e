"""Every state in which something waits has somebody who notices: rules, metrics and runbooks agree, and gauges move."""

import contextlib
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import yaml
from prometheus_client import REGISTRY

from kit import sweeps
from kit.actor import Actor, system_actor
from kit.bus import open_broker
from kit.clock import FixedClock
from kit.consumer import ConsumerLoop
from kit.db import Database
from kit.health import Readiness
from kit.migrations import with_parts
from kit.relay import Relay
from kit.service import Threaded
from kit.sweeps import Sweep
from tests.support import plumbing, postgres
from tests.support.metrics import metrics
from tests.support.plumbing import NOW, SERVICE, TOPIC, TYPE, tell
from tests.support.postgres import admin_url, empty
from tests.support.services import ROOT, source_files
from tests.support.waiting import until

RUNBOOKS = ROOT / "docs" / "runbooks"
ALERTS = yaml.safe_load((ROOT / "deploy" / "monitoring" / "alerts.yaml").read_text(encoding="utf-8"))
RULES = [pytest.param(rule, id=rule["alert"]) for group in ALERTS["groups"] for rule in group["rules"]]
PAGES = [pytest.param(path, id=path.name) for path in sorted(RUNBOOKS.glob("*.md"))]
METRIC = re.compile(r"\bascms_[a-z_]+")
MATCHERS = re.compile(r"(ascms_[a-z_]+)\{([^}]*)\}")
# Prometheus' own, and labels that it gives every series.
FROM_PROMETHEUS = {"job", "instance"}


def test_every_metric_is_ours_by_name() -> None:
    assert len(metrics()) > 20
    assert [name for name in metrics() if not name.startswith("ascms_")] == []


@pytest.mark.parametrize("rule", RULES)
def test_an_alert_asks_for_metrics_and_labels_that_exist(rule: dict[str, Any]) -> None:
    known = metrics()
    used = set(METRIC.findall(rule["expr"]))
    grouped = {label.strip() for by in re.findall(r"by \(([^)]*)\)", rule["expr"]) for label in by.split(",")}
    shown = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    labels = set().union(*(known.get(name, set()) for name in used)) | FROM_PROMETHEUS

    assert used or rule["expr"].startswith("up{")
    assert used - known.keys() == set()
    assert (grouped | shown) - labels == set()
    for name, matchers in MATCHERS.findall(rule["expr"]):
        assert set(re.findall(r"(\w+)\s*[=!]", matchers)) <= known[name] | FROM_PROMETHEUS


@pytest.mark.parametrize("rule", RULES)
def test_an_alert_has_a_severity_a_summary_and_a_runbook_of_its_own(rule: dict[str, Any]) -> None:
    page = "-".join(re.findall("[A-Z][a-z]+", rule["alert"])).lower()

    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["runbook"] == f"docs/runbooks/{page}.md"
    text = (RUNBOOKS / f"{page}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {rule['alert']}\n")
    assert f"[{rule['alert']}]({page}.md)" in (RUNBOOKS / "README.md").read_text(encoding="utf-8")


def test_there_is_no_runbook_without_an_alert() -> None:
    named = {Path(rule.values[0]["annotations"]["runbook"]).name for rule in RULES}  # type: ignore[index]

    assert {path.name for path in RUNBOOKS.glob("*.md")} - named == {"README.md", "backup-and-restore.md"}


@pytest.mark.parametrize("path", PAGES)
def test_a_runbook_names_metrics_log_lines_and_pages_that_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    code = "".join(source.read_text(encoding="utf-8") for source in source_files("kit", "services"))

    assert {name for name in METRIC.findall(text) if name != "ascms_"} - metrics().keys() == set()
    assert [event for event in re.findall(r'`"event": "([a-z-]+)"`', text) if f'"{event}"' not in code] == []
    assert [link for link in re.findall(r"\]\(([a-z-]+\.md)\)", text) if not (RUNBOOKS / link).exists()] == []


# What follows looks at the gauges themselves: that they rise while something waits, and fall again.


@pytest.fixture(scope="module")
def database_url(worker: str) -> Iterator[str]:
    with plumbing.plumbing_database(f"{worker}_dogs") as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    empty(database_url)
    with contextlib.closing(Database(database_url, SERVICE)) as database:
        yield database


@pytest.fixture
def bus_name(worker: str) -> Iterator[str]:
    with postgres.bus_database(f"dogs_bus_{worker}") as name:
        yield name


def series(name: str, **labels: str) -> float:
    found = REGISTRY.get_sample_value(f"ascms_{name}", labels)
    assert found is not None, f"{name} {labels} is not told"
    return found


def test_a_deadline_that_fails_grows_older_is_counted_and_is_met_at_last(database: Database, clock: FixedClock) -> None:
    kind, subject = f"kind-{uuid4().hex}", uuid4()
    is_broken = True

    def meet(actor: Actor, subject_id: UUID) -> None:
        if is_broken:
            raise LookupError
        with database.tenant(actor) as tx:
            sweeps.clear_deadline(tx, kind=kind, subject_id=subject_id)

    with database.tenant(system_actor(SERVICE, uuid4())) as tx:
        sweeps.set_deadline(tx, kind=kind, subject_id=subject, due_at=NOW)
    sweep = Sweep(database, clock, {kind: meet}, interval_seconds=3_600)
    sweep.start()
    until(lambda: series("deadlines_failed_total", kind=kind) or None, "the first sweep")
    sweep.stop()

    clock.moment = NOW + timedelta(minutes=11)
    sweep.sweep_once()
    late = series("deadline_oldest_seconds", kind=kind)
    is_broken = False
    sweep.sweep_once()
    sweep.sweep_once()

    assert late == 660
    assert series("deadlines_failed_total", kind=kind) == 2
    assert series("deadline_oldest_seconds", kind=kind) == 0
    assert series("sweep_last_success_timestamp_seconds", service=SERVICE) == clock.moment.timestamp()


def test_the_oldest_event_shows_while_the_broker_is_away(database: Database, bus_name: str) -> None:
    with psycopg.connect(admin_url(), autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {bus_name} ALLOW_CONNECTIONS false")
        tell(database, uuid4(), key=uuid4(), values=["1", "2"])
        relay = Relay(database=database, broker=open_broker(with_parts(admin_url(), database=bus_name)))
        worker = Threaded(relay, name="relay")
        worker.start()
        until(lambda: relay.status.fault or None, "the relay waits")
        until(lambda: relay.status.backlog == 2 or None, "it has counted")
        waiting = (
            series("outbox_backlog", service=SERVICE),
            series("outbox_leader", service=SERVICE),
            series("outbox_oldest_seconds", service=SERVICE) > 0,
        )
        admin.execute(f"ALTER DATABASE {bus_name} ALLOW_CONNECTIONS true")
        until(lambda: series("outbox_backlog", service=SERVICE) == 0 or None, "it has sent and counted again")
        worker.stop()

    assert waiting == (2, 1, True)
    assert series("outbox_leader", service=SERVICE) == 0


def test_a_consumer_says_whether_it_works_and_counts_what_it_parked_from_nothing(
    database: Database, bus_name: str
) -> None:
    consumer = f"probe.{uuid4().hex[:8]}"
    loop = ConsumerLoop(
        name=consumer,
        topics=[TOPIC],
        handlers={TYPE: lambda _tx, _envelope, _message: None},
        database=database,
        broker=open_broker(with_parts(admin_url(), database=bus_name)),
    )
    before = (series("consumer_ready", consumer=consumer), series("consumer_parked_total", consumer=consumer))
    worker = Threaded(loop, name="consumer")
    worker.start()
    until(lambda: series("consumer_ready", consumer=consumer) == 1 or None, "it works")
    worker.stop()

    assert before == (0, 0)
    assert series("consumer_ready", consumer=consumer) == 0


def test_readiness_is_a_metric_for_each_check() -> None:
    name = uuid4().hex
    readiness = Readiness({f"here-{name}": lambda: True}, {f"away-{name}": lambda: False})

    assert readiness.is_ready(), "an aside is shown and not needed"
    assert (series("ready", check=f"here-{name}"), series("ready", check=f"away-{name}")) == (1, 0)
