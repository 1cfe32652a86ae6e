"""Every table, as its class says: refused without a role, without a tenant, and as another tenant.

Generated from the services' metadata and judged against the schema that the real migrations make.
"""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from psycopg import sql
from sqlalchemy import Table, create_engine
from sqlalchemy.pool import NullPool

from kit.migrations import with_parts
from kit.tables import TableClass, table_class
from tests.support import isolation
from tests.support.postgres import admin_url, database_of
from tests.support.services import ServiceUnderTest, services_with_tables

TABLES = [
    pytest.param(service, table, id=f"{service.name}.{table.name}")
    for service in services_with_tables()
    for table in service.metadata.sorted_tables
]
PROTECTED = [
    each
    for each in TABLES
    if table_class(each.values[1]) in (TableClass.TENANT, TableClass.SHARED, TableClass.PERSON)  # type: ignore[arg-type]
]
APPENDED = [each for each in TABLES if each.values[1].info.get("tenants_append")]  # type: ignore[union-attr]
"""Tables of the machinery into which a tenant's transaction may write: they have a policy too."""
SERVICES = [pytest.param(service, id=service.name) for service in services_with_tables()]


# An e-mail address signs in one person, wherever they work. Only sign-in asks, and it never says.
CROSSING_ON_PURPOSE = {"credential_email_key_key"}


@pytest.fixture(scope="module")
def bare_databases(worker: str) -> Iterator[dict[str, str]]:
    """Per service, a copy of its database without checks and foreign keys: its login's URL."""
    copies = {
        service.name: database_of(service.name, worker=f"{worker}_bare", extra_roles=service.extra_roles)
        for service in services_with_tables()
    }
    urls = {name: copy.__enter__() for name, copy in copies.items()}
    for url in urls.values():
        with _admin(url) as admin:
            isolation.remove_rules(admin)
    yield urls
    for copy in copies.values():
        copy.__exit__(None, None, None)


@pytest.fixture(scope="module")
def databases(worker: str) -> Iterator[dict[str, str]]:
    """Per service, its database as the migrations make it."""
    copies = {
        service.name: database_of(service.name, worker=f"{worker}_whole", extra_roles=service.extra_roles)
        for service in services_with_tables()
    }
    yield {name: copy.__enter__() for name, copy in copies.items()}
    for copy in copies.values():
        copy.__exit__(None, None, None)


@pytest.mark.parametrize(("service", "table"), TABLES)
def test_a_table_is_isolated(service: ServiceUnderTest, table: Table, bare_databases: dict[str, str]) -> None:
    url = bare_databases[service.name]
    with _admin(url) as admin:
        isolation.insert_pair(admin, table)
    assert isolation.violations(url, service.name, table) == []


@pytest.mark.parametrize(("service", "table"), PROTECTED)
def test_an_empty_table_without_a_tenant_raises_too(
    service: ServiceUnderTest, table: Table, bare_databases: dict[str, str]
) -> None:
    url = bare_databases[service.name]
    with _admin(url) as admin:
        admin.execute(sql.SQL("TRUNCATE {} CASCADE").format(sql.Identifier(table.name)))
    assert not [each for each in isolation.violations(url, service.name, table) if "instead of an error" in each]


@pytest.mark.parametrize(("service", "table"), [*PROTECTED, *APPENDED])
def test_loosening_or_dropping_any_policy_is_seen(
    service: ServiceUnderTest, table: Table, bare_databases: dict[str, str]
) -> None:
    """The negative control: what judges above must be able to find each leak."""
    url = bare_databases[service.name]
    missed = []
    with _admin(url) as admin:
        isolation.insert_pair(admin, table)
        for name, rule, check in _policies(admin, table):
            loosen = sql.SQL("ALTER POLICY {} ON {} USING ({})")
            guard = sql.SQL("ALTER POLICY {} ON {} WITH CHECK ({})")
            names = (sql.Identifier(name), sql.Identifier(table.name))
            admin.execute(loosen.format(*names, sql.SQL("true")))
            missed += [] if isolation.violations(url, service.name, table) else [f"{name} loosened"]
            admin.execute(loosen.format(*names, sql.SQL("false")))
            missed += [] if isolation.violations(url, service.name, table) else [f"{name} shut"]
            admin.execute(loosen.format(*names, sql.SQL(rule)))
            if check:
                admin.execute(guard.format(*names, sql.SQL("true")))
                missed += [] if isolation.violations(url, service.name, table) else [f"{name} unguarded"]
                admin.execute(guard.format(*names, sql.SQL(check)))
    assert missed == []
    assert isolation.violations(url, service.name, table) == []


