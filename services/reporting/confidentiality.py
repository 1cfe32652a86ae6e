"""Figures that others than the provider read: small ones are hidden, and so is whatever would give them away.

Each indicator is a table: a cell per provider, a sum per region, and the nation's total, all published together. (There
is no sum across indicators: cases, visits and minutes do not add up, and those that do are not all published.)

* A cell is hidden when fewer than THRESHOLD facts stand behind it; nought too, since it says that of everyone.
* From a sum and the cells shown anyone can work out what the hidden ones of that region make together. So there are
  never fewer than two of them, and never fewer than THRESHOLD facts behind them: further cells are hidden until both
  hold. Where there is none left to hide, the region's sum is hidden too.
* The hidden regions in turn make together what the total leaves over, and that is what their hidden cells make. The
  same holds for these, taken together: further regions are hidden, each with at least one cell, until it does. Where
  there is none left to hide, the total is hidden.
* What is hidden besides is decided by an order that is kept secret. If it were the smallest first, or any other order
  that can be known, a reader who knows this code could tell a small cell from one hidden for its sake, and two hidden
  cells that make ten would be five and five.

So every hidden cell stands in exactly one sum that can be worked out, together with others, and the sum is not small:
with a count, each may be any number from 0 to 5, whatever is known of the rest and of this code. It does not hold
against a provider who subtracts its own exact figure: these figures are for the ministry.

Quarters are published side by side. A fact counts in one of them, so the tables of two quarters are about different
unknowns: solving them together tells no more than solving each. That would end with a number that spans quarters, a
sum over a year or what is open at the end, so none is published (`Indicator.is_national`). It does not hold against a
reader who keeps what they saw while a quarter still ran, or before a provider came to another region, and subtracts.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

THRESHOLD = 6
_FEWEST_HIDDEN = 2

Key = TypeVar("Key")
Order = Callable[[object], bytes]


@dataclass(frozen=True, slots=True)
class Cell:
    """A value, and how many facts stand behind it (for a count, the same)."""

    value: int
    behind: int


@dataclass(frozen=True, slots=True)
class Table(Generic[Key]):
    """What may be published: each cell, each region's sum and the total; None where hidden."""

    cells: Mapping[Key, int | None]
    regions: Mapping[str, int | None]
    total: int | None


def protect(regions: Mapping[str, Mapping[Key, Cell]], *, order: Order) -> Table[Key]:
    """Hide what is small and what would give it away; `order` ranks what is hidden besides (`secret_order`)."""
    hidden = {region: _hide_within(cells, order=order) for region, cells in regions.items()}
    closed = {region for region, cells in regions.items() if not _is_safe(cells, hidden[region])}
    rest = sorted(regions.keys() - closed, key=order)
    while rest and closed and not _is_pool_safe(regions, hidden, closed):
        region = rest.pop(0)
        closed.add(region)
        hidden[region] = hidden[region] or {min(regions[region], key=order)}
    is_total_safe = _is_pool_safe(regions, hidden, closed) if closed else True
    sums = {region: sum(cell.value for cell in cells.values()) for region, cells in regions.items()}
    return Table(
        {
            key: None if key in hidden[region] else cell.value
            for region, cells in regions.items()
            for key, cell in cells.items()
        },
        {region: None if region in closed else value for region, value in sums.items()},
        sum(sums.values()) if sums and is_total_safe else None,
    )


def secret_order(key: bytes, *, quarter: str, indicator: str) -> Order:
    """An order that nobody without `key` can know, and that stays the same each time it is asked for."""

    def rank(cell: object) -> bytes:
        return hmac.digest(key, f"{quarter} {indicator} {cell}".encode(), "sha256")

    return rank


def _hide_within(cells: Mapping[Key, Cell], *, order: Order) -> set[Key]:
    hidden = {key for key, cell in cells.items() if cell.behind < THRESHOLD}
    if hidden:
        rest = sorted(cells.keys() - hidden, key=order)
        while rest and not _is_safe(cells, hidden):
            hidden.add(rest.pop(0))
    return hidden


def _is_safe(cells: Mapping[Key, Cell], hidden: set[Key]) -> bool:
    if not hidden:
        return sum(cell.behind for cell in cells.values()) >= THRESHOLD
    return len(hidden) >= _FEWEST_HIDDEN and sum(cells[key].behind for key in hidden) >= THRESHOLD


def _is_pool_safe(regions: Mapping[str, Mapping[Key, Cell]], hidden: Mapping[str, set[Key]], closed: set[str]) -> bool:
    pool = {(region, key): regions[region][key] for region in closed for key in hidden[region]}
    return _is_safe(pool, set(pool))
