"""Inviting someone to an organisation, and taking it back.

The secret of a link is a keyed hash of the link's id: it is made when it is needed, the database holds only its digest,
and it leaves identity through one RPC, to the job that sends the mail. A job that runs twice sends the same link.
"""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from kit import audit, command, outbox
from kit.actor import Actor
from kit.audit import Audit
from kit.clock import local_date
from kit.db import Transaction
from kit.errors import AlreadyExistsError, FailedPreconditionError, InvalidArgumentError, NotFoundError, Violation
from services.identity import events
from services.identity.commands.deps import Deps
from services.identity.domain import LANGUAGES, Organisation
from services.identity.domain.invitations import (
    INVITATION_LASTS,
    Invitation,
    InvitationState,
    Sighting,
    judge_sighting,
)
from services.identity.domain.register import FIRST_ROLES
from services.identity.secrets import digest
from services.identity.store import invitations as store
from services.identity.store import organisations
from services.identity.store.headcount import held_grants


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInvitation:
    """Whom to invite. `language` is "en" or "mi"."""

    name: str
    email: str
    language: str
    sighting: Sighting


def invite_person(deps: Deps, actor: Actor, *, wanted: NewInvitation) -> Invitation:
    """Invite someone to the actor's organisation, with the record of the identity documents seen.

    Raises:
        InvalidArgumentError: the documents do not suffice, or there is no such language.
        AlreadyExistsError: an invitation of this address waits to be accepted; `invitation_id` says which.
    """
    now = deps.clock.now()
    if wanted.language not in LANGUAGES:
        raise InvalidArgumentError.of(Violation("language", "unknown-value", "must be en or mi"))
    invitation = _new(deps, actor, wanted)
    with deps.database.tenant(actor) as tx:
        judge_sighting(wanted.sighting, store.list_documents(tx, today=local_date(now)))
        _refuse_second(deps, tx, wanted.email, except_for=invitation.id)
        store.insert_invitation(tx, invitation, link_digest=_digest(deps, tx, invitation))
        return command.finish(
            tx,
            invitation,
            entry=Audit("invite-person", invitation.id),
            events=[events.invitation_created(invitation)],
            now=now,
        )


def invite_first_person(deps: Deps, actor: Actor, *, organisation_id: UUID, wanted: NewInvitation) -> Invitation:
    """Invite someone, in the ministry's name, to an organisation where nobody could: accepting gives the first role.

    Raises:
        NotFoundError: there is no such organisation.
        FailedPreconditionError: "ministry", "organisation-suspended"; or "has-first": someone there has the role.
        InvalidArgumentError, AlreadyExistsError: as `invite_person`.
    """
    now = deps.clock.now()
    if wanted.language not in LANGUAGES:
        raise InvalidArgumentError.of(Violation("language", "unknown-value", "must be en or mi"))
    with deps.database.tenant(actor) as tx:
        organisation = organisations.find_organisation(tx, organisation_id)
        if organisation is None:
            raise NotFoundError("organisation")
        judge_sighting(wanted.sighting, store.list_documents(tx, today=local_date(now)))
        with tx.enter_tenant(organisation_id, reason="invite-first-person"):
            role = first_role(tx, organisation, today=local_date(now))
            invitation = _new(deps, actor, wanted, first_role=role)
            _refuse_second(deps, tx, wanted.email, except_for=invitation.id)
            store.insert_invitation(tx, invitation, link_digest=_digest(deps, tx, invitation))
            audit.write(tx, Audit("invite-first-person", invitation.id, role), now=now)
            outbox.append(tx, events.invitation_created(invitation), now=now)
        entry = Audit("invite-first-person", organisation_id, role)
        return command.finish(tx, invitation, entry=entry, events=[], now=now)


def first_role(tx: Transaction, organisation: Organisation, *, today: date) -> str:
    """The role to invite the first person of the present organisation to.

    Raises:
        FailedPreconditionError: "ministry", "organisation-suspended" or "has-first".
    """
    role = FIRST_ROLES.get(organisation.kind)
    if role is None:
        raise FailedPreconditionError("ministry", "The ministry's own people are not invited here.")
    if organisation.is_suspended:
        raise FailedPreconditionError("organisation-suspended", "The organisation is suspended. Resume it first.")
    if any(grant.role == role for _person, grant in held_grants(tx, today=today)):
        raise FailedPreconditionError("has-first", "Someone there has this role already, and can invite others.")
    return role


