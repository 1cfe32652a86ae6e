"""What the nation's figures are made of: everyone's, and no fact. Every `tx` here is of the role `national`."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Text, bindparam, func, select
from sqlalchemy.dialects import postgresql

from kit.db import Transaction, prepare
from services.reporting.domain.figures import Quarter
from services.reporting.store.tables import COUNTED, FIGURE, SUPPRESSION_KEY

_ALL = prepare(
    select(*FIGURE.c)
    .where(FIGURE.c.quarter == func.any(bindparam("wanted", type_=ARRAY(Text))))
    .order_by(FIGURE.c.tenant_id)
)
_ANY_LAST = prepare(select(func.max(COUNTED.c.counted_at)))
_MAKE_KEY = prepare(
    postgresql.insert(SUPPRESSION_KEY)
    .values(dict.fromkeys(SUPPRESSION_KEY.c.keys()))
    .on_conflict_do_nothing(index_elements=[SUPPRESSION_KEY.c.id])
)
_FIND_KEY = prepare(select(SUPPRESSION_KEY.c.key))


@dataclass(frozen=True, slots=True)
class FigureRow:
    """A figure of one provider: its value, and the number of facts behind it."""

    value: int
    behind: int


Figures = Mapping[tuple[str, int], FigureRow]
"""By code and rule version of the counter."""


def find_national_figures(tx: Transaction, quarters: Sequence[Quarter]) -> Mapping[Quarter, Mapping[UUID, Figures]]:
    """By quarter the exact figures of every provider that has any in it, by id."""
    found: dict[Quarter, dict[UUID, dict[tuple[str, int], FigureRow]]] = {quarter: {} for quarter in quarters}
    for row in tx.all(_ALL, wanted=[str(quarter) for quarter in quarters]):
        figures = found[Quarter.parse(row.quarter)].setdefault(row.tenant_id, {})
        figures[row.indicator, row.rule_version] = FigureRow(row.value, row.behind)
    return found


def find_last_counted_anywhere(tx: Transaction) -> datetime | None:
    """When anyone's figures last changed."""
    found: datetime | None = tx.value(_ANY_LAST)
    return found


def find_suppression_key(tx: Transaction) -> bytes:
    """The key that decides what is hidden besides; made on first use. `tx` is a plumbing transaction."""
    tx.run(_MAKE_KEY, id=1, key=secrets.token_bytes(32))
    return bytes(tx.value(_FIND_KEY))
