"""The tables of cases. A request belongs to the school and is shared with the provider; a case the other way round."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
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
from kit.tables import reference_table, shared_table, tenant_reference, tenant_table

METADATA = MetaData()

for plumbing in (outbox_table, inbox_table, inbox_mark_table, deadline_table, audit_table, idempotency_table):
    plumbing(METADATA)


def _said_by_school() -> list[Column[object]]:
    """What a school says about a student. JSON only for what is never filtered."""
    return [
        Column("nsn", Text, nullable=False),
        Column("given_names", Text, nullable=False),
        Column("family_name", Text, nullable=False),
        Column("preferred_name", Text, nullable=False),
        Column("date_of_birth", Date, nullable=False),
        Column("year_level", SmallInteger, nullable=False),
        Column("gender", Text, nullable=False),
        Column("caregivers", postgresql.JSONB, nullable=False),
        Column("term", Text, nullable=False),
        Column("present_half_days", SmallInteger, nullable=False),
        Column("total_half_days", SmallInteger, nullable=False),
        Column("concern", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("is_sensitive", Boolean, nullable=False),
        Column("details", postgresql.JSONB, nullable=False),
    ]


SAID_BY_SCHOOL = tuple(column.name for column in _said_by_school())

REQUEST_GUEST_READS = (
    "tenant_id",
    "guest_id",
    "id",
    "state",
    *SAID_BY_SCHOOL,
    "steps_tried",
    "submitted_at",
    "submitted_by",
    "answer_due_on",
    "accepted_at",
    "case_id",
    "overdue_noted_at",
    "version",
    "questions",
    "days_left",
    "reply_noted_at",
    "declined_at",
    "decline_reason",
    "decline_words",
    "earlier",
)

REQUEST = shared_table(
    "request",
    METADATA,
    Column("id", postgresql.UUID),
    Column("state", Text, nullable=False),
    *_said_by_school(),
    Column("steps_tried", Text, nullable=False),
    Column("student_key", Text, nullable=False),
    Column("submitted_at", DateTime(timezone=True), nullable=False),
    Column("submitted_by", postgresql.UUID, nullable=False),
    Column("answer_due_on", Date, nullable=False),
    Column("accepted_at", DateTime(timezone=True)),
    Column("case_id", postgresql.UUID),
    Column("overdue_noted_at", DateTime(timezone=True)),
    Column("version", BigInteger, nullable=False),
    Column("questions", postgresql.JSONB, nullable=False),
    Column("days_left", SmallInteger),
    Column("reply_noted_at", DateTime(timezone=True)),
    Column("declined_at", DateTime(timezone=True)),
    Column("decline_reason", Text, nullable=False),
    Column("decline_words", Text, nullable=False),
    Column("earlier", postgresql.JSONB, nullable=False),
    Index("request_submitted_own", "tenant_id", "submitted_by", "submitted_at", "id"),
    Index("request_submitted", "tenant_id", "submitted_at", "id"),
    Index("request_submitted_state", "tenant_id", "state", "submitted_at", "id"),
    Index("request_nsn", "tenant_id", "nsn"),
    Index("request_student_key", "tenant_id", "student_key"),
    Index("request_incoming", "guest_id", "answer_due_on", "id"),
    Index("request_incoming_state", "guest_id", "state", "answer_due_on", "id"),
    Index("request_incoming_id", "guest_id", "id"),
    guest_reads=REQUEST_GUEST_READS,
)

# What a school has written so far of a request: `content` is a message of the contract, checked when it is sent.
REQUEST_DRAFT = tenant_table(
    "request_draft",
    METADATA,
    Column("id", postgresql.UUID),
    Column("content", LargeBinary, nullable=False),
    Column("student_name", Text, nullable=False),
    Column("begun_by", postgresql.UUID, nullable=False),
    Column("saved_at", DateTime(timezone=True), nullable=False),
    Column("kept_until", Date, nullable=False),
    Column("version", BigInteger, nullable=False),
    Index("request_draft_saved", "tenant_id", "saved_at", "id"),
    Index("request_draft_own", "tenant_id", "begun_by", "saved_at", "id"),
)

# What students are found by: see `domain.searching`. A request's tokens are its provider's too, a case's are not its
# school's: that there is a case is the provider's to share.
SEARCH_TOKEN = shared_table(
    "search_token",
    METADATA,
    Column("subject", Text),
    Column("subject_id", postgresql.UUID),
    Column("token", Text),
    Index("search_token_found", "tenant_id", "subject", "token", "subject_id"),
    Index("search_token_guest", "guest_id", "subject", "token", "subject_id"),
    key=("subject", "subject_id", "token"),
    guest_reads=("tenant_id", "guest_id", "subject", "subject_id", "token"),
)

# How many requests stand where, kept by the commands that change it: a school's few rows, a provider's few dozen.
# Counting the requests themselves would cost more with every request there ever was.
REQUEST_COUNT = shared_table(
    "request_count",
    METADATA,
    Column("state", Text),
    Column("items", BigInteger, nullable=False),
    Index("request_count_incoming", "guest_id", "state"),
    key=("guest_id", "state"),
    guest_reads=("tenant_id", "guest_id", "state", "items"),
)

CASE_GUEST_READS = (
    *("tenant_id", "guest_id", "id", "state", "number"),
    *("given_names", "family_name", "preferred_name", "year_level"),
    *("case_manager_id", "primary_contact_id", "opened_at", "wakes_on", "closed_at"),
)

CASE = shared_table(
    "case_record",
    METADATA,
    Column("id", postgresql.UUID),
    Column("number", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("request_id", postgresql.UUID),
    Column("case_manager_id", postgresql.UUID),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("opened_by", postgresql.UUID, nullable=False),
    Column("assigned_at", DateTime(timezone=True)),
    Column("began_at", DateTime(timezone=True)),
    Column("last_contact_on", Date),
    Column("minutes", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    *_said_by_school(),
    Column("open_tasks", Integer, nullable=False),
    Column("open_letters", Integer, nullable=False),
    Column("pause_id", postgresql.UUID),
    Column("wakes_on", Date),
    Column("closed_at", DateTime(timezone=True)),
    Column("primary_contact_id", postgresql.UUID),
    Column("support_on", Date),
    Column("action_on", Date),
    Column("referral_on", Date),
    Column("review_on", Date),
    Column("worked_on", Date),
    Column("health_due_on", Date),
    Column("next_due_on", Date),
    Index("case_record_number", "tenant_id", "number", unique=True),
    Index("case_record_request", "tenant_id", "request_id", unique=True),
    Index("case_record_opened", "tenant_id", "opened_at", "id"),
    Index("case_record_state", "tenant_id", "state", "opened_at", "id"),
    Index("case_record_case_manager", "tenant_id", "case_manager_id", "opened_at", "id"),
    Index("case_record_school", "guest_id", "id"),
    Index("case_record_shared", "guest_id", "opened_at", "id"),
    Index("case_record_contact", "guest_id", "primary_contact_id", "opened_at", "id"),
    Index(
        "case_record_health",
        "tenant_id",
        "health_due_on",
        "id",
        postgresql_where=text("health_due_on IS NOT NULL"),
    ),
    Index(
        "case_record_health_manager",
        "tenant_id",
        "case_manager_id",
        "health_due_on",
        "id",
        postgresql_where=text("health_due_on IS NOT NULL"),
    ),
    Index("case_record_due", "tenant_id", "next_due_on", "id", postgresql_where=text("next_due_on IS NOT NULL")),
    Index(
        "case_record_due_manager",
        "tenant_id",
        "case_manager_id",
        "next_due_on",
        "id",
        postgresql_where=text("next_due_on IS NOT NULL"),
    ),
    guest_reads=CASE_GUEST_READS,
)

# How many cases stand where and with whom; the nil UUID stands for nobody. See REQUEST_COUNT.
CASE_COUNT = tenant_table(
    "case_count",
    METADATA,
    Column("case_manager_id", postgresql.UUID),
    Column("state", Text),
    Column("items", BigInteger, nullable=False),
    key=("case_manager_id", "state"),
)

# How many open cases need what on which day: see `domain.health`. A provider's few hundred rows.
HEALTH_COUNT = tenant_table(
    "health_count",
    METADATA,
    Column("case_manager_id", postgresql.UUID),
    Column("due_on", Date),
    Column("items", BigInteger, nullable=False),
    key=("case_manager_id", "due_on"),
)

# The last case number given in a year.
CASE_NUMBER = tenant_table(
    "case_number", METADATA, Column("year", Integer), Column("last", BigInteger, nullable=False), key=("year",)
)

ENTRY = tenant_table(
    "entry",
    METADATA,
    Column("id", postgresql.UUID),
    Column("case_id", postgresql.UUID, nullable=False),
    Column("kind", Text, nullable=False),
    Column("happened_on", Date, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("minutes", SmallInteger, nullable=False),
    Column("note", Text, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("recorded_by", postgresql.UUID, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("channel", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("attendees", Text, nullable=False),
    tenant_reference(["case_id"], "case_record"),
    Index("entry_case", "tenant_id", "case_id", "happened_on", "recorded_at", "id"),
)

# What an entry should have said, beside what it says: the last one holds. See `domain.entries.Correction`.
CORRECTION = tenant_table(
    "correction",
    METADATA,
    Column("entry_id", postgresql.UUID),
    Column("case_id", postgresql.UUID, nullable=False),
    Column("number", SmallInteger),
    Column("reason", Text, nullable=False),
    Column("happened_on", Date, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("minutes", SmallInteger, nullable=False),
    Column("note", Text, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("corrected_by", postgresql.UUID, nullable=False),
    Column("corrected_at", DateTime(timezone=True), nullable=False),
    Column("channel", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("attendees", Text, nullable=False),
    tenant_reference(["entry_id"], "entry"),
    Index("correction_case", "tenant_id", "case_id", "entry_id", "number"),
    key=("entry_id", "number"),
)

# What the school reads of an entry, as long as it is shared: see `domain.sharing.shared_form`.
SHARED_ENTRY = shared_table(
    "shared_entry",
    METADATA,
    Column("entry_id", postgresql.UUID),
    Column("case_id", postgresql.UUID, nullable=False),
    Column("kind", Text, nullable=False),
    Column("happened_on", Date, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("recorded_by", postgresql.UUID, nullable=False),
    Column("shared_at", DateTime(timezone=True), nullable=False),
    Column("corrected_at", DateTime(timezone=True)),
    tenant_reference(["entry_id"], "entry"),
    Index("shared_entry_case", "guest_id", "case_id", "happened_on", "shared_at", "entry_id"),
    key=("entry_id",),
    guest_reads=(
        *("tenant_id", "guest_id", "entry_id", "case_id", "kind", "happened_on", "outcome", "note"),
        *("recorded_by", "shared_at", "corrected_at"),
    ),
)

TASK = tenant_table(
    "task",
    METADATA,
    Column("id", postgresql.UUID),
    Column("case_id", postgresql.UUID, nullable=False),
    Column("state", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("instructions", Text, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("priority", Text, nullable=False),
    Column("owner_id", postgresql.UUID, nullable=False),
    Column("added_by", postgresql.UUID, nullable=False),
    Column("added_at", DateTime(timezone=True), nullable=False),
    Column("ended_by", postgresql.UUID),
    Column("ended_at", DateTime(timezone=True)),
    Column("end_note", Text, nullable=False),
    Column("overdue_noted_at", DateTime(timezone=True)),
    Column("version", BigInteger, nullable=False),
    tenant_reference(["case_id"], "case_record"),
    Index("task_case", "tenant_id", "case_id", "state", "due_on", "id"),
    Index("task_owner", "tenant_id", "owner_id", "state", "due_on", "id"),
    Index("task_state", "tenant_id", "state", "due_on", "id"),
)

PAUSE = tenant_table(
    "pause",
    METADATA,
    Column("id", postgresql.UUID),
    Column("case_id", postgresql.UUID, nullable=False),
    Column("reason", Text, nullable=False),
    Column("started_on", Date, nullable=False),
    Column("wakes_on", Date, nullable=False),
    Column("conditions", Text, nullable=False),
    Column("agreed_by", Text, nullable=False),
    Column("paused_by", postgresql.UUID, nullable=False),
    Column("paused_at", DateTime(timezone=True), nullable=False),
    Column("ended_on", Date),
    Column("ended_by", postgresql.UUID),
    Column("ended_at", DateTime(timezone=True)),
    tenant_reference(["case_id"], "case_record"),
    Index("pause_case", "tenant_id", "case_id", "started_on", "id"),
    Index(
        "pause_woken",
        "tenant_id",
        "ended_on",
        "id",
        postgresql_where=text("ended_on IS NOT NULL AND ended_by IS NULL"),
    ),
    Index("pause_open", "tenant_id", "case_id", unique=True, postgresql_where=text("ended_on IS NULL")),
)

CLOSING = tenant_table(
    "closing",
    METADATA,
    Column("id", postgresql.UUID),
    Column("case_id", postgresql.UUID, nullable=False),
    Column("reason", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("closed_by", postgresql.UUID, nullable=False),
    Column("closed_at", DateTime(timezone=True), nullable=False),
    Column("reopened_reason", Text, nullable=False),
    Column("reopened_by", postgresql.UUID),
    Column("reopened_at", DateTime(timezone=True)),
    tenant_reference(["case_id"], "case_record"),
    Index("closing_case", "tenant_id", "case_id", "closed_at", "id"),
    Index("closing_standing", "tenant_id", "case_id", unique=True, postgresql_where=text("reopened_at IS NULL")),
)

# A letter with its text. What is printed is frozen once approved; see `domain.letters`.
LETTER = tenant_table(
    "letter",
    METADATA,
    Column("id", postgresql.UUID),
    Column("case_id", postgresql.UUID, nullable=False),
    Column("family", Text, nullable=False),
    Column("stage", SmallInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("recipients", postgresql.JSONB, nullable=False),
    Column("address", Text, nullable=False),
    Column("support", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("contact_name", Text, nullable=False),
    Column("contact_phone", Text, nullable=False),
    Column("skip_reason", Text, nullable=False),
    Column("attempts_reason", Text, nullable=False),
    Column("drafted_by", postgresql.UUID, nullable=False),
    Column("drafted_at", DateTime(timezone=True), nullable=False),
    Column("submitted_by", postgresql.UUID),
    Column("submitted_at", DateTime(timezone=True)),
    Column("approved_by", postgresql.UUID),
    Column("approved_at", DateTime(timezone=True)),
    Column("returned_by", postgresql.UUID),
    Column("return_note", Text, nullable=False),
    Column("document_id", postgresql.UUID),
    Column("document_sha256", Text, nullable=False),
    Column("template_version", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("sent_on", Date),
    Column("sent_by", postgresql.UUID),
    Column("response_due_on", Date),
    Column("ended_on", Date),
    Column("end_note", Text, nullable=False),
    Column("ended_by", postgresql.UUID),
    Column("ended_at", DateTime(timezone=True)),
    Column("due_on", Date),
    # The day of the first wait and no later one: lists of a state are in its order.
    Column("waits_since", DateTime(timezone=True), nullable=False),
    Column("version", BigInteger, nullable=False),
    tenant_reference(["case_id"], "case_record"),
    Index("letter_case", "tenant_id", "case_id", "drafted_at", "id"),
    Index("letter_state", "tenant_id", "state", "waits_since", "id"),
    # One letter of a family is written at a time, whoever begins one at the same moment.
    Index(
        "letter_writing",
        "tenant_id",
        "case_id",
        "family",
        unique=True,
        postgresql_where=text("ended_at IS NULL AND sent_on IS NULL"),
    ),
)

# What people choose from, and days that rules count with, each from a day on.
REFERENCE_ITEM = reference_table(
    "reference_item",
    METADATA,
    Column("list", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("starts_on", Date, primary_key=True),
    Column("ends_on", Date),
    Column("position", SmallInteger, nullable=False),
    Column("label", Text, nullable=False),
    Column("days", SmallInteger),
)

# By what a request is judged: see `domain.triage`.
TRIAGE_CRITERION = reference_table(
    "triage_criterion",
    METADATA,
    Column("code", Text, primary_key=True),
    Column("starts_on", Date, primary_key=True),
    Column("ends_on", Date),
    Column("position", SmallInteger, nullable=False),
    Column("tier", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("most_percent", SmallInteger),
    Column("least_days_absent", SmallInteger),
    Column("least_chronic_terms", SmallInteger),
    Column("least_steps", SmallInteger),
)

# Minutes a person recorded for a day, over all cases. Its row is the lock that keeps a day within 24 hours when two
# entries are recorded at once.
WORK_DAY = tenant_table(
    "work_day",
    METADATA,
    Column("person_id", postgresql.UUID),
    Column("day", Date),
    Column("minutes", Integer, nullable=False),
    key=("person_id", "day"),
)

# Who opened which student's record, and when.
ACCESS_LOG = tenant_table(
    "access_log",
    METADATA,
    Column("id", postgresql.UUID),
    Column("subject", Text, nullable=False),
    Column("subject_id", postgresql.UUID, nullable=False),
    Column("actor_id", postgresql.UUID, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    # The organisation for which they read: the provider itself, or the student's school.
    Column("actor_tenant_id", postgresql.UUID),
    Index("access_log_subject", "tenant_id", "subject_id", "opened_at", "id"),
)
