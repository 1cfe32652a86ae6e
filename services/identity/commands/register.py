"""The register of organisations and catchments: one change at a time, each told and audited in the ministry's name.

Every verb reads the register, lets the domain make another of it, and writes what differs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TypeVar
from uuid import UUID

from kit import audit, command, outbox
from kit.actor import Actor, system_actor
from kit.audit import Audit
from kit.db import Transaction
from kit.errors import InvalidArgumentError, StaleVersionError, Violation
from services.identity import events
from services.identity.commands.deps import Deps
from services.identity.domain import Catchment, Organisation, OrganisationKind, Period
from services.identity.domain import register as rules
from services.identity.domain.register import Register, SuspensionReason, version_of
from services.identity.store import organisations as store

Edit = Callable[[Register], Register]
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class RegisterChange:
    """What applying a register did."""

    organisations: Sequence[Organisation] = ()
    """Organisations added or changed, or whose catchment did, as they are now."""
    catchments_changed: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether everything was so already."""
        return not self.organisations and not self.catchments_changed


def apply_organisations(deps: Deps, register: Register) -> RegisterChange:
    """Make the register what a file says. Applying the same again changes nothing, and tells nobody.

    Raises:
        InvalidArgumentError: an organisation would vanish or become another kind; every such fault is named.
    """
    now = deps.clock.now()
    actor = system_actor("identity", register.keeper_id)
    with deps.database.special("registry", actor=actor) as tx:
        store.lock_register(tx)
        before = store.whole_register(tx)
        change = write_register(tx, before, register, now=now)
        if change.is_empty:
            return change
        with tx.enter_tenant(register.keeper_id, reason="apply-organisations"):
            told = events.organisations_changed(register_id=register.keeper_id, changed=change.organisations)
            entry = Audit("apply-organisations", register.keeper_id)
            return command.finish(tx, change, entry=entry, events=[told], now=now)


def tell_organisations(deps: Deps, actor: Actor) -> int:
    """Tell every organisation of the register again, for those who did not listen when it was told; how many."""
    now = deps.clock.now()
    with deps.database.special("registry", actor=actor) as tx:
        store.lock_register(tx)
        everyone = store.whole_register(tx).organisations
        with tx.enter_tenant(actor.tenant_id, reason="tell-organisations"):
            told = events.organisations_changed(register_id=actor.tenant_id, changed=everyone)
            entry = Audit("tell-organisations", actor.tenant_id)
            return command.finish(tx, len(everyone), entry=entry, events=[told], now=now)


def write_register(tx: Transaction, before: Register, after: Register, *, now: datetime) -> RegisterChange:
    """Queue everything in which the register is to change, and tell organisations of their own suspension.

    Raises:
        InvalidArgumentError: an organisation would vanish or become another kind.
    """
    violations = [
        Violation("organisations", rule, words) for _place, rule, words in rules.missing_or_changed_kind(before, after)
    ]
    if violations:
        raise InvalidArgumentError.of(*violations)
    old = {item.id: item for item in before.organisations}
    for item in after.organisations:
        known = old.get(item.id)
        if known != item:
            store.put_organisation(tx, _dated(item, known, now=now), now=now)
    store.write_catchments(tx, before, after)
    for item in after.organisations:
        known = old.get(item.id)
        if item.is_suspended != (known is not None and known.is_suspended):
            _tell_suspension(tx, _dated(item, known, now=now), now=now)
    touched = rules.touched(before, after)
    return RegisterChange(
        organisations=[item for item in after.organisations if item.id in touched],
        catchments_changed=set(before.catchments) != set(after.catchments) or set(before.schools) != set(after.schools),
    )


def _dated(item: Organisation, known: Organisation | None, *, now: datetime) -> Organisation:
    """An organisation with since when and why it is suspended, where a file says only that it is."""
    if not item.is_suspended or item.suspended_at is not None:
        return item
    if known is not None and known.is_suspended:
        return replace(item, suspended_at=known.suspended_at, suspension_reason=known.suspension_reason)
    return replace(item, suspended_at=now, suspension_reason=SuspensionReason.REGISTER_FILE.value)


def _tell_suspension(tx: Transaction, item: Organisation, *, now: datetime) -> None:
    """The organisation's own side of it: its audit trail says who shut it out, and its events that it is."""
    verb = "suspend-organisation" if item.is_suspended else "resume-organisation"
    with tx.enter_tenant(item.id, reason=verb):
        audit.write(tx, Audit(verb, item.id, item.suspension_reason), now=now)
        outbox.append(tx, events.suspension_changed(item), now=now)


# ---- single changes, by a ministry administrator


