"""How fast reporting catches up: `python deploy/bench/bench_projection.py [--cases N] [--tenants N]`. One JSON line.

A topic of six partitions is filled with what cases tells: cases of many providers opened, given to someone, worked on,
corrected, paused, closed, in the order and mixture of real work, with events among them that mean nothing to reporting.
Then the real consumer (`services.reporting.consumers`, as `app.py` wires it) reads it from the beginning, on Apache
Kafka and on the PostgreSQL broker:

* `kafka_per_second`, `postgres_per_second`: events a second from its start until the last is counted (aim: 5,000);
* `kafka_cpu_microseconds`, …: processor time that an event costs, of the consumer's process and of its database
  connections. On a busy machine they say more than the rate.

Every event must have been claimed once, and the figures must be those that the events say. Starts Kafka by
deploy/local/servers and uses the test server of PostgreSQL; leaves nothing behind.
"""

import argparse
import json
import os
import random
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "proto" / "gen")]

# ruff: noqa: E402, S311 - the path comes first; the mixture is no secret
import psycopg
from ascms.cases.v1 import cases_pb2, events_pb2, letter_events_pb2, letters_pb2, requests_pb2
from ascms.common.v1.envelope_pb2 import Envelope
from google.protobuf.message import Message

from deploy.bench.bench_outbox import bus_database, kafka, wait_until
from kit.bus import Broker, Record, open_broker
from kit.clock import SystemClock
from kit.consumer import ConsumerLoop, Limits
from kit.db import Database
from kit.ids import uuid7
from kit.migrations import with_parts
from kit.service import Threaded
from services.reporting.consumers import MAX_RECORDS, TOPICS, Figures
from services.reporting.store import CONSUMER, EXTRA_ROLES, SOURCE
from tests.support.postgres import admin_url, database_of

PARTITIONS, CHUNK = 6, 1_000
FIRST_DAY = date(2026, 1, 5)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=5_000)
    parser.add_argument("--tenants", type=int, default=20)
    parser.add_argument("--only", choices=["kafka", "postgres"])
    options = parser.parse_args()
    history = History(random.Random(20260305), options.tenants)
    records = list(history.tell(options.cases))
    result: dict[str, Any] = {"events": len(records), "providers": options.tenants}
    for name, opened in (("kafka", kafka), ("postgres", bus_database)):
        if options.only in (None, name):
            with ExitStack() as stack:
                url = stack.enter_context(opened())
                database_url = stack.enter_context(
                    database_of("reporting", worker=f"bench_{name}", extra_roles=EXTRA_ROLES)
                )
                seconds, *cpu = catch_up(open_broker(url), database_url, records, history)
            result[f"{name}_per_second"] = round(len(records) / seconds)
            result[f"{name}_cpu_microseconds"] = [round(each / len(records) * 1e6) for each in cpu]
    print(json.dumps(result))


def catch_up(
    broker: Broker, database_url: str, records: list[Record], history: "History"
) -> tuple[float, float, float]:
    """Seconds until everything is counted, and of processors: this process's, its database connections'."""
    broker.ensure_topics(TOPICS, partitions=PARTITIONS)
    with broker.producer() as producer:
        for start in range(0, len(records), CHUNK):
            producer.send_batch(records[start : start + CHUNK])
    database_name = database_url.partition("?")[0].rpartition("/")[2]
    with (
        psycopg.connect(with_parts(admin_url(), database=database_name), autocommit=True) as watch,
        closing(Database(database_url, "reporting")) as database,
    ):
        clock = SystemClock()
        loop = ConsumerLoop(
            name=CONSUMER,
            topics=TOPICS,
            handlers=Figures(clock),
            database=database,
            broker=broker,
            clock=clock,
            limits=Limits(max_records=MAX_RECORDS),
        )
        worker = Threaded(loop, name="consumer")
        began, cpu = time.perf_counter(), time.process_time()
        worker.start()
        wait_until(lambda: _claimed(watch) == len(records))
        seconds, used = time.perf_counter() - began, time.process_time() - cpu
        in_database = _database_cpu(watch, database_name)
        worker.stop()
        rows = watch.execute("SELECT indicator, sum(value)::bigint FROM figure GROUP BY indicator").fetchall()
    counted: dict[str, int] = dict(rows)
    expected = {each: counted.get(each) for each in history.expected}
    if expected != dict(history.expected):
        sys.exit(f"bench_projection: counted {expected}, told {dict(history.expected)}")
    return seconds, used, in_database


def _claimed(watch: psycopg.Connection[Any]) -> int:
    time.sleep(0.1)
    row = watch.execute("SELECT count(*) FROM inbox").fetchone()
    assert row is not None
    return int(row[0])


def _database_cpu(watch: psycopg.Connection[Any], database: str) -> float:
    """Seconds that the server's processes of our connections have worked; both run on this machine."""
    found = watch.execute(
        "SELECT pid FROM pg_stat_activity WHERE datname = %s AND application_name = 'reporting'", [database]
    )
    ticks = 0
    for (pid,) in found.fetchall():
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


