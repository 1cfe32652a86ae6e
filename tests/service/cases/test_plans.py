"""At real size every list reads an index, never the table: 30,000 cases and requests, 60,000 entries."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest

from kit.db import Database, Query, Transaction
from kit.migrations import with_parts
from services.cases.store import (
    access_log,
    caseloads,
    cases,
    counts,
    drafts,
    entries,
    pauses,
    requests,
    searching,
    sharing,
    tasks,
)
from tests.service.cases.conftest import ATTENDANCE_LEAD, LEAD, MANAGER, OTHER_LEAD, PROVIDER, SCHOOL
from tests.support.postgres import admin_url, database_of

AT, DAY, SOME_ID = datetime(2026, 1, 15, tzinfo=UTC), date(2026, 1, 15), UUID(int=15_000)

_FILL = """
INSERT INTO request
SELECT %(school)s, %(provider)s, n_id, CASE WHEN n %% 10 = 0 THEN 'submitted' ELSE 'accepted' END,
    lpad(n::text, 10, '0'), 'Test', 'Person ' || n, '', date '2012-08-15', 9, 'female', '[]'::jsonb, '2026-T1', 28, 60,
    'Away.', '', 'test|person ' || n || '|2012-08-15', timestamptz '2026-01-01' + n * interval '1 minute', n_id,
    date '2026-01-01' + n / 1000, CASE WHEN n %% 10 = 0 THEN NULL ELSE now() END,
    CASE WHEN n %% 10 = 0 THEN NULL ELSE n_id END, NULL, 1
FROM numbered;

INSERT INTO case_record
SELECT %(provider)s, %(school)s, n_id, n::text, CASE WHEN n %% 3 = 0 THEN 'assigned' ELSE 'active' END, n_id,
    CASE WHEN n %% 50 = 0 THEN %(manager)s ELSE n_id END, timestamptz '2026-01-01' + n * interval '1 minute', n_id,
    now(), now(), NULL, 0, 1,
    lpad(n::text, 10, '0'), 'Test', 'Person ' || n, '', date '2012-08-15', 9, 'female', '[]'::jsonb, '2026-T1', 28, 60,
    'Away.', 2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    CASE WHEN n %% 4 = 0 THEN date '0001-01-01' ELSE date '2026-01-01' + n %% 40 END
FROM numbered;

INSERT INTO task
SELECT %(provider)s, gen_random_uuid(), n_id, CASE WHEN each = 3 THEN 'completed' ELSE 'open' END, 'Ring', '',
    date '2026-01-01' + n %% 40, 'normal', CASE WHEN n %% 50 = 0 THEN %(manager)s ELSE n_id END, n_id, now(), NULL,
    CASE WHEN each = 3 THEN now() END, '', NULL, 1
FROM numbered, generate_series(1, 3) each;

UPDATE case_record SET next_due_on = date '2026-01-01' + number::integer %% 40;

INSERT INTO entry
SELECT %(provider)s, gen_random_uuid(), n_id, 'home_visit', date '2026-01-01', 'reached', 30, 'Kōrero.', 'provider',
    n_id, timestamptz '2026-01-01'
FROM numbered, generate_series(1, 2);

INSERT INTO work_day SELECT %(provider)s, gen_random_uuid(), date '2026-01-01', 60 FROM numbered;

INSERT INTO pause
SELECT %(provider)s, gen_random_uuid(), n_id, 'bereavement', date '2026-01-01', date '2026-01-09', '', 'Nan', n_id,
    now(), date '2026-01-09', NULL, now()
FROM numbered;

INSERT INTO closing
SELECT %(provider)s, gen_random_uuid(), n_id, 'enrolled', 'not_known', 'Done.', n_id, now(), 'Away.', n_id, now()
FROM numbered;

INSERT INTO correction
SELECT tenant_id, id, case_id, 1, 'Wrong.', happened_on, outcome, minutes, note, visibility, recorded_by, recorded_at
FROM entry;

INSERT INTO request_draft
SELECT %(school)s, n_id, '', 'Test Person ' || n, n_id, timestamptz '2026-01-01' + n * interval '1 minute',
    date '2026-04-01', 1
