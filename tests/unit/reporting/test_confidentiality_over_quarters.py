"""Quarters are published side by side: a reader who solves the tables of all of them at once must fail too."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from services.reporting.confidentiality import THRESHOLD, Cell, Table, protect, secret_order
from services.reporting.domain.indicators import INDICATORS, Measure
from tests.unit.reporting.test_confidentiality_of_regions import (
    COUNTS,
    KEYS,
    Counts,
    Sums,
    Unknown,
    determined,
    most_of,
    sums_of,
)

YEAR = st.lists(COUNTS, min_size=2, max_size=4)


def published(year: Sequence[Counts], *, key: bytes) -> list[Table[int]]:
    """A quarter after the other, each with an order of its own."""
    return [
        protect(
            {region: {each: Cell(count, count) for each, count in cells.items()} for region, cells in counts.items()},
            order=secret_order(key, quarter=f"2026-Q{number}", indicator="cases-opened"),
        )
        for number, counts in enumerate(year, start=1)
    ]


def of_quarter(name: Unknown, number: int) -> Unknown:
    """A number of one table as one of several: the same provider's in another quarter is another number."""
    kind, which = name
    return kind, (number, which)


def together(year: Sequence[Counts], tables: Sequence[Table[int]]) -> Sums:
    """Every equation of every quarter."""
    sums = Sums()
    for number, (counts, table) in enumerate(zip(year, tables, strict=True), start=1):
        sums.rows += [
            ({of_quarter(name, number): sign for name, sign in terms.items()}, known)
            for terms, known in sums_of(table, counts).rows
        ]
    return sums


@settings(max_examples=40, deadline=None)
@given(year=YEAR, key=KEYS)
def test_all_quarters_together_determine_no_hidden_number(year: list[Counts], key: bytes) -> None:
    sums = together(year, published(year, key=key))

    assert determined(sums) == []
    assert all(most >= THRESHOLD for name, most in most_of(sums).items() if name[0] == "provider")


def test_no_number_that_spans_quarters_is_published() -> None:
    spans = [each.code for each in INDICATORS.values() if each.is_national and each.measure is not Measure.IN_QUARTER]

    assert spans == []


def test_a_sum_over_the_year_would_give_a_hidden_number_away() -> None:
    """The negative control: a provider's quarters, and what they make together."""
    year: list[Counts] = [{"01": {1: 3, 2: 9, 3: 9}}, {"01": {1: 9, 2: 9, 3: 9}}]
    sums = together(year, published(year, key=b"key"))
    assert ("provider", (1, 1)) not in determined(sums)

    sums.add({("provider", (1, 1)): None, ("second quarter", 1): 9}, (("year", 1), 12))

    assert ("provider", (1, 1)) in determined(sums)
