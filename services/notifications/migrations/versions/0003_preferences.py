"""Notices by preference: at once, in one e-mail a day, or on the page only; what was read; what did not arrive."""

from alembic import op

from kit.migrations import protect_tenant

revision = "0003_preferences"
down_revision = "0002_invitations"

KINDS = """
    'case-assigned', 'case-woken', 'task-due', 'task-overdue', 'letter-approved', 'letter-returned', 'letter-overdue',
    'letter-submitted', 'request-overdue', 'work-fallen', 'request-accepted', 'request-returned', 'request-declined',
    'contact-named', 'entry-shared', 'shared-case-changed', 'training-invitation', 'training-ending', 'training-lapsed',
    'invitation', 'daily'"""


def upgrade() -> None:
    op.execute(f"""
        ALTER TABLE notice
            ADD daily_id uuid,
            DROP CONSTRAINT notice_kind_check, ADD CONSTRAINT notice_kind_check CHECK (kind IN ({KINDS})),
            DROP CONSTRAINT notice_state_check,
            ADD CONSTRAINT notice_state_check CHECK (state IN ('planned', 'held', 'sent', 'failed', 'page-only')),
            DROP CONSTRAINT notice_check,
            ADD CONSTRAINT notice_ended CHECK ((state IN ('planned', 'held')) = (ended_at IS NULL))""")
    op.execute(f"""
        ALTER TABLE plan DROP CONSTRAINT plan_kind_check, ADD CONSTRAINT plan_kind_check CHECK (kind IN ({KINDS}))""")
    op.execute("CREATE INDEX notice_held ON notice (tenant_id, person_id, created_at) WHERE state = 'held'")
    op.execute("CREATE INDEX notice_failed ON notice (tenant_id, ended_at, id) WHERE state = 'failed'")
    op.execute(f"""
        CREATE TABLE preference (
            tenant_id uuid NOT NULL, person_id uuid NOT NULL, kind text NOT NULL CHECK (kind IN ({KINDS})),
            delivery text NOT NULL CHECK (delivery IN ('at-once', 'daily', 'page')),
            PRIMARY KEY (tenant_id, person_id, kind))""")
    protect_tenant("notifications", "preference")
    op.execute("""
        CREATE TABLE reader (
            tenant_id uuid NOT NULL, person_id uuid NOT NULL, read_until timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, person_id))""")
    protect_tenant("notifications", "reader")


def downgrade() -> None:
    raise NotImplementedError("what people chose would be lost; restore from a backup")
