"""What identity tells others, as messages: ids and facts."""

from collections.abc import Iterable
from uuid import UUID

from ascms.identity.v1 import events_pb2

from kit.outbox import Event
from services.identity.domain.invitations import Invitation


def organisations_changed(*, register_id: UUID, changed: Iterable[UUID]) -> Event:
    """Organisations were added or changed; keyed by the organisation that keeps the register."""
    ids = sorted(str(organisation_id) for organisation_id in changed)
    return Event(register_id, events_pb2.OrganisationsChanged(organisation_ids=ids))


def role_changed(*, person_id: UUID, role: str, works: bool) -> Event:
    """A role began or ceased to work for a person."""
    return Event(person_id, events_pb2.RoleChanged(person_id=str(person_id), role=role, works=works))


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
