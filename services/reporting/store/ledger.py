"""Facts, the ledger of what they add, and the figures that are its sums. All in one transaction."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import ARRAY, BigInteger, ColumnElement, Select, Text, bindparam, func, select, text
from sqlalchemy.dialects import postgresql

from kit.db import Transaction, prepare
from services.reporting.domain.figures import CaseFact, Contribution, EntryFact, Quarter
from services.reporting.store.tables import CASE_FACT, COUNTED, ENTRY_FACT, FIGURE, LEDGER

_C, _E, _L = CASE_FACT.c, ENTRY_FACT.c, LEDGER.c
_CASE_COLUMNS = tuple(name for name in _C.keys() if name not in {"tenant_id", "id", "counted_at"})  # noqa: SIM118

_new_counted = postgresql.insert(COUNTED).values(dict.fromkeys(COUNTED.c.keys()))
_MARK_COUNTED = prepare(
    _new_counted.on_conflict_do_update(
        index_elements=[COUNTED.c.tenant_id],
        set_={"counted_at": func.greatest(COUNTED.c.counted_at, _new_counted.excluded.counted_at)},
    )
)
_HOLD_COUNTING = prepare(
    select(COUNTED.c.counted_at).where(COUNTED.c.tenant_id == bindparam("tenant")).with_for_update()
)
_FIND_CASE = prepare(select(*_C).where(_C.id == bindparam("case_id")))
_FIND_ENTRY = prepare(select(*_E).where(_E.id == bindparam("entry_id")))
_new_case = postgresql.insert(CASE_FACT).values(dict.fromkeys(_C.keys()))
_PUT_CASE = prepare(
    _new_case.on_conflict_do_update(
        index_elements=[_C.tenant_id, _C.id],
        set_={name: _new_case.excluded[name] for name in _CASE_COLUMNS},
    )
)
_new_entry = postgresql.insert(ENTRY_FACT).values(dict.fromkeys(_E.keys()))
_PUT_ENTRY = prepare(
    _new_entry.on_conflict_do_update(
        index_elements=[_E.tenant_id, _E.id],
        set_={name: _new_entry.excluded[name] for name in ("outcome", "happened_on", "minutes", "number")},
    )
)
_FIRST_CONTACT = prepare(
    select(func.min(_E.happened_on)).where(
        _E.case_id == bindparam("of_case"),
        _E.kind == func.any(bindparam("kinds", type_=ARRAY(Text))),
        _E.outcome == bindparam("wanted_outcome"),
    )
)
_STANDING = prepare(
    select(
        _L.counter,
        _L.rule_version,
        _L.quarter,
        _L.labels,
        func.sum(_L.value).label("value"),
        func.sum(_L.behind).label("behind"),
    )
    .where(_L.fact_id == bindparam("wanted"), _L.part == bindparam("wanted_part"))
    .group_by(_L.counter, _L.rule_version, _L.quarter, _L.labels)
)
_APPEND = prepare(
    postgresql.insert(LEDGER).values({name: bindparam(name) for name in _L.keys() if name != "line"})  # noqa: SIM118
)
_new_figure = postgresql.insert(FIGURE).values(dict.fromkeys(FIGURE.c.keys()))
_ADD = prepare(
    _new_figure.on_conflict_do_update(
        index_elements=[FIGURE.c.tenant_id, FIGURE.c.quarter, FIGURE.c.indicator, FIGURE.c.rule_version],
        set_={
            "value": FIGURE.c.value + _new_figure.excluded.value,
            "behind": FIGURE.c.behind + _new_figure.excluded.behind,
        },
    )
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the ledger a fact stands: its id, which part of it ("opened"), and its case."""

    fact_id: UUID
    part: str
    case_id: UUID


def begin_counting(tx: Transaction, *, now: datetime) -> None:
    """Take the lock of the present tenant's ledger: before anything is read of it in order to add to it."""
    tx.run(_MARK_COUNTED, tenant_id=tx.tenant_id, counted_at=now)


def hold_counting(tx: Transaction) -> None:
    """Take the same lock without saying that anything was counted: nothing is added until this transaction ends."""
    tx.all(_HOLD_COUNTING, tenant=tx.tenant_id)


def find_case(tx: Transaction, case_id: UUID) -> CaseFact | None:
    """What is known of a case; None for one that nobody spoke of yet."""
    row = tx.first(_FIND_CASE, case_id=case_id)
    return CaseFact(case_id=row.id, **{name: getattr(row, name) for name in _CASE_COLUMNS}) if row else None


def put_case(tx: Transaction, case: CaseFact, *, now: datetime) -> None:
    """Queue what is known of a case."""
    known = {name: getattr(case, name) for name in _CASE_COLUMNS}
    tx.later(_PUT_CASE, tenant_id=tx.tenant_id, id=case.case_id, counted_at=now, **known)


