"""Returns, frozen returns, and the rule about them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.dialects import postgresql

from kit.db import Later, Transaction, prepare
from services.reporting.domain.figures import Quarter
from services.reporting.domain.returns import Finding, Return, Rule
from services.reporting.store.tables import FROZEN_RETURN, RETURN, RETURN_RULE

_R, _F = RETURN.c, FROZEN_RETURN.c
NATIONAL = (
    "tenant_id",
    "quarter",
    "state",
    "number",
    "submitted_at",
    "accepted_at",
    "version",
)
"""What the ministry sees of a return without opening it."""

_MINE = select(*_R).where(_R.tenant_id == bindparam("tenant"))
_FIND = prepare(_MINE.where(_R.quarter == bindparam("wanted")))
_FIND_BY_ID = prepare(_MINE.where(_R.id == bindparam("wanted_id")))
_LOCK = prepare(_MINE.where(_R.quarter == bindparam("wanted")).with_for_update())
_QUARTERS = prepare(select(_R.quarter).where(_R.tenant_id == bindparam("tenant")))
_LIST = prepare(_MINE.order_by(_R.quarter.desc()))
_BEGIN = prepare(
    postgresql.insert(RETURN)
    .values(dict.fromkeys(_R.keys()))
    .on_conflict_do_nothing(index_elements=[_R.tenant_id, _R.quarter])
)
_CHANGING = tuple(name for name in _R.keys() if name not in {"tenant_id", "quarter", "id"})  # noqa: SIM118
_UPDATE = prepare(
    update(RETURN)
    .where(_R.tenant_id == bindparam("tenant"), _R.quarter == bindparam("wanted"))
    .values({name: bindparam(f"new_{name}", type_=_R[name].type) for name in _CHANGING})
)
_FREEZE = prepare(insert(FROZEN_RETURN).values(dict.fromkeys(_F.keys())))
_FROZEN = prepare(
    select(*_F).where(_F.tenant_id == bindparam("tenant"), _F.quarter == bindparam("wanted")).order_by(_F.number)
)
_FIRST_DAY = select(func.min(RETURN_RULE.c.starts_on)).scalar_subquery()
_RULE = prepare(
    select(*RETURN_RULE.c)
    .where(RETURN_RULE.c.starts_on <= func.greatest(bindparam("on_day"), _FIRST_DAY))
    .order_by(RETURN_RULE.c.starts_on.desc())
    .limit(1)
)
_STATES = prepare(
    select(*(_R[name] for name in NATIONAL)).where(_R.quarter == bindparam("wanted")).order_by(_R.tenant_id)
)


@dataclass(frozen=True, slots=True)
class Frozen:
    """A return as it was submitted."""

    number: int
    content: bytes
    sha256: str
    submitted_at: datetime
    submitted_by: UUID


def find_rule(tx: Transaction, on: date) -> Rule:
    """The rule about returns that holds on a day. Before the first one began it holds too: work is recorded late."""
    row = tx.first(_RULE, on_day=on)
    assert row is not None, "the migration made the first rule"
    return Rule(
        due_working_days=row.due_working_days,
        change_percent=row.change_percent,
        change_least=row.change_least,
        minutes_per_case=row.minutes_per_case,
    )


def begin_return(tx: Transaction, quarter: Quarter, *, return_id: UUID) -> bool:
    """Keep a draft of the present tenant; False where there is a return already."""
    return (
        tx.run(_BEGIN, tenant_id=tx.tenant_id, quarter=str(quarter), id=return_id, **_columns(Return(quarter=quarter)))
        == 1
    )


def list_quarters_later(tx: Transaction) -> Later:
    """Queue the question for which quarters the present tenant has returns: rows of `quarter`."""
    return tx.later(_QUARTERS, tenant=tx.tenant_id)


def find_return(tx: Transaction, quarter: Quarter) -> Return | None:
    """The present tenant's return of a quarter."""
    return _return(tx.first(_FIND, tenant=tx.tenant_id, wanted=str(quarter)))


def find_return_by_id(tx: Transaction, return_id: UUID) -> Return | None:
    """As `find_return`, for a deadline."""
    return _return(tx.first(_FIND_BY_ID, tenant=tx.tenant_id, wanted_id=return_id))


def find_return_id(tx: Transaction, quarter: Quarter) -> UUID | None:
    """The id of the present tenant's return of a quarter, which its deadline bears."""
    row = tx.first(_FIND, tenant=tx.tenant_id, wanted=str(quarter))
    return row.id if row is not None else None


def lock_return(tx: Transaction, quarter: Quarter) -> Return | None:
    """As `find_return`, locked."""
    return _return(tx.first(_LOCK, tenant=tx.tenant_id, wanted=str(quarter)))


def list_returns(tx: Transaction) -> list[Return]:
    """The present tenant's returns, newest first."""
    return [found for row in tx.all(_LIST, tenant=tx.tenant_id) if (found := _return(row)) is not None]


def update_return(tx: Transaction, filed: Return) -> None:
    """Queue what changed of a return."""
    changed = {f"new_{name}": value for name, value in _columns(filed).items()}
    tx.later(_UPDATE, tenant=tx.tenant_id, wanted=str(filed.quarter), **changed)


def freeze(tx: Transaction, filed: Return, content: bytes) -> None:
    """Queue a submitted return as it was."""
    tx.later(
        _FREEZE,
        tenant_id=tx.tenant_id,
        quarter=str(filed.quarter),
        number=filed.number,
        content=content,
        sha256=filed.sha256,
        submitted_at=filed.submitted_at,
        submitted_by=filed.submitted_by,
    )


def list_frozen(tx: Transaction, quarter: Quarter) -> list[Frozen]:
    """The present tenant's submissions of a quarter, oldest first."""
    return [
        Frozen(row.number, bytes(row.content), row.sha256, row.submitted_at, row.submitted_by)
        for row in tx.all(_FROZEN, tenant=tx.tenant_id, wanted=str(quarter))
    ]


def list_states(tx: Transaction, quarter: Quarter) -> list[Any]:
    """How everyone's returns stand: rows of the columns NATIONAL. `tx` is of the role `national`."""
    return tx.all(_STATES, wanted=str(quarter))


def _columns(filed: Return) -> Mapping[str, Any]:
    return {
        "state": filed.state.value,
        "comments": Jsonb(dict(filed.comments)),
        "explanations": Jsonb(dict(filed.explanations)),
        "findings": Jsonb([asdict(each) for each in filed.findings]),
        "checked": filed.checked,
        "validated_at": filed.validated_at,
        "number": filed.number,
        "sha256": filed.sha256,
        "submitted_at": filed.submitted_at,
        "submitted_by": filed.submitted_by,
        "accepted_at": filed.accepted_at,
        "accepted_by": filed.accepted_by,
        "reopened_reason": filed.reopened_reason,
        "overdue_noted_at": filed.overdue_noted_at,
        "version": filed.version,
    }


def _return(row: Any) -> Return | None:
    if row is None:
        return None
    known = {name: getattr(row, name) for name in _CHANGING if name not in {"state", "findings"}}
    return Return(quarter=Quarter.parse(row.quarter), findings=tuple(Finding(**each) for each in row.findings), **known)
