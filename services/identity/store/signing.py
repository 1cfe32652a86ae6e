"""Signing keys: the public half as it is published, the private half encrypted."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, func, insert, or_, select, update

from kit.db import Transaction, prepare
from services.identity.store.tables import signing_key

_LOCK = prepare(select(func.pg_advisory_xact_lock(func.hashtext("identity signing keys"))))
_LIST = prepare(
    select(signing_key)
    .where(or_(signing_key.c.verifies_until.is_(None), signing_key.c.verifies_until > bindparam("now")))
    .order_by(signing_key.c.signs_from, signing_key.c.id)
)
_ADD = prepare(insert(signing_key).values(dict.fromkeys(signing_key.c.keys())))
_RETIRE = prepare(
    update(signing_key)
    .where(signing_key.c.purpose == bindparam("what_for"), signing_key.c.verifies_until.is_(None))
    .values(verifies_until=bindparam("until"))
)
_PRUNE = prepare(delete(signing_key).where(signing_key.c.verifies_until < bindparam("before")))


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key for one purpose ("internal", "openid"). It signs from `signs_from` until a later one does."""

    id: str
    purpose: str
    public_key: str
    private_key: bytes
    signs_from: datetime
    verifies_until: datetime | None = None


def lock_keys(tx: Transaction) -> None:
    """One change of the keys at a time."""
    tx.first(_LOCK)


def list_keys(tx: Transaction, *, now: datetime) -> list[StoredKey]:
    """Keys that still verify something, the next to sign last."""
    return [
        StoredKey(row.id, row.purpose, row.public_key, bytes(row.private_key), row.signs_from, row.verifies_until)
        for row in tx.all(_LIST, now=now)
    ]


def insert_key(tx: Transaction, item: StoredKey, *, now: datetime) -> None:
    """Queue a new key."""
    tx.later(
        _ADD,
        id=item.id,
        purpose=item.purpose,
        public_key=item.public_key,
        private_key=item.private_key,
        created_at=now,
        signs_from=item.signs_from,
        verifies_until=item.verifies_until,
    )


def retire_keys(tx: Transaction, *, purpose: str, until: datetime) -> None:
    """Queue the end of the present keys of a purpose."""
    tx.later(_RETIRE, what_for=purpose, until=until)


def prune_keys(tx: Transaction, *, before: datetime) -> None:
    """Queue forgetting keys that verify nothing any more."""
    tx.later(_PRUNE, before=before)
