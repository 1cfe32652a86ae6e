"""What stood in the database before a migration still works after it."""

from collections.abc import Iterator
from datetime import date, timedelta
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from kit.migrations import bootstrap, upgrade, with_parts
from services.cases.domain.health import Lately, due_on
from tests.support.postgres import admin_url

CASE, FULL_CASE = UUID(int=1), UUID(int=2)
PROVIDER, SCHOOL, SOMEONE = UUID(int=6), UUID(int=5), UUID(int=7)
RULE = {"support": 30, "actions": 14, "referrals": 90, "monitoring": 30, "time": 14}
DAY = date(2026, 3, 4)


@pytest.fixture
def before(worker: str) -> Iterator[str]:
    """The name of a database as the first migration left it, with two cases and their entries."""
    name = f"test_cases_{worker}_0001"
    bootstrap(admin_url(), service="cases", database=name)
    try:
        upgrade(with_parts(admin_url(), user="cases_owner", database=name), service="cases", revision="0001_spine")
        with psycopg.connect(with_parts(admin_url(), database=name), autocommit=True) as admin:
            for case_id, owner in ((CASE, None), (FULL_CASE, SOMEONE)):
                admin.execute(
                    "INSERT INTO case_record SELECT %(provider)s, %(school)s, %(id)s, %(id)s::text, %(state)s, %(id)s, "
                    "%(owner)s::uuid, now(), %(id)s, %(at)s, NULL, NULL, 0, 1, '', 'Demo', '', '', '2012-05-06', 9, "
                    "'', '[]', '2026-T1', 1, 2, ''",
                    {
                        "provider": PROVIDER,
                        "school": SCHOOL,
                        "id": case_id,
                        "owner": owner,
                        "state": "assigned" if owner else "new",
                        "at": DAY if owner else None,
                    },
                )
            for number, kind in enumerate(("support", "action", "referral", "progress_review", "home_visit", "hui")):
                admin.execute(
                    "INSERT INTO entry "
                    "SELECT %s, gen_random_uuid(), %s, %s, %s, 'reached', %s, '', 'provider', %s, now()",
                    [PROVIDER, FULL_CASE, kind, DAY - timedelta(days=number), 5 if kind == "hui" else 0, SOMEONE],
                )
        yield name
    finally:
        with psycopg.connect(admin_url(), autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_entries_shared_before_are_shared_after(before: str) -> None:
    """As their last correction left them: what an entry said before it was shared is not copied."""
    owner = with_parts(admin_url(), user="cases_owner", database=before)
    upgrade(owner, service="cases", revision="0002_case_work")
    with psycopg.connect(with_parts(admin_url(), database=before), autocommit=True) as admin:
        shared, opened, taken = (
            row[0] for row in admin.execute("SELECT id FROM entry ORDER BY happened_on DESC LIMIT 3").fetchall()
        )
        admin.execute("UPDATE entry SET visibility = 'school', note = 'first' WHERE id = ANY(%s)", [[shared, taken]])
        for entry_id, visibility in ((opened, "school"), (taken, "provider")):
            admin.execute(
                "INSERT INTO correction SELECT %s, %s, %s, 1, 'why', %s, '', 0, 'corrected', %s, %s, now()",
                [PROVIDER, entry_id, FULL_CASE, DAY, visibility, SOMEONE],
            )
    upgrade(owner, service="cases")
    with psycopg.connect(with_parts(admin_url(), database=before)) as admin:
        found = admin.execute(
            "SELECT entry_id, guest_id, note, corrected_at IS NULL FROM shared_entry ORDER BY note DESC"
        ).fetchall()
    assert found == [(shared, SCHOOL, "first", True), (opened, SCHOOL, "corrected", True)]


def test_cases_of_before_get_the_health_that_their_entries_give(before: str) -> None:
    upgrade(with_parts(admin_url(), user="cases_owner", database=before), service="cases")
    with psycopg.connect(with_parts(admin_url(), database=before), row_factory=dict_row) as admin:
        rows = admin.execute(
            "SELECT support_on AS support, action_on AS actions, referral_on AS referrals, review_on AS monitoring, "
            "worked_on AS time, health_due_on FROM case_record ORDER BY id"
        ).fetchall()
        counted = admin.execute("SELECT case_manager_id, due_on, items FROM health_count ORDER BY due_on").fetchall()
    days = [row.pop("health_due_on") for row in rows]
    assert [Lately(**row) for row in rows] == [
        Lately(),
        Lately(
            support=DAY,
            actions=DAY - timedelta(days=1),
            referrals=DAY - timedelta(days=2),
            monitoring=DAY - timedelta(days=3),
            time=DAY - timedelta(days=5),
        ),
    ]
    assert days == [due_on(Lately(**row), RULE) for row in rows]
    assert counted == [
        {"case_manager_id": UUID(int=0), "due_on": days[0], "items": 1},
        {"case_manager_id": SOMEONE, "due_on": days[1], "items": 1},
    ]
