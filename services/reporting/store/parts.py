"""Figures in their parts as they stand, kept in the transaction that adds to the ledger: what a page reads.

The ledger says the same as at any of its lines (`ledger.find_parts`), and has to be read whole for it: that is for what
is frozen. What is kept here is what the indicators of today ask for; a new dimension needs a migration that fills it
from the ledger, as 0005 does.
"""

from collections.abc import Iterator, Mapping

from sqlalchemy import ARRAY, Text, bindparam, func, select

from kit.db import Query, Transaction, prepare
from services.reporting.domain.figures import Quarter, Spread
from services.reporting.domain.indicators import BALANCES, MANY, PARTED, SPREAD
from services.reporting.store.ledger import Balance
from services.reporting.store.tables import FIGURE_PART

Line = tuple[str, int, str, tuple[tuple[str, str], ...]]
"""Counter, version of its rule, quarter, labels."""
Part = tuple[str, str, int, str, str]
"""Quarter, counter, version of its rule, dimension, key."""
Parts = Mapping[tuple[str, int, str], Mapping[str, Balance]]
"""By counter, version of its rule and dimension: by key, what was added in the quarter and before it."""

AS_ADDED = "value"
"""The dimension whose keys are the values that facts added; what is kept for each is the number of those facts."""

_P = FIGURE_PART.c
_IS_IN = (_P.quarter == bindparam("wanted")).label("is_in")
_BALANCES = bindparam("balances", type_=ARRAY(Text))
_FIND = prepare(
    select(_P.counter, _P.rule_version, _P.dimension, _P.key, _IS_IN, func.sum(_P.value).label("value"))
    .where(
        _P.tenant_id == bindparam("tenant"),
        _P.dimension != AS_ADDED,
        _IS_IN | ((_P.quarter < bindparam("wanted")) & (_P.counter == func.any(_BALANCES))),
    )
    .group_by(_P.counter, _P.rule_version, _P.dimension, _P.key, _IS_IN)
)
_FIND_ADDED = prepare(
    select(_P.counter, _P.rule_version, _P.key, _P.value).where(
        _P.tenant_id == bindparam("tenant"),
        _P.quarter == bindparam("wanted"),
        _P.dimension == AS_ADDED,
        _P.value > 0,
    )
)
ROW = {
    "quarter": "text",
    "counter": "text",
    "rule_version": "integer",
    "dimension": "text",
    "key": "text",
    "value": "bigint",
}
ADD = Query(
    f"INSERT INTO figure_part (tenant_id, {', '.join(ROW)})"  # noqa: S608 - names of our own columns
    f" SELECT %(tenant)s, * FROM unnest({', '.join(f'%({name})s::{kind}[]' for name, kind in ROW.items())})"
    " ON CONFLICT (tenant_id, quarter, counter, rule_version, dimension, key)"
    " DO UPDATE SET value = figure_part.value + excluded.value",
    {},
)


def parts_of(line: Line, *, was: tuple[int, int], now: tuple[int, int]) -> Iterator[tuple[Part, int]]:
    """What changes when a fact adds something else than before: a value, and the number of facts behind it."""
    counter, version, quarter, labels = line
    dimensions = PARTED.get(counter)
    if dimensions and now[0] != was[0]:
        known = dict(labels)
        for dimension in dimensions:
            label = known.get(dimension, "")
            for key in label.split(",") if dimension in MANY else (label,):
                yield (quarter, counter, version, dimension, key), now[0] - was[0]
    if counter in SPREAD:
        for (value, behind), sign in ((was, -1), (now, 1)):
            if behind > 0:
                yield (quarter, counter, version, AS_ADDED, str(value)), sign


def find_parts(tx: Transaction, quarter: Quarter) -> Parts:
    """Every counter of the present tenant in its parts."""
    found: dict[tuple[str, int, str], dict[str, Balance]] = {}
    rows = tx.all(_FIND, tenant=tx.tenant_id, wanted=str(quarter), balances=sorted(BALANCES))
    for row in rows:
        keys = found.setdefault((row.counter, row.rule_version, row.dimension), {})
        known = keys.get(row.key, Balance())
        value = int(row.value)
        keys[row.key] = Balance(value, before=known.before) if row.is_in else Balance(known.value, before=value)
    return found


def find_spreads(tx: Transaction, quarter: Quarter) -> Mapping[tuple[str, int], Spread]:
    """How the values are spread that facts added in a quarter, by counter and version of its rule."""
    found: dict[tuple[str, int], dict[int, int]] = {}
    for row in tx.all(_FIND_ADDED, tenant=tx.tenant_id, wanted=str(quarter)):
        found.setdefault((row.counter, row.rule_version), {})[int(row.key)] = int(row.value)
    return {counter: Spread(facts) for counter, facts in found.items()}
