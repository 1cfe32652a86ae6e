"""The register of organisations and catchments: all of it at once, or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from kit import command
from kit.actor import system_actor
from kit.audit import Audit
from kit.errors import InvalidArgumentError, Violation
from services.identity import events
from services.identity.commands.deps import Deps
from services.identity.domain import Catchment, CatchmentSchool, Organisation, OrganisationKind
from services.identity.store import organisations as store


@dataclass(frozen=True, slots=True)
class Register:
    """Every organisation and catchment there is to be. It holds to the rules of `organisations.read`."""

    organisations: Sequence[Organisation]
    catchments: Sequence[Catchment]
    schools: Sequence[CatchmentSchool]

    @property
    def keeper_id(self) -> UUID:
        """The ministry: the register's changes are audited and told as its."""
        return next(item.id for item in self.organisations if item.kind is OrganisationKind.MINISTRY)


@dataclass(frozen=True, slots=True)
class RegisterChange:
    """What applying a register did."""

    organisation_ids: Sequence[UUID] = ()
    """Organisations added or changed, or whose catchment did."""
    catchments_changed: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether everything was so already."""
        return not self.organisation_ids and not self.catchments_changed


def apply_organisations(deps: Deps, register: Register) -> RegisterChange:
    """Make the register what the file says. Applying the same again changes nothing, and tells nobody.

    Raises:
        InvalidArgumentError: an organisation would vanish or become another kind; every such fault is named.
    """
    now = deps.clock.now()
    actor = system_actor("identity", register.keeper_id)
    with deps.database.special("registry", actor=actor) as tx:
        store.lock_register(tx)
        before = {item.id: item for item in store.all_organisations(tx)}
        _refuse_impossible(before, register)
        changed = [item for item in register.organisations if before.get(item.id) != item]
        old_catchments, old_schools = store.all_catchments(tx)
        touched = _touched(old_catchments, register.catchments) | _touched_schools(old_schools, register.schools)
        change = RegisterChange(
            organisation_ids=sorted({item.id for item in changed} | touched),
            catchments_changed=bool(touched) or set(old_catchments) != set(register.catchments),
        )
        if change.is_empty:
            return change
        for item in changed:
            store.put_organisation(tx, item, now=now)
        if change.catchments_changed:
            store.replace_catchments(tx, register.catchments, register.schools)
        with tx.enter_tenant(register.keeper_id, reason="apply-organisations"):
            told = events.organisations_changed(register_id=register.keeper_id, changed=change.organisation_ids)
            entry = Audit("apply-organisations", register.keeper_id)
            return command.finish(tx, change, entry=entry, events=[told], now=now)


def _refuse_impossible(before: dict[UUID, Organisation], register: Register) -> None:
    after = {item.id: item for item in register.organisations}
    violations = [
        Violation("organisations", "missing", f"{known} is known and must stay; to end its access set suspended: true")
        for known in before
        if known not in after
    ]
    violations += [
        Violation("organisations", "kind-changed", f"{known} is a {item.kind} and cannot become another kind")
        for known, item in before.items()
        if known in after and after[known].kind is not item.kind
    ]
    if violations:
        raise InvalidArgumentError.of(*violations)


def _touched(before: Sequence[Catchment], after: Sequence[Catchment]) -> set[UUID]:
    return {item.provider_id for item in set(before) ^ set(after)}


def _touched_schools(before: Sequence[CatchmentSchool], after: Sequence[CatchmentSchool]) -> set[UUID]:
    return {item.school_id for item in set(before) ^ set(after)}
