"""What the ledger says: figures, their parts, the cases behind them. `book` writes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Select, Text, bindparam, func, literal, select, text
from sqlalchemy.dialects import postgresql

from kit.db import Transaction, prepare
from services.reporting.domain.figures import Quarter, Spread
from services.reporting.domain.indicators import MANY, SPREAD
from services.reporting.store.tables import COUNTED, FIGURE, LEDGER

_L = LEDGER.c

_new_counted = postgresql.insert(COUNTED).values(dict.fromkeys(COUNTED.c.keys()))
_MARK_COUNTED = prepare(
    _new_counted.on_conflict_do_update(
        index_elements=[COUNTED.c.tenant_id],
        set_={"counted_at": func.greatest(COUNTED.c.counted_at, _new_counted.excluded.counted_at)},
    )
)
_HOLD_COUNTING = prepare(
    select(COUNTED.c.counted_at).where(COUNTED.c.tenant_id == bindparam("tenant")).with_for_update()
)


def begin_counting(tx: Transaction, *, now: datetime) -> None:
    """Queue the lock of the present tenant's ledger: before anything is read of it in order to add to it."""
    tx.later(_MARK_COUNTED, tenant_id=tx.tenant_id, counted_at=now)


def hold_counting(tx: Transaction) -> None:
    """Take the same lock without saying that anything was counted: nothing is added until this transaction ends."""
    tx.all(_HOLD_COUNTING, tenant=tx.tenant_id)


@dataclass(frozen=True, slots=True)
class Balance:
    """What was added to a counter: in a quarter, and in all quarters before it. And the facts behind the former."""

    value: int = 0
    behind: int = 0
    before: int = 0


_OF_QUARTER = (FIGURE.c.quarter == bindparam("wanted")).label("is_in")
_BALANCES = prepare(
    select(
        FIGURE.c.indicator,
        FIGURE.c.rule_version,
        _OF_QUARTER,
        func.sum(FIGURE.c.value).label("value"),
        func.sum(FIGURE.c.behind).label("behind"),
    )
    .where(FIGURE.c.tenant_id == bindparam("tenant"), FIGURE.c.quarter <= bindparam("wanted"))
    .group_by(FIGURE.c.indicator, FIGURE.c.rule_version, _OF_QUARTER)
)
_line = bindparam("cutoff", type_=BigInteger)
_LEDGER_OF_QUARTER = (_L.quarter == bindparam("wanted")).label("is_in")
_BALANCES_AT = prepare(
    select(
        _L.counter.label("indicator"),
        _L.rule_version,
        _LEDGER_OF_QUARTER,
        func.sum(_L.value).label("value"),
        func.sum(_L.behind).label("behind"),
    )
    .where(_L.tenant_id == bindparam("tenant"), _L.quarter <= bindparam("wanted"), _L.line <= _line)
    .group_by(_L.counter, _L.rule_version, _LEDGER_OF_QUARTER)
)
_LAST_LINE = prepare(select(func.coalesce(func.max(_L.line), 0)).where(_L.tenant_id == bindparam("tenant")))
_LAST_COUNTED = prepare(select(func.max(COUNTED.c.counted_at)).where(COUNTED.c.tenant_id == bindparam("tenant")))


def find_balances(tx: Transaction, quarter: Quarter, *, cutoff: int | None = None) -> Mapping[tuple[str, int], Balance]:
    """The present tenant's counters, by code and rule version: as they are, or as they were at a line of the ledger."""
    found: dict[tuple[str, int], dict[str, int]] = {}
    parameters: dict[str, Any] = {"tenant": tx.tenant_id, "wanted": str(quarter)}
    rows = tx.all(_BALANCES, **parameters) if cutoff is None else tx.all(_BALANCES_AT, **parameters, cutoff=cutoff)
    for row in rows:
        balance = found.setdefault((row.indicator, row.rule_version), {})
        if row.is_in:
            balance |= {"value": int(row.value), "behind": int(row.behind)}
        else:
            balance["before"] = int(row.value)
    return {key: Balance(**balance) for key, balance in found.items()}


def find_last_line(tx: Transaction) -> int:
    """The last line of the present tenant's ledger; 0 before the first."""
    return int(tx.value(_LAST_LINE, tenant=tx.tenant_id))


def find_last_counted(tx: Transaction) -> datetime | None:
    """When the present tenant's figures last changed; None before the first event."""
    found: datetime | None = tx.value(_LAST_COUNTED, tenant=tx.tenant_id)
    return found


