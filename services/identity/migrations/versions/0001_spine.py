"""Organisations and catchments, people and their roles, sign-in, tokens and signing keys."""

from alembic import op

from kit.migrations import create_plumbing, open_reference, protect_person, protect_plumbing, protect_tenant

revision = "0001_spine"
down_revision = None
branch_labels = None
depends_on = None

SERVICE = "identity"


def upgrade() -> None:
    create_plumbing(SERVICE)
    _create_register()
    _create_people()
    _create_sign_in()
    _create_tokens()
    _create_roles()
    _create_machines()
    _create_machinery()


def downgrade() -> None:
    raise NotImplementedError("the first migration has nothing before it: drop the database instead")


def _create_register() -> None:
    op.execute("""
        CREATE TABLE organisation (
            id uuid PRIMARY KEY,
            kind text NOT NULL CONSTRAINT organisation_kind CHECK (kind IN ('provider', 'school', 'ministry')),
            name text NOT NULL, sort_name text NOT NULL, school_number text UNIQUE, region text NOT NULL,
            is_suspended boolean NOT NULL, updated_at timestamptz NOT NULL,
            CONSTRAINT organisation_school_number CHECK ((kind = 'school') = (school_number IS NOT NULL)))""")
    op.execute("CREATE INDEX organisation_by_name ON organisation (sort_name, id)")
    op.execute("""
        CREATE TABLE catchment (
            code text NOT NULL, starts_on date NOT NULL, ends_on date, name text NOT NULL,
            provider_id uuid NOT NULL REFERENCES organisation (id), PRIMARY KEY (code, starts_on))""")
    op.execute("""
        CREATE TABLE catchment_school (
            school_id uuid NOT NULL REFERENCES organisation (id), starts_on date NOT NULL, ends_on date,
            catchment_code text NOT NULL, catchment_starts_on date NOT NULL, PRIMARY KEY (school_id, starts_on),
            FOREIGN KEY (catchment_code, catchment_starts_on) REFERENCES catchment (code, starts_on))""")
    for table in ("organisation", "catchment", "catchment_school"):
        open_reference(SERVICE, table, "tenant", "person", "registry")
    op.execute("GRANT INSERT, UPDATE ON organisation TO identity_registry")
    op.execute("GRANT INSERT, DELETE ON catchment, catchment_school TO identity_registry")


def _create_people() -> None:
    op.execute("""
        CREATE TABLE profile (
            person_id uuid PRIMARY KEY, name text NOT NULL, email text NOT NULL,
            language text NOT NULL CONSTRAINT profile_language CHECK (language IN ('en', 'mi')),
            last_organisation_id uuid REFERENCES organisation (id), is_disabled boolean NOT NULL,
            created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL)""")
    protect_person(SERVICE, "profile", grants="SELECT, INSERT, UPDATE")
    op.execute("""
        CREATE TABLE credential (
            person_id uuid PRIMARY KEY REFERENCES profile (person_id), email_key text NOT NULL UNIQUE,
            passphrase_hash text NOT NULL, changed_at timestamptz NOT NULL)""")
    protect_person(SERVICE, "credential")
    _let_signin_find("credential", "person_id, email_key, passphrase_hash")


def _create_sign_in() -> None:
    op.execute("""
        CREATE TABLE session (
            person_id uuid NOT NULL REFERENCES profile (person_id), id uuid NOT NULL, cookie_digest bytea NOT NULL,
            started_at timestamptz NOT NULL, used_at timestamptz NOT NULL, expires_at timestamptz NOT NULL,
            ended_at timestamptz, end_reason text, PRIMARY KEY (person_id, id))""")
    op.execute("CREATE INDEX session_cookie ON session (cookie_digest)")
    protect_person(SERVICE, "session", grants="SELECT, INSERT, UPDATE")
    _let_signin_find("session", "person_id, id, cookie_digest")
    op.execute("""
        CREATE TABLE authorisation (
            person_id uuid NOT NULL, id uuid NOT NULL, session_id uuid NOT NULL, client_id text NOT NULL,
            scope text NOT NULL, created_at timestamptz NOT NULL, revoked_at timestamptz, revoke_reason text,
            PRIMARY KEY (person_id, id), FOREIGN KEY (person_id, session_id) REFERENCES session (person_id, id))""")
    op.execute("CREATE INDEX authorisation_session ON authorisation (person_id, session_id)")
    protect_person(SERVICE, "authorisation", grants="SELECT, INSERT, UPDATE")


def _create_tokens() -> None:
    for table, more in (
        (
            "authorisation_code",
            "redirect_uri text NOT NULL, nonce text NOT NULL, challenge text NOT NULL, used_at timestamptz,",
        ),
        ("refresh_token", "used_at timestamptz,"),
        ("access_token", ""),
    ):
        op.execute(f"""
            CREATE TABLE {table} (
                person_id uuid NOT NULL, digest bytea NOT NULL, authorisation_id uuid NOT NULL,
                created_at timestamptz NOT NULL, expires_at timestamptz NOT NULL, {more}
                PRIMARY KEY (person_id, digest),
                FOREIGN KEY (person_id, authorisation_id) REFERENCES authorisation (person_id, id))""")
        op.execute(f"CREATE INDEX {table}_digest ON {table} (digest)")
        op.execute(f"CREATE INDEX {table}_expires_at ON {table} (expires_at)")
        protect_person(SERVICE, table, grants="SELECT, INSERT, UPDATE")
        _let_signin_find(table, "person_id, digest")
        _let_plumbing_prune(table)


