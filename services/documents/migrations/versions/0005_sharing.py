"""Files that a school reads, and files that are records."""

from alembic import op

from kit.migrations import share_with_guest

revision = "0005_sharing"
down_revision = "0004_guides"

READS = (
    *("tenant_id", "guest_id", "id", "case_id", "name", "content_type", "size", "sha256", "scan_state"),
    *("uploaded_by", "uploaded_at", "description"),
)


def upgrade() -> None:
    op.execute("""
        ALTER TABLE document
            ADD COLUMN guest_id uuid,
            ADD COLUMN is_record boolean NOT NULL DEFAULT false,
            ADD CONSTRAINT document_shared_check
                CHECK (guest_id IS NULL OR (visibility = 'school' AND removed_at IS NULL)),
            ADD CONSTRAINT document_record_check CHECK (NOT is_record OR removed_at IS NULL)""")
    op.execute("CREATE INDEX document_shared ON document (guest_id, case_id, uploaded_at, id)")
    share_with_guest("documents", "document", guest_reads=READS)

    # The owner is under the policies and would see no rows.
    op.execute("SET LOCAL ROLE documents_maintenance")
    # What nobody put in was printed: letters. One that was taken out already stays out.
    op.execute("""
        UPDATE document SET is_record = true
        WHERE removed_at IS NULL AND NOT EXISTS (
            SELECT FROM audit
            WHERE audit.tenant_id = document.tenant_id AND audit.subject_id = document.id
                AND audit.action = 'upload-document')""")
    # No school could read what was marked as shared so far, and which school it was meant for is not known here. It
    # is shared anew by whoever still wants it to be.
    op.execute("UPDATE document SET visibility = 'provider', version = version + 1 WHERE visibility = 'school'")
    op.execute("RESET ROLE")


def downgrade() -> None:
    raise NotImplementedError("schools would read nothing any more; restore from a backup")
