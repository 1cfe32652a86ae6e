"""Figures as they are shown: indicators measured from what the ledger says, as it stands or as it stood at a line."""

from collections.abc import Mapping
from dataclasses import dataclass

from kit.db import Transaction
from services.reporting.domain.figures import Quarter, Spread
from services.reporting.domain.indicators import INDICATORS, VERSIONS, Indicator, Measure
from services.reporting.store import ledger, parts
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
    spreads = parts.find_spreads(tx, quarter) if cutoff is None else ledger.find_spreads(tx, quarter, cutoff=cutoff)
    return {code: _measured(indicator, balances, spreads) for code, indicator in INDICATORS.items()}


def break_down(tx: Transaction, quarter: Quarter, *, cutoff: int | None = None) -> list[Breakdown]:
    """Every indicator of the present tenant that has parts."""
    kept = parts.find_parts(tx, quarter) if cutoff is None else {}
    found = []
    for indicator in INDICATORS.values():
        for dimension in indicator.dimensions:
            if cutoff is None:
                keys = kept.get((indicator.counter, indicator.rule_version, dimension), {})
                each = {key: _added(indicator.measure, balance) for key, balance in keys.items()}
            else:
                each = dict(ledger.find_parts(tx, asked_of(indicator, quarter, cutoff=cutoff), dimension=dimension))
            rows = sorted(((key, value) for key, value in each.items() if value), key=lambda row: (-row[1], row[0]))
            if rows:
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
    indicator: Indicator, balances: Mapping[tuple[str, int], Balance], spreads: Mapping[tuple[str, int], Spread]
) -> int | None:
    balance = balances.get((indicator.counter, indicator.rule_version), _NOTHING)
    spread = spreads.get((indicator.counter, indicator.rule_version))
    match indicator.measure:
        case Measure.RATE:
            whole = balances.get((indicator.of, VERSIONS[indicator.of]), _NOTHING)
            return balance.value * 100 // whole.value if whole.value else None
        case Measure.MEDIAN:
            return spread.median if spread else None
        case Measure.WITHIN:
            return spread.share_within(indicator.target) if spread else None
    return _added(indicator.measure, balance)


def _added(measure: Measure, balance: Balance) -> int:
    match measure:
        case Measure.AT_START:
            return balance.before
        case Measure.AT_END:
            return balance.before + balance.value
    return balance.value
