"""Links to choose a new passphrase by, and the wishes for one that nobody has looked at yet."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, delete, func, insert, select, update

from kit.db import Transaction, prepare
from services.identity.domain.passphrases import Reset
from services.identity.store.tables import credential, passphrase_reset, reset_wish

_COLUMNS = (
    passphrase_reset.c.person_id,
    passphrase_reset.c.id,
    passphrase_reset.c.asked_at,
    passphrase_reset.c.expires_at,
    passphrase_reset.c.used_at,
)
_BY_DIGEST = prepare(
    select(passphrase_reset.c.person_id, passphrase_reset.c.id).where(
        passphrase_reset.c.link_digest == bindparam("wanted")
    )
)
_ONE = select(*_COLUMNS).where(
    passphrase_reset.c.person_id == bindparam("person"), passphrase_reset.c.id == bindparam("link")
)
_FIND = prepare(_ONE)
_LOCK = prepare(_ONE.with_for_update())
_INSERT = prepare(insert(passphrase_reset).values(dict.fromkeys(passphrase_reset.c.keys())))
_USE_ALL = prepare(
    update(passphrase_reset)
    .where(passphrase_reset.c.person_id == bindparam("person"), passphrase_reset.c.used_at.is_(None))
    .values(used_at=bindparam("now"))
)
_COUNT_PENDING = prepare(
    select(func.count())
    .select_from(passphrase_reset)
    .where(
        passphrase_reset.c.person_id == bindparam("person"),
        passphrase_reset.c.used_at.is_(None),
        passphrase_reset.c.expires_at > bindparam("now"),
    )
)
_PRUNE = prepare(delete(passphrase_reset).where(passphrase_reset.c.expires_at < bindparam("before")))
_LOCK_CREDENTIAL = prepare(
    select(credential.c.email_key, credential.c.passphrase_hash)
    .where(credential.c.person_id == bindparam("person"))
    .with_for_update()
)
_INSERT_WISH = prepare(insert(reset_wish).values(dict.fromkeys(reset_wish.c.keys())))
_WISHES = prepare(select(reset_wish).order_by(reset_wish.c.asked_at).limit(bindparam("most")))
_FORGET_WISH = prepare(delete(reset_wish).where(reset_wish.c.id == bindparam("wanted")))


@dataclass(frozen=True, slots=True)
class Wish:
    """Someone's wish for a link; the address that they named is sealed."""

    id: UUID
    sealed: bytes
    asked_at: datetime


def find_by_digest(tx: Transaction, digest: bytes) -> tuple[UUID, UUID] | None:
    """(person, link) behind the secret of a link. For the signin role."""
    row = tx.first(_BY_DIGEST, wanted=digest)
    return (row.person_id, row.id) if row is not None else None


def find_reset(tx: Transaction, *, person_id: UUID, link_id: UUID) -> Reset | None:
    """One of the person's links, whatever became of it."""
    row = tx.first(_FIND, person=person_id, link=link_id)
    return Reset(*row) if row is not None else None


def lock_reset(tx: Transaction, *, person_id: UUID, link_id: UUID) -> Reset | None:
    """The same, locked."""
    row = tx.first(_LOCK, person=person_id, link=link_id)
    return Reset(*row) if row is not None else None


def insert_reset(tx: Transaction, item: Reset, *, link_digest: bytes) -> None:
    """Queue a new link."""
    tx.later(
        _INSERT,
        person_id=item.person_id,
        id=item.id,
        link_digest=link_digest,
        asked_at=item.asked_at,
        expires_at=item.expires_at,
        used_at=None,
    )


def use_resets(tx: Transaction, person_id: UUID, *, now: datetime) -> None:
    """Queue that none of the person's links works any more."""
    tx.later(_USE_ALL, person=person_id, now=now)


def count_pending(tx: Transaction, person_id: UUID, *, now: datetime) -> int:
    """How many of the person's links work."""
    count: int = tx.value(_COUNT_PENDING, person=person_id, now=now)
    return count


def lock_credential(tx: Transaction, person_id: UUID) -> tuple[str, str] | None:
    """The person's own address key and passphrase hash; nobody changes them until this transaction ends."""
    row = tx.first(_LOCK_CREDENTIAL, person=person_id)
    return (row.email_key, row.passphrase_hash) if row is not None else None


def insert_wish(tx: Transaction, item: Wish) -> None:
    """Queue a wish. For the signin role."""
    tx.later(_INSERT_WISH, id=item.id, sealed=item.sealed, asked_at=item.asked_at)


def list_wishes(tx: Transaction, *, most: int) -> list[Wish]:
    """The wishes that wait, oldest first. `tx` is a plumbing transaction."""
    return [Wish(row.id, row.sealed, row.asked_at) for row in tx.all(_WISHES, most=most)]


def forget_wish(tx: Transaction, wish_id: UUID) -> None:
    """Queue the end of a wish. `tx` is a plumbing transaction."""
    tx.later(_FORGET_WISH, wanted=wish_id)


def prune_resets(tx: Transaction, *, before: datetime) -> int:
    """Forget links that expired before a moment; how many. `tx` is a plumbing transaction."""
    return tx.run(_PRUNE, before=before)
