"""Invitations, and the kinds of documents by which an authoriser may know who someone is."""

from alembic import op

from kit.migrations import open_reference, protect_tenant

revision = "0002_invitations"
down_revision = "0001_spine"

# Our own choice until the ministry says its own: (code, English, te reo Māori, whether it shows a photo).
DOCUMENTS = {
    "identity_primary": (
        ("nz_passport", "New Zealand passport", "Uruwhenua o Aotearoa", True),
        ("overseas_passport", "Overseas passport", "Uruwhenua nō tāwāhi", True),
        ("nz_birth_certificate", "New Zealand full birth certificate", "Tiwhikete whānautanga o Aotearoa", False),
        ("nz_citizenship_certificate", "New Zealand citizenship certificate", "Tiwhikete kirirarau o Aotearoa", False),
        ("nz_refugee_travel_document", "New Zealand refugee travel document", "Puka haere rerenga", True),
        ("nz_firearms_licence", "New Zealand firearms licence", "Raihana pū o Aotearoa", True),
    ),
    "identity_supporting": (
        ("nz_driver_licence", "New Zealand driver licence", "Raihana taraiwa o Aotearoa", True),
        ("kiwi_access_card", "Kiwi Access card", "Kāri Kiwi Access", True),
        ("student_photo_id", "Student photo card", "Kāri tauira whai whakaahua", True),
        ("employee_photo_id", "Employer photo card", "Kāri kaimahi whai whakaahua", True),
        ("community_services_card", "Community Services Card", "Kāri Ratonga Hapori", False),
        ("ird_letter", "Letter from Inland Revenue", "Reta nā Te Tari Taake", False),
        ("bank_statement", "Bank statement", "Pūrongo pēke", False),
        ("electoral_roll", "Electoral roll record", "Mauhanga rārangi pōti", False),
    ),
}


def upgrade() -> None:
    op.execute("""
        CREATE TABLE reference_item (
            list text NOT NULL, code text NOT NULL, starts_on date NOT NULL, ends_on date,
            position smallint NOT NULL, label text NOT NULL, label_mi text NOT NULL, has_photo boolean NOT NULL,
            PRIMARY KEY (list, code, starts_on), CHECK (ends_on >= starts_on))""")
    open_reference("identity", "reference_item", "tenant")
    for name, documents in DOCUMENTS.items():
        for position, (code, label, label_mi, has_photo) in enumerate(documents):
            op.execute(f"""
                INSERT INTO reference_item (list, code, starts_on, position, label, label_mi, has_photo)
                VALUES ('{name}', '{code}', '2026-01-01', {position}, '{label}', '{label_mi}', {has_photo})""")
    op.execute("""
        CREATE TABLE invitation (
            tenant_id uuid NOT NULL, id uuid NOT NULL, name text NOT NULL, email text NOT NULL, email_key text NOT NULL,
            language text NOT NULL CONSTRAINT invitation_language CHECK (language IN ('en', 'mi')),
            primary_document text NOT NULL, supporting_document text NOT NULL, invited_by uuid NOT NULL,
            invited_at timestamptz NOT NULL, link_id uuid NOT NULL, link_digest bytea NOT NULL,
            sent_at timestamptz NOT NULL, expires_at timestamptz NOT NULL, withdrawn_at timestamptz,
            used_at timestamptz, used_by uuid, PRIMARY KEY (tenant_id, id),
            CONSTRAINT invitation_used CHECK ((used_at IS NULL) = (used_by IS NULL)),
            FOREIGN KEY (tenant_id, used_by) REFERENCES member (tenant_id, person_id))""")
    op.execute("CREATE INDEX invitation_link_digest ON invitation (link_digest)")
    op.execute("CREATE INDEX invitation_link ON invitation (tenant_id, link_id)")
    op.execute("CREATE INDEX invitation_newest ON invitation (tenant_id, invited_at, id)")
    op.execute("CREATE INDEX invitation_address ON invitation (tenant_id, email_key)")
    protect_tenant("identity", "invitation")
    # Whoever opens a link is nobody yet: its digest leads to the invitation.
    op.execute("CREATE POLICY invitation_signin ON invitation FOR SELECT TO identity_signin USING (true)")
    op.execute("GRANT SELECT (tenant_id, id, link_digest) ON invitation TO identity_signin")


def downgrade() -> None:
    op.execute("DROP TABLE invitation")
    op.execute("DROP TABLE reference_item")