def find_entry(tx: Transaction, entry_id: UUID) -> EntryFact | None:
    """What is known of an entry."""
    row = tx.first(_FIND_ENTRY, entry_id=entry_id)
    if row is None:
        return None
    return EntryFact(
        entry_id=row.id,
        case_id=row.case_id,
        kind=row.kind,
        outcome=row.outcome,
        happened_on=row.happened_on,
        minutes=row.minutes,
        number=row.number,
    )


def put_entry(tx: Transaction, entry: EntryFact, *, now: datetime) -> None:
    """Queue what is known of an entry."""
    known = asdict(entry)
    tx.later(_PUT_ENTRY, tenant_id=tx.tenant_id, id=known.pop("entry_id"), counted_at=now, **known)


def is_counted(tx: Transaction, fact_id: UUID, *, part: str) -> bool:
    """Whether a part of a fact adds anything."""
    return any(row.behind for row in tx.all(_STANDING, wanted=fact_id, wanted_part=part))


def find_first_contact(tx: Transaction, case_id: UUID, *, kinds: Collection[str], outcome: str) -> date | None:
    """The first day on which an entry of one of these kinds had this outcome."""
    found: date | None = tx.value(_FIRST_CONTACT, of_case=case_id, kinds=list(kinds), wanted_outcome=outcome)
    return found


def put(tx: Transaction, place: Place, contributions: Sequence[Contribution], *, now: datetime) -> list[Quarter]:
    """Make the ledger say that a fact adds just this: what it added before and adds no more is taken back.

    Told the same again, it adds nothing. Returns the quarters that changed. `begin_counting` came before.
    """
    standing = {
        _key(row.counter, row.rule_version, row.quarter, row.labels): row
        for row in tx.all(_STANDING, wanted=place.fact_id, wanted_part=place.part)
    }
    wanted = {_key(each.counter, each.rule_version, str(each.quarter), each.labels): each for each in contributions}
    changed = []
    for key in sorted(standing.keys() | wanted.keys(), key=str):
        was, is_now = standing.get(key), wanted.get(key)
        value = (is_now.value if is_now else 0) - int(was.value if was else 0)
        behind = (is_now.behind if is_now else 0) - int(was.behind if was else 0)
        if value or behind:
            _append(tx, place, key, value=value, behind=behind, now=now)
            changed.append(Quarter.parse(key[2]))
    return changed


Key = tuple[str, int, str, tuple[tuple[str, str], ...]]


def _key(counter: str, rule_version: int, quarter: str, labels: Mapping[str, str]) -> Key:
    return counter, rule_version, quarter, tuple(sorted(labels.items()))


def _append(tx: Transaction, place: Place, key: Key, *, value: int, behind: int, now: datetime) -> None:
    counter, rule_version, quarter, labels = key
    tx.later(
        _APPEND,
        tenant_id=tx.tenant_id,
        **asdict(place),
        counter=counter,
        rule_version=rule_version,
        quarter=quarter,
        value=value,
        behind=behind,
        labels=Jsonb(dict(labels)),
        counted_at=now,
    )
    tx.later(
        _ADD,
        tenant_id=tx.tenant_id,
        quarter=quarter,
        indicator=counter,
        rule_version=rule_version,
        value=value,
        behind=behind,
    )


# --- what the ledger says -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Balance:
    """What was added to a counter: in a quarter, and in all quarters before it. And the facts behind the former."""

    value: int = 0
    behind: int = 0
    before: int = 0


_OF_QUARTER = (FIGURE.c.quarter == bindparam("wanted")).label("is_in")
_BALANCES = prepare(
    select(
        FIGURE.c.indicator,
        FIGURE.c.rule_version,
        _OF_QUARTER,
        func.sum(FIGURE.c.value).label("value"),
        func.sum(FIGURE.c.behind).label("behind"),
    )
    .where(FIGURE.c.tenant_id == bindparam("tenant"), FIGURE.c.quarter <= bindparam("wanted"))
    .group_by(FIGURE.c.indicator, FIGURE.c.rule_version, _OF_QUARTER)
)
_line = bindparam("cutoff", type_=BigInteger)
_LEDGER_OF_QUARTER = (_L.quarter == bindparam("wanted")).label("is_in")
_BALANCES_AT = prepare(
    select(
        _L.counter.label("indicator"),
        _L.rule_version,
        _LEDGER_OF_QUARTER,
        func.sum(_L.value).label("value"),
        func.sum(_L.behind).label("behind"),
    )
    .where(_L.tenant_id == bindparam("tenant"), _L.quarter <= bindparam("wanted"), _L.line <= _line)
    .group_by(_L.counter, _L.rule_version, _LEDGER_OF_QUARTER)
)
_LAST_LINE = prepare(select(func.coalesce(func.max(_L.line), 0)).where(_L.tenant_id == bindparam("tenant")))
_LAST_COUNTED = prepare(select(func.max(COUNTED.c.counted_at)).where(COUNTED.c.tenant_id == bindparam("tenant")))


