"""Notices about passphrases, and about access that is to be attested or that rests."""

from alembic import op

revision = "0006_accounts"
down_revision = "0005_replies"

KINDS = """
    'case-assigned', 'case-woken', 'task-due', 'task-overdue', 'letter-approved', 'letter-returned', 'letter-overdue',
    'letter-submitted', 'request-overdue', 'request-replied', 'work-fallen', 'return-overdue',
    'provider-return-overdue', 'request-accepted', 'request-returned', 'request-declined', 'contact-named',
    'entry-shared', 'shared-case-changed',
    'training-invitation', 'training-ending', 'training-lapsed', 'passphrase-reset',
    'passphrase-changed', 'attestation-due', 'access-resting', 'invitation', 'daily'"""


def upgrade() -> None:
    for table in ("notice", "plan", "preference"):
        op.execute(f"""
            ALTER TABLE {table}
                DROP CONSTRAINT {table}_kind_check, ADD CONSTRAINT {table}_kind_check CHECK (kind IN ({KINDS}))""")


def downgrade() -> None:
    raise NotImplementedError("what was sent would be lost; restore from a backup")
