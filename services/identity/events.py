"""What identity tells others, as messages: ids and facts."""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from ascms.identity.v1 import events_pb2

from kit.outbox import Event
from services.identity.domain import Organisation, OrganisationKind
from services.identity.domain.access import Training
from services.identity.domain.invitations import Invitation


def organisations_changed(*, register_id: UUID, changed: Iterable[Organisation]) -> Event:
    """Organisations were added or changed; keyed by the organisation that keeps the register."""
    changed = sorted(changed, key=lambda item: str(item.id))
    message = events_pb2.OrganisationsChanged(
        organisation_ids=[str(item.id) for item in changed],
        provider_ids=[str(item.id) for item in changed if item.kind is OrganisationKind.PROVIDER],
        suspended_ids=[str(item.id) for item in changed if item.is_suspended],
    )
    return Event(register_id, message)


def suspension_changed(item: Organisation) -> Event:
    """An organisation was suspended, or is no longer; keyed by it."""
    if not item.is_suspended:
        return Event(item.id, events_pb2.OrganisationResumed(organisation_id=str(item.id)))
    return Event(item.id, events_pb2.OrganisationSuspended(organisation_id=str(item.id), reason=item.suspension_reason))


def role_changed(*, person_id: UUID, role: str, works: bool) -> Event:
    """A role began or ceased to work for a person."""
    return Event(person_id, events_pb2.RoleChanged(person_id=str(person_id), role=role, works=works))


def role_assigned(*, person_id: UUID, role: str, missing: str) -> Event:
    """Someone was given a role."""
    return Event(person_id, events_pb2.RoleAssigned(person_id=str(person_id), role=role, missing=missing))


def role_removed(*, person_id: UUID, role: str, reason: str) -> Event:
    """A role was taken from someone."""
    return Event(person_id, events_pb2.RoleRemoved(person_id=str(person_id), role=role, reason=reason))


def training_invited(*, person_id: UUID, course: str) -> Event:
    """Someone is to be invited to a training."""
    return Event(person_id, events_pb2.TrainingInvited(person_id=str(person_id), course=course))


def training_recorded(*, person_id: UUID, training: Training) -> Event:
    """Someone completed a training."""
    return Event(
        person_id,
        events_pb2.TrainingRecorded(
            person_id=str(person_id),
            course=training.course,
            completed_on=training.completed_on.isoformat(),
            expires_on=training.expires_on.isoformat() if training.expires_on is not None else "",
        ),
    )


def training_ending(*, person_id: UUID, course: str, ends_on: date, days_left: int) -> Event:
    """A training that someone's roles need ends soon."""
    return Event(
        person_id,
        events_pb2.TrainingEnding(
            person_id=str(person_id), course=course, ends_on=ends_on.isoformat(), days_left=days_left
        ),
    )


def training_lapsed(*, person_id: UUID, course: str, ended_on: date, roles: Iterable[str]) -> Event:
    """A training that someone's roles need has ended."""
    return Event(
        person_id,
        events_pb2.TrainingLapsed(
            person_id=str(person_id), course=course, ended_on=ended_on.isoformat(), roles=sorted(roles)
        ),
    )


def access_ended(*, person_id: UUID, roles: Iterable[str], reason: str) -> Event:
    """All of someone's access to an organisation ended."""
    return Event(person_id, events_pb2.AccessEnded(person_id=str(person_id), roles=sorted(roles), reason=reason))


def attestation_due(*, person_id: UUID, due_on: date, is_overdue: bool) -> Event:
    """It is time to say whether someone still needs their access."""
    return Event(
        person_id,
        events_pb2.AttestationDue(person_id=str(person_id), due_on=due_on.isoformat(), overdue=is_overdue),
    )


def access_attested(*, person_id: UUID, due_on: date) -> Event:
    """Someone still needs their access, until a day."""
    return Event(person_id, events_pb2.AccessAttested(person_id=str(person_id), due_on=due_on.isoformat()))


def access_rested(*, person_id: UUID, roles: Iterable[str], last_active_on: date | None) -> Event:
    """Someone's roles rest: they did not sign in for long."""
    day = last_active_on.isoformat() if last_active_on is not None else ""
    return Event(
        person_id,
        events_pb2.AccessRested(person_id=str(person_id), roles=sorted(roles), last_active_on=day),
    )


def access_woken(*, person_id: UUID, roles: Iterable[str]) -> Event:
    """Someone's roles rest no more."""
    return Event(person_id, events_pb2.AccessWoken(person_id=str(person_id), roles=sorted(roles)))


def invitation_created(item: Invitation) -> Event:
    """Someone was invited: the link's id, never its secret."""
    return Event(item.id, events_pb2.InvitationCreated(invitation_id=str(item.id), link_id=str(item.link_id)))


def invitation_resent(item: Invitation) -> Event:
    """An invitation has a new link."""
    return Event(item.id, events_pb2.InvitationResent(invitation_id=str(item.id), link_id=str(item.link_id)))


def invitation_withdrawn(invitation_id: UUID) -> Event:
    """An invitation was taken back."""
    return Event(invitation_id, events_pb2.InvitationWithdrawn(invitation_id=str(invitation_id)))


def invitation_accepted(*, invitation_id: UUID, person_id: UUID) -> Event:
    """An invitation was accepted by someone."""
    return Event(
        invitation_id, events_pb2.InvitationAccepted(invitation_id=str(invitation_id), person_id=str(person_id))
    )


def passphrase_reset_asked(*, person_id: UUID, link_id: UUID) -> Event:
    """Someone is to be sent a link to choose a new passphrase by: the link's id, never its secret."""
    return Event(person_id, events_pb2.PassphraseResetAsked(person_id=str(person_id), link_id=str(link_id)))


def passphrase_changed(*, person_id: UUID) -> Event:
    """Someone's passphrase was changed."""
    return Event(person_id, events_pb2.PassphraseChanged(person_id=str(person_id)))
