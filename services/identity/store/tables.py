"""Identity's tables. `migrations/versions` creates them; a convention test compares the two.

Some tables are found by more than their class says, always by equality or through a few granted columns; `info["also"]`
names the roles:
* `signin` reads the columns that lead from a proof (address, cookie, token digest) to the person or organisation;
* `person` reads the roles a person holds at every organisation;
* `plumbing` deletes what has expired.
"""

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from kit.audit import audit_table
from kit.idempotency import idempotency_table
from kit.inbox import inbox_mark_table, inbox_table
from kit.outbox import outbox_table
from kit.sweeps import deadline_table
from kit.tables import person_table, plumbing_table, reference_table, tenant_reference, tenant_table

EXTRA_ROLES = ("person", "signin", "registry")
"""Database roles beyond `kit.migrations.ROLES`: one person's rows; finding who is behind a proof; the register."""

METADATA = MetaData()

outbox_table(METADATA)
inbox_table(METADATA)
inbox_mark_table(METADATA)
deadline_table(METADATA)
audit_table(METADATA)
idempotency_table(METADATA)


def _text(name: str, *items: Any) -> Column[str]:
    return Column(name, Text, *items, nullable=False)


def _at(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _also(table: Table, **roles: tuple[str, ...]) -> Table:
    table.info["also"] = roles
    return table


organisation = reference_table(
    "organisation",
    METADATA,
    Column("id", UUID, primary_key=True),
    _text("kind"),
    _text("name"),
    _text("sort_name"),
    Column("school_number", Text, unique=True),
    _text("region"),
    Column("is_suspended", Boolean, nullable=False),
    _at("suspended_at", nullable=True),
    Column("suspension_reason", Text),
    _at("updated_at"),
    CheckConstraint("kind IN ('provider', 'school', 'ministry')", name="organisation_kind"),
    CheckConstraint("(kind = 'school') = (school_number IS NOT NULL)", name="organisation_school_number"),
    Index("organisation_by_name", "sort_name", "id"),
)
catchment = reference_table(
    "catchment",
    METADATA,
    Column("code", Text, primary_key=True),
    Column("starts_on", Date, primary_key=True),
    Column("ends_on", Date),
    _text("name"),
    Column("provider_id", UUID, ForeignKey("organisation.id"), nullable=False),
)
catchment_school = reference_table(
    "catchment_school",
    METADATA,
    Column("school_id", UUID, ForeignKey("organisation.id"), primary_key=True),
    Column("starts_on", Date, primary_key=True),
    Column("ends_on", Date),
    _text("catchment_code"),
    Column("catchment_starts_on", Date, nullable=False),
    ForeignKeyConstraint(["catchment_code", "catchment_starts_on"], ["catchment.code", "catchment.starts_on"]),
)

profile = person_table(
    "profile",
    METADATA,
    _text("name"),
    _text("email"),
    _text("language"),
    Column("last_organisation_id", UUID, ForeignKey("organisation.id")),
    Column("is_disabled", Boolean, nullable=False),
    _at("created_at"),
    _at("updated_at"),
    CheckConstraint("language IN ('en', 'mi')", name="profile_language"),
)
credential = _also(
    person_table(
        "credential",
        METADATA,
        Column("email_key", Text, nullable=False, unique=True),
        _text("passphrase_hash"),
        _at("changed_at"),
        ForeignKeyConstraint(["person_id"], ["profile.person_id"]),
    ),
    signin=("person_id", "email_key", "passphrase_hash"),
)
session = _also(
    person_table(
        "session",
        METADATA,
        Column("id", UUID),
        Column("cookie_digest", LargeBinary, nullable=False),
        _at("started_at"),
        _at("used_at"),
        _at("expires_at"),
        _at("ended_at", nullable=True),
        Column("end_reason", Text),
        ForeignKeyConstraint(["person_id"], ["profile.person_id"]),
        Index("session_cookie", "cookie_digest"),
        key=("id",),
    ),
    signin=("person_id", "id", "cookie_digest"),
)
authorisation = person_table(
    "authorisation",
    METADATA,
    Column("id", UUID),
    Column("session_id", UUID, nullable=False),
    _text("client_id"),
    _text("scope"),
    _at("created_at"),
    _at("revoked_at", nullable=True),
    Column("revoke_reason", Text),
    ForeignKeyConstraint(["person_id", "session_id"], ["session.person_id", "session.id"]),
    Index("authorisation_session", "person_id", "session_id"),
    key=("id",),
)


def _token_table(name: str, *items: Any) -> Table:
    """A secret given to a client: only its SHA-256 is kept. It lives as long as its authorisation at most."""
    return _also(
        person_table(
            name,
            METADATA,
            Column("digest", LargeBinary),
            Column("authorisation_id", UUID, nullable=False),
            _at("created_at"),
            _at("expires_at"),
            *items,
            ForeignKeyConstraint(["person_id", "authorisation_id"], ["authorisation.person_id", "authorisation.id"]),
            Index(f"{name}_digest", "digest"),
            Index(f"{name}_expires_at", "expires_at"),
            key=("digest",),
        ),
        signin=("person_id", "digest"),
        plumbing=("expires_at",),
    )


authorisation_code = _token_table(
    "authorisation_code", _text("redirect_uri"), _text("nonce"), _text("challenge"), _at("used_at", nullable=True)
)
refresh_token = _token_table("refresh_token", _at("used_at", nullable=True))
access_token = _token_table("access_token")

member = tenant_table(
    "member",
    METADATA,
    Column("person_id", UUID, ForeignKey("profile.person_id"), nullable=False),
    _text("name"),
    _text("sort_name"),
    _text("email"),
    _text("language"),
    _at("joined_at"),
    Column("attested_on", Date),
    Column("attested_by", UUID),
    ForeignKeyConstraint(["tenant_id"], ["organisation.id"]),
    Index("member_by_name", "tenant_id", "sort_name", "person_id"),
    key=("person_id",),
)
role_grant = _also(
    tenant_table(
        "role_grant",
        METADATA,
        Column("person_id", UUID, nullable=False),
        _text("role"),
        Column("starts_on", Date, nullable=False),
        Column("ends_on", Date),
        Column("trained_on", Date),
        Column("training_ends_on", Date),
        _at("granted_at"),
        _at("ended_at", nullable=True),
        Column("end_reason", Text),
        _at("rested_at", nullable=True),
        tenant_reference(["person_id"], "member", ["person_id"]),
        Index("role_grant_person", "person_id"),
        key=("person_id", "role"),
    ),
    person=(
        "tenant_id",
        "person_id",
        "role",
        "starts_on",
        "ends_on",
        "trained_on",
        "training_ends_on",
        "ended_at",
        "rested_at",
    ),
)
machine_client = _also(
    tenant_table(
        "machine_client",
        METADATA,
        Column("id", UUID, nullable=False),
        _text("name"),
        Column("secret_digest", LargeBinary, nullable=False),
        Column("roles", ARRAY(Text), nullable=False),
        _at("created_at"),
        _at("ended_at", nullable=True),
        ForeignKeyConstraint(["tenant_id"], ["organisation.id"]),
        Index("machine_client_id", "id"),
    ),
    signin=("tenant_id", "id"),
)
machine_token = _also(
    tenant_table(
        "machine_token",
        METADATA,
        Column("digest", LargeBinary, nullable=False),
        Column("machine_id", UUID, nullable=False),
        _at("created_at"),
        _at("expires_at"),
        tenant_reference(["machine_id"], "machine_client"),
        Index("machine_token_digest", "digest"),
        Index("machine_token_expires_at", "expires_at"),
        key=("digest",),
    ),
    signin=("tenant_id", "digest"),
    plumbing=("expires_at",),
)
training = person_table(
    "training",
    METADATA,
    Column("course", Text),
    Column("completed_on", Date),
    Column("expires_on", Date),
    _at("recorded_at"),
    Column("recorded_by", UUID, nullable=False),
    ForeignKeyConstraint(["person_id"], ["profile.person_id"]),
    CheckConstraint("expires_on >= completed_on", name="training_days"),
    key=("course", "completed_on"),
)
access_event = tenant_table(
    "access_event",
    METADATA,
    Column("id", UUID, nullable=False),
    Column("person_id", UUID, nullable=False),
    _text("kind"),
    _text("role"),
    _text("reason"),
    Column("actor_id", UUID),
    _at("occurred_at"),
    tenant_reference(["person_id"], "member", ["person_id"]),
    Index("access_event_person", "tenant_id", "person_id", "occurred_at", "id"),
)

access_rule = reference_table(
    "access_rule",
    METADATA,
    Column("code", Text, primary_key=True),
    Column("starts_on", Date, primary_key=True),
    Column("ends_on", Date),
    Column("days", Integer, nullable=False),
    CheckConstraint("code IN ('attest-every', 'attest-warn', 'rest-after')", name="access_rule_code"),
    CheckConstraint("days > 0", name="access_rule_days"),
)
reference_item = reference_table(
    "reference_item",
    METADATA,
    Column("list", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("starts_on", Date, primary_key=True),
    Column("ends_on", Date),
    Column("position", SmallInteger, nullable=False),
    _text("label"),
    _text("label_mi"),
    Column("has_photo", Boolean, nullable=False),
)
invitation = _also(
    tenant_table(
        "invitation",
        METADATA,
        Column("id", UUID, nullable=False),
        _text("name"),
        _text("email"),
        _text("email_key"),
        _text("language"),
        _text("primary_document"),
        _text("supporting_document"),
        Column("invited_by", UUID, nullable=False),
        _at("invited_at"),
        Column("link_id", UUID, nullable=False),
        Column("link_digest", LargeBinary, nullable=False),
        _at("sent_at"),
        _at("expires_at"),
        _at("withdrawn_at", nullable=True),
        _at("used_at", nullable=True),
        Column("used_by", UUID),
        Column("first_role", Text),
        tenant_reference(["used_by"], "member", ["person_id"]),
        CheckConstraint("language IN ('en', 'mi')", name="invitation_language"),
        CheckConstraint("(used_at IS NULL) = (used_by IS NULL)", name="invitation_used"),
        Index("invitation_link_digest", "link_digest"),
        Index("invitation_link", "tenant_id", "link_id"),
        Index("invitation_newest", "tenant_id", "invited_at", "id"),
        Index("invitation_address", "tenant_id", "email_key"),
    ),
    signin=("tenant_id", "id", "link_digest"),
)

register_plan = _also(
    tenant_table(
        "register_plan",
        METADATA,
        Column("id", UUID, nullable=False),
        Column("content", LargeBinary, nullable=False),
        Column("register_version", BigInteger, nullable=False),
        Column("differences", JSONB, nullable=False),
        Column("change_count", Integer, nullable=False),
        Column("planned_by", UUID),
        _at("planned_at"),
        _at("applied_at", nullable=True),
        _at("expires_at"),
        ForeignKeyConstraint(["tenant_id"], ["organisation.id"]),
        Index("register_plan_expires_at", "expires_at"),
    ),
    plumbing=("expires_at",),
)

signing_key = plumbing_table(
    "signing_key",
    METADATA,
    Column("id", Text, primary_key=True),
    _text("purpose"),
    _text("public_key"),
    Column("private_key", LargeBinary, nullable=False),
    _at("created_at"),
    _at("signs_from"),
    _at("verifies_until", nullable=True),
    CheckConstraint("purpose IN ('internal', 'openid')", name="signing_key_purpose"),
)
passphrase_reset = _also(
    person_table(
        "passphrase_reset",
        METADATA,
        Column("id", UUID),
        Column("link_digest", LargeBinary, nullable=False),
        _at("asked_at"),
        _at("expires_at"),
        _at("used_at", nullable=True),
        ForeignKeyConstraint(["person_id"], ["profile.person_id"]),
        Index("passphrase_reset_link_digest", "link_digest"),
        Index("passphrase_reset_expires_at", "expires_at"),
        key=("id",),
    ),
    signin=("person_id", "id", "link_digest"),
    plumbing=("expires_at",),
)
reset_wish = _also(
    plumbing_table(
        "reset_wish",
        METADATA,
        Column("id", UUID, primary_key=True),
        Column("sealed", LargeBinary, nullable=False),
        _at("asked_at"),
        Index("reset_wish_asked_at", "asked_at"),
    ),
    signin=(),
)
sign_in_attempt = _also(
    plumbing_table(
        "sign_in_attempt",
        METADATA,
        Column("bucket", LargeBinary, primary_key=True),
        Column("failures", Integer, nullable=False),
        _at("window_ends_at"),
    ),
    signin=("bucket", "failures", "window_ends_at"),
)
