"""Facts without names, and the figures made of them. Both in one transaction; a fact that is there adds nothing.

Figures are exact and belong to their provider. The role `reporting_national` reads figures of all providers and when
they were last counted, and no fact.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Text,
    bindparam,
    func,
    select,
)
from sqlalchemy.dialects import postgresql

from kit.audit import audit_table
from kit.db import Transaction, prepare
from kit.idempotency import idempotency_table
from kit.inbox import inbox_mark_table, inbox_table
from kit.outbox import outbox_table
from kit.sweeps import deadline_table
from kit.tables import plumbing_table, tenant_table
from services.reporting.domain import CaseFact, Contribution, EntryFact, Quarter

EXTRA_ROLES = ("national",)
"""Roles beyond those every service has."""

CONSUMER = "reporting.figures"
"""Who counts, in the inbox and as a group on the broker."""
SOURCE = "cases"
"""Whose positions a read may wait for."""

METADATA = MetaData()
for _plumbing in (outbox_table, inbox_mark_table, deadline_table, audit_table, idempotency_table):
    _plumbing(METADATA)
_INBOX = inbox_table(METADATA)
# National reads wait for an event of whichever provider.
Index("inbox_anywhere", _INBOX.c.consumer, _INBOX.c.source, _INBOX.c.position)

CASE_FACT = tenant_table(
    "case_fact",
    METADATA,
    Column("id", postgresql.UUID, nullable=False),
    Column("school_id", postgresql.UUID, nullable=False),
    Column("opened_on", Date, nullable=False),
    Column("student_hash", Text, nullable=False),
    Column("counted_at", DateTime(timezone=True), nullable=False),
)
ENTRY_FACT = tenant_table(
    "entry_fact",
    METADATA,
    Column("id", postgresql.UUID, nullable=False),
    Column("case_id", postgresql.UUID, nullable=False),
    Column("kind", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("happened_on", Date, nullable=False),
    Column("minutes", Integer, nullable=False),
    Column("counted_at", DateTime(timezone=True), nullable=False),
)
FIGURE = tenant_table(
    "figure",
    METADATA,
    Column("quarter", Text, nullable=False),
    Column("indicator", Text, nullable=False),
    Column("rule_version", Integer, nullable=False),
    Column("value", BigInteger, nullable=False),
    Column("behind", BigInteger, nullable=False),
    key=("quarter", "indicator", "rule_version"),
)
COUNTED = tenant_table(
    "counted",
    METADATA,
    Column("counted_at", DateTime(timezone=True), nullable=False),
    key=(),
)
SUPPRESSION_KEY = plumbing_table(
    "suppression_key",
    METADATA,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("key", LargeBinary, nullable=False),
)

_INSERT_CASE = prepare(postgresql.insert(CASE_FACT).values(dict.fromkeys(CASE_FACT.c.keys())).on_conflict_do_nothing())
_INSERT_ENTRY = prepare(
    postgresql.insert(ENTRY_FACT).values(dict.fromkeys(ENTRY_FACT.c.keys())).on_conflict_do_nothing()
)
_NEW_FIGURE = postgresql.insert(FIGURE).values(dict.fromkeys(FIGURE.c.keys()))
_ADD = prepare(
    _NEW_FIGURE.on_conflict_do_update(
        index_elements=[FIGURE.c.tenant_id, FIGURE.c.quarter, FIGURE.c.indicator, FIGURE.c.rule_version],
        set_={
            "value": FIGURE.c.value + _NEW_FIGURE.excluded.value,
            "behind": FIGURE.c.behind + _NEW_FIGURE.excluded.behind,
        },
    )
)
_NEW_COUNTED = postgresql.insert(COUNTED).values(dict.fromkeys(COUNTED.c.keys()))
_MARK_COUNTED = prepare(
    _NEW_COUNTED.on_conflict_do_update(
        index_elements=[COUNTED.c.tenant_id],
        set_={"counted_at": func.greatest(COUNTED.c.counted_at, _NEW_COUNTED.excluded.counted_at)},
    )
)
_FIGURES = select(*FIGURE.c).where(FIGURE.c.quarter == bindparam("wanted")).order_by(FIGURE.c.tenant_id)
_OWN = prepare(_FIGURES.where(FIGURE.c.tenant_id == bindparam("tenant")))
_ALL = prepare(_FIGURES)
_LAST_COUNTED = select(func.max(COUNTED.c.counted_at))
_OWN_LAST = prepare(_LAST_COUNTED.where(COUNTED.c.tenant_id == bindparam("tenant")))
_ANY_LAST = prepare(_LAST_COUNTED)
_MAKE_KEY = prepare(
    postgresql.insert(SUPPRESSION_KEY)
    .values(dict.fromkeys(SUPPRESSION_KEY.c.keys()))
    .on_conflict_do_nothing(index_elements=[SUPPRESSION_KEY.c.id])
)
_FIND_KEY = prepare(select(SUPPRESSION_KEY.c.key))


@dataclass(frozen=True, slots=True)
class FigureRow:
    """A figure of one provider: its value, and the number of facts behind it."""

    value: int
    behind: int


Figures = Mapping[tuple[str, int], FigureRow]
"""By code and rule version of the indicator."""


def insert_case_fact(tx: Transaction, fact: CaseFact, *, now: datetime) -> bool:
    """Keep a fact; False when it was there already, and is counted."""
    return (
        tx.run(
            _INSERT_CASE,
            tenant_id=tx.tenant_id,
            id=fact.case_id,
            school_id=fact.school_id,
            opened_on=fact.opened_on,
            student_hash=fact.student_hash,
            counted_at=now,
        )
        == 1
    )


def insert_entry_fact(tx: Transaction, fact: EntryFact, *, now: datetime) -> bool:
    """Keep a fact; False when it was there already, and is counted."""
    return (
        tx.run(
            _INSERT_ENTRY,
            tenant_id=tx.tenant_id,
            id=fact.entry_id,
            case_id=fact.case_id,
            kind=fact.kind,
            outcome=fact.outcome,
            happened_on=fact.happened_on,
            minutes=fact.minutes,
            counted_at=now,
        )
        == 1
    )


def add(tx: Transaction, contribution: Contribution) -> None:
    """Queue an addition to a figure of the present tenant."""
    tx.later(
        _ADD,
        tenant_id=tx.tenant_id,
        quarter=str(contribution.quarter),
        indicator=contribution.indicator,
        rule_version=contribution.rule_version,
        value=contribution.value,
        behind=contribution.behind,
    )


def mark_counted(tx: Transaction, *, now: datetime) -> None:
    """Queue that the present tenant's figures were brought up to date now."""
    tx.later(_MARK_COUNTED, tenant_id=tx.tenant_id, counted_at=now)


