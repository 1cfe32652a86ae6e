"""Roles, what each permits, where it can be held, and what a service may ask for outside a request.

Deny by default: what does not stand here is not allowed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from services.identity.domain import HeldRole, OrganisationKind, RoleGrant


@dataclass(frozen=True, slots=True)
class Role:
    """What a role permits, at which kind of organisation, and whether it works only with valid training."""

    kind: OrganisationKind
    permissions: frozenset[str]
    course: str = ""
    """The course whose completion it waits for; empty for a role that needs none."""
    is_for_machines: bool = False

    @property
    def needs_training(self) -> bool:
        """Whether it works only with valid training."""
        return bool(self.course)


COURSES: Mapping[OrganisationKind, str] = MappingProxyType(
    {OrganisationKind.PROVIDER: "attendance-service", OrganisationKind.MINISTRY: "ministry-staff"}
)
"""The course that the roles of a kind of organisation need. Those of schools need none."""


def _role(kind: OrganisationKind, *permissions: str) -> Role:
    return Role(kind, frozenset(permissions), COURSES.get(kind, ""))


ROLES: Mapping[str, Role] = MappingProxyType(
    {
        "workflow_lead": _role(
            OrganisationKind.PROVIDER,
            "cases:read",
            "cases:read-all",
            "cases:open",
            "cases:assign",
            "cases:record",
            "cases:close",
            "letters:approve",
            "requests:answer",
            "students:search",
            "people:read",
            "figures:provider",
            "returns:submit",
        ),
        "case_manager": _role(
            OrganisationKind.PROVIDER, "cases:read", "cases:record", "cases:close", "students:search"
        ),
        "delegated_authoriser": _role(OrganisationKind.PROVIDER, "people:read", "people:invite", "people:authorise"),
        "attendance_lead": _role(
            OrganisationKind.SCHOOL,
            "requests:submit",
            "requests:read-all",
            "cases:read-shared",
            "cases:read-shared-all",
            "students:search",
        ),
        "office_support": _role(OrganisationKind.SCHOOL, "requests:submit", "students:search"),
        "primary_contact": _role(OrganisationKind.SCHOOL, "cases:read-shared"),
        "ministry_analyst": _role(OrganisationKind.MINISTRY, "figures:national", "returns:overview"),
        "ministry_admin": _role(
            OrganisationKind.MINISTRY,
            "organisations:read",
            "organisations:manage",
            "guidance:edit",
            "returns:overview",
            "returns:accept",
        ),
        "service_desk": _role(OrganisationKind.MINISTRY, "access:find"),
        "training_system": Role(OrganisationKind.MINISTRY, frozenset({"training:record"}), is_for_machines=True),
        "enrolment_register": Role(OrganisationKind.MINISTRY, frozenset({"requests:notify"}), is_for_machines=True),
    }
)

CONTACT_ROLES = ("primary_contact", "attendance_lead")
"""Roles at a school whose holders can be the contact for a case."""

CEILINGS: Mapping[str, frozenset[str]] = MappingProxyType(
    {"delegated_authoriser": frozenset({"workflow_lead", "case_manager", "delegated_authoriser"})}
)
"""Role → the roles that whoever holds it may give and take away at their own organisation."""

ATTESTED_KINDS = frozenset(ROLES[role].kind for role in CEILINGS)
"""Where someone gives access to others, and says once a year whether it is still needed."""

SERVICE_PURPOSES: Mapping[tuple[str, str], frozenset[str]] = MappingProxyType(
    {
        ("cases", "check-owners"): frozenset({"people:read"}),
        ("notifications", "send-notices"): frozenset({"people:read"}),
        ("notifications", "send-invitations"): frozenset(),
        ("notifications", "send-passphrases"): frozenset(),
        ("reporting", "name-organisations"): frozenset(),
        ("documents", "check-case"): frozenset(),
        ("documents", "render-letters"): frozenset(),
    }
)
"""(service, purpose) → permissions of the token. A pair that is not here gets no token."""


def held_roles(grants: Iterable[RoleGrant], *, kind: OrganisationKind, today: date) -> list[HeldRole]:
    """The roles someone has at an organisation of a kind today, by code, with what keeps each from working."""
    return sorted(
        (HeldRole(grant.role, missing_of(grant, kind=kind, today=today)) for grant in grants if grant.is_held(today)),
        key=lambda held: held.role,
    )


def missing_of(grant: RoleGrant, *, kind: OrganisationKind, today: date) -> str:
    """What keeps a held grant from working today; empty when it works.

    "organisation": not a role of such an organisation; "start": it begins later; "resting": nobody used it for long;
    "training": never completed; "training-lapsed": completed, and over.
    """
    role = ROLES.get(grant.role)
    if role is None or role.kind is not kind or role.is_for_machines:
        return "organisation"
    if today < grant.period.starts_on:
        return "start"
    if grant.rested_at is not None:
        return "resting"
    return _training_missing(grant, today) if role.needs_training else ""


def _training_missing(grant: RoleGrant, today: date) -> str:
    if grant.trained_on is None or today < grant.trained_on:
        return "training"
    if grant.training_ends_on is not None and grant.training_ends_on < today:
        return "training-lapsed"
    return ""


def permissions_of(roles: Iterable[HeldRole]) -> frozenset[str]:
    """What the working ones among held roles permit together."""
    return frozenset(permission for held in roles if held.works for permission in ROLES[held.role].permissions)


def ceiling_of(roles: Iterable[HeldRole]) -> frozenset[str]:
    """The roles that someone may give and take away with those of their own that work."""
    return frozenset(role for held in roles if held.works for role in CEILINGS.get(held.role, ()))


def machine_permissions(roles: Iterable[str], *, kind: OrganisationKind) -> frozenset[str]:
    """What a machine client's roles permit at its organisation. Machines are not trained."""
    return frozenset(
        permission
        for code in roles
        if code in ROLES and ROLES[code].kind is kind
        for permission in ROLES[code].permissions
    )