@dataclass
class History:
    """What happened, with what must be counted of it."""

    chance: random.Random
    tenants: int
    expected: Counter[str] = field(default_factory=Counter)
    position: int = 0

    def tell(self, cases: int) -> Iterator[Record]:
        """The events of so many cases, as they come in: fifty cases go on side by side."""
        providers = [self._id() for _ in range(self.tenants)]
        # A few providers have most of the work.
        weights = [1 / (place + 1) for place in range(self.tenants)]
        people = {each: [str(self._id()) for _ in range(8)] for each in providers}
        running: list[tuple[uuid.UUID, str, Iterator[Message]]] = []
        begun = 0
        while begun < cases or running:
            while begun < cases and len(running) < 50:  # noqa: PLR2004
                (provider,) = self.chance.choices(providers, weights)
                case_id = str(self._id())
                running.append((provider, case_id, self._case(case_id, people[provider])))
                begun += 1
            place = self.chance.randrange(len(running))
            provider, case_id, life = running[place]
            event = next(life, None)
            if event is None:
                running.pop(place)
            else:
                yield self._record(event, provider, case_id)

    def _case(self, case_id: str, people: list[str]) -> Iterator[Message]:
        chance, day = self.chance, FIRST_DAY + timedelta(days=self.chance.randrange(150))
        manager = chance.choice(people)
        self.expected.update({"cases-opened": 1, "open": 1, "held": 1})
        yield events_pb2.CaseOpened(
            case_id=case_id,
            request_id=str(self._id()),
            school_id=str(uuid.UUID(int=chance.randrange(1, 40))),
            opened_on=day.isoformat(),
            student_hash=f"{chance.getrandbits(256):064x}",
            opened_by=manager,
            kind=chance.choice([requests_pb2.REQUEST_KIND_CHRONIC_ABSENCE, requests_pb2.REQUEST_KIND_NON_ENROLMENT]),
            year_level=chance.randrange(14),
            age=chance.randrange(5, 17),
            gender=chance.choice([cases_pb2.GENDER_FEMALE, cases_pb2.GENDER_MALE]),
            ethnicities=["1", "2"],
            requested_on=(day - timedelta(days=3)).isoformat(),
        )
        yield events_pb2.CaseAssigned(case_id=case_id, case_manager_id=manager, assigned_by=people[0])
        for _ in range(chance.randrange(3, 9)):
            day += timedelta(days=chance.randrange(8))
            yield from self._work(case_id, manager, day)
        if chance.random() < 0.2:  # noqa: PLR2004
            yield letter_events_pb2.LetterSent(
                case_id=case_id,
                letter_id=str(self._id()),
                family=letters_pb2.LETTER_FAMILY_CHRONIC_ABSENCE,
                stage=1,
                sent_on=day.isoformat(),
                sent_by=manager,
            )
        if chance.random() < 0.3:  # noqa: PLR2004
            pause_id = str(self._id())
            yield events_pb2.CasePaused(
                case_id=case_id, pause_id=pause_id, reason="whanau-away", paused_on=day.isoformat(), paused_by=manager
            )
            day += timedelta(days=7)
            yield events_pb2.CaseResumed(case_id=case_id, pause_id=pause_id, resumed_on=day.isoformat())
        if chance.random() < 0.6:  # noqa: PLR2004
            self.expected.update({"cases-closed": 1, "open": -1, "held": -1})
            yield events_pb2.CaseClosed(
                case_id=case_id,
                closing_id=str(self._id()),
                reason="sustained-attendance",
                outcome="attending",
                closed_on=day.isoformat(),
                closed_by=manager,
            )

    def _work(self, case_id: str, manager: str, day: date) -> Iterator[Message]:
        chance, entry_id = self.chance, str(self._id())
        kind = chance.choice(
            [
                cases_pb2.EVENT_KIND_HOME_VISIT,
                cases_pb2.EVENT_KIND_CONTACT_ATTEMPT,
                cases_pb2.EVENT_KIND_CONTACT_ATTEMPT,
                cases_pb2.EVENT_KIND_SUPPORT,
            ]
        )
        outcome = chance.choice([cases_pb2.OUTCOME_REACHED, cases_pb2.OUTCOME_NO_ANSWER])
        minutes = chance.randrange(5, 90)
        self.expected["minutes"] += minutes
        self.expected["home-visits"] += kind == cases_pb2.EVENT_KIND_HOME_VISIT
        yield events_pb2.EventRecorded(
            case_id=case_id,
            entry_id=entry_id,
            kind=kind,
            happened_on=day.isoformat(),
            outcome=outcome,
            minutes=minutes,
            recorded_by=manager,
        )
        if chance.random() < 0.15:  # noqa: PLR2004
            self.expected["minutes"] += 5
            yield events_pb2.EntryCorrected(
                case_id=case_id,
                entry_id=entry_id,
                number=1,
                kind=kind,
                happened_on=day.isoformat(),
                outcome=outcome,
                minutes=minutes + 5,
                recorded_by=manager,
            )
        if chance.random() < 0.5:  # noqa: PLR2004
            task_id = str(self._id())
            yield events_pb2.TaskAdded(case_id=case_id, task_id=task_id, owner_id=manager, due_on=day.isoformat())
            if chance.random() < 0.3:  # noqa: PLR2004
                yield events_pb2.TaskOverdue(case_id=case_id, task_id=task_id, owner_id=manager, due_on=day.isoformat())
            yield events_pb2.TaskCompleted(case_id=case_id, task_id=task_id, owner_id=manager, completed_by=manager)
        if chance.random() < 0.3:  # noqa: PLR2004
            yield events_pb2.NoteAdded(case_id=case_id, entry_id=str(self._id()), added_by=manager)

    def _record(self, event: Message, tenant: uuid.UUID, key: str) -> Record:
        self.position += 1
        envelope = Envelope(
            event_id=str(uuid7()),
            type=event.DESCRIPTOR.full_name,
            source=SOURCE,
            tenant_id=str(tenant),
            key=key,
            position=self.position,
            request_id=f"request-{self.position}",
            payload=event.SerializeToString(),
        )
        envelope.occurred_at.FromDatetime(datetime(2026, 6, 1, tzinfo=UTC))
        return Record(TOPICS[0], key, envelope.SerializeToString())

    def _id(self) -> uuid.UUID:
        return uuid.UUID(int=self.chance.getrandbits(128), version=4)


if __name__ == "__main__":
    main()
