"""Providers, who owe a return also for a quarter in which nothing happened; and no school is no school."""

from alembic import op

from kit.migrations import protect_tenant

revision = "0003_providers"
down_revision = "0002_returns"

NOBODY = "'00000000-0000-0000-0000-000000000000'"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE provider (
            tenant_id uuid NOT NULL PRIMARY KEY, ministry_id uuid, is_suspended boolean NOT NULL,
            next_quarter text NOT NULL)""")
    protect_tenant("reporting", "provider")
    # The owner is under the policies too and would see no rows.
    op.execute("SET LOCAL ROLE reporting_maintenance")
    # Whoever something was counted for is a provider; the register's next word says whose.
    op.execute("""
        INSERT INTO provider (tenant_id, is_suspended, next_quarter)
        SELECT tenant_id, false, to_char(now() AT TIME ZONE 'Pacific/Auckland', 'YYYY"-Q"Q') FROM counted""")
    op.execute("""
        INSERT INTO deadline (tenant_id, kind, subject_id, due_at)
        SELECT tenant_id, 'quarter-end', tenant_id,
            (date_trunc('quarter', now() AT TIME ZONE 'Pacific/Auckland') + interval '3 months')
                AT TIME ZONE 'Pacific/Auckland'
        FROM counted""")
    # An early version kept the nil id for students without a school.
    op.execute(f"UPDATE case_fact SET school_id = NULL WHERE school_id = {NOBODY}")
    op.execute("RESET ROLE")
    op.execute(f"ALTER TABLE case_fact ADD CHECK (school_id <> {NOBODY})")


def downgrade() -> None:
    raise NotImplementedError("who owes returns would be lost; restore from a backup")
