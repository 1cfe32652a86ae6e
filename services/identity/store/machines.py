"""Machine clients: programs of one organisation, and the tokens they hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, insert, select
from sqlalchemy.dialects import postgresql

from kit.db import Transaction, prepare
from services.identity.store.tables import machine_client, machine_token

_TENANT = prepare(select(machine_client.c.tenant_id).where(machine_client.c.id == bindparam("machine")))
_FIND = prepare(
    select(machine_client).where(
        machine_client.c.tenant_id == bindparam("tenant"), machine_client.c.id == bindparam("machine")
    )
)
_INSERT = postgresql.insert(machine_client).values(dict.fromkeys(machine_client.c.keys()))
_PUT = prepare(
    _INSERT.on_conflict_do_update(
        index_elements=[machine_client.c.tenant_id, machine_client.c.id],
        set_={name: _INSERT.excluded[name] for name in ("name", "secret_digest", "roles", "ended_at")},
    )
)
_ADD_TOKEN = prepare(insert(machine_token).values(dict.fromkeys(machine_token.c.keys())))
_TOKEN = prepare(
    select(machine_token.c.machine_id, machine_token.c.expires_at).where(
        machine_token.c.tenant_id == bindparam("tenant"), machine_token.c.digest == bindparam("wanted")
    )
)


@dataclass(frozen=True, slots=True)
class Machine:
    """A program that calls for an organisation, with the roles it was given there."""

    tenant_id: UUID
    id: UUID
    name: str
    secret_digest: bytes
    roles: Sequence[str]
    ended_at: datetime | None = None


def find_tenant(tx: Transaction, machine_id: UUID) -> UUID | None:
    """Which organisation a machine client works for. For the signin role."""
    tenant: UUID | None = tx.value(_TENANT, machine=machine_id)
    return tenant


def find_machine(tx: Transaction, machine_id: UUID) -> Machine | None:
    """A machine client of the present organisation."""
    row = tx.first(_FIND, tenant=tx.tenant_id, machine=machine_id)
    if row is None:
        return None
    return Machine(row.tenant_id, row.id, row.name, bytes(row.secret_digest), tuple(row.roles), row.ended_at)


def put_machine(tx: Transaction, item: Machine, *, now: datetime) -> None:
    """Queue a machine client of the present organisation, new or changed."""
    tx.later(
        _PUT,
        tenant_id=tx.tenant_id,
        id=item.id,
        name=item.name,
        secret_digest=item.secret_digest,
        roles=list(item.roles),
        created_at=now,
        ended_at=item.ended_at,
    )


def insert_token(tx: Transaction, *, machine_id: UUID, digest: bytes, expires_at: datetime, now: datetime) -> None:
    """Queue an access token of a machine client of the present organisation."""
    tx.later(
        _ADD_TOKEN,
        tenant_id=tx.tenant_id,
        digest=digest,
        machine_id=machine_id,
        created_at=now,
        expires_at=expires_at,
    )


def find_token(tx: Transaction, digest: bytes) -> tuple[UUID, datetime] | None:
    """(machine client, when it expires) of an access token of the present organisation."""
    row = tx.first(_TOKEN, tenant=tx.tenant_id, wanted=digest)
    return (row.machine_id, row.expires_at) if row is not None else None
