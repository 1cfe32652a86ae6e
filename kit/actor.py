"""Who is calling: taken from a verified token, never from a request's body."""

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from kit.errors import PermissionDeniedError


class ActorKind(StrEnum):
    """What calls."""

    PERSON = "person"
    MACHINE = "machine"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Actor:
    """The verified caller.

    `tenant_id` is the organisation it acts for and `tenant_kind` what that organisation is. `actor_id` is a person's
    or machine client's id; None for a service, which carries its one `purpose` instead of permissions.
    """

    kind: ActorKind
    tenant_id: UUID
    tenant_kind: str = ""
    actor_id: UUID | None = None
    permissions: frozenset[str] = field(default_factory=frozenset)
    purpose: str = ""
    service: str = ""

    def may(self, permission: str) -> bool:
        """Whether the actor holds a permission."""
        return permission in self.permissions

    def require(self, permission: str) -> None:
        """Raise PermissionDeniedError without a permission."""
        if permission not in self.permissions:
            raise PermissionDeniedError(
                "permission-missing", "Your role does not allow this.", metadata={"permission": permission}
            )

    @property
    def person_id(self) -> UUID:
        """The acting person's or machine's id; raises for a service, which is nobody."""
        if self.actor_id is None:
            raise PermissionDeniedError("person-needed", "Only a person can do this.")
        return self.actor_id


def system_actor(service: str, tenant_id: UUID) -> Actor:
    """The service itself, working for one tenant outside any request: sweeps, consumers, jobs."""
    return Actor(kind=ActorKind.SERVICE, tenant_id=tenant_id, service=service, purpose="system")
