"""Hidden cells stay hidden: two readers try to work them out, and must fail.

One knows only what is published and solves it. The other also knows this program, everything but the secret order, and
tries every table that could have been published so.
"""

import itertools
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.reporting.confidentiality import THRESHOLD, Cell, Table, protect, secret_order

SMALL = range(THRESHOLD)
COUNTS = st.dictionaries(st.integers(0, 50), st.integers(0, 40), min_size=1, max_size=30)
KEYS = st.binary(min_size=1, max_size=8)


def published(counts: Mapping[int, int], *, key: bytes = b"key") -> Table[int]:
    cells = {each: Cell(count, count) for each, count in counts.items()}
    return alone(cells, order=secret_order(key, quarter="2026-Q1", indicator="cases-opened"))


def alone(cells: Mapping[Any, Cell], *, order: Any) -> Table[Any]:
    """A table of one region: a column and its total."""
    return protect({"": cells}, order=order)


def hidden_in(column: Table[int]) -> list[int]:
    return [each for each, value in column.cells.items() if value is None]


def interval(column: Table[int], cell: int) -> tuple[int, float]:
    """The least and the most a hidden cell can be by what is published: what linear programming would find here."""
    equations = equations_of(column)
    assert all(len(unknown) != 1 for unknown, _ in equations), "one unknown in an equation is no secret"
    most = min((left for unknown, left in equations if cell in unknown), default=float("inf"))
    return 0, most


def equations_of(column: Table[int]) -> list[tuple[set[int], int]]:
    """Unknown cells and what they sum to."""
    if column.total is None:
        return []
    shown = sum(value for value in column.cells.values() if value is not None)
    return [(set(hidden_in(column)), column.total - shown)]


def is_determined(column: Table[int], cell: int) -> bool:
    """Gaussian elimination over the published sums: whether they have one solution for a cell."""
    unknowns = hidden_in(column)
    rows = [[Fraction(int(each in unknown)) for each in unknowns] for unknown, _ in equations_of(column)]
    target = [Fraction(int(each == cell)) for each in unknowns]
    return rank([*rows, target]) == rank(rows)


def rank(rows: list[list[Fraction]]) -> int:
    rows = [list(row) for row in rows]
    found = 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((row for row in rows[found:] if row[column]), None)
        if pivot is None:
            continue
        rows.remove(pivot)
        rows = [
            [value - row[column] / pivot[column] * with_ for value, with_ in zip(row, pivot, strict=True)]
            if index >= found
            else row
            for index, row in enumerate(rows)
        ]
        rows.insert(found, pivot)
        found += 1
    return found


@given(counts=COUNTS, key=KEYS)
@example(counts={1: 5, 2: 5, 3: 6}, key=b"key")
@example(counts={1: 0, 2: 0, 3: 7}, key=b"key")
@example(counts={1: 3}, key=b"key")
@example(counts={1: 2, 2: 3}, key=b"key")
def test_what_is_published_does_not_determine_a_hidden_cell(counts: dict[int, int], key: bytes) -> None:
    column = published(counts, key=key)

    for cell in hidden_in(column):
        least, most = interval(column, cell)
        assert least == 0
        assert most >= THRESHOLD, "it could be any small number, and one that is not"
        assert not is_determined(column, cell)


@given(counts=COUNTS, key=KEYS)
def test_no_small_count_is_published_nor_is_the_sum_of_the_hidden_ones_small(
    counts: dict[int, int], key: bytes
) -> None:
    column = published(counts, key=key)

    shown = {each: value for each, value in column.cells.items() if value is not None}
    assert all(value >= THRESHOLD for value in shown.values())
    assert all(counts[each] == value for each, value in shown.items())
    assert column.total in (None, sum(counts.values()))
    assert all(left >= THRESHOLD for unknown, left in equations_of(column) if unknown)


