"""Counts for filters, kept in the transactions that change them.

Counting 30,000 cases takes some milliseconds of every list, more with each year; the sum of a few dozen counters takes
none. The price is a row lock per counter while those commands commit that change a state: opening and assigning a
case, the first entry, submitting a request. Counters are changed last of all (`Transaction.last`) and in the order of
their keys: commands wait for each other's commit and for nothing else, and no two wait for each other.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from uuid import UUID

from sqlalchemy import BigInteger, Date, Table, and_, bindparam, delete, func, select, update
from sqlalchemy.dialects import postgresql

from kit.db import Query, Transaction, prepare
from services.cases.domain.cases import Case, CaseState
from services.cases.domain.health import SINCE_EVER, Health
from services.cases.domain.requests import RequestState
from services.cases.store.tables import CASE_COUNT, HEALTH_COUNT, REQUEST_COUNT

NOBODY = UUID(int=0)


def _add(table: Table) -> Query:
    insert = postgresql.insert(table).values(dict.fromkeys(table.c.keys()))
    return prepare(
        insert.on_conflict_do_update(
            index_elements=list(table.primary_key.columns),
            set_={"items": table.c["items"] + insert.excluded["items"]},
        )
    )


def _take(table: Table, whose: str) -> Query:
    return prepare(
        update(table)
        .where(and_(table.c[whose] == bindparam("whose"), table.c.state == bindparam("where_state")))
        .values({"items": table.c["items"] - bindparam("less", type_=BigInteger)})
    )


_ADD_CASES, _TAKE_CASES = _add(CASE_COUNT), _take(CASE_COUNT, "case_manager_id")
_ADD_REQUESTS, _TAKE_REQUESTS = _add(REQUEST_COUNT), _take(REQUEST_COUNT, "guest_id")

_CASES = prepare(select(CASE_COUNT.c.state, func.sum(CASE_COUNT.c["items"])).group_by(CASE_COUNT.c.state))
_CASES_OF = prepare(
    select(CASE_COUNT.c.state, CASE_COUNT.c["items"]).where(CASE_COUNT.c.case_manager_id == bindparam("whose"))
)
_REQUESTS = prepare(select(REQUEST_COUNT.c.state, func.sum(REQUEST_COUNT.c["items"])).group_by(REQUEST_COUNT.c.state))


_H = HEALTH_COUNT.c
_ADD_HEALTH = _add(HEALTH_COUNT)
_IS_HEALTH = and_(_H.case_manager_id == bindparam("whose"), _H.due_on == bindparam("on_day"))
_TAKE_HEALTH = prepare(
    update(HEALTH_COUNT).where(_IS_HEALTH).values({"items": _H["items"] - bindparam("less", type_=BigInteger)})
)
_DROP_HEALTH = prepare(delete(HEALTH_COUNT).where(_IS_HEALTH, _H["items"] == 0))
_since_ever, _today = bindparam("since_ever", type_=Date), bindparam("today", type_=Date)
_counted = select(
    *(
        func.coalesce(func.sum(_H["items"]).filter(condition), 0).label(name)
        for name, condition in (
            ("missing", _H.due_on == _since_ever),
            ("stale", and_(_H.due_on > _since_ever, _H.due_on <= _today)),
            ("ok", _H.due_on > _today),
        )
    )
)
_HEALTH, _HEALTH_OF = prepare(_counted), prepare(_counted.where(_H.case_manager_id == bindparam("whose")))


def change_cases(tx: Transaction, changes: Iterable[tuple[UUID | None, CaseState, int]]) -> None:
    """Queue changes of case counters: case manager (None: nobody), state, and how many more, or fewer if negative."""
    for manager_id, state, more in sorted((manager_id or NOBODY, state, more) for manager_id, state, more in changes):
        if more > 0:
            tx.last(_ADD_CASES, tenant_id=tx.tenant_id, case_manager_id=manager_id, state=state.value, items=more)
        else:
            tx.last(_TAKE_CASES, whose=manager_id, where_state=state.value, less=-more)


def move_case(tx: Transaction, before: Case, after: Case) -> None:
    """Queue what a change of a case does to the counters, if anything."""
    here, there = ((case.case_manager_id, case.state, case.health_due_on) for case in (before, after))
    if here == there:
        return
    move_cases(tx, [(before, after)])


def move_cases(tx: Transaction, moves: Iterable[tuple[Case, Case]]) -> None:
    """Queue what changes of cases, each as it was and is, do to the counters: one change for each counter."""
    states: Counter[tuple[UUID | None, CaseState]] = Counter()
    health: Counter[tuple[UUID | None, date | None]] = Counter()
    for before, after in moves:
        states[before.case_manager_id, before.state] -= 1
        states[after.case_manager_id, after.state] += 1
        health[before.case_manager_id, before.health_due_on] -= 1
        health[after.case_manager_id, after.health_due_on] += 1
    change_cases(tx, [(*where, more) for where, more in states.items() if more])
    change_health(tx, [(*where, more) for where, more in health.items() if more])


def change_health(tx: Transaction, changes: Iterable[tuple[UUID | None, date | None, int]]) -> None:
    """Queue changes of health counters: case manager (None: nobody), day (None: closed, not counted), and how many."""
    counted = ((manager_id or NOBODY, due_on, more) for manager_id, due_on, more in changes if due_on is not None)
    for manager_id, due_on, more in sorted(counted):
        if more > 0:
            tx.last(_ADD_HEALTH, tenant_id=tx.tenant_id, case_manager_id=manager_id, due_on=due_on, items=more)
        else:
            tx.last(_TAKE_HEALTH, whose=manager_id, on_day=due_on, less=-more)
            # Days pass: without this, counters of long ago would be summed for ever.
            tx.last(_DROP_HEALTH, whose=manager_id, on_day=due_on)


def count_health(tx: Transaction, case_manager_id: UUID | None, *, today: date) -> dict[Health, int]:
    """How many open cases stand how: of one case manager, or of the whole provider for None."""
    days = {"since_ever": SINCE_EVER, "today": today}
    row = tx.first(_HEALTH_OF, whose=case_manager_id, **days) if case_manager_id else tx.first(_HEALTH, **days)
    assert row is not None
    return {Health.MISSING: int(row.missing), Health.STALE: int(row.stale), Health.OK: int(row.ok)}


def change_requests(tx: Transaction, changes: Iterable[tuple[UUID, RequestState, int]]) -> None:
    """Queue changes of request counters, in the school's tenant: provider, state, and how many more or fewer."""
    for provider_id, state, more in sorted(changes):
        if more > 0:
            tx.last(_ADD_REQUESTS, tenant_id=tx.tenant_id, guest_id=provider_id, state=state.value, items=more)
        else:
            tx.last(_TAKE_REQUESTS, whose=provider_id, where_state=state.value, less=-more)


def count_cases(tx: Transaction, case_manager_id: UUID | None) -> dict[CaseState, int]:
    """How many cases stand where: of one case manager, or of the whole provider for None."""
    rows = tx.all(_CASES_OF, whose=case_manager_id) if case_manager_id else tx.all(_CASES)
    return {CaseState(state): int(items) for state, items in rows}


def count_requests(tx: Transaction) -> dict[RequestState, int]:
    """How many requests stand where: the school's own, or as a guest those routed to the provider."""
    return {RequestState(state): int(items) for state, items in tx.all(_REQUESTS)}
