"""Who may call what: the table of every RPC and role, `python -m services.identity.permissions > docs/permissions.md`.

Made from the contracts' access options and from `roles.py`, which between them decide; a test holds the page equal, and
another tries every cell of it on running services.
"""

import importlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from google.protobuf.descriptor import ServiceDescriptor

from kit.rpc.contract import Access, Method, methods
from services.identity.domain import OrganisationKind, Period, RoleGrant
from services.identity.roles import ROLES, SERVICE_PURPOSES, held_roles, permissions_of

SERVICES = ("identity", "cases", "documents", "reporting", "notifications")
STATES = ("active, trained", "active, not trained", "active, training lapsed", "suspended")
SHORT = {
    "workflow_lead": "WL",
    "case_manager": "CM",
    "delegated_authoriser": "DA",
    "attendance_lead": "AL",
    "office_support": "OS",
    "primary_contact": "PC",
    "ministry_analyst": "MA",
    "ministry_admin": "AD",
    "service_desk": "SD",
    "training_system": "TS",
    "enrolment_register": "ER",
}
YES, NO = "yes", "·"
FULL, SIGNED_IN, NOTHING, NEVER = "its column", "signed in", "nothing", "never"

_HEAD = """\
# Who may call what

Made from the contracts and the roles by `python -m services.identity.permissions`; one test keeps it so, another tries
every cell on running services (`tests/e2e/test_permissions.py`). A call that is not allowed is refused before its
request is read.

## What a role is worth

A role works while its organisation is active, it is a role of such an organisation, it has begun, and the training that
it needs is valid. Every exchange of a token reads this anew, so that what changes holds within 60 seconds.

* **its column**: all that has a "yes" there below. **signed in**: only what asks for no more than that. **nothing**: no
  token at all, and the answer says why. **never**: the ministry cannot be suspended. Programs have no training to do.
* Who has several roles has what the working ones permit together.
"""
_RPCS = """
## What each role may call

"signed in" is anyone with a token; "open" needs none, the request carries its own proof; "for services" names the one
purpose of a service's token. What is not "yes" is refused with `permission-missing` or `purpose-needed`.
"""
_INSIDE = """
## What a permission decides inside a call

* `cases:read-all`: every case of the provider; without it the own ones.
* `requests:read-all`: every request and draft of the school; without it the own ones.
* `cases:read-shared-all`: every shared case of the school; without it those that name the caller as contact.
* Who may do something with a case or a request in which state: `docs/states`.
"""


def decides(access: Access, permissions: frozenset[str]) -> bool:
    """Whether a method may be called by a person or program with these permissions and a valid token."""
    if access.permission:
        return access.permission in permissions
    return access.is_signed_in or access.is_open


def worth(role: str) -> tuple[str, ...]:
    """What a role is worth in each of the states, by the rules that every exchange applies."""
    rule, today = ROLES[role], date(2026, 1, 1)
    when_suspended = NEVER if rule.kind is OrganisationKind.MINISTRY else NOTHING
    if rule.is_for_machines:
        return (FULL, FULL, FULL, when_suspended)
    found = []
    for completed_on, ends_on in ((date(2025, 1, 1), None), (None, None), (date(2024, 1, 1), date(2025, 1, 1))):
        grant = RoleGrant(
            role=role,
            period=Period(date(2024, 1, 1), None),
            trained_on=completed_on,
            training_ends_on=ends_on,
        )
        working = permissions_of(held_roles([grant], kind=rule.kind, today=today))
        found.append(FULL if working == rule.permissions else SIGNED_IN)
    return (*found, when_suspended)


def page(services: Iterable[ServiceDescriptor]) -> str:
    """The page, as Markdown."""
    return "".join(f"{line}\n" for line in _lines(services)).rstrip("\n") + "\n"


def contracts() -> list[ServiceDescriptor]:
    """The gRPC service of each service."""
    found = []
    for name in SERVICES:
        module = importlib.import_module(f"ascms.{name}.v1.{name}_pb2")
        found += list(module.DESCRIPTOR.services_by_name.values())
    return found


def _lines(services: Iterable[ServiceDescriptor]) -> Iterator[str]:
    yield from _HEAD.splitlines()
    yield ""
    yield _row("Role", "Short", "At a", *STATES)
    yield _row(*["---"] * (3 + len(STATES)))
    for role, rule in ROLES.items():
        yield _row(f"`{role}`", SHORT[role], rule.kind.value, *worth(role))
    yield from _RPCS.splitlines()
    for service in services:
        yield ""
        yield f"### {service.full_name.split('.')[1]}"
        yield ""
        yield _row("RPC", "REST", "Asks for", *SHORT.values())
        yield _row(*["---"] * (3 + len(SHORT)))
        for method in methods(service):
            cells = [YES if decides(method.access, rule.permissions) else NO for rule in ROLES.values()]
            yield _row(method.descriptor.name, _route(method), _asks_for(method.access), *cells)
    yield ""
    yield "### Services among themselves"
    yield ""
    yield _row("Service", "Purpose", "May call")
    yield _row("---", "---", "---")
    for (name, purpose), permissions in SERVICE_PURPOSES.items():
        called = [
            method.descriptor.name
            for service in contracts()
            for method in methods(service)
            if method.access.purpose == purpose or method.access.permission in permissions
        ]
        yield _row(name, f"`{purpose}`", ", ".join(called) or "what asks for a token only")
    yield from _INSIDE.splitlines()


def _asks_for(access: Access) -> str:
    if access.permission:
        return f"`{access.permission}`"
    if access.purpose:
        return f"for services: `{access.purpose}`"
    return "open" if access.is_open else "signed in"


def _route(method: Method) -> str:
    rule = method.http_rule
    if rule is None:
        return ""
    verb = str(rule.WhichOneof("pattern"))
    return f"`{verb.upper()} {getattr(rule, verb)}`"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def read(text: str) -> tuple[dict[str, Sequence[str]], dict[tuple[str, str], bool]]:
    """The page read back: what each role is worth in each state, and whether (RPC, role) is "yes"."""
    worths: dict[str, Sequence[str]] = {}
    allowed: dict[tuple[str, str], bool] = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if cells[0].strip("`") in ROLES:
            worths[cells[0].strip("`")] = cells[3:]
        elif len(cells) == 3 + len(SHORT) and cells[0] not in ("RPC", "---"):
            for role, cell in zip(ROLES, cells[3:], strict=True):
                allowed[cells[0], role] = cell == YES
    return worths, allowed


if __name__ == "__main__":
    sys.stdout.write(page(contracts()))