@pytest.mark.parametrize(
    "counts",
    [
        (5, 5, 6),
        (5, 5, 9),
        (1, 6, 7),
        (0, 6, 6),
        (0, 0, 6),
        (0, 0, 0, 8),
        (2, 3, 9, 9),
        (4, 9, 9, 9),
        (5, 5, 5, 6),
        (3, 3),
        (0, 6),
        (1, 7),
    ],
)
def test_a_reader_who_knows_the_program_cannot_rule_out_any_small_number(counts: tuple[int, ...]) -> None:
    column = published(dict(enumerate(counts)))

    possible = list(tables_published_as(column))

    assert counts in possible
    for cell in hidden_in(column):
        assert {table[cell] for table in possible} >= set(SMALL)


def tables_published_as(column: Table[int]) -> Iterator[tuple[int, ...]]:
    """Every table that this program would have published so, in some order of hiding."""
    assert column.total is not None
    size = len(column.cells)
    orders = list(itertools.permutations(range(size)))
    for table in itertools.product(*(choices(column, each) for each in range(size))):
        cells = {each: Cell(count, count) for each, count in enumerate(table)}
        if any(alone(cells, order=ranked(order)) == column for order in orders):
            yield table


def choices(column: Table[int], cell: int) -> range | tuple[int]:
    shown = column.cells[cell]
    return range((column.total or 0) + 1) if shown is None else (shown,)


def ranked(order: tuple[int, ...]) -> "Rank":
    return Rank(order)


class Rank:
    """An order of hiding, chosen by the reader."""

    def __init__(self, order: tuple[int, ...]) -> None:
        self._order = order

    def __call__(self, cell: object) -> bytes:
        return bytes([self._order[cell]]) if isinstance(cell, int) else b""


def test_an_order_that_can_be_known_would_give_cells_away() -> None:
    """The negative control: with the smallest hidden first, the same reader works a cell out."""

    def smallest_first(table: tuple[int, ...]) -> Table[int]:
        cells = {each: Cell(count, count) for each, count in enumerate(table)}
        return alone(cells, order=lambda cell: bytes([table[cell]]) if isinstance(cell, int) else b"")

    column = smallest_first((3, 9, 8))
    possible = [
        table
        for table in itertools.product(range(21), repeat=3)
        if sum(table) == 20 and smallest_first(table) == column
    ]

    assert hidden_in(column) == [0, 2]
    assert not {table[0] for table in possible} >= set(SMALL)


@given(counts=COUNTS)
def test_publishing_the_small_ones_alone_hidden_would_fail(counts: dict[int, int]) -> None:
    """The negative control of the solver: it finds the cell where only one is hidden."""
    total = 9 * len(counts) + 3
    column = Table({0: None, **{each + 1: 9 for each in counts}}, {"": total}, total)

    assert is_determined(column, 0)


def test_minutes_are_hidden_by_what_stands_behind_them() -> None:
    cells = {"a": Cell(600, 2), "b": Cell(30, 6), "c": Cell(90, 12)}

    column = alone(cells, order=secret_order(b"key", quarter="2026-Q1", indicator="minutes"))

    assert column.cells["a"] is None, "many minutes, few visits"
    assert [column.cells["b"], column.cells["c"]].count(None) == 1
    assert column.total == 720


def test_nothing_is_hidden_where_nothing_is_small() -> None:
    column = published({1: 6, 2: 7})

    assert column == Table({1: 6, 2: 7}, {"": 13}, 13)


def test_a_single_small_provider_hides_the_total_too() -> None:
    assert published({1: 5}) == Table({1: None}, {"": None}, None)


def test_a_nation_of_few_hides_everything() -> None:
    assert published({1: 2, 2: 3}) == Table({1: None, 2: None}, {"": None}, None)


@settings(max_examples=30)
@given(counts=COUNTS)
def test_the_same_figures_are_hidden_each_time_they_are_asked_for(counts: dict[int, int]) -> None:
    backwards = dict(reversed(counts.items()))

    assert published(counts).cells == published(backwards).cells
