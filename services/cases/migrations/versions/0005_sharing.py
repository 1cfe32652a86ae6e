"""What schools see: shared entries as rows of their own, more of a case, and whose reading the access log tells of."""

from alembic import op

from kit.migrations import protect_shared

revision = "0005_sharing"
down_revision = "0004_letters"

READS = (
    *("tenant_id", "guest_id", "entry_id", "case_id", "kind", "happened_on", "outcome", "note"),
    *("recorded_by", "shared_at", "corrected_at"),
)


def upgrade() -> None:
    op.execute("""
        CREATE TABLE shared_entry (
            tenant_id uuid NOT NULL, guest_id uuid, entry_id uuid NOT NULL, case_id uuid NOT NULL, kind text NOT NULL,
            happened_on date NOT NULL, outcome text NOT NULL, note text NOT NULL, recorded_by uuid NOT NULL,
            shared_at timestamptz NOT NULL, corrected_at timestamptz, PRIMARY KEY (tenant_id, entry_id),
            FOREIGN KEY (tenant_id, entry_id) REFERENCES entry (tenant_id, id))""")
    op.execute("CREATE INDEX shared_entry_case ON shared_entry (guest_id, case_id, happened_on, shared_at, entry_id)")
    protect_shared("cases", "shared_entry", guest_reads=READS, grants="SELECT, INSERT, UPDATE, DELETE")

    op.execute("""
        GRANT SELECT (given_names, family_name, preferred_name, year_level, case_manager_id, primary_contact_id,
            opened_at, wakes_on, closed_at) ON case_record TO cases_guest""")
    op.execute("CREATE INDEX case_record_shared ON case_record (guest_id, opened_at, id)")
    op.execute("CREATE INDEX case_record_contact ON case_record (guest_id, primary_contact_id, opened_at, id)")
    op.execute("ALTER TABLE access_log ADD actor_tenant_id uuid")

    # What was shared before this: an entry as its last correction left it. The owner is under the policies and would
    # see no rows.
    op.execute("SET LOCAL ROLE cases_maintenance")
    op.execute("""
        INSERT INTO shared_entry
        SELECT entry.tenant_id, case_record.guest_id, entry.id, entry.case_id, entry.kind,
            coalesce(last.happened_on, entry.happened_on), coalesce(last.outcome, entry.outcome),
            coalesce(last.note, entry.note), entry.recorded_by,
            CASE WHEN entry.visibility = 'school' THEN entry.recorded_at ELSE last.corrected_at END,
            CASE WHEN entry.visibility = 'school' THEN last.corrected_at END
        FROM entry
        JOIN case_record ON case_record.tenant_id = entry.tenant_id AND case_record.id = entry.case_id
        LEFT JOIN LATERAL (
            SELECT * FROM correction
            WHERE correction.tenant_id = entry.tenant_id AND correction.entry_id = entry.id
            ORDER BY number DESC LIMIT 1) AS last ON true
        WHERE coalesce(last.visibility, entry.visibility) = 'school' AND case_record.guest_id IS NOT NULL""")
    op.execute("RESET ROLE")


def downgrade() -> None:
    raise NotImplementedError("schools would read nothing any more; restore from a backup")
