"""Pauses and closings of cases."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Table, bindparam, insert, select, update

from kit.db import Query, Transaction, prepare
from services.cases.domain.closings import Closing
from services.cases.domain.pauses import Pause
from services.cases.store.tables import CLOSING, PAUSE

_INSERT_PAUSE = prepare(insert(PAUSE).values(dict.fromkeys(PAUSE.c.keys())))
_INSERT_CLOSING = prepare(insert(CLOSING).values(dict.fromkeys(CLOSING.c.keys())))


def _changes(table: Table, *names: str) -> dict[str, Any]:
    return {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}


def _of_case(table: Table, order: str) -> Query:
    columns = [column for column in table.c if column.name != "tenant_id"]
    return prepare(
        select(*columns)
        .where(table.c.case_id == bindparam("of_case"))
        .order_by(table.c[order].desc(), table.c.id.desc())
    )


_END_PAUSE = prepare(
    update(PAUSE).where(PAUSE.c.id == bindparam("which")).values(_changes(PAUSE, "ended_on", "ended_by", "ended_at"))
)
_END_CLOSING = prepare(
    update(CLOSING)
    .where(CLOSING.c.case_id == bindparam("of_case"), CLOSING.c.reopened_at.is_(None))
    .values(_changes(CLOSING, "reopened_reason", "reopened_by", "reopened_at"))
    .returning(CLOSING.c.id)
)
_PAUSES, _CLOSINGS = _of_case(PAUSE, "started_on"), _of_case(CLOSING, "closed_at")


def insert_pause(tx: Transaction, pause: Pause) -> None:
    """Queue a new pause."""
    tx.later(
        _INSERT_PAUSE,
        tenant_id=tx.tenant_id,
        id=pause.id,
        case_id=pause.case_id,
        reason=pause.reason,
        started_on=pause.started_on,
        wakes_on=pause.wakes_on,
        conditions=pause.conditions,
        agreed_by=pause.agreed_by,
        paused_by=pause.paused_by,
        paused_at=pause.paused_at,
        ended_on=pause.ended_on,
        ended_by=pause.ended_by,
        ended_at=pause.ended_at,
    )


def end_pause(tx: Transaction, pause_id: UUID, *, on: date, by: UUID | None, at: datetime) -> None:
    """Queue the end of a pause: by someone, or by itself."""
    tx.later(_END_PAUSE, which=pause_id, new_ended_on=on, new_ended_by=by, new_ended_at=at)


def ask_pauses(tx: Transaction, case_id: UUID) -> Callable[[], list[Pause]]:
    """Queue the question for every pause of a case, the latest first; call the answer once something was sent."""
    asked = tx.later(_PAUSES, of_case=case_id)
    return lambda: [Pause(**row._asdict()) for row in asked.rows()]


def insert_closing(tx: Transaction, closing: Closing) -> None:
    """Queue a new closing."""
    tx.later(
        _INSERT_CLOSING,
        tenant_id=tx.tenant_id,
        id=closing.id,
        case_id=closing.case_id,
        reason=closing.reason,
        outcome=closing.outcome,
        summary=closing.summary,
        closed_by=closing.closed_by,
        closed_at=closing.closed_at,
        reopened_reason=closing.reopened_reason,
        reopened_by=closing.reopened_by,
        reopened_at=closing.reopened_at,
    )


def end_closing(tx: Transaction, case_id: UUID, *, reason: str, by: UUID, at: datetime) -> UUID:
    """End the standing closing of a case, which was taken up again; returns its id."""
    closing_id: UUID = tx.value(
        _END_CLOSING, of_case=case_id, new_reopened_reason=reason, new_reopened_by=by, new_reopened_at=at
    )
    return closing_id


def ask_closings(tx: Transaction, case_id: UUID) -> Callable[[], list[Closing]]:
    """As `ask_pauses`: every closing, the latest first."""
    asked = tx.later(_CLOSINGS, of_case=case_id)
    return lambda: [Closing(**row._asdict()) for row in asked.rows()]
