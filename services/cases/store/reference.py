"""Lists that people choose from, and days that rules count with."""

from sqlalchemy import select

from kit.db import Transaction, prepare
from services.cases.domain.reference import Item
from services.cases.store.tables import REFERENCE_ITEM

_C = REFERENCE_ITEM.c
_ALL = prepare(select(REFERENCE_ITEM).order_by(_C.list, _C.position, _C.code, _C.starts_on))


def list_items(tx: Transaction) -> list[Item]:
    """Every line of every list, also those that hold no more or not yet, in the order of being shown."""
    return [
        Item(
            list=row.list,
            code=row.code,
            label=row.label,
            days=row.days,
            starts_on=row.starts_on,
            ends_on=row.ends_on,
        )
        for row in tx.all(_ALL)
    ]
