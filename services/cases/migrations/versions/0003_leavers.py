"""Work of people who left: every provider that has cases is looked at from now on.

No table changes: a case with nobody is a new one again, and a task with nobody has the nil UUID as its owner.
"""

from alembic import op

revision = "0003_leavers"
down_revision = "0002_case_work"


def upgrade() -> None:
    op.execute("SET LOCAL ROLE cases_maintenance")
    op.execute("""
        INSERT INTO deadline (tenant_id, kind, subject_id, due_at)
        SELECT DISTINCT tenant_id, 'check-owners', tenant_id, now() FROM case_record
        ON CONFLICT DO NOTHING""")
    op.execute("RESET ROLE")


def downgrade() -> None:
    op.execute("SET LOCAL ROLE cases_maintenance")
    op.execute("DELETE FROM deadline WHERE kind = 'check-owners'")
    op.execute("RESET ROLE")
