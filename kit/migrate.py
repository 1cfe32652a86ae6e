"""`python -m kit.migrate ADMIN_URL [SERVICE…]`: databases, roles and tables of every service, up to date; then it ends.

ADMIN_URL is an administrator's connection to the PostgreSQL server; each migration runs as the service's own owner.
Safe to repeat, and made for a one-shot container before the services start.
"""

import sys
from collections.abc import Sequence
from importlib import import_module

from kit import migrations

_WRONG_USE = 2


def main(arguments: Sequence[str]) -> int:
    """Bring all, or the named, services' databases up to date."""
    if not arguments:
        sys.stderr.write("usage: python -m kit.migrate ADMIN_URL [SERVICE…]\n")
        return _WRONG_USE
    admin_url, *named = arguments
    for service in named or services():
        database = f"ascms_{service}"
        # Roles beyond those that every service has are named beside its tables.
        extra_roles = getattr(import_module(f"services.{service}.store"), "EXTRA_ROLES", ())
        migrations.bootstrap(admin_url, service=service, database=database, extra_roles=extra_roles)
        owner = migrations.with_parts(admin_url, user=f"{service}_owner", database=database)
        migrations.upgrade(owner, service=service)
        sys.stdout.write(f"{service}: up to date\n")
    return 0


def services() -> list[str]:
    """Every service that has migrations."""
    return sorted(path.parent.parent.name for path in migrations.SERVICES.glob("*/migrations/env.py"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
