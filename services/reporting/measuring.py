"""Figures as they are shown: indicators measured from what the ledger says, as it stands or as it stood at a line."""

from collections.abc import Mapping
from dataclasses import dataclass

from kit.db import Transaction
from services.reporting.domain.figures import Quarter
from services.reporting.domain.indicators import INDICATORS, VERSIONS, Indicator, Measure
from services.reporting.store import ledger
from services.reporting.store.ledger import EVER, Asked, Balance

_NOTHING = Balance()

Values = Mapping[str, int | None]
"""By code of the indicator; None where there is nothing to compute it from."""


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A figure in its parts, the largest first."""

    indicator: str
    dimension: str
    rows: tuple[tuple[str, int], ...]


def measure(tx: Transaction, quarter: Quarter, *, cutoff: int | None = None) -> Values:
    """Every indicator of the present tenant."""
    balances = ledger.find_balances(tx, quarter, cutoff=cutoff)
    return {
        code: _measured(tx, indicator, quarter, balances, EVER if cutoff is None else cutoff)
        for code, indicator in INDICATORS.items()
    }


def break_down(tx: Transaction, quarter: Quarter, *, cutoff: int = EVER) -> list[Breakdown]:
    """Every indicator of the present tenant that has parts."""
    found = []
    for indicator in INDICATORS.values():
        asked = asked_of(indicator, quarter, cutoff=cutoff)
        for dimension in indicator.dimensions:
            parts = ledger.find_parts(tx, asked, dimension=dimension)
            if parts:
                rows = sorted(parts.items(), key=lambda part: (-part[1], part[0]))
                found.append(Breakdown(indicator.code, dimension, tuple(rows)))
    return found


def asked_of(indicator: Indicator, quarter: Quarter, *, cutoff: int = EVER) -> Asked:
    """What to ask the ledger for an indicator. What was open at the start was so at the end of the quarter before."""
    at_start = indicator.measure is Measure.AT_START
    return Asked(
        indicator.counter,
        indicator.rule_version,
        quarter.before if at_start else quarter,
        is_balance=at_start or indicator.measure is Measure.AT_END,
        cutoff=cutoff,
    )


def _measured(
    tx: Transaction,
    indicator: Indicator,
    quarter: Quarter,
    balances: Mapping[tuple[str, int], Balance],
    cutoff: int,
) -> int | None:
    balance = balances.get((indicator.counter, indicator.rule_version), _NOTHING)
    match indicator.measure:
        case Measure.IN_QUARTER:
            return balance.value
        case Measure.AT_START:
            return balance.before
        case Measure.AT_END:
            return balance.before + balance.value
        case Measure.RATE:
            whole = balances.get((indicator.of, VERSIONS[indicator.of]), _NOTHING)
            return balance.value * 100 // whole.value if whole.value else None
        case Measure.MEDIAN | Measure.WITHIN:
            spread = ledger.find_spread(tx, asked_of(indicator, quarter, cutoff=cutoff), target=indicator.target)
            if not spread.facts:
                return None
            return spread.median if indicator.measure is Measure.MEDIAN else spread.within * 100 // spread.facts
