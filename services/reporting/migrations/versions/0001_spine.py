"""Facts without names, and the figures made of them."""

from alembic import op

from kit.migrations import create_plumbing, protect_plumbing, protect_tenant

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_plumbing("reporting")
    # National reads wait for an event of whichever provider.
    op.execute("CREATE INDEX inbox_anywhere ON inbox (consumer, source, position)")
    op.execute("""
        CREATE TABLE case_fact (
            tenant_id uuid NOT NULL, id uuid NOT NULL, school_id uuid NOT NULL, opened_on date NOT NULL,
            student_hash text NOT NULL, counted_at timestamptz NOT NULL, PRIMARY KEY (tenant_id, id))""")
    protect_tenant("reporting", "case_fact")
    op.execute("""
        CREATE TABLE entry_fact (
            tenant_id uuid NOT NULL, id uuid NOT NULL, case_id uuid NOT NULL, kind text NOT NULL, outcome text NOT NULL,
            happened_on date NOT NULL, minutes integer NOT NULL CHECK (minutes >= 0), counted_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, id))""")
    protect_tenant("reporting", "entry_fact")
    op.execute("""
        CREATE TABLE figure (
            tenant_id uuid NOT NULL, quarter text NOT NULL, indicator text NOT NULL, rule_version integer NOT NULL,
            value bigint NOT NULL, behind bigint NOT NULL,
            PRIMARY KEY (tenant_id, quarter, indicator, rule_version))""")
    protect_tenant("reporting", "figure")
    op.execute("CREATE TABLE counted (tenant_id uuid NOT NULL PRIMARY KEY, counted_at timestamptz NOT NULL)")
    protect_tenant("reporting", "counted")
    for table in ("figure", "counted"):
        op.execute(f"CREATE POLICY {table}_national ON {table} FOR SELECT TO reporting_national USING (true)")
        op.execute(f"GRANT SELECT ON {table} TO reporting_national")
    op.execute("CREATE TABLE suppression_key (id smallint PRIMARY KEY CHECK (id = 1), key bytea NOT NULL)")
    protect_plumbing("reporting", "suppression_key")
