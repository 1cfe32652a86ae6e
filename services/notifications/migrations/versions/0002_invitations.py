"""Notices to people who have no id yet: invitations. And to people whose role waits for their training."""

from alembic import op

revision = "0002_invitations"
down_revision = "0001"


def upgrade() -> None:
    op.execute("ALTER TABLE notice ALTER person_id DROP NOT NULL")
    op.execute("ALTER TABLE notice DROP CONSTRAINT notice_kind_check")
    op.execute("""
        ALTER TABLE notice
        ADD CONSTRAINT notice_kind_check
            CHECK (kind IN ('case-assigned', 'request-overdue', 'invitation', 'training-invitation')),
        ADD CONSTRAINT notice_to_somebody CHECK ((kind = 'invitation') = (person_id IS NULL))""")
