"""Figures that others than the provider read: small ones are hidden, and so is whatever would give them away.

Each indicator is a column: a cell per provider and their total, which is published. (There is no sum across indicators:
cases, visits and minutes do not add up.)

* A cell is hidden when fewer than THRESHOLD facts stand behind it; nought too, since it says that of everyone.
* From the total and the cells shown anyone can work out the *sum* of the hidden ones. So there are never fewer than two
  of them, and never fewer than THRESHOLD facts behind that sum: further cells are hidden until both hold. When there is
  none left to hide, the total is hidden instead.
* Which cells are hidden besides is decided by an order that is kept secret. If it were the smallest first, or any other
  order that can be known, a reader who knows this code could tell a small cell from one hidden for its sake, and two
  hidden cells that make ten would be five and five.

What this gives: with a count, each hidden cell may be any number from 0 to 5, whatever is known of the rest and of this
code. It does not hold against a provider who subtracts its own exact figure: these figures are for the ministry.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

THRESHOLD = 6
_FEWEST_HIDDEN = 2

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Cell:
    """A value, and how many facts stand behind it (for a count, the same)."""

    value: int
    behind: int


@dataclass(frozen=True, slots=True)
class Column(Generic[Key]):
    """What may be published: each cell and the total, None where hidden."""

    cells: Mapping[Key, int | None]
    total: int | None


def protect(cells: Mapping[Key, Cell], *, order: Callable[[Key], bytes]) -> Column[Key]:
    """Hide what is small and what would give it away; `order` ranks the cells to be hidden besides (`secret_order`)."""
    hidden = {key for key, cell in cells.items() if cell.behind < THRESHOLD}
    if hidden:
        rest = sorted(cells.keys() - hidden, key=order)
        while rest and not _is_safe(cells, hidden):
            hidden.add(rest.pop(0))
    return Column(
        {key: None if key in hidden else cell.value for key, cell in cells.items()},
        sum(cell.value for cell in cells.values()) if _is_safe(cells, hidden) else None,
    )


def secret_order(key: bytes, *, quarter: str, indicator: str) -> Callable[[object], bytes]:
    """An order that nobody without `key` can know, and that stays the same each time it is asked for."""

    def rank(cell: object) -> bytes:
        return hmac.digest(key, f"{quarter} {indicator} {cell}".encode(), "sha256")

    return rank


def _is_safe(cells: Mapping[Key, Cell], hidden: set[Key]) -> bool:
    if not hidden:
        return sum(cell.behind for cell in cells.values()) >= THRESHOLD
    return len(hidden) >= _FEWEST_HIDDEN and sum(cells[key].behind for key in hidden) >= THRESHOLD
