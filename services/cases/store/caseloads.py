"""How work is spread, from the counters; and which cases wait for a lead."""

from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, bindparam, func, select

from kit.db import Transaction, prepare
from services.cases.domain.cases import CaseState
from services.cases.domain.health import SINCE_EVER
from services.cases.domain.students import shown_name
from services.cases.store.counts import NOBODY
from services.cases.store.tables import CASE, CASE_COUNT, HEALTH_COUNT, PAUSE

_WAITING = ("id", "number", "guest_id", "case_manager_id", "given_names", "family_name", "preferred_name", "year_level")
_columns = [CASE.c[name] for name in _WAITING]

_H = HEALTH_COUNT.c
_COUNTS = prepare(
    select(CASE_COUNT.c.case_manager_id, CASE_COUNT.c.state, CASE_COUNT.c["items"]).where(CASE_COUNT.c["items"] > 0)
)
_HEALTH = prepare(
    select(
        _H.case_manager_id,
        func.coalesce(func.sum(_H["items"]).filter(_H.due_on == bindparam("since_ever")), 0).label("missing"),
        func.coalesce(func.sum(_H["items"]).filter(_H.due_on > bindparam("since_ever")), 0).label("stale"),
    )
    .where(_H.due_on <= bindparam("today"))
    .group_by(_H.case_manager_id)
)
_NEW = prepare(
    select(*_columns)
    .where(CASE.c.state == CaseState.NEW.value)
    .order_by(CASE.c.opened_at.desc(), CASE.c.id.desc())
    .limit(bindparam("most"))
)
_WOKEN = prepare(
    select(*_columns)
    .select_from(PAUSE.join(CASE, and_(CASE.c.tenant_id == PAUSE.c.tenant_id, CASE.c.id == PAUSE.c.case_id)))
    .where(PAUSE.c.ended_on == bindparam("today"), PAUSE.c.ended_by.is_(None), CASE.c.pause_id.is_(None))
    .order_by(PAUSE.c.id)
    .limit(bindparam("most"))
)


class Waiting(NamedTuple):
    """A case that waits for someone."""

    id: UUID
    number: str
    student_name: str
    year_level: int
    school_id: UUID | None
    case_manager_id: UUID | None


class Load(NamedTuple):
    """What one case manager has: cases by state, and open ones whose record is stale or lacks a part."""

    case_manager_id: UUID
    by_state: dict[CaseState, int]
    stale: int
    missing: int

    @property
    def is_open(self) -> int:
        """How many cases are open."""
        return sum(items for state, items in self.by_state.items() if state != CaseState.CLOSED)


def list_loads(tx: Transaction, *, today: date) -> tuple[list[Load], int]:
    """Each person with open cases, those with the most first; and how many cases have nobody."""
    by_person: dict[UUID, dict[CaseState, int]] = {}
    for row in tx.all(_COUNTS):
        by_person.setdefault(row.case_manager_id, {})[CaseState(row.state)] = int(row.items)
    health = {row.case_manager_id: row for row in tx.all(_HEALTH, today=today, since_ever=SINCE_EVER)}
    unassigned = by_person.pop(NOBODY, {}).get(CaseState.NEW, 0)
    loads = [
        Load(
            person_id,
            by_state,
            stale=int(health[person_id].stale) if person_id in health else 0,
            missing=int(health[person_id].missing) if person_id in health else 0,
        )
        for person_id, by_state in by_person.items()
    ]
    busy = [load for load in loads if load.is_open]
    return sorted(busy, key=lambda load: (-load.is_open, load.case_manager_id)), unassigned


def list_new(tx: Transaction, *, most: int) -> list[Waiting]:
    """Cases without a case manager, newest first."""
    return [_waiting(row) for row in tx.all(_NEW, most=most)]


def list_woken(tx: Transaction, *, today: date, most: int) -> list[Waiting]:
    """Cases that woke by themselves on a day, and do not rest again."""
    return [_waiting(row) for row in tx.all(_WOKEN, today=today, most=most)]


def _waiting(row: Any) -> Waiting:
    name = shown_name(given_names=row.given_names, family_name=row.family_name, preferred_name=row.preferred_name)
    return Waiting(row.id, row.number, name, row.year_level, row.guest_id, row.case_manager_id)
