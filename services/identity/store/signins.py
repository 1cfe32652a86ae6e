"""Sessions, what they authorised, and the digests of the secrets given out. No secret itself is ever stored."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, case, cast, delete, insert, null, select, update
from sqlalchemy.dialects import postgresql

from kit.db import Transaction, prepare
from services.identity.domain import Session
from services.identity.store.tables import (
    access_token,
    authorisation,
    authorisation_code,
    machine_token,
    refresh_token,
    session,
    sign_in_attempt,
)

_SESSION_BY_COOKIE = prepare(
    select(session.c.person_id, session.c.id).where(session.c.cookie_digest == bindparam("digest"))
)
_SESSION = prepare(select(session).where(session.c.person_id == bindparam("person"), session.c.id == bindparam("sid")))
_ADD_SESSION = prepare(insert(session).values(dict.fromkeys(session.c.keys())))
_END_SESSION = prepare(
    update(session)
    .where(session.c.person_id == bindparam("person"), session.c.id == bindparam("sid"), session.c.ended_at.is_(None))
    .values(ended_at=bindparam("now"), end_reason=bindparam("new_reason"))
)
_END_SESSIONS = prepare(
    update(session)
    .where(session.c.person_id == bindparam("person"), session.c.ended_at.is_(None))
    .values(ended_at=bindparam("now"), end_reason=bindparam("new_reason"))
)
_END_OTHERS = prepare(
    update(session)
    .where(session.c.person_id == bindparam("person"), session.c.id != bindparam("kept"), session.c.ended_at.is_(None))
    .values(ended_at=bindparam("now"), end_reason=bindparam("new_reason"))
)
_TOUCH_SESSION = prepare(
    update(session)
    .where(session.c.person_id == bindparam("person"), session.c.id == bindparam("sid"))
    .values(used_at=bindparam("now"))
)
_ADD_AUTHORISATION = prepare(insert(authorisation).values(dict.fromkeys(authorisation.c.keys())))
_REVOKE = prepare(
    update(authorisation)
    .where(
        authorisation.c.person_id == bindparam("person"),
        authorisation.c.id == bindparam("given"),
        authorisation.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("now"), revoke_reason=bindparam("new_reason"))
)
_ADD_CODE = prepare(insert(authorisation_code).values(dict.fromkeys(authorisation_code.c.keys())))
_ADD_REFRESH = prepare(insert(refresh_token).values(dict.fromkeys(refresh_token.c.keys())))
_ADD_ACCESS = prepare(insert(access_token).values(dict.fromkeys(access_token.c.keys())))


def _with_authorisation(table: Any, *, is_locked: bool) -> Any:
    found = (
        select(
            *(column for column in table.c if column.name not in {"created_at", "expires_at"}),
            table.c.expires_at.label("token_expires_at"),
            authorisation.c.client_id,
            authorisation.c.scope,
            authorisation.c.revoked_at,
            session.c.id.label("session_id"),
            session.c.started_at,
            session.c.used_at.label("session_used_at"),
            session.c.expires_at,
            session.c.ended_at,
        )
        .select_from(
            table.join(
                authorisation,
                (authorisation.c.person_id == table.c.person_id) & (authorisation.c.id == table.c.authorisation_id),
            ).join(
                session,
                (session.c.person_id == authorisation.c.person_id) & (session.c.id == authorisation.c.session_id),
            )
        )
        .where(table.c.person_id == bindparam("person"), table.c.digest == bindparam("wanted"))
    )
    return prepare(found.with_for_update(of=authorisation) if is_locked else found)


_CODE = _with_authorisation(authorisation_code, is_locked=True)
_REFRESH = _with_authorisation(refresh_token, is_locked=True)
_ACCESS = _with_authorisation(access_token, is_locked=False)


def _use(table: Any) -> Any:
    return prepare(
        update(table)
        .where(table.c.person_id == bindparam("person"), table.c.digest == bindparam("wanted"))
        .values(used_at=bindparam("now"))
    )


_USE_CODE = _use(authorisation_code)
_USE_REFRESH = _use(refresh_token)
_WHOSE = {
    table.name: prepare(select(table.c.person_id).where(table.c.digest == bindparam("wanted")))
    for table in (authorisation_code, refresh_token, access_token)
}
# Which of the two kinds an access token is shows in one look: a person's or a machine's.
_WHOSE_ACCESS = prepare(
    select(access_token.c.person_id, cast(null(), postgresql.UUID()).label("tenant_id"))
    .where(access_token.c.digest == bindparam("wanted"))
    .union_all(
        select(cast(null(), postgresql.UUID()), machine_token.c.tenant_id).where(
            machine_token.c.digest == bindparam("wanted")
        )
    )
)
_INSERT_ATTEMPT = postgresql.insert(sign_in_attempt).values(
    bucket=bindparam("bucket"), failures=1, window_ends_at=bindparam("ends_at")
)
_IS_OVER = sign_in_attempt.c.window_ends_at <= bindparam("now")
_COUNT_ATTEMPT = prepare(
    _INSERT_ATTEMPT.on_conflict_do_update(
        index_elements=[sign_in_attempt.c.bucket],
        set_={
            "failures": case((_IS_OVER, 1), else_=sign_in_attempt.c.failures + 1),
            "window_ends_at": case(
                (_IS_OVER, _INSERT_ATTEMPT.excluded.window_ends_at), else_=sign_in_attempt.c.window_ends_at
            ),
        },
    ).returning(sign_in_attempt.c.failures, sign_in_attempt.c.window_ends_at)
)
_FORGET_ATTEMPTS = prepare(delete(sign_in_attempt).where(sign_in_attempt.c.bucket == bindparam("wanted")))
_TAKE_BACK_ATTEMPT = prepare(
    update(sign_in_attempt)
    .where(sign_in_attempt.c.bucket == bindparam("wanted"), sign_in_attempt.c.failures > 0)
    .values(failures=sign_in_attempt.c.failures - 1)
)
_PRUNE = [
    prepare(delete(table).where(table.c.expires_at < bindparam("before")))
    for table in (authorisation_code, refresh_token, access_token, machine_token)
]
_PRUNE_ATTEMPTS = prepare(delete(sign_in_attempt).where(sign_in_attempt.c.window_ends_at < bindparam("before")))


@dataclass(frozen=True, slots=True)
class Authorisation:
    """What a session gave a client: the codes and tokens that came of it belong to it and end with it."""

    person_id: UUID
    id: UUID
    client_id: str
    scope: str
    session: Session
    is_revoked: bool = False


@dataclass(frozen=True, slots=True)
class Code:
    """An authorisation code found again, with what it was bound to."""

    authorisation: Authorisation
    redirect_uri: str
    nonce: str
    challenge: str
    expires_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Token:
    """An access or refresh token found again. `used_at` is a refresh token's only."""

    authorisation: Authorisation
    expires_at: datetime
    used_at: datetime | None = None