@pytest.mark.parametrize("service", SERVICES)
def test_no_policy_is_left_out_of_these_tests(service: ServiceUnderTest, databases: dict[str, str]) -> None:
    tried = {each.values[1].name for each in [*PROTECTED, *APPENDED] if each.values[0] is service}  # type: ignore[union-attr]
    with _admin(databases[service.name]) as admin:
        ruled = admin.execute("SELECT DISTINCT tablename FROM pg_policies WHERE qual <> 'true'").fetchall()
    assert {name for (name,) in ruled} == tried


@pytest.mark.parametrize("service", SERVICES)
def test_the_schema_is_what_the_code_declares(service: ServiceUnderTest, databases: dict[str, str]) -> None:
    url = with_parts(databases[service.name], user=f"{service.name}_owner")
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, service.metadata)
    assert differences == []


@pytest.mark.parametrize("service", SERVICES)
def test_the_catalogue_holds_no_way_round(service: ServiceUnderTest, databases: dict[str, str]) -> None:
    classes = {table.name: table_class(table) for table in service.metadata.sorted_tables}
    with _admin(databases[service.name]) as admin:
        unforced = admin.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
            "AND relname <> 'alembic_version' AND NOT (relrowsecurity AND relforcerowsecurity)"
        ).fetchall()
        truncatable = admin.execute(
            "SELECT table_name, grantee FROM information_schema.role_table_grants WHERE table_schema = 'public' "
            "AND privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER') AND grantee <> %s",
            [f"{service.name}_owner"],
        ).fetchall()
        mighty = admin.execute(
            "SELECT rolname FROM pg_roles "
            "WHERE rolname LIKE %s AND (rolsuper OR (rolbypassrls AND rolname NOT LIKE %s))",
            [f"{service.name}\\_%", "%\\_maintenance"],
        ).fetchall()
        loose_views = admin.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm') "
            "AND NOT coalesce('security_invoker=true' = ANY(reloptions), false)"
        ).fetchall()
        loose_functions = admin.execute(
            "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef "
            "AND NOT coalesce(array_to_string(proconfig, ',') LIKE '%search_path%', false)"
        ).fetchall()
        login_rights = admin.execute(
            "SELECT table_name FROM information_schema.role_table_grants WHERE grantee IN (%s, 'PUBLIC') "
            "AND table_schema = 'public'",
            [f"{service.name}_login"],
        ).fetchall()
        crossing = admin.execute(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint c WHERE contype IN ('p', 'u', 'f') "
            "AND connamespace = 'public'::regnamespace AND conrelid::regclass::text = ANY(%(owned)s) "
            "AND (contype <> 'f' OR confrelid::regclass::text = ANY(%(owned)s)) AND NOT EXISTS ("
            " SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.conrelid AND a.attnum = c.conkey[1] "
            " AND a.attname IN ('tenant_id', 'person_id'))",
            {
                "owned": [
                    name
                    for name, kind in classes.items()
                    if kind in (TableClass.TENANT, TableClass.SHARED, TableClass.PERSON)
                ]
            },
        ).fetchall()
    reference = {name for name, kind in classes.items() if kind is TableClass.REFERENCE}
    assert {name for (name,) in unforced} <= reference, "tables without forced row-level security"
    assert truncatable == [], "grants that pass over policies"
    assert mighty == [], "roles that pass over policies"
    assert loose_views == [], "views that run with their owner's rights"
    assert loose_functions == [], "SECURITY DEFINER functions without a fixed search_path"
    assert login_rights == [], "rights that need no SET LOCAL ROLE"
    assert {name for _, name in crossing} <= CROSSING_ON_PURPOSE, (
        "keys whose first column is not the owner: they tell one tenant about another"
    )


def _policies(admin: psycopg.Connection[Any], table: Table) -> list[tuple[str, str, str]]:
    """Name, rule and rule for new rows of every policy that has a rule; the machinery's own lets everything through."""
    return admin.execute(
        "SELECT policyname, qual, coalesce(with_check, '') FROM pg_policies WHERE tablename = %s AND qual <> 'true'",
        [table.name],
    ).fetchall()


def _admin(login_url: str) -> Any:
    database = login_url.partition("?")[0].rpartition("/")[2]
    return psycopg.connect(with_parts(admin_url(), database=database), autocommit=True)
