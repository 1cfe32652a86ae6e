"""The tables of guidance: nobody's secret, written by the editor role alone."""

from sqlalchemy import ARRAY, Column, Date, DateTime, Integer, Text
from sqlalchemy.dialects import postgresql

from kit.tables import reference_table
from services.documents.store.tables import METADATA

EXTRA_ROLES = ("editor",)
"""Database roles beyond `kit.migrations.ROLES`: it alone writes guidance."""


def _words() -> list[Column[str]]:
    names = ("topic", "title", "title_mi", "body", "body_mi", "issue_state")
    return [Column(name, Text, nullable=False) for name in names]


GUIDE_VERSION = reference_table(
    "guide_version",
    METADATA,
    Column("slug", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    *_words(),
    Column("roles", ARRAY(Text), nullable=False),
    Column("issue_since", Date),
    Column("issue_fixed_on", Date),
    Column("published_at", DateTime(timezone=True), nullable=False),
    Column("published_by", postgresql.UUID, nullable=False),
)
GUIDE_DRAFT = reference_table(
    "guide_draft",
    METADATA,
    Column("slug", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    *_words(),
    Column("roles", ARRAY(Text), nullable=False),
    Column("issue_since", Date),
    Column("issue_fixed_on", Date),
    Column("saved_at", DateTime(timezone=True), nullable=False),
    Column("saved_by", postgresql.UUID, nullable=False),
)