def find_session_by_cookie(tx: Transaction, digest: bytes) -> tuple[UUID, UUID] | None:
    """(person, session) of a cookie. For the signin role."""
    row = tx.first(_SESSION_BY_COOKIE, digest=digest)
    return (row.person_id, row.id) if row is not None else None


def find_session(tx: Transaction, *, person_id: UUID, session_id: UUID) -> Session | None:
    """One of the person's sessions, alive or not."""
    row = tx.first(_SESSION, person=person_id, sid=session_id)
    if row is None:
        return None
    return Session(row.person_id, row.id, row.started_at, row.used_at, row.expires_at, row.ended_at)


def insert_session(tx: Transaction, item: Session, *, cookie_digest: bytes) -> None:
    """Queue a new session."""
    tx.later(
        _ADD_SESSION,
        person_id=item.person_id,
        id=item.id,
        cookie_digest=cookie_digest,
        started_at=item.started_at,
        used_at=item.used_at,
        expires_at=item.expires_at,
        ended_at=None,
        end_reason=None,
    )


def end_session(tx: Transaction, *, person_id: UUID, session_id: UUID, reason: str, now: datetime) -> None:
    """Queue the end of a session; harmless for one that has ended."""
    tx.later(_END_SESSION, person=person_id, sid=session_id, new_reason=reason, now=now)


def end_sessions(tx: Transaction, *, person_id: UUID, reason: str, now: datetime) -> int:
    """End all of a person's sessions; return how many were open."""
    return tx.run(_END_SESSIONS, person=person_id, new_reason=reason, now=now)


def end_other_sessions(tx: Transaction, kept: Session, *, reason: str, now: datetime) -> None:
    """Queue the end of all of a person's sessions but one."""
    tx.later(_END_OTHERS, person=kept.person_id, kept=kept.id, new_reason=reason, now=now)


def touch_session(tx: Transaction, item: Session, *, now: datetime) -> None:
    """Queue that a session was used."""
    tx.later(_TOUCH_SESSION, person=item.person_id, sid=item.id, now=now)


def insert_authorisation(tx: Transaction, item: Authorisation, *, now: datetime) -> None:
    """Queue what a session gives a client."""
    tx.later(
        _ADD_AUTHORISATION,
        person_id=item.person_id,
        id=item.id,
        session_id=item.session.id,
        client_id=item.client_id,
        scope=item.scope,
        created_at=now,
        revoked_at=None,
        revoke_reason=None,
    )


def revoke_authorisation(tx: Transaction, item: Authorisation, *, reason: str, now: datetime) -> None:
    """Queue the end of everything an authorisation gave."""
    tx.later(_REVOKE, person=item.person_id, given=item.id, new_reason=reason, now=now)


