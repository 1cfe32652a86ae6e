"""Who owes returns: the providers of the register. A row of the present tenant, and no name."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql

from kit.db import Transaction, prepare
from services.reporting.domain.figures import Quarter
from services.reporting.store.tables import PROVIDER

_P = PROVIDER.c
_new = postgresql.insert(PROVIDER).values(dict.fromkeys(_P.keys()))
_PUT = prepare(
    _new.on_conflict_do_update(
        index_elements=[_P.tenant_id],
        set_={name: _new.excluded[name] for name in ("ministry_id", "is_suspended", "next_quarter")},
    )
)
_LOCK = prepare(select(*_P).where(_P.tenant_id == bindparam("tenant")).with_for_update())
_FIND_MINISTRY = prepare(select(_P.ministry_id).where(_P.tenant_id == bindparam("tenant")))


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider: whose register it stands in (None: not known yet), and the first quarter not yet looked at."""

    ministry_id: UUID | None
    is_suspended: bool
    next_quarter: Quarter


def lock_provider(tx: Transaction) -> Provider | None:
    """The present tenant as a provider, locked; None where the register never told of it."""
    row = tx.first(_LOCK, tenant=tx.tenant_id)
    return Provider(row.ministry_id, row.is_suspended, Quarter.parse(row.next_quarter)) if row else None


def put_provider(tx: Transaction, provider: Provider) -> None:
    """Queue what is known of the present tenant."""
    tx.later(
        _PUT,
        tenant_id=tx.tenant_id,
        ministry_id=provider.ministry_id,
        is_suspended=provider.is_suspended,
        next_quarter=str(provider.next_quarter),
    )


def find_ministry(tx: Transaction) -> UUID | None:
    """Whose register the present tenant stands in."""
    found: UUID | None = tx.value(_FIND_MINISTRY, tenant=tx.tenant_id)
    return found
