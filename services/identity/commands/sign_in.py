"""Signing in and out. Nobody is known before the passphrase was right, so these have no actor."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.errors import PermissionDeniedError, UnauthenticatedError
from services.identity.commands.attempts import count_or_refuse
from services.identity.commands.deps import Deps
from services.identity.domain import (
    ATTEMPTS_PER_ADDRESS,
    ATTEMPTS_PER_PLACE,
    SESSION_LASTS,
    Profile,
    Session,
    email_key,
)
from services.identity.secrets import digest
from services.identity.store import passphrases, people, signins


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
    limits = _limits(deps, attempt)
    # Counted before the check, and taken back when it was right.
    count_or_refuse(deps, limits)
    with deps.database.special("signin") as tx:
        found = people.find_credential(tx, attempt.email)
    is_right = deps.passphrases.verify(attempt.passphrase, found[1] if found is not None else None)
    if not is_right or found is None:
        raise _refused()
    with deps.database.special("signin") as tx:
        own, *others = limits
        signins.forget_attempts(tx, own)
        for bucket in others:
            signins.take_back_attempt(tx, bucket)
    if attempt.cookie:
        end_session(deps, find_session(deps, attempt.cookie), reason="replaced")
    renewed = deps.passphrases.hash(attempt.passphrase) if deps.passphrases.is_outdated(found[1]) else ""
    return _begin_session(deps, found, renewed=renewed, now=deps.clock.now())


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


def _begin_session(deps: Deps, checked: tuple[UUID, str], *, renewed: str, now: datetime) -> SignedIn:
    person_id, passphrase_hash = checked
    session = Session(
        person_id=person_id, id=deps.new_id(), started_at=now, used_at=now, expires_at=now + SESSION_LASTS
    )
    cookie = deps.new_secret()
    with deps.database.special("person", person_id=person_id) as tx:
        # A new passphrase ends the sessions that there are: none may begin with the old one behind its back.
        known = passphrases.lock_credential(tx, person_id)
        if known is None or known[1] != passphrase_hash:
            raise _refused()
        profile = people.find_profile(tx, person_id)
        if profile is None or profile.is_disabled:
            raise PermissionDeniedError("account-disabled", "This account is switched off.")
        if renewed:
            people.put_credential(tx, person_id=person_id, email=known[0], passphrase_hash=renewed, now=now)
        signins.insert_session(tx, session, cookie_digest=digest(cookie))
    return SignedIn(session, cookie)


def _limits(deps: Deps, attempt: Attempt) -> dict[bytes, int]:
    """What a try counts against, its own address first, and how many each takes."""
    address = email_key(attempt.email)
    if attempt.device:
        return {deps.secret.tag("attempts", "device", address, attempt.device): ATTEMPTS_PER_ADDRESS}
    return {
        deps.secret.tag("attempts", "address", address, attempt.place): ATTEMPTS_PER_ADDRESS,
        deps.secret.tag("attempts", "place", attempt.place): ATTEMPTS_PER_PLACE,
    }


def _refused() -> UnauthenticatedError:
    return UnauthenticatedError("sign-in-refused", "The e-mail address and passphrase do not belong together.")
