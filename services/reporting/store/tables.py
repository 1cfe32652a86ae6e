"""The tables."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.dialects import postgresql

from kit.audit import audit_table
from kit.idempotency import idempotency_table
from kit.inbox import inbox_mark_table, inbox_table
from kit.outbox import outbox_table
from kit.sweeps import deadline_table
from kit.tables import plumbing_table, reference_table, tenant_table

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
    Column("school_id", postgresql.UUID),
    Column("opened_on", Date),
    Column("student_hash", Text, nullable=False),
    Column("counted_at", DateTime(timezone=True), nullable=False),
    Column("requested_on", Date),
    Column("route", Text, nullable=False, server_default=""),
    Column("year_level", SmallInteger),
    Column("age", SmallInteger),
    Column("gender", Text, nullable=False, server_default=""),
    Column("case_manager_id", postgresql.UUID),
    Column("assigned_on", Date),
    Column("first_contact_on", Date),
    Column("pause_id", postgresql.UUID),
    Column("ethnicities", Text, nullable=False, server_default=""),
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
    Column("number", SmallInteger, nullable=False, server_default=text("0")),
)
Index("entry_fact_case", ENTRY_FACT.c.tenant_id, ENTRY_FACT.c.case_id)
# `case_id` is a request's where no case came of it.
# Every addition to a figure, never changed: what is corrected is taken back by a line of its own. So figures can be
# computed as they stood at any line, and each number has its cases.
LEDGER = tenant_table(
    "ledger",
    METADATA,
    Column("line", BigInteger, Identity(always=False), nullable=False),
    Column("fact_id", postgresql.UUID, nullable=False),
    Column("part", Text, nullable=False),
    Column("case_id", postgresql.UUID, nullable=False),
    Column("counter", Text, nullable=False),
    Column("rule_version", Integer, nullable=False),
    Column("quarter", Text, nullable=False),
    Column("value", BigInteger, nullable=False),
    Column("behind", Integer, nullable=False),
    Column("labels", postgresql.JSONB, nullable=False),
    Column("counted_at", DateTime(timezone=True), nullable=False),
    key=("line",),
)
Index("ledger_fact", LEDGER.c.tenant_id, LEDGER.c.fact_id, LEDGER.c.part)
Index("ledger_counter", LEDGER.c.tenant_id, LEDGER.c.counter, LEDGER.c.quarter, LEDGER.c.case_id)
# `indicator` is the counter's code: once, each indicator was a counter.
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
# What figures are in their parts as they stand, see `parts`.
FIGURE_PART = tenant_table(
    "figure_part",
    METADATA,
    Column("quarter", Text, nullable=False),
    Column("counter", Text, nullable=False),
    Column("rule_version", Integer, nullable=False),
    Column("dimension", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("value", BigInteger, nullable=False),
    key=("quarter", "counter", "rule_version", "dimension", "key"),
)
# One row a provider, and the lock under which its ledger grows: lines of one provider appear in the order of their
# numbers, so "as at line n" never changes its meaning.
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
RETURN_RULE = reference_table(
    "return_rule",
    METADATA,
    Column("code", Text, primary_key=True),
    Column("starts_on", Date, nullable=False),
    Column("due_working_days", SmallInteger, nullable=False),
    Column("change_percent", SmallInteger, nullable=False),
    Column("change_least", Integer, nullable=False),
    Column("minutes_per_case", Integer, nullable=False),
)
RETURN = tenant_table(
    "quarter_return",
    METADATA,
    Column("quarter", Text, nullable=False),
    Column("id", postgresql.UUID, nullable=False),
    Column("state", Text, nullable=False),
    Column("comments", postgresql.JSONB, nullable=False),
    Column("explanations", postgresql.JSONB, nullable=False),
    Column("findings", postgresql.JSONB, nullable=False),
    Column("checked", Text, nullable=False),
    Column("validated_at", DateTime(timezone=True)),
    Column("number", Integer, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("submitted_at", DateTime(timezone=True)),
    Column("submitted_by", postgresql.UUID),
    Column("accepted_at", DateTime(timezone=True)),
    Column("accepted_by", postgresql.UUID),
    Column("reopened_reason", Text, nullable=False),
    Column("overdue_noted_at", DateTime(timezone=True)),
    Column("version", BigInteger, nullable=False),
    key=("quarter",),
)
Index("quarter_return_id", RETURN.c.tenant_id, RETURN.c.id, unique=True)
# Who owes returns: the providers of the register, as identity told of them, whether they did anything or not.
PROVIDER = tenant_table(
    "provider",
    METADATA,
    Column("ministry_id", postgresql.UUID),
    Column("is_suspended", Boolean, nullable=False),
    Column("next_quarter", Text, nullable=False),
    key=(),
)
# A return as it was submitted, never changed.
FROZEN_RETURN = tenant_table(
    "frozen_return",
    METADATA,
    Column("quarter", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("submitted_at", DateTime(timezone=True), nullable=False),
    Column("submitted_by", postgresql.UUID, nullable=False),
    key=("quarter", "number"),
)
