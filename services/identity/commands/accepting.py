"""Accepting an invitation, by its link: with a profile that is there, or with a new one. It gives no role."""

from dataclasses import dataclass
from uuid import UUID

from psycopg.errors import UniqueViolation

from kit import command
from kit.actor import Actor, ActorKind, system_actor
from kit.audit import Audit
from kit.db import Transaction
from kit.errors import AlreadyExistsError, InvalidArgumentError, NotFoundError, Violation
from services.identity import events
from services.identity.commands.access import give_first_role, known_training
from services.identity.commands.attempts import count_or_refuse
from services.identity.commands.deps import Deps
from services.identity.domain import ATTEMPTS_PER_PLACE, LANGUAGES, Organisation, Profile
from services.identity.domain.access import AccessEvent, AccessEventKind
from services.identity.domain.invitations import ACCEPTS_PER_LINK, Invitation
from services.identity.secrets import digest
from services.identity.store import access, organisations, people
from services.identity.store import invitations as store
from services.identity.strength import require_strong


@dataclass(frozen=True, slots=True)
class Link:
    """The secret of an invitation's link, and the network address that presents it."""

    key: str
    place: str


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link leads to. Its state may be any: pages say so before they show a form."""

    organisation: Organisation
    invitation: Invitation


@dataclass(frozen=True, slots=True)
class NewProfile:
    """Who someone says they are. `language` is "en" or "mi"."""

    name: str
    passphrase: str
    language: str


def open_invitation(deps: Deps, link: Link) -> Opened:
    """What a link leads to. Changes nothing, so that a mail program that looks ahead does no harm.

    Raises:
        NotFoundError: there is no such link, a later one took its place, or its organisation is suspended.
        ResourceExhaustedError: too many links that there are not, from this place.
    """
    with deps.database.special("signin") as tx:
        found = store.find_by_digest(tx, digest(link.key))
    if found is None:
        count_or_refuse(deps, {deps.secret.tag("attempts", "link", link.place): ATTEMPTS_PER_PLACE})
        raise NotFoundError("invitation")
    tenant_id, invitation_id = found
    with deps.database.tenant(system_actor("identity", tenant_id)) as tx:
        invitation = store.find_invitation(tx, invitation_id)
        organisation = organisations.find_organisation(tx, tenant_id)
    if invitation is None or organisation is None or organisation.is_suspended:
        raise NotFoundError("invitation")
    return Opened(organisation, invitation)


def accept_invitation(deps: Deps, link: Link, *, profile: Profile) -> Opened:
    """Accept as someone who is signed in.

    Raises:
        FailedPreconditionError: it has expired, or was withdrawn or used.
        NotFoundError, ResourceExhaustedError: as `open_invitation`; the second also for too many tries with one link.
    """
    opened = open_invitation(deps, link)
    _count_forms(deps, link)
    actor = _as_person(opened, profile.person_id)
    with deps.database.special("person", actor=actor, person_id=profile.person_id) as tx:
        _use(deps, tx, link, opened, profile)
    return opened


def accept_with_new_profile(deps: Deps, link: Link, *, wanted: NewProfile) -> Opened:
    """Accept as someone new: a profile with the address that was invited, and a passphrase.

    Raises:
        InvalidArgumentError: the passphrase is too short, too long or too easy to guess, or there is no such language.
        AlreadyExistsError: the address has a profile; sign in with it instead.
        FailedPreconditionError, NotFoundError, ResourceExhaustedError: as `accept_invitation`.
    """
    opened = open_invitation(deps, link)
    _count_forms(deps, link)
    invitation = opened.invitation
    if wanted.language not in LANGUAGES:
        raise InvalidArgumentError.of(Violation("language", "unknown-value", "must be en or mi"))
    require_strong(wanted.passphrase, known=[wanted.name, invitation.name, invitation.email])
    with deps.database.special("signin") as tx:
        is_taken = people.find_credential(tx, invitation.email) is not None
    if is_taken:
        raise _taken()
    profile = Profile(deps.new_id(), wanted.name, invitation.email, wanted.language)
    hashed = deps.passphrases.hash(wanted.passphrase)
    try:
        with deps.database.special(
            "person", actor=_as_person(opened, profile.person_id), person_id=profile.person_id
        ) as tx:
            people.insert_profile(tx, profile, now=deps.clock.now())
            # Until they have a role, mail about their account is sent in the name of who invited them.
            people.remember_organisation(tx, person_id=profile.person_id, organisation_id=opened.organisation.id)
            people.put_credential(
                tx, person_id=profile.person_id, email=profile.email, passphrase_hash=hashed, now=deps.clock.now()
            )
            _use(deps, tx, link, opened, profile)
    except UniqueViolation as error:
        # Two at the same moment: the address belongs to the one that was first.
        raise _taken() from error
    return opened


def _use(deps: Deps, tx: Transaction, link: Link, opened: Opened, profile: Profile) -> None:
    now = deps.clock.now()
    training = known_training(tx, profile.person_id, opened.invitation.first_role)
    with tx.enter_tenant(opened.organisation.id, reason="accept-invitation"):
        found = store.lock_invitation(tx, opened.invitation.id)
        # Sent again since it was opened: the link in hand is the old one.
        if found is None or found.link_id != opened.invitation.link_id:
            raise NotFoundError("invitation")
        accepted = found.accepted(person_id=profile.person_id, now=now)
        people.put_member(tx, profile, now=now)
        joined = AccessEvent(
            person_id=profile.person_id,
            kind=AccessEventKind.JOINED,
            occurred_at=now,
            actor_id=profile.person_id,
        )
        access.add_event(tx, joined)
        store.update_invitation(tx, accepted, link_digest=digest(link.key))
        told = []
        if found.first_role:
            told = give_first_role(
                tx, opened.organisation, person_id=profile.person_id, role=found.first_role, training=training, now=now
            )
        command.finish(
            tx,
            None,
            entry=Audit("accept-invitation", found.id),
            events=[events.invitation_accepted(invitation_id=found.id, person_id=profile.person_id), *told],
            now=now,
        )


def _as_person(opened: Opened, person_id: UUID) -> Actor:
    organisation = opened.organisation
    return Actor(
        kind=ActorKind.PERSON, tenant_id=organisation.id, tenant_kind=organisation.kind.value, actor_id=person_id
    )


def _count_forms(deps: Deps, link: Link) -> None:
    """Each form costs a hash: so many from one place, and for one link, in one window."""
    count_or_refuse(
        deps,
        {
            deps.secret.tag("attempts", "accept", digest(link.key).hex()): ACCEPTS_PER_LINK,
            deps.secret.tag("attempts", "accept from", link.place): ATTEMPTS_PER_PLACE,
        },
    )


def _taken() -> AlreadyExistsError:
    return AlreadyExistsError("profile-exists", "This address has a profile already. Sign in to accept with it.")
