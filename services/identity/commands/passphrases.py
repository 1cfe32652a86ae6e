"""Passphrases: changing one's own, and choosing a new one by a link that comes in the mail.

Asking for a link does the same work for every address: the wish is written down, sealed, and looked at afterwards by
`carry_out_wish`, which nobody who asked can see. As with invitations, the secret of a link is a keyed hash of its id:
the database holds its digest, the broker the id.
"""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag

from kit import command, log
from kit.actor import Actor, ActorKind, system_actor
from kit.audit import Audit
from kit.db import Transaction
from kit.errors import FailedPreconditionError, NotFoundError, UnauthenticatedError
from services.identity import events
from services.identity.commands.attempts import count_or_refuse
from services.identity.commands.deps import Deps
from services.identity.domain import ATTEMPTS_PER_PLACE, Profile, Session, email_key
from services.identity.domain.invitations import ACCEPTS_PER_LINK
from services.identity.domain.passphrases import (
    CHANGES_PER_PERSON,
    LINKS_AT_ONCE,
    RESET_LASTS,
    WISHES_PER_ADDRESS,
    Reset,
    ResetState,
)
from services.identity.secrets import digest
from services.identity.store import organisations, people, signins
from services.identity.store import passphrases as store
from services.identity.store.passphrases import Wish
from services.identity.strength import require_strong

_SEALED = "reset wishes"
_BATCH = 50


@dataclass(frozen=True, slots=True)
class ResetLink:
    """The secret of a link to choose a new passphrase by, and the network address that presents it."""

    key: str
    place: str


@dataclass(frozen=True, slots=True)
class ResetMail:
    """What the mail of a link needs, or (without a link) the mail that says that a passphrase was changed."""

    profile: Profile
    key: str = ""
    reset: Reset | None = None


def wish_for_reset(deps: Deps, *, email: str, place: str, device: str) -> None:
    """Write down that someone wishes for a link. The same work, whoever has the address, or nobody.

    `device` is as in `Attempt`: a browser that signed in to the address before counts by itself.

    Raises:
        ResourceExhaustedError: too many wishes from this place or device; `minutes` says how long to wait.
    """
    address, now = email_key(email), deps.clock.now()
    if device:
        limits = {deps.secret.tag("attempts", "reset device", address, device): WISHES_PER_ADDRESS}
    else:
        limits = {
            deps.secret.tag("attempts", "reset address", address, place): WISHES_PER_ADDRESS,
            deps.secret.tag("attempts", "reset place", place): ATTEMPTS_PER_PLACE,
        }
    count_or_refuse(deps, limits)
    wish_id = deps.new_id()
    sealed = deps.secret.encrypt(address.encode(), purpose=_SEALED, context=str(wish_id))
    with deps.database.special("signin") as tx:
        store.insert_wish(tx, Wish(wish_id, sealed, now))


def list_wishes(deps: Deps) -> list[Wish]:
    """The wishes that wait to be looked at, oldest first."""
    with deps.database.plumbing() as tx:
        return store.list_wishes(tx, most=_BATCH)


def carry_out_wish(deps: Deps, wish: Wish) -> None:
    """Give a link to who wished for one, if they are known.

    Looked at twice, since a process ended in between, a wish gives two links: that does no harm.
    """
    _carry_out(deps, wish)
    with deps.database.plumbing() as tx:
        store.forget_wish(tx, wish.id)


def open_reset(deps: Deps, link: ResetLink) -> Reset:
    """What has become of a link. Changes nothing, so that a mail program that looks ahead does no harm.

    Raises:
        NotFoundError: there is no such link.
        ResourceExhaustedError: too many links that there are not, from this place.
    """
    with deps.database.special("signin") as tx:
        found = store.find_by_digest(tx, digest(link.key))
    if found is not None:
        person_id, link_id = found
        with deps.database.special("person", person_id=person_id) as tx:
            reset = store.find_reset(tx, person_id=person_id, link_id=link_id)
        if reset is not None:
            return reset
    count_or_refuse(deps, {deps.secret.tag("attempts", "link", link.place): ATTEMPTS_PER_PLACE})
    raise NotFoundError("link")


