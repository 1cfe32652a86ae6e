"""Lists that people choose from, and days that rules count with."""

from sqlalchemy import select

from kit.db import Transaction, prepare
from services.cases.domain.reference import Item
from services.cases.domain.triage import Criterion, TriageTier
from services.cases.store.tables import REFERENCE_ITEM, TRIAGE_CRITERION

_C = REFERENCE_ITEM.c
_T = TRIAGE_CRITERION.c
_CRITERIA = prepare(select(TRIAGE_CRITERION).order_by(_T.position, _T.code, _T.starts_on))
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


def list_criteria(tx: Transaction) -> list[Criterion]:
    """Every criterion of triage, also those that hold no more or not yet, in the order of being looked at."""
    return [
        Criterion(
            code=row.code,
            tier=TriageTier(row.tier),
            label=row.label,
            starts_on=row.starts_on,
            ends_on=row.ends_on,
            most_percent=row.most_percent,
            least_days_absent=row.least_days_absent,
            least_chronic_terms=row.least_chronic_terms,
            least_steps=row.least_steps,
        )
        for row in tx.all(_CRITERIA)
    ]
