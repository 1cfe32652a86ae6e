"""What a page of figures reads is kept as it stands: few statements, whatever is parted, and what the ledger says."""

import runpy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from ascms.cases.v1 import events_pb2

import services.reporting
from kit.actor import system_actor
from services.reporting.domain.figures import Quarter
from services.reporting.domain.indicators import PARTED, SPREAD
from services.reporting.measuring import break_down, measure
from services.reporting.store.ledger import EVER
from services.reporting.store.parts import AS_ADDED
from tests.service.reporting.conftest import OURS, Reporting, case_opened, event_recorded
from tests.service.reporting.test_indicators import (
    CASE,
    CLOSING,
    COLLEAGUE,
    IN_MARCH,
    MANAGER,
    assigned,
    closed,
    corrected,
)

OTHER, VISIT = str(UUID(int=80)), UUID(int=90)


def given_work_with_second_thoughts(reporting: Reporting) -> None:
    """Two cases over two quarters: assigned, handed over, visited, corrected into another quarter, closed, reopened."""
    for case_id, ethnicities in ((CASE, ["1", "2"]), (OTHER, [])):
        told = case_opened(case_id=UUID(case_id))
        told.ethnicities.extend(ethnicities)
        reporting.apply(told)
        reporting.apply(assigned(MANAGER, case_id), told_at=IN_MARCH)
    reporting.apply(assigned(COLLEAGUE, OTHER, before=MANAGER), told_at=datetime(2026, 4, 2, tzinfo=UTC))
    reporting.apply(event_recorded(entry_id=VISIT, case_id=UUID(CASE), happened_on="2026-03-12"))
    reporting.apply(event_recorded(case_id=UUID(CASE), happened_on="2026-04-12"))
    reporting.apply(event_recorded(case_id=UUID(OTHER), happened_on="2026-03-30"))
    # The first contact was later than it was said to be: its days leave one quarter and enter the next.
    reporting.apply(corrected(VISIT, 1, minutes=20, happened_on="2026-04-05"))
    reporting.apply(closed("2026-03-31", CASE))
    reporting.apply(reopened("2026-04-20"))


def reopened(on: str) -> events_pb2.CaseReopened:
    return events_pb2.CaseReopened(case_id=CASE, closing_id=CLOSING, case_manager_id=COLLEAGUE, reopened_on=on)


def test_what_is_kept_is_what_the_ledger_says(reporting: Reporting) -> None:
    given_work_with_second_thoughts(reporting)

    with reporting.database.tenant(system_actor("reporting", OURS)) as tx:
        for quarter in map(Quarter.parse, ("2025-Q4", "2026-Q1", "2026-Q2", "2026-Q3")):
            assert break_down(tx, quarter) == break_down(tx, quarter, cutoff=EVER)
            assert measure(tx, quarter) == measure(tx, quarter, cutoff=EVER)
        assert measure(tx, Quarter.parse("2026-Q2"))["days-to-contact"] == 26


def test_a_page_of_figures_asks_few_questions_however_many_parts(
    reporting: Reporting, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_work_with_second_thoughts(reporting)
    reporting.figures()
    sent: list[str] = []
    execute = psycopg.Connection.execute

    def record(connection: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        sent.append(str(query))
        return execute(connection, query, *arguments, **options)

    monkeypatch.setattr(psycopg.Connection, "execute", record)
    answer = reporting.figures()

    asked = [each for each in sent if each.lstrip().startswith("SELECT") and " FROM " in each.replace("\n", " ")]
    assert len({(each.indicator, each.dimension) for each in answer.breakdowns}) > len(asked)
    assert len(asked) <= 8, asked
    assert not [each for each in asked if "ledger" in each], "which grows with every event"


def test_whatever_is_parted_was_filled_from_the_ledger_by_a_migration() -> None:
    filled: set[tuple[str, str]] = set()
    for path in (Path(services.reporting.__path__[0]) / "migrations" / "versions").glob("*.py"):
        module = runpy.run_path(str(path))
        filled |= {(counter, each) for counter, dimensions in module.get("PARTED", {}).items() for each in dimensions}
        filled |= {(counter, AS_ADDED) for counter in module.get("SPREAD", ())}

    wanted = {(counter, each) for counter, dimensions in PARTED.items() for each in dimensions}
    assert wanted | {(counter, AS_ADDED) for counter in SPREAD} <= filled
