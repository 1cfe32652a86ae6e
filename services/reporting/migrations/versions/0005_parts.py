"""Figures in their parts, kept as they stand; filled from the ledger."""

from alembic import op

from kit.migrations import protect_tenant

revision = "0005_parts"
down_revision = "0004_ethnicity"

STUDENT = ("route", "school", "year-level", "age", "gender", "ethnicity")
PARTED = {
    "requests-returned": ("school",),
    "requests-declined": ("route", "reason"),
    "cases-opened": STUDENT,
    "cases-closed": ("reason", "outcome"),
    "open": STUDENT,
    "held": ("case-manager",),
    "pauses": ("reason",),
    "contact-attempts": ("outcome",),
    "home-visits": ("outcome",),
    "letters-sent": ("family", "stage"),
    "minutes": ("kind",),
}
SPREAD = ("days-to-assign", "days-to-contact")


def upgrade() -> None:
    op.execute("""
        CREATE TABLE figure_part (
            tenant_id uuid NOT NULL, quarter text NOT NULL, counter text NOT NULL, rule_version integer NOT NULL,
            dimension text NOT NULL, key text NOT NULL, value bigint NOT NULL,
            PRIMARY KEY (tenant_id, quarter, counter, rule_version, dimension, key))""")
    protect_tenant("reporting", "figure_part")
    # The owner is under the policies too and would see no rows.
    op.execute("SET LOCAL ROLE reporting_maintenance")
    for counter, dimensions in PARTED.items():
        for dimension in dimensions:
            op.execute(_fill(counter, dimension))
    for counter in SPREAD:
        op.execute(f"""
            INSERT INTO figure_part
            SELECT tenant_id, quarter, counter, rule_version, 'value', value::text, count(*)
            FROM (SELECT tenant_id, quarter, counter, rule_version, sum(value)::bigint AS value FROM ledger
                  WHERE counter = '{counter}' GROUP BY tenant_id, quarter, counter, rule_version, fact_id
                  HAVING sum(behind) > 0) facts
            GROUP BY tenant_id, quarter, counter, rule_version, value""")
    op.execute("RESET ROLE")


def _fill(counter: str, dimension: str) -> str:
    label = f"coalesce(labels ->> '{dimension}', '')"
    key = f"regexp_split_to_table({label}, ',')" if dimension == "ethnicity" else label
    return f"""
        INSERT INTO figure_part
        SELECT tenant_id, quarter, counter, rule_version, '{dimension}', {key}, sum(value) FROM ledger
        WHERE counter = '{counter}' GROUP BY 1, 2, 3, 4, 6"""


def downgrade() -> None:
    op.execute("DROP TABLE figure_part")
