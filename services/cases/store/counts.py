"""Counts for filters, kept in the transactions that change them.

Counting 30,000 cases takes some milliseconds of every list, more with each year; the sum of a few dozen counters takes
none. The price is a row lock per counter for the end of those commands that change a state: opening and assigning a
case, the first entry, submitting a request. Counters are changed in the order of their keys, so that no two commands
wait for each other.
"""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import BigInteger, Table, and_, bindparam, func, select, update
from sqlalchemy.dialects import postgresql

from kit.db import Query, Transaction, prepare
from services.cases.domain.cases import Case, CaseState
from services.cases.domain.requests import RequestState
from services.cases.store.tables import CASE_COUNT, REQUEST_COUNT

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


def change_cases(tx: Transaction, changes: Iterable[tuple[UUID | None, CaseState, int]]) -> None:
    """Queue changes of case counters: case manager (None: nobody), state, and how many more, or fewer if negative."""
    for manager_id, state, more in sorted((manager_id or NOBODY, state, more) for manager_id, state, more in changes):
        if more > 0:
            tx.later(_ADD_CASES, tenant_id=tx.tenant_id, case_manager_id=manager_id, state=state.value, items=more)
        else:
            tx.later(_TAKE_CASES, whose=manager_id, where_state=state.value, less=-more)


def move_case(tx: Transaction, before: Case, after: Case) -> None:
    """Queue what a change of a case does to the counters, if anything."""
    here, there = (before.case_manager_id, before.state), (after.case_manager_id, after.state)
    if here != there:
        change_cases(tx, [(*here, -1), (*there, 1)])


def change_requests(tx: Transaction, changes: Iterable[tuple[UUID, RequestState, int]]) -> None:
    """Queue changes of request counters, in the school's tenant: provider, state, and how many more or fewer."""
    for provider_id, state, more in sorted(changes):
        if more > 0:
            tx.later(_ADD_REQUESTS, tenant_id=tx.tenant_id, guest_id=provider_id, state=state.value, items=more)
        else:
            tx.later(_TAKE_REQUESTS, whose=provider_id, where_state=state.value, less=-more)


def count_cases(tx: Transaction, case_manager_id: UUID | None) -> dict[CaseState, int]:
    """How many cases stand where: of one case manager, or of the whole provider for None."""
    rows = tx.all(_CASES_OF, whose=case_manager_id) if case_manager_id else tx.all(_CASES)
    return {CaseState(state): int(items) for state, items in rows}


def count_requests(tx: Transaction) -> dict[RequestState, int]:
    """How many requests stand where: the school's own, or as a guest those routed to the provider."""
    return {RequestState(state): int(items) for state, items in tx.all(_REQUESTS)}