def find_balances(tx: Transaction, quarter: Quarter, *, cutoff: int | None = None) -> Mapping[tuple[str, int], Balance]:
    """The present tenant's counters, by code and rule version: as they are, or as they were at a line of the ledger."""
    found: dict[tuple[str, int], dict[str, int]] = {}
    parameters: dict[str, Any] = {"tenant": tx.tenant_id, "wanted": str(quarter)}
    rows = tx.all(_BALANCES, **parameters) if cutoff is None else tx.all(_BALANCES_AT, **parameters, cutoff=cutoff)
    for row in rows:
        balance = found.setdefault((row.indicator, row.rule_version), {})
        if row.is_in:
            balance |= {"value": int(row.value), "behind": int(row.behind)}
        else:
            balance["before"] = int(row.value)
    return {key: Balance(**balance) for key, balance in found.items()}


def find_last_line(tx: Transaction) -> int:
    """The last line of the present tenant's ledger; 0 before the first."""
    return int(tx.value(_LAST_LINE, tenant=tx.tenant_id))


def find_last_counted(tx: Transaction) -> datetime | None:
    """When the present tenant's figures last changed; None before the first event."""
    found: datetime | None = tx.value(_LAST_COUNTED, tenant=tx.tenant_id)
    return found


def _of_counter(*, is_balance: bool) -> ColumnElement[bool]:
    quarter = _L.quarter <= bindparam("wanted") if is_balance else _L.quarter == bindparam("wanted")
    return (
        (_L.tenant_id == bindparam("tenant"))
        & (_L.counter == bindparam("wanted_counter"))
        & (_L.rule_version == bindparam("version"))
        & quarter
        & (_L.line <= _line)
    )


_label = func.coalesce(_L.labels.op("->>", return_type=Text())(bindparam("dimension", type_=Text)), "")
_PARTS = {
    is_balance: prepare(
        select(_label.label("key"), func.sum(_L.value).label("value"))
        .where(_of_counter(is_balance=is_balance))
        .group_by(text("1"))
        .having(func.sum(_L.value) != 0)
    )
    for is_balance in (False, True)
}


def _of_cases(*, is_balance: bool, is_part: bool) -> Select[Any]:
    query = select(_L.case_id).where(
        _of_counter(is_balance=is_balance), _L.case_id > bindparam("after", type_=_L.case_id.type)
    )
    if is_part:
        query = query.where(_label == bindparam("wanted_key"))
    stands = func.sum(_L.value) > 0 if is_balance else func.sum(_L.behind) > 0
    return query.group_by(_L.case_id).having(stands).order_by(_L.case_id).limit(bindparam("most"))


_CASES = {
    (is_balance, is_part): prepare(_of_cases(is_balance=is_balance, is_part=is_part))
    for is_balance in (False, True)
    for is_part in (False, True)
}
_per_fact = (
    select(func.sum(_L.value).label("value"))
    .where(_of_counter(is_balance=False))
    .group_by(_L.fact_id)
    .having(func.sum(_L.behind) > 0)
    .subquery()
)
_SPREAD = prepare(
    select(
        func.count().label("facts"),
        func.count().filter(_per_fact.c.value <= bindparam("target")).label("within"),
        func.percentile_disc(0.5).within_group(_per_fact.c.value).label("median"),
    ).select_from(_per_fact)
)
EVER = 2**62
"""A line that is never reached."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which counter: by code and rule version, in a quarter, or (`is_balance`) up to its end; as at a line."""

    counter: str
    rule_version: int
    quarter: Quarter
    is_balance: bool = False
    cutoff: int = EVER

    def parameters(self, tx: Transaction) -> dict[str, Any]:
        """As the statements want it."""
        return {
            "tenant": tx.tenant_id,
            "wanted_counter": self.counter,
            "version": self.rule_version,
            "wanted": str(self.quarter),
            "cutoff": self.cutoff,
        }


@dataclass(frozen=True, slots=True)
class Spread:
    """Of the values that facts added: how many there are, how many are at most a target, and the one in the middle."""

    facts: int
    within: int
    median: int


def find_parts(tx: Transaction, asked: Asked, *, dimension: str) -> Mapping[str, int]:
    """A counter parted by a label; what has none under the empty text."""
    rows = tx.all(_PARTS[asked.is_balance], **asked.parameters(tx), dimension=dimension)
    return {row.key: int(row.value) for row in rows}


def find_spread(tx: Transaction, asked: Asked, *, target: int) -> Spread:
    """How the values of a counter are spread; a median of nothing is 0."""
    row = tx.first(_SPREAD, **asked.parameters(tx), target=target)
    assert row is not None
    return Spread(row.facts, row.within, int(row.median or 0))


def list_cases(tx: Transaction, asked: Asked, *, part: tuple[str, str] | None, after: UUID, most: int) -> list[UUID]:
    """The cases behind a counter, or behind one part of it (dimension and key), by id, after one."""
    parameters = {**asked.parameters(tx), "after": after, "most": most}
    if part is not None:
        parameters |= {"dimension": part[0], "wanted_key": part[1]}
    return [row.case_id for row in tx.all(_CASES[asked.is_balance, part is not None], **parameters)]
