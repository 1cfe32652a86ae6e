"""The tables of documents."""

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Index, MetaData, SmallInteger, Text
from sqlalchemy.dialects import postgresql

from kit.audit import audit_table
from kit.idempotency import idempotency_table
from kit.inbox import inbox_mark_table, inbox_table
from kit.outbox import outbox_table
from kit.sweeps import deadline_table
from kit.tables import reference_table, shared_table

METADATA = MetaData()

for _plumbing in (
    outbox_table,
    inbox_table,
    inbox_mark_table,
    deadline_table,
    audit_table,
    idempotency_table,
):
    _plumbing(METADATA)

# `guest_id` is the school that a file is shared with: so that nothing unshared can be read by whatever query.
DOCUMENT = shared_table(
    "document",
    METADATA,
    Column("id", postgresql.UUID, nullable=False),
    Column("case_id", postgresql.UUID, nullable=False),
    Column("name", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("scan_state", Text, nullable=False),
    Column("uploaded_by", postgresql.UUID, nullable=False),
    Column("uploaded_at", DateTime(timezone=True), nullable=False),
    Column("description", Text, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("removed_at", DateTime(timezone=True)),
    Column("removed_by", postgresql.UUID),
    Column("removed_reason", Text, nullable=False),
    Column("disposed_at", DateTime(timezone=True)),
    Column("is_record", Boolean, nullable=False),
    Index("document_case", "tenant_id", "case_id", "uploaded_at", "id"),
    Index("document_shared", "guest_id", "case_id", "uploaded_at", "id"),
    guest_reads=(
        *("tenant_id", "guest_id", "id", "case_id", "name", "content_type", "size", "sha256", "scan_state"),
        *("uploaded_by", "uploaded_at", "description"),
    ),
)

FILE_TYPE = reference_table(
    "file_type",
    METADATA,
    Column("media_type", Text, primary_key=True),
    Column("extension", Text, primary_key=True),
    Column("starts_on", Date, primary_key=True),
    Column("ends_on", Date),
    Column("position", SmallInteger, nullable=False),
)

# Wording of letters that replaces ours (services/documents/rendering/wording), from a day on.
LETTER_WORDING = reference_table(
    "letter_wording",
    METADATA,
    Column("family", Text, primary_key=True),
    Column("stage", SmallInteger, primary_key=True),
    Column("language", Text, primary_key=True),
    Column("starts_on", Date, primary_key=True),
    Column("version", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
)
