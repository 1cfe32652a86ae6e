"""Training that runs out: it is part of the history of access, and those whom it concerns are told before."""

from alembic import op

revision = "0004_lapsing"
down_revision = "0003_access"


def upgrade() -> None:
    op.execute("ALTER TABLE access_event DROP CONSTRAINT access_event_kind")
    op.execute("""
        ALTER TABLE access_event ADD CONSTRAINT access_event_kind CHECK (kind IN ('joined', 'role-assigned',
            'role-removed', 'training-invited', 'training-recorded', 'ended', 'training-lapsed'))""")
    # Due at once: the command looks at the days, says what holds, and waits for the next.
    op.execute("SET LOCAL ROLE identity_maintenance")
    op.execute("""
        INSERT INTO deadline (tenant_id, kind, subject_id, due_at)
        SELECT DISTINCT tenant_id, 'training-ends', person_id, now() FROM role_grant
        WHERE training_ends_on IS NOT NULL AND ended_at IS NULL
        ON CONFLICT DO NOTHING""")
    op.execute("RESET ROLE")


def downgrade() -> None:
    op.execute("SET LOCAL ROLE identity_maintenance")
    op.execute("DELETE FROM deadline WHERE kind = 'training-ends'")
    op.execute("RESET ROLE")
