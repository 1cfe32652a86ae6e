"""Access is attested once a year and rests when it is not used; the numbers are reference data with dates."""

from alembic import op

from kit.migrations import open_reference

revision = "0007_attestation"
down_revision = "0006_passphrases"

KINDS = """
    'joined', 'role-assigned', 'role-removed', 'training-invited', 'training-recorded', 'ended', 'training-lapsed',
    'attested', 'rested', 'woken'"""


def upgrade() -> None:
    op.execute("""
        CREATE TABLE access_rule (
            code text NOT NULL
                CONSTRAINT access_rule_code CHECK (code IN ('attest-every', 'attest-warn', 'rest-after')),
            starts_on date NOT NULL, ends_on date, days integer NOT NULL CONSTRAINT access_rule_days CHECK (days > 0),
            PRIMARY KEY (code, starts_on))""")
    open_reference("identity", "access_rule", "tenant")
    # Our own choice, none of the ministry's: another number is a row with a later day.
    op.execute("""
        INSERT INTO access_rule (code, starts_on, days) VALUES
            ('attest-every', '2020-01-01', 365), ('attest-warn', '2020-01-01', 30), ('rest-after', '2020-01-01', 90)""")
    op.execute("ALTER TABLE member ADD COLUMN attested_on date, ADD COLUMN attested_by uuid")
    op.execute("ALTER TABLE role_grant ADD COLUMN rested_at timestamptz")
    op.execute("GRANT SELECT (rested_at) ON role_grant TO identity_person")
    op.execute("ALTER TABLE access_event DROP CONSTRAINT access_event_kind")
    op.execute(f"ALTER TABLE access_event ADD CONSTRAINT access_event_kind CHECK (kind IN ({KINDS}))")
    # Due at once: the commands look at the days, say what holds, and wait for the next.
    op.execute("SET LOCAL ROLE identity_maintenance")
    op.execute("""
        INSERT INTO deadline (tenant_id, kind, subject_id, due_at)
        SELECT DISTINCT tenant_id, kind, person_id, now() FROM role_grant, (VALUES ('attest-access'), ('rest-access'))
            AS watched (kind)
        WHERE ended_at IS NULL
        ON CONFLICT DO NOTHING""")
    op.execute("RESET ROLE")


def downgrade() -> None:
    raise NotImplementedError("what was attested would be lost; restore from a backup")
