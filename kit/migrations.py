"""Databases, roles, policies and the running of Alembic migrations.

`bootstrap` needs an administrator of the PostgreSQL server; everything after it runs as `<service>_owner`, who is no
superuser. Migrations state each table's protection with `protect_*`, next to the table they create.
"""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from alembic import command, context, op
from alembic.config import Config
from sqlalchemy import MetaData, create_engine, pool

SERVICES = Path(__file__).parent.parent / "services"

# What every service has; some have more (identity: person and signin, reporting: national).
ROLES = ("tenant", "guest", "plumbing", "maintenance")


def bootstrap(admin_url: str, *, service: str, database: str, extra_roles: Sequence[str] = ()) -> None:
    """Create what is missing of a service's database, its owner and its roles. Safe to repeat.

    Args:
        admin_url: an administrator's connection to any database of the server.
        service: the service's name; prefix of its roles.
        database: the database to create.
        extra_roles: roles beyond `ROLES`, named without the prefix.
    """
    roles = [f"{service}_{role}" for role in (*ROLES, *extra_roles)]
    with psycopg.connect(admin_url, autocommit=True) as admin:
        # Several processes may bootstrap one server at once (test workers): one after the other.
        admin.execute("SELECT pg_advisory_lock(hashtext('ascms-bootstrap'))")
        for role, options in (
            (f"{service}_owner", "LOGIN"),
            (f"{service}_login", "LOGIN NOINHERIT"),
            *((role, "NOLOGIN") for role in roles),
        ):
            if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                admin.execute(f"CREATE ROLE {role} {options} NOSUPERUSER NOBYPASSRLS")
        for role in roles:
            if role.endswith("_maintenance"):
                admin.execute(f"ALTER ROLE {role} BYPASSRLS")
                admin.execute(f"GRANT {role} TO {service}_owner")
            else:
                # Granted to a NOINHERIT login: rights come only with SET LOCAL ROLE.
                admin.execute(f"GRANT {role} TO {service}_login")
        if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
            admin.execute(
                f"CREATE DATABASE {database} OWNER {service}_owner ENCODING 'UTF8' "
                "LC_COLLATE 'C' LC_CTYPE 'C.UTF-8' TEMPLATE template0"
            )
            admin.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
            admin.execute(f"GRANT CONNECT ON DATABASE {database} TO {service}_login")
            with psycopg.connect(with_parts(admin_url, database=database), autocommit=True) as fresh:
                fresh.execute(f"ALTER SCHEMA public OWNER TO {service}_owner")
                fresh.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
                for role in roles:
                    fresh.execute(f"GRANT USAGE ON SCHEMA public TO {role}")


def with_parts(url: str, *, user: str = "", database: str = "") -> str:
    """The same server's URL for another user or database."""
    parts = urlsplit(url)
    netloc = parts.netloc
    if user:
        netloc = f"{user}@{netloc.rpartition('@')[2]}"
    return urlunsplit(parts._replace(netloc=netloc, path=f"/{database}" if database else parts.path))


def upgrade(owner_url: str, *, service: str, revision: str = "head") -> None:
    """Run a service's migrations up to a revision, as its owner."""
    command.upgrade(_config(owner_url, service), revision)


def downgrade(owner_url: str, *, service: str, revision: str) -> None:
    """Run a service's migrations down to a revision."""
    command.downgrade(_config(owner_url, service), revision)


def run_environment(metadata: MetaData) -> None:
    """What every service's `migrations/env.py` does: run on the connection with timeouts, in one transaction each."""
    url = context.config.get_main_option("sqlalchemy.url")
    assert url is not None
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("SET lock_timeout = '3s'")
        connection.exec_driver_sql("SET statement_timeout = '60s'")
        connection.commit()
        context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


def create_guards() -> None:
    """Functions that raise when a transaction has no tenant or no person: neither is ever an empty list."""
    for what, role_columns in (("tenant", "app.tenant_id"), ("person", "app.person_id")):
        op.execute(f"""
            CREATE FUNCTION require_{what}() RETURNS uuid LANGUAGE plpgsql STABLE PARALLEL SAFE
            SET search_path = pg_catalog AS $$
            BEGIN
                IF coalesce(current_setting('{role_columns}', true), '') = '' THEN
                    RAISE EXCEPTION 'no {what} is set' USING ERRCODE = 'insufficient_privilege';
                END IF;
                RETURN current_setting('{role_columns}', true)::uuid;
            END $$""")


