"""Wording of letters that replaces ours."""

from alembic import op

from kit.migrations import open_reference

revision = "0003_letters"
down_revision = "0002"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE letter_wording (
            family text NOT NULL CHECK (family IN ('chronic_absence', 'non_enrolment')),
            stage smallint NOT NULL CHECK (stage > 0), language text NOT NULL CHECK (language IN ('en', 'mi')),
            starts_on date NOT NULL, version text NOT NULL CHECK (version <> ''), title text NOT NULL,
            body text NOT NULL, PRIMARY KEY (family, stage, language, starts_on))""")
    open_reference("documents", "letter_wording", "tenant")