FROM numbered;

INSERT INTO search_token
SELECT owner, guest, subject, n_id, token
FROM numbered, (VALUES ('case', %(provider)s::uuid, NULL), ('request', %(school)s, %(provider)s::uuid),
    ('draft', %(school)s, NULL)) AS of (subject, owner, guest),
    LATERAL unnest(ARRAY['test', 'person', 'family' || n %% 1000, '@' || lpad(n::text, 10, '0')]) AS token;

INSERT INTO access_log
SELECT %(provider)s, gen_random_uuid(), 'case', n_id, n_id, 'r', timestamptz '2026-01-01' + n * interval '1 minute'
FROM numbered, generate_series(1, 3);

INSERT INTO shared_entry
SELECT tenant_id, %(school)s, id, case_id, kind, happened_on, outcome, note, recorded_by, recorded_at, NULL FROM entry;

ANALYZE request, case_record, entry, work_day, task, pause, closing, correction, shared_entry, request_draft,
    search_token, access_log
"""
_NUMBERED = """
CREATE TEMP TABLE numbered AS SELECT n, lpad(to_hex(n), 32, '0')::uuid AS n_id FROM generate_series(1, 30000) n
"""


@pytest.fixture(scope="module")
def full(worker: str) -> Iterator[Database]:
    with database_of("cases", worker=f"{worker}_full") as url:
        name = url.partition("?")[0].rpartition("/")[2]
        with psycopg.connect(with_parts(admin_url(), database=name), autocommit=True) as admin:
            admin.execute(_NUMBERED)
            values = {"school": SCHOOL, "provider": PROVIDER, "manager": MANAGER.person_id}
            for statement in _FILL.split(";"):
                admin.execute(statement, values)
        database = Database(url, "cases")
        yield database
        database.close()


def plan(tx: Transaction, query: Query, **parameters: Any) -> str:
    rows = tx.connection.execute(
        f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) {query.sql}",
        {**query.values, **parameters},
    ).fetchall()
    return "\n".join(line for (line,) in rows)


def tenant(database: Database) -> AbstractContextManager[Transaction]:
    return database.tenant(LEAD)


def school(database: Database) -> AbstractContextManager[Transaction]:
    return database.tenant(ATTENDANCE_LEAD)


def guest(database: Database) -> AbstractContextManager[Transaction]:
    return database.guest(LEAD)


def school_as_guest(database: Database) -> AbstractContextManager[Transaction]:
    return database.guest(ATTENDANCE_LEAD)


def words(*pairs: tuple[str, str]) -> dict[str, str]:
    """The ranges of a search."""
    return {f"{end}_{number}": pair[end == "to"] for number, pair in enumerate(pairs) for end in ("from", "to")}


AFTER = {"after_0": AT, "after_1": SOME_ID}
MINE = {"wanted_manager": MANAGER.person_id}
DUE_AFTER = {"after_0": DAY, "after_1": SOME_ID}
QUESTIONS: dict[str, Any] = {
    **{
        f"cases {key}": (
            tenant,
            query,
            {
                "most": 51,
                **({"wanted_state": "assigned"} if key[0] else {}),
                **({"wanted_manager": MANAGER.person_id} if key[1] else {}),
                **({"after_at": AT, "after_id": SOME_ID} if key[2] else {}),
            },
        )
        for key, query in cases._LIST.items()
    },
    **{
        f"submitted {key}": (
            school,
            query,
            {
                "most": 51,
                **({"wanted_state": "submitted"} if key[0] else {}),
                **({"whose": SOME_ID} if key[1] else {}),
                **(AFTER if key[2] else {}),
            },
        )
        for key, query in requests._SUBMITTED.items()
    },
    **{
        f"incoming {key}": (
            guest,
            query,
            {
                "most": 51,
                **({"wanted_state": "submitted"} if key[0] else {}),
                **({"today": date(2026, 1, 20)} if key[1] else {}),
                **(DUE_AFTER if key[2] else {}),
            },
        )
        for key, query in requests._INCOMING.items()
        if key[0] or not key[1]
    },
    **{
        f"entries {key}": (
            tenant,
            query,
            {
                "of_case": SOME_ID,
                "most": 21,
                **({"wanted_kind": "home_visit"} if key[0] else {}),
                **({"after_0": DAY, "after_1": AT, "after_2": SOME_ID} if key[1] else {}),
            },
        )
        for key, query in entries._LIST.items()
    },
    **{
        f"cases by health {key}": (
            tenant,
            query,
            {
                "most": 51,
                "first": date(2026, 1, 2),
                "last": date(2026, 1, 20),
                **({"wanted_state": "active"} if key[0] else {}),
                **({"wanted_manager": MANAGER.person_id} if key[1] else {}),
                **({"after_due": DAY, "after_id": SOME_ID} if key[2] else {}),
            },
        )
        for key, query in cases._LIST_BY_HEALTH.items()
    },
    **{
        f"cases by due {key}": (
            tenant,
            query,
            {
                "most": 51,
                "before": date(2026, 1, 20),
                "first": date.min,
                "last": date.max,
                **({"wanted_state": "active"} if key[0] else {}),
                **({"wanted_manager": MANAGER.person_id} if key[1] else {}),
                **({"after_due": DAY, "after_id": SOME_ID} if key[2] else {}),
            },
        )
        for key, query in cases._LIST_BY_DUE.items()
    },
    **{
        f"count of cases by due {key}": (
            tenant,
            query,
            {"before": date(2026, 1, 20), **({"wanted_manager": MANAGER.person_id} if key else {})},
        )
        for key, query in cases._COUNT_BY_DUE.items()
    },
    **{
        f"tasks {key}": (
            tenant,
            query,
            {
                "most": 51,
                "wanted_state": "open",
                **({"of_case": SOME_ID} if key[0] else {}),
                **({"of_owner": MANAGER.person_id} if key[1] else {}),
                **({"today": date(2026, 1, 20)} if key[2] else {}),
                **({"after_due": DAY, "after_id": SOME_ID} if key[3] else {}),
            },
        )
        for key, query in tasks._LIST.items()
    },
    "a task": (tenant, tasks._FIND, {"task_id": SOME_ID}),
    "who opened a record": (tenant, access_log._LIST[False], {"of_subject": SOME_ID, "most": 51}),
    "who opened a record, further on": (
        tenant,
        access_log._LIST[True],
        {"of_subject": SOME_ID, "most": 51, "after_at": AT, "after_id": SOME_ID},
    ),
    "new cases of a lead": (tenant, caseloads._NEW, {"most": 5}),
    "cases that woke": (tenant, caseloads._WOKEN, {"today": date(2026, 1, 10), "most": 5}),
    "time spent": (tenant, entries._TIME_SPENT, {"of_case": SOME_ID}),
    **{
        f"drafts {key}": (
            school,
            query,
            {
                "most": 51,
                **({"whose": SOME_ID} if key[0] else {}),
                **({"after_at": AT, "after_id": SOME_ID} if key[1] else {}),
            },
        )
        for key, query in drafts._LIST.items()
    },
    **{
        f"search {name} {kind}": (who, query(len(pairs)), {**words(*pairs), **more})
        for name, pairs in (
            ("nsn", [("@0000000007", "@0000000007\x01")]),
            ("name", [("family7", "family7z")]),
            ("two names", [("family77", "family77z"), ("pers", "persz")]),
            ("the same for all", [("test", "testz"), ("perso", "persoz")]),
        )
        for kind, who, query, more in (
            ("cases", tenant, partial(searching.cases_query, has_manager=False), {}),
            (
                "own cases",
                tenant,
                partial(searching.cases_query, has_manager=True),
                {"wanted_manager": MANAGER.person_id},
            ),
            ("requests", guest, partial(searching.requests_query, is_guest=True), {}),
            ("own requests", school, partial(searching.requests_query, is_guest=False), {}),
            ("drafts", school, searching.drafts_query, {}),
            (
                "requests of one person",
                school,
                partial(searching.requests_query, is_guest=False, is_own=True),
                {"whose": SOME_ID},
            ),
            ("drafts of one person", school, partial(searching.drafts_query, is_own=True), {"whose": SOME_ID}),
        )
    },
    **{
        f"shared cases {key}": (
            school_as_guest,
            query,
            {
                "most": 51,
                **({"states": ["assigned"]} if key[0] else {}),
                **({"contact": MANAGER.person_id} if key[1] else {}),
                **({"after_at": AT, "after_id": SOME_ID} if key[2] else {}),
            },
        )
        for key, query in sharing._LIST.items()
    },
    **{
        f"shared entries {after}": (
            school_as_guest,
            query,
            {
                "of_case": SOME_ID,
                "most": 51,
                **({"after_0": DAY, "after_1": AT, "after_2": SOME_ID} if after else {}),
            },
        )
        for after, query in sharing._ENTRIES.items()
    },
    "a shared case": (school_as_guest, sharing._FIND, {"case_id": SOME_ID}),
    "counts of shared cases": (school_as_guest, sharing._COUNT[False], {"most": sharing.MOST_COUNTED}),
    "pauses": (tenant, pauses._PAUSES, {"of_case": SOME_ID}),
    "closings": (tenant, pauses._CLOSINGS, {"of_case": SOME_ID}),
    "corrections": (tenant, entries._CORRECTIONS, {"of_case": SOME_ID}),
    "open tasks": (tenant, tasks._OPEN_IDS, {"of_case": SOME_ID, "most": 20}),
    "a request of the school": (school, requests._FIND, {"request_id": SOME_ID}),
    "a request as a guest": (guest, requests._FIND, {"request_id": SOME_ID}),
    "overdue count": (guest, requests._COUNT_OVERDUE, {"today": date(2026, 1, 3)}),
    "open requests": (school, requests._FIND_OPEN, {"nsns": ["0000000007"], "keys": ["test|person 9|2012-08-15"]}),
    "a case": (tenant, cases._FIND_RECORD, {"case_id": SOME_ID}),
    "a case to record in": (
        tenant,
        cases._LOCK_FOR_RECORDING,
        {"tenant": PROVIDER, "case_id": SOME_ID, "person": MANAGER.person_id, "on_day": DAY, "more": 5},
    ),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_list_reads_a_whole_table(full: Database, question: str) -> None:
    who, query, parameters = QUESTIONS[question]
    with who(full) as tx:
        found = plan(tx, query, **parameters)
    assert "Seq Scan" not in found, found
    # A case's own few rows may be sorted; a list over cases never is.
    assert "Sort" not in found or "of_case" in parameters, found
    removed = [int(line.rpartition(": ")[2]) for line in found.splitlines() if "Rows Removed by Filter" in line]
    assert sum(removed) <= 200, found


def test_counts_read_counters_only(full: Database) -> None:
    asked: list[tuple[Callable[[Database], AbstractContextManager[Transaction]], Query]] = [
        (tenant, counts._CASES),
        (school, counts._REQUESTS),
        (guest, counts._REQUESTS),
    ]
    for who, query in asked:
        with who(full) as tx:
            found = plan(tx, query)
        assert "case_record" not in found
        assert " on request " not in found


def test_another_provider_sees_nothing_of_it(full: Database) -> None:
    with full.tenant(OTHER_LEAD) as tx:
        assert cases.list_cases(tx, state=None, case_manager_id=None, after=None, most=5) == []
    with full.guest(OTHER_LEAD) as tx:
        assert requests.list_incoming(tx, requests.IncomingFilter(), after=None, most=5) == []


def test_counting_tasks_reads_no_more_than_it_counts(full: Database) -> None:
    for key, query in tasks._COUNT.items():
        chosen = {**({"of_case": SOME_ID} if key[0] else {}), **({"of_owner": MANAGER.person_id} if key[1] else {})}
        with tenant(full) as tx:
            found = plan(tx, query, today=date(2026, 1, 20), **chosen)
        assert "Seq Scan" not in found, found


def test_counting_ones_own_requests_reads_no_others(full: Database) -> None:
    with school(full) as tx:
        found = plan(tx, requests._COUNT_OWN, whose=SOME_ID)
    assert "Seq Scan" not in found, found
    assert "Rows Removed by Filter" not in found, found
