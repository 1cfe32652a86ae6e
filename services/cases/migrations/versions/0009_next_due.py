"""The day of a case's next task, so that lists show it and find those whose day has passed."""

from alembic import op

revision = "0009_next_due"
down_revision = "0008_replies"


def upgrade() -> None:
    op.execute("ALTER TABLE case_record ADD next_due_on date")
    # The owner is under the policies too and would see no rows.
    op.execute("SET LOCAL ROLE cases_maintenance")
    op.execute("""
        UPDATE case_record SET next_due_on = due.first
        FROM (SELECT tenant_id, case_id, min(due_on) AS first FROM task WHERE state = 'open' GROUP BY 1, 2) AS due
        WHERE case_record.tenant_id = due.tenant_id AND case_record.id = due.case_id""")
    op.execute("RESET ROLE")
    # Only cases with something to do, those due first.
    op.execute("CREATE INDEX case_record_due ON case_record (tenant_id, next_due_on, id) WHERE next_due_on IS NOT NULL")
    op.execute(
        "CREATE INDEX case_record_due_manager ON case_record (tenant_id, case_manager_id, next_due_on, id) "
        "WHERE next_due_on IS NOT NULL"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE case_record DROP next_due_on")
