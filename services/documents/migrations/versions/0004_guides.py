"""Guidance that the ministry publishes, and what is being written of it."""

from alembic import op

from kit.migrations import open_reference

revision = "0004_guides"
down_revision = "0003_letters"

WORDS = """
    topic text NOT NULL CHECK (topic IN ('start', 'task', 'scenario', 'practice', 'issue', 'contact')),
    title text NOT NULL, title_mi text NOT NULL, body text NOT NULL, body_mi text NOT NULL,
    issue_state text NOT NULL CHECK (issue_state IN ('', 'open', 'fixed')), roles text[] NOT NULL,
    issue_since date, issue_fixed_on date"""


def upgrade() -> None:
    op.execute(f"""
        CREATE TABLE guide_version (
            slug text NOT NULL, version integer NOT NULL CHECK (version > 1), {WORDS},
            published_at timestamptz NOT NULL, published_by uuid NOT NULL, PRIMARY KEY (slug, version))""")
    op.execute(f"""
        CREATE TABLE guide_draft (
            slug text PRIMARY KEY, version integer NOT NULL CHECK (version > 0), {WORDS},
            saved_at timestamptz NOT NULL, saved_by uuid NOT NULL)""")
    for table in ("guide_version", "guide_draft"):
        open_reference("documents", table, "tenant", "editor")
    op.execute("GRANT INSERT ON guide_version TO documents_editor")
    op.execute("GRANT INSERT, UPDATE, DELETE ON guide_draft TO documents_editor")


def downgrade() -> None:
    op.execute("DROP TABLE guide_draft")
    op.execute("DROP TABLE guide_version")