def add_organisation(deps: Deps, actor: Actor, *, item: Organisation) -> Organisation:
    """Add a provider or a school. Raises as `domain.register.add_organisation`."""
    return _change_one(
        deps,
        actor,
        item.id,
        lambda register: rules.add_organisation(register, item),
        entry=Audit("add-organisation", item.id),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationFacts:
    """What may change of an organisation."""

    name: str
    school_number: str
    region: str


def change_organisation(
    deps: Deps, actor: Actor, *, organisation_id: UUID, facts: OrganisationFacts, expected_version: int
) -> Organisation:
    """Change the facts of an organisation. Raises as `domain.register.change_organisation`, and StaleVersionError."""

    def edit(register: Register) -> Register:
        known = register.organisation(organisation_id)
        _expect(expected_version, version_of(known))
        changed = replace(known, name=facts.name, school_number=facts.school_number, region=facts.region)
        return rules.change_organisation(register, changed)

    return _change_one(deps, actor, organisation_id, edit, entry=Audit("change-organisation", organisation_id))


def suspend_organisation(deps: Deps, actor: Actor, *, organisation_id: UUID, reason: SuspensionReason) -> Organisation:
    """Shut everyone of an organisation out: their next exchange of a token is refused, and those out live a minute.

    Raises:
        NotFoundError, FailedPreconditionError: as `domain.register.suspend_organisation`.
    """
    now = deps.clock.now()
    return _change_one(
        deps,
        actor,
        organisation_id,
        lambda register: rules.suspend_organisation(register, organisation_id, reason=reason, now=now),
        entry=Audit("suspend-organisation", organisation_id, reason.value),
    )


def resume_organisation(deps: Deps, actor: Actor, *, organisation_id: UUID) -> Organisation:
    """Let everyone in again."""
    return _change_one(
        deps,
        actor,
        organisation_id,
        lambda register: rules.resume_organisation(register, organisation_id),
        entry=Audit("resume-organisation", organisation_id),
    )


def add_catchment(deps: Deps, actor: Actor, *, item: Catchment) -> tuple[Register, str]:
    """Add a catchment; the register with it, and its code. Raises as `domain.register.add_catchment`."""
    entry = Audit("add-catchment", actor.tenant_id, item.code)
    return _change(
        deps, actor, lambda register: rules.add_catchment(register, item), entry=entry, result=lambda r: (r, item.code)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CatchmentFacts:
    """What to change of a catchment: another provider from a day on, a last day, or neither."""

    name: str
    provider_id: UUID | None = None
    provider_from: date | None = None
    ends_on: date | None = None


def change_catchment(
    deps: Deps, actor: Actor, *, code: str, facts: CatchmentFacts, expected_version: int
) -> tuple[Register, str]:
    """Change a catchment; the register with it, and its code.

    Raises:
        StaleVersionError: it is not as it was looked at.
        InvalidArgumentError, NotFoundError: as the verbs of `domain.register`.
    """
    if (facts.provider_id is None) != (facts.provider_from is None):
        field = "provider_from" if facts.provider_from is None else "provider_id"
        raise InvalidArgumentError.of(
            Violation(field, "required", "a provider needs its first day, and a day its provider")
        )

    def edit(register: Register) -> Register:
        _expect(expected_version, catchment_version(register, code))
        changed = rules.rename_catchment(register, code, facts.name)
        if facts.provider_id is not None and facts.provider_from is not None:
            changed = rules.change_provider(changed, code, provider_id=facts.provider_id, from_on=facts.provider_from)
        return changed if facts.ends_on is None else rules.end_catchment(changed, code, ends_on=facts.ends_on)

    entry = Audit("change-catchment", actor.tenant_id, code)
    return _change(deps, actor, edit, entry=entry, result=lambda register: (register, code))


def place_school(deps: Deps, actor: Actor, *, school_id: UUID, code: str, starts_on: date) -> tuple[Register, UUID]:
    """Put a school into a catchment from a day on, or into none; the register then, and the school.

    Raises:
        NotFoundError, InvalidArgumentError: as `domain.register.place_school`.
    """
    return _change(
        deps,
        actor,
        lambda register: rules.place_school(register, school_id, code=code, starts_on=starts_on),
        entry=Audit("place-school", school_id, code),
        result=lambda register: (register, school_id),
    )


def catchment_version(register: Register, code: str) -> int:
    """The version of a catchment: its periods and the places of its schools."""
    own = sorted((item for item in register.schools if item.catchment_code == code), key=repr)
    return version_of(*register.periods(code), *own)


def _expect(expected: int, actual: int) -> None:
    if expected not in (0, actual):
        raise StaleVersionError(expected=expected, actual=actual)


def _change_one(deps: Deps, actor: Actor, organisation_id: UUID, edit: Edit, *, entry: Audit) -> Organisation:
    """Run a change of one organisation; the organisation as it is then."""
    return _change(deps, actor, edit, entry=entry, result=lambda register: register.organisation(organisation_id))


def _change(deps: Deps, actor: Actor, edit: Edit, *, entry: Audit, result: Callable[[Register], Result]) -> Result:
    """Run one change; what changes nothing is not told. `result` is asked of the register as it is then."""
    now = deps.clock.now()
    with deps.database.special("registry", actor=actor) as tx:
        store.lock_register(tx)
        before = store.whole_register(tx)
        after = edit(before)
        change = write_register(tx, before, after, now=now)
        if change.is_empty:
            return result(after)
        with tx.enter_tenant(actor.tenant_id, reason=entry.action):
            told = events.organisations_changed(register_id=actor.tenant_id, changed=change.organisations)
            return command.finish(tx, result(after), entry=entry, events=[told], now=now)


def new_organisation(deps: Deps, *, kind: OrganisationKind, facts: OrganisationFacts) -> Organisation:
    """An organisation with an id of its own."""
    return Organisation(deps.new_id(), kind, facts.name, facts.school_number, facts.region)


def new_catchment(*, code: str, name: str, provider_id: UUID, starts_on: date) -> Catchment:
    """A catchment from a day on, without end."""
    return Catchment(code, name, provider_id, Period(starts_on))
