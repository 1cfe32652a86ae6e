"""Ethnicities of students, as codes of level 1; and the first contact of cases from before it was kept."""

from alembic import op

revision = "0004_ethnicity"
down_revision = "0003_providers"


def upgrade() -> None:
    op.execute("ALTER TABLE case_fact ADD ethnicities text NOT NULL DEFAULT ''")
    # The owner is under the policies too and would see no rows.
    op.execute("SET LOCAL ROLE reporting_maintenance")
    op.execute("""
        UPDATE case_fact c SET first_contact_on = e.first_on
        FROM (SELECT tenant_id, case_id, min(happened_on) AS first_on FROM entry_fact
              WHERE kind IN ('home-visit', 'contact-attempt', 'hui') AND outcome = 'reached'
              GROUP BY tenant_id, case_id) e
        WHERE c.tenant_id = e.tenant_id AND c.id = e.case_id AND c.first_contact_on IS NULL""")
    op.execute("RESET ROLE")


def downgrade() -> None:
    op.execute("ALTER TABLE case_fact DROP ethnicities")
