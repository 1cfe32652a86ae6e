"""Training that people completed, and what happened to their access at each organisation."""

from alembic import op

from kit.migrations import protect_person, protect_tenant

revision = "0003_access"
down_revision = "0002_invitations"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE training (
            person_id uuid NOT NULL REFERENCES profile (person_id), course text NOT NULL, completed_on date NOT NULL,
            expires_on date, recorded_at timestamptz NOT NULL, recorded_by uuid NOT NULL,
            PRIMARY KEY (person_id, course, completed_on),
            CONSTRAINT training_days CHECK (expires_on >= completed_on))""")
    protect_person("identity", "training", grants="SELECT, INSERT, UPDATE")
    op.execute("""
        CREATE TABLE access_event (
            tenant_id uuid NOT NULL, id uuid NOT NULL, person_id uuid NOT NULL, kind text NOT NULL,
            role text NOT NULL, reason text NOT NULL, actor_id uuid, occurred_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, id),
            CONSTRAINT access_event_kind CHECK (kind IN ('joined', 'role-assigned', 'role-removed',
                'training-invited', 'training-recorded', 'ended')),
            FOREIGN KEY (tenant_id, person_id) REFERENCES member (tenant_id, person_id))""")
    op.execute("CREATE INDEX access_event_person ON access_event (tenant_id, person_id, occurred_at, id)")
    protect_tenant("identity", "access_event", grants="SELECT, INSERT")


def downgrade() -> None:
    op.execute("DROP TABLE access_event")
    op.execute("DROP TABLE training")
