"""What identity tells others, as messages: ids and facts."""

from collections.abc import Iterable
from uuid import UUID

from ascms.identity.v1 import events_pb2

from kit.outbox import Event


def organisations_changed(*, register_id: UUID, changed: Iterable[UUID]) -> Event:
    """Organisations were added or changed; keyed by the organisation that keeps the register."""
    ids = sorted(str(organisation_id) for organisation_id in changed)
    return Event(register_id, events_pb2.OrganisationsChanged(organisation_ids=ids))


def role_changed(*, person_id: UUID, role: str, works: bool) -> Event:
    """A role began or ceased to work for a person."""
    return Event(person_id, events_pb2.RoleChanged(person_id=str(person_id), role=role, works=works))
