"""What the service desk is shown of someone's access."""

from collections.abc import Sequence
from dataclasses import dataclass

from ascms.identity.v1 import servicedesk_pb2

from services.gateway.organisations.pages import Role, present_role


@dataclass(frozen=True, slots=True)
class Place:
    """An organisation, and the roles someone holds there."""

    name: str
    is_suspended: bool
    roles: Sequence[Role]


@dataclass(frozen=True, slots=True)
class Found:
    """Whose an address is; `name` is empty where it is nobody's."""

    name: str
    is_disabled: bool
    places: Sequence[Place]


def present_found(answer: servicedesk_pb2.FindAccessResponse) -> Found:
    """What was found."""
    return Found(
        name=answer.name,
        is_disabled=answer.is_disabled,
        places=[
            Place(
                place.organisation,
                place.is_suspended,
                [present_role(role.role, works=role.works, missing=role.missing) for role in place.roles],
            )
            for place in answer.places
        ],
    )
