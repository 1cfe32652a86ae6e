"""Register files: looked at first, applied as they were looked at. A plan holds the file and what it would do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from kit import command
from kit.actor import Actor
from kit.audit import Audit
from kit.db import Transaction
from kit.errors import FailedPreconditionError, NotFoundError
from services.identity import events
from services.identity.commands.deps import Deps
from services.identity.commands.register import write_register
from services.identity.domain import register as rules
from services.identity.domain.register import Difference
from services.identity.organisations import RegisterSource, read_register_file
from services.identity.store import organisations as store
from services.identity.store import plans
from services.identity.store.plans import LinedDifference, Plan
from services.identity.yamlfile import Fault, FileFaultsError

PLAN_LASTS = timedelta(days=1)
MOST_CHANGES = 1_000
"""Differences that a plan keeps to be shown. It applies all of them."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What became of a file: a plan, or everything that is wrong with it."""

    plan: Plan | None
    faults: Sequence[Fault] = ()


def plan_register(deps: Deps, actor: Actor, *, content: bytes) -> Planned:
    """Keep what a register file would change, for a day. A file with faults is not kept."""
    now = deps.clock.now()
    try:
        source = read_register_file(content)
    except FileFaultsError as error:
        return Planned(None, error.faults)
    with deps.database.tenant(actor) as tx:
        before = store.whole_register(tx)
        faults = impossible(source, before)
        if faults:
            return Planned(None, faults)
        found = lined(source, rules.differences(before, source.register))
        plan = Plan(
            id=deps.new_id(),
            register_version=before.version,
            differences=found[:MOST_CHANGES],
            change_count=len(found),
            planned_by=actor.actor_id,
            planned_at=now,
            expires_at=now + PLAN_LASTS,
        )
        plans.insert_plan(tx, plan, content=content)
        return command.finish(tx, Planned(plan), entry=Audit("plan-register", plan.id), events=[], now=now)


def apply_register(deps: Deps, actor: Actor, *, plan_id: UUID) -> int:
    """Make the differences of a plan, all of them or none; how many there were.

    Raises:
        NotFoundError: there is no such plan, or it is older than a day.
        FailedPreconditionError: "plan-applied", or "register-changed" since the plan was made.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        content = plans.find_content(tx, plan_id)
    if content is None:
        raise NotFoundError("plan")
    after = read_register_file(content).register
    with deps.database.special("registry", actor=actor) as tx:
        store.lock_register(tx)
        before = store.whole_register(tx)
        with tx.enter_tenant(actor.tenant_id, reason="apply-register"):
            plan = _lock(tx, plan_id, now=now)
        if before.version != plan.register_version:
            raise FailedPreconditionError(
                "register-changed", "The register changed since this file was looked at. Send the file again."
            )
        change = write_register(tx, before, after, now=now)
        with tx.enter_tenant(actor.tenant_id, reason="apply-register"):
            plans.mark_applied(tx, plan_id, now=now)
            told = [events.organisations_changed(register_id=actor.tenant_id, changed=change.organisations)]
            entry = Audit("apply-register", plan_id)
            return command.finish(tx, plan.change_count, entry=entry, events=[] if change.is_empty else told, now=now)


def impossible(source: RegisterSource, before: rules.Register) -> list[Fault]:
    """What a file asks that no change may do, as faults of the file."""
    return [
        Fault(source.line(place), "organisations", rule, words)
        for place, rule, words in rules.missing_or_changed_kind(before, source.register)
    ]


def lined(source: RegisterSource, found: Sequence[Difference]) -> list[LinedDifference]:
    """Differences with their lines, as the file reads; what it no longer holds comes last."""
    with_lines = [LinedDifference(item, source.line(item.place)) for item in found]
    return sorted(with_lines, key=lambda item: item.line or len(source.lines) * 10_000)


def _lock(tx: Transaction, plan_id: UUID, *, now: datetime) -> Plan:
    plan = plans.lock_plan(tx, plan_id)
    if plan is None or plan.expires_at <= now:
        raise NotFoundError("plan")
    if plan.applied_at is not None:
        raise FailedPreconditionError("plan-applied", "This file was applied already.")
    return plan
