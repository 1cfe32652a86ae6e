"""Files of a case."""

from alembic import op

from kit.migrations import create_plumbing, protect_tenant

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_plumbing("documents")
    op.execute("""
        CREATE TABLE document (
            tenant_id uuid NOT NULL, id uuid NOT NULL, case_id uuid NOT NULL, name text NOT NULL,
            content_type text NOT NULL, size bigint NOT NULL CHECK (size > 0), sha256 text NOT NULL,
            scan_state text NOT NULL CHECK (scan_state IN ('waiting', 'clean', 'infected', 'no-scanner')),
            uploaded_by uuid NOT NULL, uploaded_at timestamptz NOT NULL, PRIMARY KEY (tenant_id, id))""")
    op.execute("CREATE INDEX document_case ON document (tenant_id, case_id, uploaded_at, id)")
    protect_tenant("documents", "document")