def insert_code(tx: Transaction, item: Code, *, digest: bytes, now: datetime) -> None:
    """Queue a code."""
    tx.later(
        _ADD_CODE,
        person_id=item.authorisation.person_id,
        digest=digest,
        authorisation_id=item.authorisation.id,
        created_at=now,
        expires_at=item.expires_at,
        redirect_uri=item.redirect_uri,
        nonce=item.nonce,
        challenge=item.challenge,
        used_at=None,
    )


def insert_refresh_token(
    tx: Transaction, item: Authorisation, *, digest: bytes, expires_at: datetime, now: datetime
) -> None:
    """Queue a refresh token."""
    tx.later(
        _ADD_REFRESH,
        person_id=item.person_id,
        digest=digest,
        authorisation_id=item.id,
        created_at=now,
        expires_at=expires_at,
        used_at=None,
    )


def insert_access_token(
    tx: Transaction, item: Authorisation, *, digest: bytes, expires_at: datetime, now: datetime
) -> None:
    """Queue an access token."""
    tx.later(
        _ADD_ACCESS,
        person_id=item.person_id,
        digest=digest,
        authorisation_id=item.id,
        created_at=now,
        expires_at=expires_at,
    )


def find_owner(tx: Transaction, table: str, digest: bytes) -> UUID | None:
    """Whose a code or token ("authorisation_code", "refresh_token", "access_token") is. For the signin role."""
    owner: UUID | None = tx.value(_WHOSE[table], wanted=digest)
    return owner


def find_access_owner(tx: Transaction, digest: bytes) -> tuple[UUID | None, UUID | None]:
    """(person, None) or (None, tenant of a machine) behind an access token; two None for an unknown one. As above."""
    row = tx.first(_WHOSE_ACCESS, wanted=digest)
    return (row.person_id, row.tenant_id) if row is not None else (None, None)


def lock_code(tx: Transaction, *, person_id: UUID, digest: bytes) -> Code | None:
    """The person's code, with its authorisation locked."""
    row = tx.first(_CODE, person=person_id, wanted=digest)
    if row is None:
        return None
    return Code(_authorisation(row), row.redirect_uri, row.nonce, row.challenge, row.token_expires_at, row.used_at)


def lock_refresh_token(tx: Transaction, *, person_id: UUID, digest: bytes) -> Token | None:
    """The person's refresh token, with its authorisation locked."""
    row = tx.first(_REFRESH, person=person_id, wanted=digest)
    return Token(_authorisation(row), row.token_expires_at, row.used_at) if row is not None else None


def find_access_token(tx: Transaction, *, person_id: UUID, digest: bytes) -> Token | None:
    """The person's access token."""
    return _access_token(tx.all(_ACCESS, person=person_id, wanted=digest))


def ask_access_token(tx: Transaction, *, person_id: UUID, digest: bytes) -> Callable[[], Token | None]:
    """As `find_access_token`, in one round trip with whatever else is asked before the first answer is read."""
    asked = tx.later(_ACCESS, person=person_id, wanted=digest)
    return lambda: _access_token(asked.rows())


def use_code(tx: Transaction, *, person_id: UUID, digest: bytes, now: datetime) -> None:
    """Queue that a code was redeemed."""
    tx.later(_USE_CODE, person=person_id, wanted=digest, now=now)


def use_refresh_token(tx: Transaction, *, person_id: UUID, digest: bytes, now: datetime) -> None:
    """Queue that a refresh token was redeemed."""
    tx.later(_USE_REFRESH, person=person_id, wanted=digest, now=now)


def count_attempt(tx: Transaction, *, bucket: bytes, ends_at: datetime, now: datetime) -> tuple[int, datetime]:
    """Count one attempt in a bucket; return how many its window has seen and when that ends."""
    row = tx.first(_COUNT_ATTEMPT, bucket=bucket, ends_at=ends_at, now=now)
    assert row is not None
    return row.failures, row.window_ends_at


def forget_attempts(tx: Transaction, bucket: bytes) -> None:
    """Queue an empty bucket: the right passphrase was given."""
    tx.later(_FORGET_ATTEMPTS, wanted=bucket)


def take_back_attempt(tx: Transaction, bucket: bytes) -> None:
    """Queue one attempt fewer: it was counted before it turned out right."""
    tx.later(_TAKE_BACK_ATTEMPT, wanted=bucket)


def prune(tx: Transaction, *, before: datetime) -> int:
    """Forget what expired before a moment, and say how many rows that were. `tx` is a plumbing transaction."""
    return sum(tx.run(statement, before=before) for statement in (*_PRUNE, _PRUNE_ATTEMPTS))


def _access_token(rows: Sequence[Any]) -> Token | None:
    return next((Token(_authorisation(row), row.token_expires_at) for row in rows), None)


def _authorisation(row: Any) -> Authorisation:
    return Authorisation(
        person_id=row.person_id,
        id=row.authorisation_id,
        client_id=row.client_id,
        scope=row.scope,
        session=Session(
            row.person_id, row.session_id, row.started_at, row.session_used_at, row.expires_at, row.ended_at
        ),
        is_revoked=row.revoked_at is not None,
    )
