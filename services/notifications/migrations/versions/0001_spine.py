"""Notices, plans to tell people, and the queue of jobs that send."""

from alembic import op

from kit.jobs import create_jobs
from kit.migrations import create_plumbing, protect_tenant

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_plumbing("notifications")
    create_jobs("notifications")
    kinds = "CHECK (kind IN ('case-assigned', 'request-overdue'))"
    op.execute(f"""
        CREATE TABLE notice (
            tenant_id uuid NOT NULL, id uuid NOT NULL, person_id uuid NOT NULL, kind text NOT NULL {kinds},
            subject_id uuid NOT NULL, created_at timestamptz NOT NULL,
            state text NOT NULL CHECK (state IN ('planned', 'sent', 'failed')),
            attempts integer NOT NULL, attempt_until timestamptz, ended_at timestamptz, fault text NOT NULL,
            PRIMARY KEY (tenant_id, id),
            CHECK ((state = 'planned') = (ended_at IS NULL)))""")
    op.execute("CREATE INDEX notice_person ON notice (tenant_id, person_id, created_at, id)")
    protect_tenant("notifications", "notice")
    op.execute(f"""
        CREATE TABLE plan (
            tenant_id uuid NOT NULL, id uuid NOT NULL, kind text NOT NULL {kinds}, subject_id uuid NOT NULL,
            created_at timestamptz NOT NULL, done_at timestamptz, PRIMARY KEY (tenant_id, id))""")
    protect_tenant("notifications", "plan")
