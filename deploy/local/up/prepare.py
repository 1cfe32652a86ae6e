"""Brings databases, broker and demonstration up to date: `python -m deploy.local.up.prepare --help`.

One process for all of it, and quick when nothing is to be done: Alembic is not even imported then.
"""

import argparse
import sys
import time
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from deploy.local.up import demo
from deploy.local.up.options import BROKER, ROOT, database

_PATIENCE_SECONDS = 30.0


def main(admin_url: str, broker_url: str, services: Sequence[str]) -> None:
    """Prepare the broker and each service's database, on a server that may still be starting."""
    with _connected(admin_url) as admin:
        _prepare_broker(admin)
        existing = {name for (name,) in admin.execute("SELECT datname FROM pg_database").fetchall()}
    if broker_url.startswith("kafka:"):
        _prepare_topics(broker_url, services)
    for service in services:
        if database(service) in existing and _revision(admin_url, service) == head(service):
            continue
        # A second or two of imports that only a first start, or a new migration, needs.
        from kit import migrations  # noqa: PLC0415

        print(f"migrating {service}", flush=True)
        # Roles beyond those that every service has are named beside its tables.
        extra_roles = getattr(import_module(f"services.{service}.store"), "EXTRA_ROLES", ())
        migrations.bootstrap(admin_url, service=service, database=database(service), extra_roles=extra_roles)
        owner = migrations.with_parts(admin_url, user=f"{service}_owner", database=database(service))
        migrations.upgrade(owner, service=service)


def head(service: str) -> str:
    """The newest migration, as the file beside the migrations says."""
    return (migrations_of(service) / "head.txt").read_text(encoding="utf-8").strip()


def migrations_of(service: str) -> Path:
    """Where a service keeps its migrations."""
    return ROOT / "services" / service / "migrations"


def _connected(url: str) -> psycopg.Connection:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return psycopg.connect(url, autocommit=True, connect_timeout=5)
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.03)


def _prepare_broker(admin: psycopg.Connection) -> None:
    """A database that its own user owns: the broker makes its tables there itself."""
    name = sql.Identifier(BROKER)
    if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [BROKER]).fetchone():
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER").format(name))
    if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [BROKER]).fetchone():
        admin.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(name))
        admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))


def _prepare_topics(broker_url: str, services: Sequence[str]) -> None:
    """Relays make their topics when they first send; until then Kafka's clients complain twice a second."""
    from kit.bus import open_broker  # noqa: PLC0415 - needed with Kafka alone

    with open_broker(broker_url) as broker:
        broker.ensure_topics([f"ascms.{service}.v1" for service in services], partitions=6)


def _revision(admin_url: str, service: str) -> str:
    """The migration a database stands at; empty for none."""
    url = urlunsplit(urlsplit(admin_url)._replace(path=f"/{database(service)}"))
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as found:
        if found.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
            return ""
        row = found.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else ""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="prepare")
    for name in ("--state", "--base-url", "--issuer", "--admin-url", "--broker-url"):
        parser.add_argument(name, required=True)
    parser.add_argument("services", nargs="*")
    asked = parser.parse_args()
    try:
        main(asked.admin_url, asked.broker_url, asked.services)
        sys.exit(demo.apply(Path(asked.state), base_url=asked.base_url, issuer=asked.issuer))
    except Exception as error:  # noqa: BLE001 - whatever it is, the last line says what it was
        traceback.print_exc()
        sys.exit(f"databases and broker could not be prepared ({str(error).splitlines()[0]}): see the lines above")