def _of_counter(*, is_balance: bool) -> ColumnElement[bool]:
    quarter = _L.quarter <= bindparam("wanted") if is_balance else _L.quarter == bindparam("wanted")
    return (
        (_L.tenant_id == bindparam("tenant"))
        & (_L.counter == bindparam("wanted_counter"))
        & (_L.rule_version == bindparam("version"))
        & quarter
        & (_L.line <= _line)
    )


_label = func.coalesce(_L.labels.op("->>", return_type=Text())(bindparam("dimension", type_=Text)), "")
# A student with two ethnicities stands in two parts: the label is their codes, with commas.
_each_label = func.regexp_split_to_table(_label, ",")
_PARTS = {
    (is_balance, is_many): prepare(
        select((_each_label if is_many else _label).label("key"), func.sum(_L.value).label("value"))
        .where(_of_counter(is_balance=is_balance))
        .group_by(text("1"))
        .having(func.sum(_L.value) != 0)
    )
    for is_balance in (False, True)
    for is_many in (False, True)
}
_wanted_key = bindparam("wanted_key", type_=Text)
_HAS_KEY = {
    False: _label == _wanted_key,
    True: func.strpos(literal(",") + _label + literal(","), literal(",") + _wanted_key + literal(",")) > 0,
}


def _of_cases(*, is_balance: bool, is_part: bool, is_many: bool) -> Select[Any]:
    query = select(_L.case_id).where(
        _of_counter(is_balance=is_balance), _L.case_id > bindparam("after", type_=_L.case_id.type)
    )
    if is_part:
        query = query.where(_HAS_KEY[is_many])
    stands = func.sum(_L.value) > 0 if is_balance else func.sum(_L.behind) > 0
    return query.group_by(_L.case_id).having(stands).order_by(_L.case_id).limit(bindparam("most"))


_CASES = {
    (is_balance, is_part, is_many): prepare(_of_cases(is_balance=is_balance, is_part=is_part, is_many=is_many))
    for is_balance, is_part, is_many in product((False, True), repeat=3)
}
_per_fact = (
    select(_L.counter, _L.rule_version, func.sum(_L.value).label("value"))
    .where(
        _L.tenant_id == bindparam("tenant"),
        _L.counter == func.any(bindparam("counters", type_=ARRAY(Text))),
        _L.quarter == bindparam("wanted"),
        _L.line <= _line,
    )
    .group_by(_L.counter, _L.rule_version, _L.fact_id)
    .having(func.sum(_L.behind) > 0)
    .subquery()
)
_SPREADS = prepare(select(*_per_fact.c, func.count().label("facts")).group_by(*_per_fact.c))
EVER = 2**62
"""A line that is never reached."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which counter: by code and rule version, in a quarter, or (`is_balance`) up to its end; as at a line."""

    counter: str
    rule_version: int
    quarter: Quarter
    is_balance: bool = False
    cutoff: int = EVER

    def parameters(self, tx: Transaction) -> dict[str, Any]:
        """As the statements want it."""
        return {
            "tenant": tx.tenant_id,
            "wanted_counter": self.counter,
            "version": self.rule_version,
            "wanted": str(self.quarter),
            "cutoff": self.cutoff,
        }


def find_parts(tx: Transaction, asked: Asked, *, dimension: str) -> Mapping[str, int]:
    """A counter parted by a label; what has none under the empty text. By one of MANY a fact counts in several."""
    rows = tx.all(_PARTS[asked.is_balance, dimension in MANY], **asked.parameters(tx), dimension=dimension)
    return {row.key: int(row.value) for row in rows}


def find_spreads(tx: Transaction, quarter: Quarter, *, cutoff: int) -> Mapping[tuple[str, int], Spread]:
    """How the values are spread that facts added in a quarter, by counter and version of its rule; as at a line."""
    found: dict[tuple[str, int], dict[int, int]] = {}
    rows = tx.all(_SPREADS, tenant=tx.tenant_id, wanted=str(quarter), cutoff=cutoff, counters=sorted(SPREAD))
    for row in rows:
        found.setdefault((row.counter, row.rule_version), {})[int(row.value)] = row.facts
    return {counter: Spread(facts) for counter, facts in found.items()}


def list_cases(tx: Transaction, asked: Asked, *, part: tuple[str, str] | None, after: UUID, most: int) -> list[UUID]:
    """The cases behind a counter, or behind one part of it (dimension and key), by id, after one."""
    parameters = {**asked.parameters(tx), "after": after, "most": most}
    if part is not None:
        parameters |= {"dimension": part[0], "wanted_key": part[1]}
    key = (asked.is_balance, part is not None, part is not None and part[0] in MANY)
    return [row.case_id for row in tx.all(_CASES[key], **parameters)]
