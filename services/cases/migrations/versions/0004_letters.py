"""Letters, with the ladder of their stages as reference data."""

from alembic import op

from kit.migrations import protect_tenant

revision = "0004_letters"
down_revision = "0003_leavers"

# Numbers are ours, not the ministry's, until it says its own.
ITEMS = {
    "letter_gap": (
        ("1", "First letter", None),
        ("2", "Second letter: at least so many days after the first", 14),
        ("3", "Third letter: at least so many days after the second", 14),
    ),
    "letter_rule": (
        ("attempts", "Attempts to reach the whānau before a letter", 3),
        ("ways", "Different ways of reaching them before a letter", 2),
        ("draft_days", "Days a draft may lie", 14),
        ("awaiting_approval_days", "Days until a letter is approved or given back", 2),
        ("approved_days", "Days until an approved letter is sent", 5),
        ("sent_days", "Days the whānau have to get in touch", 14),
    ),
}


def upgrade() -> None:
    for name, items in ITEMS.items():
        for position, (code, label, days) in enumerate(items):
            op.execute(f"""
                INSERT INTO reference_item (list, code, starts_on, position, label, days)
                VALUES ('{name}', '{code}', '2026-01-01', {position}, '{label}', {days or "NULL"})""")
    op.execute("ALTER TABLE case_record ADD open_letters integer NOT NULL DEFAULT 0 CHECK (open_letters >= 0)")
    op.execute("ALTER TABLE entry DROP CONSTRAINT entry_kind_check")
    op.execute("""
        ALTER TABLE entry ADD CONSTRAINT entry_kind_check CHECK (kind IN ('home_visit', 'contact_attempt', 'hui',
            'school_meeting', 'support', 'action', 'referral', 'progress_review', 'note', 'letter'))""")
    op.execute("""
        CREATE TABLE letter (
            tenant_id uuid NOT NULL, id uuid NOT NULL, case_id uuid NOT NULL,
            family text NOT NULL CHECK (family IN ('chronic_absence', 'non_enrolment')),
            stage smallint NOT NULL CHECK (stage > 0),
            state text NOT NULL CHECK (state IN ('draft', 'awaiting_approval', 'approved', 'sent', 'responded',
                'no_response', 'undelivered', 'withdrawn')),
            language text NOT NULL CHECK (language IN ('english', 'maori', 'both')),
            recipients jsonb NOT NULL, address text NOT NULL, support text NOT NULL, words text NOT NULL,
            contact_name text NOT NULL, contact_phone text NOT NULL, skip_reason text NOT NULL,
            attempts_reason text NOT NULL, drafted_by uuid NOT NULL, drafted_at timestamptz NOT NULL,
            submitted_by uuid, submitted_at timestamptz, approved_by uuid, approved_at timestamptz,
            returned_by uuid, return_note text NOT NULL,
            document_id uuid, document_sha256 text NOT NULL, template_version text NOT NULL,
            mode text NOT NULL CHECK (mode IN ('', 'post', 'hand', 'email')),
            sent_on date, sent_by uuid, response_due_on date,
            ended_on date, end_note text NOT NULL, ended_by uuid, ended_at timestamptz,
            due_on date, waits_since timestamptz NOT NULL, version bigint NOT NULL, PRIMARY KEY (tenant_id, id),
            CHECK ((state IN ('responded', 'no_response', 'undelivered', 'withdrawn')) = (ended_at IS NOT NULL)),
            CHECK ((sent_on IS NULL) = (mode = '')), CHECK (sent_on IS NULL OR document_id IS NOT NULL),
            CHECK (approved_by IS NULL OR approved_by <> drafted_by),
            FOREIGN KEY (tenant_id, case_id) REFERENCES case_record (tenant_id, id))""")
    op.execute("CREATE INDEX letter_case ON letter (tenant_id, case_id, drafted_at, id)")
    op.execute("CREATE INDEX letter_state ON letter (tenant_id, state, waits_since, id)")
    op.execute(
        "CREATE UNIQUE INDEX letter_writing ON letter (tenant_id, case_id, family) "
        "WHERE ended_at IS NULL AND sent_on IS NULL"
    )
    protect_tenant("cases", "letter")


def downgrade() -> None:
    raise NotImplementedError("what people wrote would be lost; restore from a backup")
