"""Providers, regions and the nation are published together: a reader who puts the tables side by side must fail too.

The reader solves every published sum at once: by elimination over fractions, and by narrowing what each hidden number
can be, until nothing changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.reporting.confidentiality import THRESHOLD, Cell, Table, protect, secret_order
from tests.unit.reporting.test_confidentiality import rank

Counts = Mapping[str, Mapping[int, int]]
Unknown = tuple[str, object]
COUNTS = st.lists(st.lists(st.integers(0, 20), min_size=1, max_size=4), min_size=1, max_size=4).map(
    lambda regions: {
        f"{place:02}": {100 * place + number: count for number, count in enumerate(counts)}
        for place, counts in enumerate(regions)
    }
)
KEYS = st.binary(min_size=1, max_size=8)
NATION: Unknown = ("nation", "")


@dataclass
class Sums:
    """What is published, as equations: `whole - parts = known`, over what is hidden."""

    rows: list[tuple[dict[Unknown, int], int]] = field(default_factory=list)

    def add(self, parts: Mapping[Unknown, int | None], whole: tuple[Unknown, int | None]) -> None:
        terms = {name: 1 for name, value in parts.items() if value is None}
        known = -sum(value for value in parts.values() if value is not None)
        name, value = whole
        self.rows.append((terms | ({name: -1} if value is None else {}), known + (value or 0)))

    @property
    def unknowns(self) -> list[Unknown]:
        return sorted({name for terms, _ in self.rows for name in terms}, key=str)


def published(counts: Counts, *, key: bytes) -> Table[int]:
    cells = {
        region: {provider: Cell(count, count) for provider, count in providers.items()}
        for region, providers in counts.items()
    }
    return protect(cells, order=secret_order(key, quarter="2026-Q1", indicator="cases-opened"))


def sums_of(table: Table[int], counts: Counts) -> Sums:
    sums = Sums()
    for region, providers in counts.items():
        cells: dict[Unknown, int | None] = {("provider", each): table.cells[each] for each in providers}
        sums.add(cells, (("region", region), table.regions[region]))
    sums.add({("region", region): value for region, value in table.regions.items()}, (NATION, table.total))
    return sums


def determined(sums: Sums) -> list[Unknown]:
    """Every hidden number for which the equations leave one solution."""
    unknowns = sums.unknowns
    rows = [[Fraction(terms.get(name, 0)) for name in unknowns] for terms, _ in sums.rows]
    return [
        name for name in unknowns if rank([*rows, [Fraction(int(each == name)) for each in unknowns]]) == rank(rows)
    ]


def most_of(sums: Sums) -> dict[Unknown, float]:
    """The most that each hidden number can be, none of them below nought."""
    least = dict.fromkeys(sums.unknowns, 0.0)
    most = dict.fromkeys(sums.unknowns, float("inf"))
    for _round in range(3 * len(sums.rows) + 3):
        for terms, known in sums.rows:
            for name, sign in terms.items():
                others = [(each, other) for each, other in terms.items() if each != name]
                low = sum(least[each] if other > 0 else -most[each] for each, other in others)
                high = sum(most[each] if other > 0 else -least[each] for each, other in others)
                bounds = (known - high, known - low) if sign > 0 else (low - known, high - known)
                least[name], most[name] = max(least[name], bounds[0]), min(most[name], bounds[1])
    assert all(least[name] == 0 for name in least if name[0] == "provider"), "it might be none at all"
    return most


@settings(max_examples=60, deadline=None)
@given(counts=COUNTS, key=KEYS)
@example(counts={"01": {1: 3}, "02": {2: 9, 3: 9}}, key=b"key")
@example(counts={"01": {1: 3}, "02": {2: 4}, "03": {3: 50}}, key=b"key")
@example(counts={"01": {1: 0}, "02": {2: 8}}, key=b"key")
@example(counts={"01": {1: 5, 2: 6}, "02": {3: 0}, "03": {4: 9, 5: 9}}, key=b"key")
def test_the_tables_together_determine_no_hidden_number(counts: Counts, key: bytes) -> None:
    sums = sums_of(published(counts, key=key), counts)

    assert determined(sums) == []
    assert all(most >= THRESHOLD for name, most in most_of(sums).items() if name[0] == "provider")


@given(counts=COUNTS, key=KEYS)
def test_what_is_shown_is_true_and_not_small(counts: Counts, key: bytes) -> None:
    table = published(counts, key=key)
    exact = {each: count for providers in counts.values() for each, count in providers.items()}
    sums = {region: sum(providers.values()) for region, providers in counts.items()}

    assert all(value in (None, exact[each]) for each, value in table.cells.items())
    assert all(value in (None, sums[region]) for region, value in table.regions.items())
    assert table.total in (None, sum(exact.values()))
    shown = [*table.cells.values(), *table.regions.values(), table.total]
    assert all(value is None or value >= THRESHOLD for value in shown)


def test_large_numbers_are_all_shown() -> None:
    counts = {"01": {1: 6, 2: 7}, "02": {3: 8}}

    assert published(counts, key=b"key") == Table({1: 6, 2: 7, 3: 8}, {"01": 13, "02": 8}, 21)


def test_a_region_of_one_small_provider_takes_another_region_with_it() -> None:
    table = published({"01": {1: 3}, "02": {2: 9}, "03": {3: 9}}, key=b"key")

    assert table.total == 21
    assert [table.regions["02"], table.regions["03"]].count(None) == 1
    assert [table.cells[2], table.cells[3]].count(None) == 1


def test_hiding_each_table_by_itself_would_fail() -> None:
    """The negative control: providers safe within their region, the region's sum hidden, the nation's total shown."""
    counts = {"01": {1: 3}, "02": {2: 9, 3: 9}}
    careless: Table[int] = Table({1: None, 2: 9, 3: 9}, {"01": None, "02": 18}, 21)

    assert set(determined(sums_of(careless, counts))) == {("provider", 1), ("region", "01")}


def test_without_hiding_more_than_what_is_small_the_reader_succeeds() -> None:
    """The negative control without secondary suppression."""
    counts = {"01": {1: 3, 2: 9}, "02": {3: 9}}
    careless: Table[int] = Table({1: None, 2: 9, 3: 9}, {"01": 12, "02": 9}, 21)

    assert determined(sums_of(careless, counts)) == [("provider", 1)]
