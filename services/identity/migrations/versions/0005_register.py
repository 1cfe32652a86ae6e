"""Onboarding: since when and why an organisation is suspended, plans of register files, first roles of invitations."""

from alembic import op

from kit.migrations import protect_tenant

revision = "0005_register"
down_revision = "0004_lapsing"


def upgrade() -> None:
    op.execute("ALTER TABLE organisation ADD COLUMN suspended_at timestamptz, ADD COLUMN suspension_reason text")
    op.execute("""
        UPDATE organisation SET suspended_at = updated_at, suspension_reason = 'register-file' WHERE is_suspended""")
    op.execute("ALTER TABLE invitation ADD COLUMN first_role text")
    op.execute("""
        CREATE TABLE register_plan (
            tenant_id uuid NOT NULL REFERENCES organisation (id), id uuid NOT NULL, content bytea NOT NULL,
            register_version bigint NOT NULL, differences jsonb NOT NULL, change_count integer NOT NULL,
            planned_by uuid, planned_at timestamptz NOT NULL,
            applied_at timestamptz, expires_at timestamptz NOT NULL, PRIMARY KEY (tenant_id, id))""")
    op.execute("CREATE INDEX register_plan_expires_at ON register_plan (expires_at)")
    protect_tenant("identity", "register_plan")
    op.execute("CREATE POLICY register_plan_plumbing ON register_plan TO identity_plumbing USING (true)")
    op.execute("GRANT SELECT (expires_at), DELETE ON register_plan TO identity_plumbing")


def downgrade() -> None:
    op.execute("DROP TABLE register_plan")
    op.execute("ALTER TABLE invitation DROP COLUMN first_role")
    op.execute("ALTER TABLE organisation DROP COLUMN suspended_at, DROP COLUMN suspension_reason")
