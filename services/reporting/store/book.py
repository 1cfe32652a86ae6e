"""The facts and the ledger of one provider while a batch of events is counted.

What the batch needs is read at once, with the lock of the ledger and before anything is counted; what it changes is
kept in memory; and all of it is written by a few statements that hold any number of rows. An event costs no round trip.
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, bindparam, func, select
from sqlalchemy.dialects import postgresql

from kit import arrays
from kit.db import Later, Query, Transaction, prepare
from services.reporting.domain.figures import CaseFact, Contribution, EntryFact, Quarter
from services.reporting.store import parts, returns
from services.reporting.store.ledger import begin_counting
from services.reporting.store.tables import CASE_FACT, ENTRY_FACT, LEDGER

_C, _E, _L = CASE_FACT.c, ENTRY_FACT.c, LEDGER.c
_CASE_COLUMNS = tuple(name for name in _C.keys() if name not in {"tenant_id", "id", "counted_at"})  # noqa: SIM118
_IDS = bindparam("wanted", type_=ARRAY(postgresql.UUID))
_FIND_CASES = prepare(select(*_C).where(_C.id == func.any(_IDS)))
_FIND_ENTRIES = prepare(select(*_E).where(_E.id == func.any(_IDS)))
_FIND_LINES = prepare(
    select(_L.fact_id, _L.part, _L.counter, _L.rule_version, _L.quarter, _L.labels, _L.value, _L.behind).where(
        _L.fact_id == func.any(_IDS)
    )
)
_FIRST_CONTACT = prepare(
    select(func.min(_E.happened_on)).where(
        _E.case_id == bindparam("of_case"),
        _E.kind == func.any(bindparam("kinds", type_=ARRAY(Text))),
        _E.outcome == bindparam("wanted_outcome"),
    )
)
_CASE_TYPES = {name: str(_C[name].type.compile(postgresql.dialect())).lower() for name in _CASE_COLUMNS}  # type: ignore[no-untyped-call]


def _unnest(columns: Mapping[str, str]) -> str:
    return ", ".join(f"%({name})s::{kind}[]" for name, kind in columns.items())


_QUOTED = frozenset({"text", "jsonb"})


def _put(table: str, columns: Mapping[str, str], *, changing: Collection[str]) -> Query:
    """Rows by arrays, one for each column: a statement of the same text for any number of rows."""
    names = ", ".join(columns)
    changed = ", ".join(f"{name} = excluded.{name}" for name in changing)
    return Query(
        f"INSERT INTO {table} (tenant_id, counted_at, {names})"  # noqa: S608 - names of our own columns
        f" SELECT %(tenant)s, %(now)s, * FROM unnest({_unnest(columns)})"
        f" ON CONFLICT (tenant_id, id) DO UPDATE SET {changed}",
        {},
    )


_CASE_ROW = {"id": "uuid", **_CASE_TYPES}
_PUT_CASES = _put("case_fact", _CASE_ROW, changing=_CASE_COLUMNS)
_ENTRY_ROW = {
    "id": "uuid",
    "case_id": "uuid",
    "kind": "text",
    "outcome": "text",
    "happened_on": "date",
    "minutes": "integer",
    "number": "smallint",
}
_PUT_ENTRIES = _put("entry_fact", _ENTRY_ROW, changing=("outcome", "happened_on", "minutes", "number"))
_LINE_ROW = {
    "fact_id": "uuid",
    "part": "text",
    "case_id": "uuid",
    "counter": "text",
    "rule_version": "integer",
    "quarter": "text",
    "labels": "jsonb",
    "value": "bigint",
    "behind": "integer",
}
_APPEND = Query(
    f"INSERT INTO ledger (tenant_id, counted_at, {', '.join(_LINE_ROW)})"  # noqa: S608 - as above
    f" SELECT %(tenant)s, %(now)s, * FROM unnest({_unnest(_LINE_ROW)})",
    {},
)
_FIGURE_ROW = {
    "quarter": "text",
    "indicator": "text",
    "rule_version": "integer",
    "value": "bigint",
    "behind": "bigint",
}
_ADD = Query(
    f"INSERT INTO figure (tenant_id, {', '.join(_FIGURE_ROW)})"  # noqa: S608 - as above
    f" SELECT %(tenant)s, * FROM unnest({_unnest(_FIGURE_ROW)})"
    " ON CONFLICT (tenant_id, quarter, indicator, rule_version)"
    " DO UPDATE SET value = figure.value + excluded.value, behind = figure.behind + excluded.behind",
    {},
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a batch speaks of: cases, entries, and facts that may have lines in the ledger already."""

    cases: Collection[UUID]
    entries: Collection[UUID]
    facts: Collection[UUID]


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the ledger a fact stands: its id, which part of it ("opened"), and its case."""

    fact_id: UUID
    part: str
    case_id: UUID


Key = parts.Line
Sum = tuple[int, int]
"""A value, and how many facts stand behind it."""
_NOTHING: Sum = (0, 0)


@dataclass(slots=True)
class _Known:
    """What was read, and what became of it."""

    cases: dict[UUID, CaseFact] = field(default_factory=dict)
    entries: dict[UUID, EntryFact] = field(default_factory=dict)
    lines: dict[tuple[UUID, str], dict[Key, Sum]] = field(default_factory=dict)
    facts: set[UUID] = field(default_factory=set)
    quarters: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Changes:
    """What is still to be written."""

    cases: dict[UUID, CaseFact] = field(default_factory=dict)
    entries: dict[UUID, EntryFact] = field(default_factory=dict)
    lines: list[tuple[Place, Key, Sum]] = field(default_factory=list)
    parted: Counter[parts.Part] = field(default_factory=Counter)


class Book:
    """One provider's facts and ledger, under its lock. Made by `Book.open`; nothing is written before `write`."""

    def __init__(self, tx: Transaction, *, now: datetime, read: Callable[[], _Known]) -> None:
        """Made by `open`."""
        self._tx = tx
        self._now = now
        self._read = read
        self._changes = _Changes()
        self._found: _Known | None = None

    @classmethod
    def open(cls, tx: Transaction, wanted: Wanted, *, now: datetime) -> "Book":
        """Queue the lock of the present tenant's ledger, then what is to be read under it."""
        begin_counting(tx, now=now)
        cases = tx.later(_FIND_CASES, wanted=arrays.plain(wanted.cases))
        entries = tx.later(_FIND_ENTRIES, wanted=arrays.plain(wanted.entries))
        lines = tx.later(_FIND_LINES, wanted=arrays.plain(wanted.facts))
        quarters = returns.list_quarters_later(tx)

        def read() -> _Known:
            return _Known(
                cases={row.id: _case_of(row) for row in cases.rows()},
                entries={row.id: _entry_of(row) for row in entries.rows()},
                lines=_sums(lines),
                facts=set(wanted.facts),
                quarters={row.quarter for row in quarters.rows()},
            )

        return cls(tx, now=now, read=read)

    @property
    def _known(self) -> _Known:
        if self._found is None:
            self._tx.flush()
            self._found = self._read()
        return self._found

    def find_case(self, case_id: UUID) -> CaseFact | None:
        """What is known of a case that the batch speaks of; None for one that nobody spoke of yet."""
        return self._known.cases.get(case_id)

    def put_case(self, case: CaseFact) -> None:
        """Keep what is known of a case."""
        self._known.cases[case.case_id] = self._changes.cases[case.case_id] = case

    def find_entry(self, entry_id: UUID) -> EntryFact | None:
        """What is known of an entry that the batch speaks of."""
        return self._known.entries.get(entry_id)

    def put_entry(self, entry: EntryFact) -> None:
        """Keep what is known of an entry."""
        self._known.entries[entry.entry_id] = self._changes.entries[entry.entry_id] = entry

    def find_first_contact(self, case_id: UUID, *, kinds: Collection[str], outcome: str) -> date | None:
        """The first day on which an entry of one of these kinds had this outcome. Costs a round trip."""
        self._write_rows()
        found: date | None = self._tx.value(_FIRST_CONTACT, of_case=case_id, kinds=list(kinds), wanted_outcome=outcome)
        return found

    def is_counted(self, fact_id: UUID, *, part: str) -> bool:
        """Whether a part of a fact adds anything."""
        return any(behind for _value, behind in self._standing(fact_id, part).values())

    def put(self, place: Place, contributions: Sequence[Contribution]) -> None:
        """Make the ledger say that a fact adds just this: what it added before and adds no more is taken back.

        Told the same again, it adds nothing.
        """
        standing = self._standing(place.fact_id, place.part)
        wanted = {_key(each): (each.value, each.behind) for each in contributions}
        for key in [*wanted, *(key for key in standing if key not in wanted)]:
            was, now = standing.get(key, _NOTHING), wanted.get(key, _NOTHING)
            if was != now:
                self._changes.lines.append((place, key, (now[0] - was[0], now[1] - was[1])))
                for part, change in parts.parts_of(key, was=was, now=now):
                    self._changes.parted[part] += change
                standing[key] = now

    def write(self) -> list[Quarter]:
        """Queue everything that changed. Returns the quarters that have no return yet."""
        fresh = {key[2] for _place, key, _sum in self._changes.lines} - self._known.quarters
        self._known.quarters |= fresh
        self._write_rows()
        return sorted(Quarter.parse(each) for each in fresh)

    def _standing(self, fact_id: UUID, part: str) -> dict[Key, Sum]:
        if fact_id not in self._known.facts:
            # Spoken of by a case and not by the batch: a pause that ends with its case.
            self._known.lines.update(_sums(self._tx.all(_FIND_LINES, wanted=arrays.plain([fact_id]))))
            self._known.facts.add(fact_id)
        return self._known.lines.setdefault((fact_id, part), {})

    def _write_rows(self) -> None:
        changes, self._changes = self._changes, _Changes()
        if changes.cases:
            rows = [(each.case_id, *(getattr(each, name) for name in _CASE_COLUMNS)) for each in changes.cases.values()]
            self._later(_PUT_CASES, _CASE_ROW, rows)
        if changes.entries:
            self._later(
                _PUT_ENTRIES,
                _ENTRY_ROW,
                [
                    (each.entry_id, each.case_id, each.kind, each.outcome, each.happened_on, each.minutes, each.number)
                    for each in changes.entries.values()
                ],
            )
        if changes.lines:
            self._later(_APPEND, _LINE_ROW, _line_rows(changes.lines))
            self._later(_ADD, _FIGURE_ROW, _figure_rows(changes.lines))
            rows = [(*part, change) for part, change in changes.parted.items() if change]
            if rows:
                self._later(parts.ADD, parts.ROW, rows)

    def _later(self, query: Query, columns: Mapping[str, str], rows: Sequence[tuple[Any, ...]]) -> None:
        values = {
            name: (arrays.quoted if columns[name] in _QUOTED else arrays.plain)(column)
            for name, column in zip(columns, zip(*rows, strict=True), strict=True)
        }
        self._tx.later(query, tenant=self._tx.tenant_id, now=self._now, **values)


