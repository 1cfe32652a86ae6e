"""How someone was tried to be reached and who was there; finding who opened a record, and which cases woke today."""

from alembic import op

revision = "0006_case_pages"
down_revision = "0005_sharing"


def upgrade() -> None:
    # With a default they are there at once, whatever the size of the table.
    for table in ("entry", "correction"):
        op.execute(f"""
            ALTER TABLE {table}
                ADD channel text NOT NULL DEFAULT '' CHECK (channel IN ('', 'phone', 'text_message', 'email', 'letter',
                    'in_person', 'online', 'through_someone')),
                ADD target text NOT NULL DEFAULT '',
                ADD attendees text NOT NULL DEFAULT ''""")
    op.execute("DROP INDEX access_log_subject")
    op.execute("CREATE INDEX access_log_subject ON access_log (tenant_id, subject_id, opened_at, id)")
    op.execute(
        "CREATE INDEX pause_woken ON pause (tenant_id, ended_on, id) WHERE ended_on IS NOT NULL AND ended_by IS NULL"
    )


def downgrade() -> None:
    raise NotImplementedError("what people wrote would be lost; restore from a backup")