def create_plumbing(service: str) -> None:
    """What every service's first migration creates: outbox, inbox, deadlines, audit trail, idempotency keys."""
    create_guards()
    op.execute("""
        CREATE TABLE outbox (
            id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
            tenant_id uuid NOT NULL, topic text NOT NULL, key text NOT NULL, event_id uuid NOT NULL, type text NOT NULL,
            payload bytea NOT NULL, actor_id uuid, request_id text NOT NULL, traceparent text NOT NULL,
            occurred_at timestamptz NOT NULL)""")
    protect_plumbing(service, "outbox", tenants_append=True)
    op.execute("""
        CREATE TABLE inbox (
            consumer text NOT NULL, event_id uuid NOT NULL, tenant_id uuid NOT NULL, source text NOT NULL,
            position bigint NOT NULL, processed_at timestamptz NOT NULL, PRIMARY KEY (consumer, event_id))""")
    op.execute("CREATE INDEX inbox_position ON inbox (tenant_id, consumer, source, position)")
    op.execute("CREATE INDEX inbox_processed_at ON inbox (processed_at)")
    protect_plumbing(service, "inbox", tenants_append=True)
    op.execute("""
        CREATE TABLE inbox_mark (
            tenant_id uuid NOT NULL, consumer text NOT NULL, source text NOT NULL, position bigint NOT NULL,
            PRIMARY KEY (tenant_id, consumer, source))""")
    protect_plumbing(service, "inbox_mark", tenants_append=True)
    op.execute("""
        CREATE TABLE deadline (
            tenant_id uuid NOT NULL, kind text NOT NULL, subject_id uuid NOT NULL, due_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, kind, subject_id))""")
    op.execute("CREATE INDEX deadline_due ON deadline (kind, due_at)")
    protect_plumbing(service, "deadline", tenants_append=True)
    op.execute(f"GRANT DELETE ON deadline TO {service}_tenant")
    op.execute("""
        CREATE TABLE audit (
            tenant_id uuid NOT NULL, id uuid NOT NULL, action text NOT NULL, subject_id uuid NOT NULL,
            actor_kind text NOT NULL, actor_id uuid, actor_tenant_id uuid NOT NULL, reason text NOT NULL,
            request_id text NOT NULL, occurred_at timestamptz NOT NULL, PRIMARY KEY (tenant_id, id))""")
    protect_tenant(service, "audit", grants="SELECT, INSERT")
    op.execute("""
        CREATE TABLE idempotency (
            tenant_id uuid NOT NULL, actor_id uuid NOT NULL, key text NOT NULL, method text NOT NULL,
            request_hash bytea NOT NULL, response bytea NOT NULL, created_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, actor_id, key))""")
    protect_tenant(service, "idempotency", grants="SELECT, INSERT")
    op.execute("CREATE INDEX idempotency_created_at ON idempotency (created_at)")
    op.execute(f"CREATE POLICY idempotency_plumbing ON idempotency TO {service}_plumbing USING (true)")
    op.execute(f"GRANT SELECT (created_at), DELETE ON idempotency TO {service}_plumbing")
    op.execute(f"GRANT USAGE ON SEQUENCE outbox_id_seq TO {service}_tenant")


def protect_tenant(service: str, table: str, *, grants: str = "SELECT, INSERT, UPDATE") -> None:
    """Only the tenant's own transactions see or write rows of `table`."""
    _enable(table)
    _policy(table, f"{service}_tenant", "tenant_id", "tenant")
    op.execute(f"GRANT {grants} ON {table} TO {service}_tenant")
    _for_maintenance(service, table)


def protect_shared(
    service: str, table: str, *, guest_reads: Sequence[str], grants: str = "SELECT, INSERT, UPDATE"
) -> None:
    """As tenant; besides, the guest organisation reads the columns `guest_reads` of the rows that name it."""
    protect_tenant(service, table, grants=grants)
    share_with_guest(service, table, guest_reads=guest_reads)


def share_with_guest(service: str, table: str, *, guest_reads: Sequence[str]) -> None:
    """Let the guest organisation read the columns `guest_reads` of a tenant's table, in the rows that name it."""
    _policy(table, f"{service}_guest", "guest_id", "tenant", command="FOR SELECT")
    op.execute(f"GRANT SELECT ({', '.join(guest_reads)}) ON {table} TO {service}_guest")


def protect_person(service: str, table: str, *, grants: str = "SELECT, INSERT, UPDATE, DELETE") -> None:
    """Only the person's own transactions see or write rows of `table`."""
    _enable(table)
    _policy(table, f"{service}_person", "person_id", "person")
    op.execute(f"GRANT {grants} ON {table} TO {service}_person")
    _for_maintenance(service, table)


def protect_plumbing(service: str, table: str, *, tenants_append: bool = False) -> None:
    """The machinery sees everything; with `tenants_append` a tenant's transaction inserts rows of its own tenant."""
    _enable(table)
    op.execute(f"CREATE POLICY {table}_plumbing ON {table} TO {service}_plumbing USING (true) WITH CHECK (true)")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {service}_plumbing")
    if tenants_append:
        _policy(table, f"{service}_tenant", "tenant_id", "tenant")
        op.execute(f"GRANT SELECT, INSERT ON {table} TO {service}_tenant")
    _for_maintenance(service, table)


def open_reference(service: str, table: str, *roles: str) -> None:
    """Roles of the service, named without prefix, read `table`; the owner writes it."""
    for role in roles:
        op.execute(f"GRANT SELECT ON {table} TO {service}_{role}")
    _for_maintenance(service, table)


def _enable(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def _policy(table: str, role: str, column: str, guard: str, *, command: str = "FOR ALL") -> None:
    # One equality with an uncorrelated subquery: evaluated once, used by the index, and raising without a tenant as
    # soon as anything is looked at. (A second, variable-free condition would be evaluated for every row.)
    rule = f"{column} = (SELECT require_{guard}())"
    check = f" WITH CHECK ({rule})" if command == "FOR ALL" else ""
    op.execute(f"CREATE POLICY {table}_{role.partition('_')[2]} ON {table} {command} TO {role} USING ({rule}){check}")


def _for_maintenance(service: str, table: str) -> None:
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {service}_maintenance")


def _config(owner_url: str, service: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SERVICES / service / "migrations"))
    # SQLAlchemy takes the driver from the scheme; Alembic's configuration treats % specially.
    url = owner_url.replace("postgresql://", "postgresql+psycopg://", 1)
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config