def reset_passphrase(deps: Deps, link: ResetLink, *, passphrase: str) -> None:
    """Choose a new passphrase by a link: every session of the person ends, and no other link works any more.

    Raises:
        NotFoundError, ResourceExhaustedError: as `open_reset`; the second also for too many tries with one link.
        FailedPreconditionError: it was used, or has expired.
        InvalidArgumentError: the passphrase is too short, too long or too easy to guess.
    """
    now = deps.clock.now()
    reset = _require_pending(deps, open_reset(deps, link))
    # Each form costs a hash.
    count_or_refuse(
        deps,
        {
            deps.secret.tag("attempts", "reset", digest(link.key).hex()): ACCEPTS_PER_LINK,
            deps.secret.tag("attempts", "accept from", link.place): ATTEMPTS_PER_PLACE,
        },
    )
    person_id, tenant_id = reset.person_id, home_of(deps, reset.person_id)
    if tenant_id is None:
        raise NotFoundError("link")
    with deps.database.special("person", person_id=person_id) as tx:
        profile = people.find_profile(tx, person_id)
    assert profile is not None, "a link is somebody's"
    require_strong(passphrase, known=[profile.name, profile.email])
    hashed = deps.passphrases.hash(passphrase)
    with deps.database.special("person", actor=_as_person(tenant_id, person_id), person_id=person_id) as tx:
        address, _old = _lock(tx, person_id)
        again = store.lock_reset(tx, person_id=person_id, link_id=reset.id)
        assert again is not None, "links are forgotten long after they expired"
        _require_pending(deps, again)
        people.put_credential(tx, person_id=person_id, email=address, passphrase_hash=hashed, now=now)
        signins.end_sessions(tx, person_id=person_id, reason="passphrase-reset", now=now)
        _finish(deps, tx, tenant_id, person_id, how="reset")
    # Whoever forgot it may have tried too often; what they know now is right.
    with deps.database.special("signin") as tx:
        signins.forget_attempts(tx, deps.secret.tag("attempts", "address", address, link.place))


def change_passphrase(deps: Deps, session: Session, profile: Profile, *, present: str, passphrase: str) -> None:
    """Change one's own passphrase, knowing the present one: every other session ends, and no link works any more.

    Raises:
        ResourceExhaustedError: too many wrong ones; `minutes` says how long to wait.
        UnauthenticatedError: the present passphrase is another.
        InvalidArgumentError: the new one is too short, too long or too easy to guess.
    """
    now, person_id = deps.clock.now(), profile.person_id
    bucket = deps.secret.tag("attempts", "change", str(person_id))
    count_or_refuse(deps, {bucket: CHANGES_PER_PERSON})
    with deps.database.special("person", person_id=person_id) as tx:
        known = people.own_credential(tx, person_id)
    if not deps.passphrases.verify(present, known[1] if known is not None else None) or known is None:
        raise _wrong()
    require_strong(passphrase, known=[profile.name, profile.email])
    hashed = deps.passphrases.hash(passphrase)
    tenant_id = home_of(deps, person_id)
    assert tenant_id is not None, "who can sign in was invited by an organisation"
    with deps.database.special("person", actor=_as_person(tenant_id, person_id), person_id=person_id) as tx:
        address, still = _lock(tx, person_id)
        if still != known[1]:
            # Changed in another window since it was compared.
            raise _wrong()
        people.put_credential(tx, person_id=person_id, email=address, passphrase_hash=hashed, now=now)
        signins.end_other_sessions(tx, session, reason="passphrase-changed", now=now)
        _finish(deps, tx, tenant_id, person_id, how="change")
    with deps.database.special("signin") as tx:
        signins.forget_attempts(tx, bucket)