def resend_invitation(deps: Deps, actor: Actor, *, invitation_id: UUID, email: str) -> Invitation:
    """Send an invitation again with a new link, to another address if `email` is one. The old link dies.

    Raises:
        NotFoundError: the organisation has no such invitation.
        FailedPreconditionError: it was used or withdrawn.
        AlreadyExistsError: another invitation of that address waits to be accepted.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        invitation = _lock(tx, invitation_id).resent(link_id=deps.new_id(), email=email, now=now)
        _refuse_second(deps, tx, invitation.email, except_for=invitation_id)
        store.update_invitation(tx, invitation, link_digest=_digest(deps, tx, invitation))
        return command.finish(
            tx,
            invitation,
            entry=Audit("resend-invitation", invitation_id),
            events=[events.invitation_resent(invitation)],
            now=now,
        )


def resend_first_invitation(
    deps: Deps, actor: Actor, *, organisation_id: UUID, invitation_id: UUID, email: str
) -> Invitation:
    """As `resend_invitation`, in the ministry's name, for one that gives the first role of an organisation.

    Raises:
        NotFoundError: there is no such organisation, or the ministry sent it no such invitation.
        FailedPreconditionError: as `first_role`; or it was used or withdrawn.
        AlreadyExistsError: another invitation of that address waits to be accepted.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        organisation = organisations.find_organisation(tx, organisation_id)
        if organisation is None:
            raise NotFoundError("organisation")
        with tx.enter_tenant(organisation_id, reason="resend-first-invitation"):
            found = _lock_first(tx, invitation_id)
            # Whoever came in since can invite others, and the role it gives is not the ministry's to give any more.
            first_role(tx, organisation, today=local_date(now))
            invitation = found.resent(link_id=deps.new_id(), email=email, now=now)
            _refuse_second(deps, tx, invitation.email, except_for=invitation_id)
            store.update_invitation(tx, invitation, link_digest=_digest(deps, tx, invitation))
            audit.write(tx, Audit("resend-first-invitation", invitation_id, found.first_role), now=now)
            outbox.append(tx, events.invitation_resent(invitation), now=now)
        entry = Audit("resend-first-invitation", organisation_id, found.first_role)
        return command.finish(tx, invitation, entry=entry, events=[], now=now)


def withdraw_first_invitation(deps: Deps, actor: Actor, *, organisation_id: UUID, invitation_id: UUID) -> Invitation:
    """As `withdraw_invitation`, in the ministry's name, for one that gives the first role of an organisation.

    Raises:
        NotFoundError: there is no such organisation, or the ministry sent it no such invitation.
        FailedPreconditionError: it was used.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        if organisations.find_organisation(tx, organisation_id) is None:
            raise NotFoundError("organisation")
        with tx.enter_tenant(organisation_id, reason="withdraw-first-invitation"):
            found = _lock_first(tx, invitation_id)
            if found.state(now) is InvitationState.WITHDRAWN:
                return found
            invitation = found.withdrawn(now)
            store.update_invitation(tx, invitation, link_digest=_digest(deps, tx, invitation))
            audit.write(tx, Audit("withdraw-first-invitation", invitation_id, found.first_role), now=now)
            outbox.append(tx, events.invitation_withdrawn(invitation_id), now=now)
        entry = Audit("withdraw-first-invitation", organisation_id, found.first_role)
        return command.finish(tx, invitation, entry=entry, events=[], now=now)


def withdraw_invitation(deps: Deps, actor: Actor, *, invitation_id: UUID) -> Invitation:
    """Take an invitation back; one that was taken back stays so.

    Raises:
        NotFoundError: the organisation has no such invitation.
        FailedPreconditionError: it was used.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        found = _lock(tx, invitation_id)
        if found.state(now) is InvitationState.WITHDRAWN:
            return found
        invitation = found.withdrawn(now)
        store.update_invitation(tx, invitation, link_digest=_digest(deps, tx, invitation))
        return command.finish(
            tx,
            invitation,
            entry=Audit("withdraw-invitation", invitation_id),
            events=[events.invitation_withdrawn(invitation_id)],
            now=now,
        )


def link_key(deps: Deps, *, tenant_id: UUID, link_id: UUID) -> str:
    """The secret of a link: 256 bits that nobody can make without ASCMS_SECRET, as 43 letters."""
    made = deps.secret.tag("invitation links", str(tenant_id), str(link_id))
    return urlsafe_b64encode(made).decode().rstrip("=")


def _new(deps: Deps, actor: Actor, wanted: NewInvitation, *, first_role: str = "") -> Invitation:
    now = deps.clock.now()
    return Invitation(
        id=deps.new_id(),
        name=wanted.name,
        email=wanted.email,
        language=wanted.language,
        sighting=wanted.sighting,
        invited_by=actor.person_id,
        invited_at=now,
        link_id=deps.new_id(),
        sent_at=now,
        expires_at=now + INVITATION_LASTS,
        first_role=first_role,
    )


def _lock(tx: Transaction, invitation_id: UUID) -> Invitation:
    found = store.lock_invitation(tx, invitation_id)
    if found is None:
        raise NotFoundError("invitation")
    return found


def _lock_first(tx: Transaction, invitation_id: UUID) -> Invitation:
    """One that the ministry sent. Those of the organisation's own authoriser are none of its business."""
    found = _lock(tx, invitation_id)
    if not found.first_role:
        raise NotFoundError("invitation")
    return found


def _digest(deps: Deps, tx: Transaction, invitation: Invitation) -> bytes:
    return digest(link_key(deps, tenant_id=tx.tenant_id, link_id=invitation.link_id))


def _refuse_second(deps: Deps, tx: Transaction, email: str, *, except_for: UUID) -> None:
    store.lock_address(tx, email)
    pending = store.find_pending(tx, email, except_for=except_for, now=deps.clock.now())
    if pending is not None:
        raise AlreadyExistsError(
            "already-invited",
            "An invitation to this address waits to be accepted. Send that one again, or withdraw it.",
            metadata={"invitation_id": str(pending)},
        )
