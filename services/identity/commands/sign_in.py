"""Signing in and out. Nobody is known before the passphrase was right, so these have no actor."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.errors import PermissionDeniedError, ResourceExhaustedError, UnauthenticatedError
from services.identity.commands.deps import Deps
from services.identity.domain import (
    ATTEMPT_WINDOW,
    ATTEMPTS_PER_ADDRESS,
    ATTEMPTS_PER_PLACE,
    SESSION_LASTS,
    Profile,
    Session,
    email_key,
)
from services.identity.secrets import digest
from services.identity.store import people, signins


@dataclass(frozen=True, slots=True)
class Attempt:
    """Someone's try to sign in.

    `place` is the client's network address. `device` is set where the browser showed that this very address signed in
    with it before; then only that device's tries count, and nobody else's wrong guesses keep its owner out.
    """

    email: str
    passphrase: str
    place: str
    device: str = ""
    cookie: str = ""
    """The session cookie the browser had before; that session ends."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session, and the secret of its cookie."""

    session: Session
    cookie: str


def sign_in(deps: Deps, attempt: Attempt) -> SignedIn:
    """Check a passphrase and begin a session. An unknown address costs the same work and gets the same answer.

    Raises:
        ResourceExhaustedError: too many wrong tries; `minutes` in its metadata says how long to wait.
        UnauthenticatedError: address and passphrase do not belong together.
        PermissionDeniedError: they do, and the account is switched off.
    """
    now = deps.clock.now()
    buckets = _buckets(deps, attempt)
    with deps.database.special("signin") as tx:
        # Counted before the check, so that a hundred tries at once are a hundred, and taken back when it was right.
        counts = [signins.count_attempt(tx, bucket=bucket, ends_at=now + ATTEMPT_WINDOW, now=now) for bucket in buckets]
        found = people.find_credential(tx, attempt.email)
    _refuse_too_many(counts, now=now)
    is_right = deps.passphrases.verify(attempt.passphrase, found[1] if found is not None else None)
    if not is_right or found is None:
        raise UnauthenticatedError("sign-in-refused", "The e-mail address and passphrase do not belong together.")
    with deps.database.special("signin") as tx:
        signins.forget_attempts(tx, buckets[0])
        for bucket in buckets[1:]:
            signins.take_back_attempt(tx, bucket)
    if attempt.cookie:
        end_session(deps, find_session(deps, attempt.cookie), reason="replaced")
    return _begin_session(deps, found[0], now=now)


def find_session(deps: Deps, cookie: str) -> tuple[Session, Profile] | None:
    """The living session behind a cookie and whose it is; None for any other cookie."""
    with deps.database.special("signin") as tx:
        found = signins.find_session_by_cookie(tx, digest(cookie))
    if found is None:
        return None
    person_id, session_id = found
    with deps.database.special("person", person_id=person_id) as tx:
        session = signins.find_session(tx, person_id=person_id, session_id=session_id)
        profile = people.find_profile(tx, person_id)
    if session is None or profile is None or profile.is_disabled or not session.is_alive(deps.clock.now()):
        return None
    return session, profile


def end_session(deps: Deps, found: tuple[Session, Profile] | None, *, reason: str) -> None:
    """End a session: whatever it gave to whichever client stops working with the next exchange."""
    if found is not None:
        end_session_by_id(deps, person_id=found[0].person_id, session_id=found[0].id, reason=reason)


def end_session_by_id(deps: Deps, *, person_id: UUID, session_id: UUID, reason: str) -> None:
    """As `end_session`, for one named by an ID token."""
    with deps.database.special("person", person_id=person_id) as tx:
        signins.end_session(tx, person_id=person_id, session_id=session_id, reason=reason, now=deps.clock.now())


def _begin_session(deps: Deps, person_id: UUID, *, now: datetime) -> SignedIn:
    session = Session(
        person_id=person_id, id=deps.new_id(), started_at=now, used_at=now, expires_at=now + SESSION_LASTS
    )
    cookie = deps.new_secret()
    with deps.database.special("person", person_id=person_id) as tx:
        profile = people.find_profile(tx, person_id)
        if profile is None or profile.is_disabled:
            raise PermissionDeniedError("account-disabled", "This account is switched off.")
        signins.insert_session(tx, session, cookie_digest=digest(cookie))
    return SignedIn(session, cookie)


def _buckets(deps: Deps, attempt: Attempt) -> list[bytes]:
    """What a try counts against. A keyed hash: neither addresses nor places can be read from the table."""
    address = email_key(attempt.email)
    if attempt.device:
        return [deps.secret.tag("attempts", "device", address, attempt.device)]
    return [
        deps.secret.tag("attempts", "address", address, attempt.place),
        deps.secret.tag("attempts", "place", attempt.place),
    ]


def _refuse_too_many(counts: list[tuple[int, datetime]], *, now: datetime) -> None:
    for (count, ends_at), most in zip(counts, (ATTEMPTS_PER_ADDRESS, ATTEMPTS_PER_PLACE), strict=False):
        if count > most:
            minutes = max(1, -int((now - ends_at).total_seconds() // 60))
            raise ResourceExhaustedError(
                "too-many-attempts", "Too many tries. Wait a little.", metadata={"minutes": str(minutes)}
            )