def find_figures(tx: Transaction, quarter: Quarter) -> Figures:
    """The exact figures of the present tenant for one quarter; those that nothing was counted for are left out."""
    rows = tx.all(_OWN, tenant=tx.tenant_id, wanted=str(quarter))
    return {(row.indicator, row.rule_version): FigureRow(row.value, row.behind) for row in rows}


def find_last_counted(tx: Transaction) -> datetime | None:
    """When the present tenant's figures last changed; None before the first event."""
    found: datetime | None = tx.value(_OWN_LAST, tenant=tx.tenant_id)
    return found


def find_national_figures(tx: Transaction, quarter: Quarter) -> Mapping[UUID, Figures]:
    """The exact figures of every provider that has any, by id. `tx` is of the role `national`."""
    found: dict[UUID, dict[tuple[str, int], FigureRow]] = {}
    for row in tx.all(_ALL, wanted=str(quarter)):
        found.setdefault(row.tenant_id, {})[row.indicator, row.rule_version] = FigureRow(row.value, row.behind)
    return found


def find_last_counted_anywhere(tx: Transaction) -> datetime | None:
    """When anyone's figures last changed. `tx` is of the role `national`."""
    found: datetime | None = tx.value(_ANY_LAST)
    return found


def find_suppression_key(tx: Transaction) -> bytes:
    """The key that decides what is hidden besides; made on first use. `tx` is a plumbing transaction."""
    tx.run(_MAKE_KEY, id=1, key=secrets.token_bytes(32))
    return bytes(tx.value(_FIND_KEY))
