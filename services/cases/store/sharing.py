"""What schools see of cases: written in the provider's tenant, read by the school as a guest.

A shared entry is a row of its own. The guest role has no right at all to `entry` and `correction`, so that nothing
unshared can be read by whatever query (docs/adr/0006).
"""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import product
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Select, Text, bindparam, delete, func, select, tuple_
from sqlalchemy.dialects import postgresql

from kit.db import Query, Transaction, prepare
from services.cases.domain.cases import CaseState
from services.cases.domain.entries import EventKind, Outcome
from services.cases.domain.sharing import STATES, SharedCase, SharedEntry, SharedState, shared_state
from services.cases.domain.students import shown_name
from services.cases.store.tables import CASE, SHARED_ENTRY

MOST_COUNTED = 1_000
"""Counting ends here, so that its cost does not grow with all there is."""

Position = tuple[date, datetime, UUID]
"""Where a shared entry stands in its case: the day it happened, when it was shared, its id."""

_C, _E = CASE.c, SHARED_ENTRY.c
_put = postgresql.insert(SHARED_ENTRY).values(dict.fromkeys(_E.keys()))
_PUT = prepare(
    _put.on_conflict_do_update(
        index_elements=list(SHARED_ENTRY.primary_key.columns),
        set_={name: _put.excluded[name] for name in _E.keys() if name not in ("tenant_id", "entry_id")},  # noqa: SIM118 - no dict
    )
)
_TAKE_BACK = prepare(delete(SHARED_ENTRY).where(_E.entry_id == bindparam("of_entry")))

_LAST_SHARED = (
    select(func.max(_E.shared_at))
    .where(_E.guest_id == _C.guest_id, _E.case_id == _C.id)
    .scalar_subquery()
    .label("last_shared_at")
)
_CASE: Select[Any] = select(
    *(
        _C[name]
        for name in (
            *("tenant_id", "id", "number", "state", "given_names", "family_name", "preferred_name", "year_level"),
            *("case_manager_id", "primary_contact_id", "opened_at", "wakes_on", "closed_at"),
        )
    ),
    _LAST_SHARED,
)
_FIND = prepare(_CASE.where(_C.id == bindparam("case_id")))


def put_entry(tx: Transaction, entry: SharedEntry, *, school_id: UUID) -> None:
    """Queue what a school reads of an entry, in place of what it read of it before."""
    tx.later(
        _PUT,
        tenant_id=tx.tenant_id,
        guest_id=school_id,
        entry_id=entry.entry_id,
        case_id=entry.case_id,
        kind=entry.kind.value,
        happened_on=entry.happened_on,
        outcome=entry.outcome.value,
        note=entry.note,
        recorded_by=entry.recorded_by,
        shared_at=entry.shared_at,
        corrected_at=entry.corrected_at,
    )


def take_back_entry(tx: Transaction, entry_id: UUID) -> None:
    """Queue that a school reads nothing of an entry any more."""
    tx.later(_TAKE_BACK, of_entry=entry_id)


def find_case(tx: Transaction, case_id: UUID) -> SharedCase | None:
    """A case of the guest's school."""
    row = tx.first(_FIND, case_id=case_id)
    return _case(row) if row is not None else None


def list_cases(
    tx: Transaction,
    *,
    state: SharedState | None,
    primary_contact_id: UUID | None,
    after: tuple[datetime, UUID] | None,
    most: int,
) -> list[SharedCase]:
    """Cases of the guest's school, newest first, after one opened at a moment with an id."""
    parameters: dict[str, Any] = {"most": most}
    if state is not None:
        parameters["states"] = [each.value for each in STATES[state]]
    if primary_contact_id is not None:
        parameters["contact"] = primary_contact_id
    if after is not None:
        parameters["after_at"], parameters["after_id"] = after
    query = _LIST[state is not None, primary_contact_id is not None, after is not None]
    return [_case(row) for row in tx.all(query, **parameters)]