def find_reset_mail(deps: Deps, actor: Actor, *, person_id: UUID, link_id: UUID | None) -> ResetMail:
    """What the mail to someone about their passphrase needs: with the link, while it works, or without any.

    Raises:
        NotFoundError: nobody of whom the caller's organisation sends mail, or the link does not work any more.
    """
    if home_of(deps, person_id) != actor.tenant_id:
        raise NotFoundError("person")
    with deps.database.special("person", person_id=person_id) as tx:
        profile = people.find_profile(tx, person_id)
        assert profile is not None, "who has an organisation has a profile"
        if link_id is None:
            return ResetMail(profile)
        reset = store.find_reset(tx, person_id=person_id, link_id=link_id)
    if reset is None or reset.state(deps.clock.now()) is not ResetState.PENDING:
        raise NotFoundError("link")
    return ResetMail(profile, key=reset_key(deps, reset), reset=reset)


def reset_key(deps: Deps, reset: Reset) -> str:
    """The secret of a link: 256 bits that nobody can make without ASCMS_SECRET, as 43 letters."""
    made = deps.secret.tag("passphrase links", str(reset.person_id), str(reset.id))
    return urlsafe_b64encode(made).decode().rstrip("=")


def home_of(deps: Deps, person_id: UUID) -> UUID | None:
    """The organisation in whose name a person is written to about their account: where they worked last."""
    with deps.database.special("person", person_id=person_id) as tx:
        profile = people.find_profile(tx, person_id)
        if profile is None:
            return None
        places = people.grants_of_person(tx, person_id)
        wanted = profile.last_organisation_id or min(places, default=None)
        return wanted if wanted is not None and organisations.find_organisation(tx, wanted) is not None else None


def _carry_out(deps: Deps, wish: Wish) -> None:
    now = deps.clock.now()
    if now - wish.asked_at > RESET_LASTS:
        return  # We were away for so long: whoever asked has asked again.
    try:
        address = deps.secret.decrypt(wish.sealed, purpose=_SEALED, context=str(wish.id)).decode()
    except InvalidTag:
        log.logger().error("reset-wish-unreadable", wish_id=str(wish.id))
        return
    with deps.database.special("signin") as tx:
        found = people.find_credential(tx, address)
    tenant_id = home_of(deps, found[0]) if found is not None else None
    if found is None or tenant_id is None:
        return
    person_id = found[0]
    reset = Reset(person_id, deps.new_id(), asked_at=now, expires_at=now + RESET_LASTS)
    with deps.database.special("person", actor=system_actor("identity", tenant_id), person_id=person_id) as tx:
        _lock(tx, person_id)
        if store.count_pending(tx, person_id, now=now) >= LINKS_AT_ONCE:
            return
        store.insert_reset(tx, reset, link_digest=digest(reset_key(deps, reset)))
        with tx.enter_tenant(tenant_id, reason="reset-passphrase"):
            told = events.passphrase_reset_asked(person_id=person_id, link_id=reset.id)
            command.finish(tx, None, entry=Audit("ask-passphrase-reset", person_id), events=[told], now=now)


def _finish(deps: Deps, tx: Transaction, tenant_id: UUID, person_id: UUID, *, how: str) -> None:
    """The end of a change, in the person's transaction: links die, it is audited, and a mail says so."""
    now = deps.clock.now()
    store.use_resets(tx, person_id, now=now)
    with tx.enter_tenant(tenant_id, reason="change-passphrase"):
        told = events.passphrase_changed(person_id=person_id)
        command.finish(tx, None, entry=Audit("change-passphrase", person_id, how), events=[told], now=now)


def _lock(tx: Transaction, person_id: UUID) -> tuple[str, str]:
    found = store.lock_credential(tx, person_id)
    if found is None:
        raise NotFoundError("person")
    return found


def _require_pending(deps: Deps, reset: Reset) -> Reset:
    state = reset.state(deps.clock.now())
    if state is not ResetState.PENDING:
        raise FailedPreconditionError(f"link-{state}", "This link does not work any more.")
    return reset


def _as_person(tenant_id: UUID, person_id: UUID) -> Actor:
    return Actor(kind=ActorKind.PERSON, tenant_id=tenant_id, actor_id=person_id)


def _wrong() -> UnauthenticatedError:
    return UnauthenticatedError("passphrase-wrong", "This is not your present passphrase.")