def _key(each: Contribution) -> Key:
    return each.counter, each.rule_version, str(each.quarter), tuple(sorted(each.labels.items()))


def _sums(rows: Later | Sequence[Any]) -> dict[tuple[UUID, str], dict[Key, Sum]]:
    found: dict[tuple[UUID, str], dict[Key, Sum]] = {}
    for row in rows.rows() if isinstance(rows, Later) else rows:
        standing = found.setdefault((row.fact_id, row.part), {})
        key = (row.counter, row.rule_version, row.quarter, tuple(sorted(row.labels.items())))
        value, behind = standing.get(key, _NOTHING)
        standing[key] = (value + row.value, behind + row.behind)
    return found


def _line_rows(lines: Sequence[tuple[Place, Key, Sum]]) -> list[tuple[Any, ...]]:
    # Facts of a case share their labels.
    texts: dict[tuple[tuple[str, str], ...], str] = {}
    rows = []
    for place, (counter, rule_version, quarter, labels), (value, behind) in lines:
        text = texts.get(labels)
        if text is None:
            text = texts[labels] = json.dumps(dict(labels), ensure_ascii=False)
        rows.append((place.fact_id, place.part, place.case_id, counter, rule_version, quarter, text, value, behind))
    return rows


def _figure_rows(lines: Sequence[tuple[Place, Key, Sum]]) -> list[tuple[Any, ...]]:
    sums: dict[tuple[str, str, int], Sum] = {}
    for _place, (counter, rule_version, quarter, _labels), (value, behind) in lines:
        known = sums.get((quarter, counter, rule_version), _NOTHING)
        sums[quarter, counter, rule_version] = (known[0] + value, known[1] + behind)
    return [(*key, *each) for key, each in sums.items()]


def _case_of(row: Any) -> CaseFact:
    return CaseFact(case_id=row.id, **{name: getattr(row, name) for name in _CASE_COLUMNS})


def _entry_of(row: Any) -> EntryFact:
    return EntryFact(
        entry_id=row.id,
        case_id=row.case_id,
        kind=row.kind,
        outcome=row.outcome,
        happened_on=row.happened_on,
        minutes=row.minutes,
        number=row.number,
    )
