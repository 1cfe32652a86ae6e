"""Notices about returns that are late."""

from alembic import op

revision = "0004_returns"
down_revision = "0003_preferences"

KINDS = """
    'case-assigned', 'case-woken', 'task-due', 'task-overdue', 'letter-approved', 'letter-returned', 'letter-overdue',
    'letter-submitted', 'request-overdue', 'work-fallen', 'return-overdue', 'provider-return-overdue',
    'request-accepted', 'request-returned', 'request-declined', 'contact-named', 'entry-shared', 'shared-case-changed',
    'training-invitation', 'training-ending', 'training-lapsed', 'invitation', 'daily'"""


def upgrade() -> None:
    for table in ("notice", "plan", "preference"):
        op.execute(f"""
            ALTER TABLE {table}
                DROP CONSTRAINT {table}_kind_check, ADD CONSTRAINT {table}_kind_check CHECK (kind IN ({KINDS}))""")


def downgrade() -> None:
    raise NotImplementedError("notices of the new kinds would be lost; restore from a backup")