def _create_roles() -> None:
    op.execute("""
        CREATE TABLE member (
            tenant_id uuid NOT NULL REFERENCES organisation (id),
            person_id uuid NOT NULL REFERENCES profile (person_id),
            name text NOT NULL, sort_name text NOT NULL, email text NOT NULL,
            language text NOT NULL, joined_at timestamptz NOT NULL, PRIMARY KEY (tenant_id, person_id))""")
    op.execute("CREATE INDEX member_by_name ON member (tenant_id, sort_name, person_id)")
    protect_tenant(SERVICE, "member")
    op.execute("""
        CREATE TABLE role_grant (
            tenant_id uuid NOT NULL, person_id uuid NOT NULL, role text NOT NULL, starts_on date NOT NULL,
            ends_on date, trained_on date, training_ends_on date, granted_at timestamptz NOT NULL, ended_at timestamptz,
            end_reason text, PRIMARY KEY (tenant_id, person_id, role),
            FOREIGN KEY (tenant_id, person_id) REFERENCES member (tenant_id, person_id))""")
    op.execute("CREATE INDEX role_grant_person ON role_grant (person_id)")
    protect_tenant(SERVICE, "role_grant")
    # What someone may do is read at each exchange of their token, at whichever organisations they hold roles.
    op.execute(
        "CREATE POLICY role_grant_person ON role_grant FOR SELECT TO identity_person "
        "USING (person_id = (SELECT require_person()))"
    )
    op.execute(
        "GRANT SELECT (tenant_id, person_id, role, starts_on, ends_on, trained_on, training_ends_on, ended_at) "
        "ON role_grant TO identity_person"
    )


def _create_machines() -> None:
    op.execute("""
        CREATE TABLE machine_client (
            tenant_id uuid NOT NULL REFERENCES organisation (id), id uuid NOT NULL, name text NOT NULL,
            secret_digest bytea NOT NULL, roles text[] NOT NULL, created_at timestamptz NOT NULL, ended_at timestamptz,
            PRIMARY KEY (tenant_id, id))""")
    op.execute("CREATE INDEX machine_client_id ON machine_client (id)")
    protect_tenant(SERVICE, "machine_client")
    _let_signin_find("machine_client", "tenant_id, id")
    op.execute("""
        CREATE TABLE machine_token (
            tenant_id uuid NOT NULL, digest bytea NOT NULL, machine_id uuid NOT NULL, created_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL, PRIMARY KEY (tenant_id, digest),
            FOREIGN KEY (tenant_id, machine_id) REFERENCES machine_client (tenant_id, id))""")
    op.execute("CREATE INDEX machine_token_digest ON machine_token (digest)")
    op.execute("CREATE INDEX machine_token_expires_at ON machine_token (expires_at)")
    protect_tenant(SERVICE, "machine_token", grants="SELECT, INSERT, DELETE")
    _let_signin_find("machine_token", "tenant_id, digest")
    _let_plumbing_prune("machine_token")


def _create_machinery() -> None:
    op.execute("""
        CREATE TABLE signing_key (
            id text PRIMARY KEY,
            purpose text NOT NULL CONSTRAINT signing_key_purpose CHECK (purpose IN ('internal', 'openid')),
            public_key text NOT NULL, private_key bytea NOT NULL, created_at timestamptz NOT NULL,
            signs_from timestamptz NOT NULL, verifies_until timestamptz)""")
    protect_plumbing(SERVICE, "signing_key")
    op.execute("""
        CREATE TABLE sign_in_attempt (
            bucket bytea PRIMARY KEY, failures integer NOT NULL, window_ends_at timestamptz NOT NULL)""")
    protect_plumbing(SERVICE, "sign_in_attempt")
    op.execute(
        "CREATE POLICY sign_in_attempt_signin ON sign_in_attempt TO identity_signin USING (true) WITH CHECK (true)"
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_attempt TO identity_signin")


def _let_signin_find(table: str, columns: str) -> None:
    """Before a proof is looked up nobody knows whose it is: a few columns lead from it to its owner."""
    op.execute(f"CREATE POLICY {table}_signin ON {table} FOR SELECT TO identity_signin USING (true)")
    op.execute(f"GRANT SELECT ({columns}) ON {table} TO identity_signin")


def _let_plumbing_prune(table: str) -> None:
    op.execute(f"CREATE POLICY {table}_plumbing ON {table} TO identity_plumbing USING (true)")
    op.execute(f"GRANT SELECT (expires_at), DELETE ON {table} TO identity_plumbing")
