"""Record an event, divided by bare psycopg that writes the same rows: state, time, audit, outbox.

Both run in one process with one connection and alternate in rounds, so that whatever else the machine does meets both.
The bare side is what a careful programmer writes by hand: one transaction with role and tenant set, one statement after
another with named parameters. Aim: at least 0.5 of its rate.

`python deploy/bench/bench_record.py` prints one JSON object. It uses the test PostgreSQL (tests/support/postgres.py).
"""

import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from kit.clock import SystemClock, local_date
from kit.db import Database
from kit.ids import uuid7
from kit.migrations import with_parts
from kit.rpc.identity import backend as identity_backend
from services.cases.commands.deps import Deps
from services.cases.commands.entries import Happening, record_event
from services.cases.directory import IdentityDirectory
from services.cases.domain.entries import EventKind, Outcome, Visibility
from tests.support.postgres import admin_url, database_of
from tests.support.tokens import person

ROUNDS = 20
PER_ROUND = 150
TENANT = UUID(int=7)
WORKER = person(1, "cases:read", "cases:record", tenant=TENANT)
CASE = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
NOTE = "Kōrero with whānau on the doorstep; agreed to meet at school on Monday. " * 3


def main() -> None:
    """Measure both in turn, and print rates and ratio."""
    with database_of("cases", worker="bench") as url:
        _insert_case(url)
        database = Database(url, service="cases", pool_size=1)
        # Recording an event asks identity nothing: nobody is there to answer.
        identity = IdentityDirectory(identity_backend("127.0.0.1:1"))
        deps = Deps(database, SystemClock(), identity, uuid7, b"bench")
        with psycopg.connect(url, autocommit=True) as connection:
            ours: list[float] = []
            bare: list[float] = []
            for number in range(ROUNDS + 1):
                day = local_date(datetime.now(UTC)) - timedelta(days=number)
                bare.append(_seconds(lambda day=day: _bare(connection, day)))  # type: ignore[misc]
                ours.append(_seconds(lambda day=day: _ours(deps, day)))  # type: ignore[misc]
        database.close()
    # The first round prepares statements and warms caches.
    ours_rate, bare_rate = (1 / statistics.median(each[1:]) for each in (ours, bare))
    print(
        json.dumps(
            {
                "measure": "record an event / the same rows by bare psycopg",
                "ours_per_second": round(ours_rate),
                "bare_per_second": round(bare_rate),
                "ratio": round(ours_rate / bare_rate, 2),
                "aim": 0.5,
            }
        )
    )


def _seconds(act: Callable[[], Any]) -> float:
    started = time.perf_counter()
    for _ in range(PER_ROUND):
        act()
    return (time.perf_counter() - started) / PER_ROUND


def _ours(deps: Deps, day: Any) -> None:
    happening = Happening(
        kind=EventKind.HOME_VISIT,
        happened_on=day,
        outcome=Outcome.REACHED,
        minutes=1,
        note=NOTE,
        visibility=Visibility.PROVIDER,
    )
    record_event(deps, WORKER, case_id=CASE, happening=happening, expected_version=0)


def _bare(connection: psycopg.Connection[Any], day: Any) -> None:
    now, entry = datetime.now(UTC), uuid7()
    ids = {"tenant": TENANT, "case": CASE, "person": WORKER.person_id, "entry": entry, "now": now, "day": day}
    execute = connection.execute
    execute("BEGIN")
    execute("SET LOCAL ROLE cases_tenant")
    execute("SELECT set_config('app.tenant_id', %(tenant)s::text, true)", ids)
    execute("SELECT * FROM case_record WHERE tenant_id = %(tenant)s AND id = %(case)s FOR UPDATE", ids).fetchone()
    execute(
        "INSERT INTO work_day VALUES (%(tenant)s, %(person)s, %(day)s, 1) "
        "ON CONFLICT (tenant_id, person_id, day) DO UPDATE SET minutes = work_day.minutes + 1 RETURNING minutes",
        ids,
    ).fetchone()
    execute(
        "INSERT INTO entry (tenant_id, id, case_id, kind, happened_on, outcome, minutes, note, visibility, "
        "recorded_by, recorded_at) VALUES (%(tenant)s, %(entry)s, %(case)s, "
        " 'home_visit', %(day)s, 'reached', 1, %(note)s, "
        "'provider', %(person)s, %(now)s)",
        {**ids, "note": NOTE},
    )
    execute(
        "UPDATE case_record SET minutes = minutes + 1, last_contact_on = %(day)s, version = version + 1 "
        "WHERE tenant_id = %(tenant)s AND id = %(case)s",
        ids,
    )
    execute(
        "INSERT INTO audit VALUES (%(tenant)s, %(id)s, 'record-event', %(entry)s, 'person', %(person)s, %(tenant)s, "
        "'', '', %(now)s)",
        {**ids, "id": uuid7()},
    )
    execute(
        "INSERT INTO outbox (tenant_id, topic, key, event_id, type, payload, actor_id, request_id, traceparent, "
        "occurred_at) VALUES (%(tenant)s, 'ascms.cases.v1', %(case)s::text, %(id)s, 'ascms.cases.v1.EventRecorded', "
        "%(payload)s, %(person)s, '', '', %(now)s) RETURNING id",
        {**ids, "id": uuid7(), "payload": b"x" * 150},
    ).fetchone()
    execute("COMMIT")


def _insert_case(url: str) -> None:
    database = url.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(with_parts(admin_url(), database=database), autocommit=True) as admin:
        admin.execute(
            "INSERT INTO case_record (tenant_id, id, number, state, request_id, case_manager_id, opened_at, opened_by, "
            "assigned_at, began_at, minutes, version, nsn, given_names, family_name, preferred_name, date_of_birth, "
            "year_level, gender, caregivers, term, present_half_days, total_half_days, concern) VALUES (%(tenant)s, "
            "%(case)s, '26-00001', 'active', %(other)s, %(person)s, now(), %(person)s, now(), now(), 0, 1, '', "
            "'Demo', '', '', '2012-05-06', 9, '', '[]', '2026-T1', 10, 80, '')",
            {"tenant": TENANT, "case": CASE, "other": uuid7(), "person": WORKER.person_id},
        )


if __name__ == "__main__":
    main()
