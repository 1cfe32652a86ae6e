"""Links to choose a new passphrase by, and the wishes for one that wait for the moment in which they are looked at."""

from alembic import op

from kit.migrations import protect_person, protect_plumbing

revision = "0006_passphrases"
down_revision = "0005_register"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE passphrase_reset (
            person_id uuid NOT NULL REFERENCES profile (person_id), id uuid NOT NULL, link_digest bytea NOT NULL,
            asked_at timestamptz NOT NULL, expires_at timestamptz NOT NULL, used_at timestamptz,
            PRIMARY KEY (person_id, id))""")
    op.execute("CREATE INDEX passphrase_reset_link_digest ON passphrase_reset (link_digest)")
    op.execute("CREATE INDEX passphrase_reset_expires_at ON passphrase_reset (expires_at)")
    protect_person("identity", "passphrase_reset", grants="SELECT, INSERT, UPDATE")
    op.execute("CREATE POLICY passphrase_reset_signin ON passphrase_reset FOR SELECT TO identity_signin USING (true)")
    op.execute("GRANT SELECT (person_id, id, link_digest) ON passphrase_reset TO identity_signin")
    op.execute("CREATE POLICY passphrase_reset_plumbing ON passphrase_reset TO identity_plumbing USING (true)")
    op.execute("GRANT SELECT (expires_at), DELETE ON passphrase_reset TO identity_plumbing")
    op.execute("""
        CREATE TABLE reset_wish (
            id uuid PRIMARY KEY, sealed bytea NOT NULL, asked_at timestamptz NOT NULL)""")
    op.execute("CREATE INDEX reset_wish_asked_at ON reset_wish (asked_at)")
    protect_plumbing("identity", "reset_wish")
    op.execute("CREATE POLICY reset_wish_signin ON reset_wish FOR INSERT TO identity_signin WITH CHECK (true)")
    op.execute("GRANT INSERT ON reset_wish TO identity_signin")
    # Mail to a person is sent in the name of an organisation: of who never had a role, the one that invited them.
    op.execute("SET LOCAL ROLE identity_maintenance")
    op.execute("""
        UPDATE profile SET last_organisation_id = (
            SELECT tenant_id FROM member WHERE member.person_id = profile.person_id ORDER BY joined_at LIMIT 1)
        WHERE last_organisation_id IS NULL""")
    op.execute("RESET ROLE")


def downgrade() -> None:
    op.execute("DROP TABLE reset_wish")
    op.execute("DROP TABLE passphrase_reset")