def count_cases(tx: Transaction, primary_contact_id: UUID | None) -> dict[SharedState, int]:
    """How many of the newest `MOST_COUNTED` cases stand where."""
    contact = {} if primary_contact_id is None else {"contact": primary_contact_id}
    counted = dict.fromkeys(SharedState, 0)
    for row in tx.all(_COUNT[primary_contact_id is not None], **contact, most=MOST_COUNTED):
        counted[shared_state(CaseState(row.state))] += row.items
    return counted


def list_entries(tx: Transaction, case_id: UUID, *, after: Position | None, most: int) -> list[SharedEntry]:
    """What was shared of a case with the guest's school, newest first, after the entry at a position."""
    parameters: dict[str, Any] = {"of_case": case_id, "most": most}
    if after is not None:
        parameters |= {f"after_{number}": value for number, value in enumerate(after)}
    return [_entry(row) for row in tx.all(_ENTRIES[after is not None], **parameters)]


def _listed(*, has_state: bool, has_contact: bool, after: bool) -> Query:
    query = _CASE
    if has_state:
        query = query.where(_C.state == func.any(bindparam("states", type_=ARRAY(Text))))
    if has_contact:
        query = query.where(_C.primary_contact_id == bindparam("contact"))
    if after:
        position = (bindparam("after_at", type_=_C.opened_at.type), bindparam("after_id", type_=_C.id.type))
        query = query.where(tuple_(_C.opened_at, _C.id) < tuple_(*position))
    return prepare(query.order_by(_C.opened_at.desc(), _C.id.desc()).limit(bindparam("most")))


def _counted(*, has_contact: bool) -> Query:
    query = select(_C.state)
    if has_contact:
        query = query.where(_C.primary_contact_id == bindparam("contact"))
    newest = query.order_by(_C.opened_at.desc(), _C.id.desc()).limit(bindparam("most")).subquery()
    return prepare(select(newest.c.state, func.count().label("items")).group_by(newest.c.state))


def _listed_entries(*, after: bool) -> Query:
    order: Sequence[Any] = (_E.happened_on, _E.shared_at, _E.entry_id)
    names = [name for name in _E.keys() if name not in ("tenant_id", "guest_id")]  # noqa: SIM118 - no dict
    query: Select[Any] = select(*(_E[name] for name in names)).where(_E.case_id == bindparam("of_case"))
    if after:
        position = [bindparam(f"after_{number}", type_=column.type) for number, column in enumerate(order)]
        query = query.where(tuple_(*order) < tuple_(*position))
    return prepare(query.order_by(*(column.desc() for column in order)).limit(bindparam("most")))


_LIST = {
    (has_state, has_contact, after): _listed(has_state=has_state, has_contact=has_contact, after=after)
    for has_state, has_contact, after in product((False, True), repeat=3)
}
_COUNT = {has_contact: _counted(has_contact=has_contact) for has_contact in (False, True)}
_ENTRIES = {after: _listed_entries(after=after) for after in (False, True)}


def _case(row: Any) -> SharedCase:
    return SharedCase(
        id=row.id,
        number=row.number,
        provider_id=row.tenant_id,
        state=shared_state(CaseState(row.state)),
        student_name=shown_name(
            given_names=row.given_names, family_name=row.family_name, preferred_name=row.preferred_name
        ),
        year_level=row.year_level,
        case_manager_id=row.case_manager_id,
        primary_contact_id=row.primary_contact_id,
        opened_at=row.opened_at,
        wakes_on=row.wakes_on,
        closed_at=row.closed_at,
        last_shared_at=row.last_shared_at,
    )


def _entry(row: Any) -> SharedEntry:
    return SharedEntry(
        entry_id=row.entry_id,
        case_id=row.case_id,
        kind=EventKind(row.kind),
        happened_on=row.happened_on,
        outcome=Outcome(row.outcome),
        note=row.note,
        recorded_by=row.recorded_by,
        shared_at=row.shared_at,
        corrected_at=row.corrected_at,
    )
