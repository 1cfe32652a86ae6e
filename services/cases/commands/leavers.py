"""The work of people whose access ended: it falls to nobody, for a lead to hand out.

Nobody is put in a leaver's place without being asked: a case goes back to the state in which it waits for a case
manager, and a task waits for an owner. Both stand in the lead's lists until they are handed out.
"""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from prometheus_client import Counter, Gauge

from kit import audit
from kit.actor import Actor
from kit.audit import Audit
from kit.clock import local_date
from kit.command import finish
from kit.sweeps import clear_deadline, keep_deadline
from services.cases import domain, events
from services.cases.commands.deadlines import OWNERS_DEADLINE
from services.cases.commands.deps import Deps
from services.cases.directory import CASE_MANAGER, WORKFLOW_LEAD
from services.cases.owners import Owners
from services.cases.store import cases, counts, leavers, tasks

CHECK_EVERY = timedelta(seconds=35)
"""With the sweep's interval this stays below the minute that work may be with someone who has left."""
_BATCH = 100
_RELEASED = Counter(
    "ascms_work_released", "Cases and tasks that fell to nobody, as their owner had no access", ["what"]
)
_DEPARTED = Gauge("ascms_departed_owners", "Owners of open work without access that the last check of a provider found")


def release_work(deps: Deps, owners: Owners, actor: Actor, provider_id: UUID) -> None:
    """Take open work from everyone at a provider whose access does not work, and look again soon.

    A deadline's command, safe to repeat: what identity says now counts, not what an event said. `actor` is the system
    in the provider's tenant.
    """
    with deps.database.tenant(actor) as tx:
        managers = leavers.list_case_managers(tx)
        task_owners = leavers.list_task_owners(tx)
    working = owners.working_roles(actor.tenant_id, {*managers, *task_owners})
    # A case needs a case manager; a task may be a lead's own.
    without_cases = [person for person in managers if not _holds(working, person, CASE_MANAGER)]
    without_tasks = [person for person in task_owners if not _holds(working, person, CASE_MANAGER, WORKFLOW_LEAD)]
    _DEPARTED.set(len({*without_cases, *without_tasks}))
    for person_id in without_cases:
        while _release_cases(deps, actor, person_id) == _BATCH:
            pass
    for person_id in without_tasks:
        while _release_tasks(deps, actor, person_id) == _BATCH:
            pass
    with deps.database.tenant(actor) as tx:
        clear_deadline(tx, kind=OWNERS_DEADLINE, subject_id=provider_id)
        due_at = deps.clock.now() + CHECK_EVERY
        keep_deadline(tx, kind=OWNERS_DEADLINE, subject_id=provider_id, due_at=due_at)


def _holds(working: Mapping[UUID, frozenset[str]], person_id: UUID, *roles: str) -> bool:
    return not working.get(person_id, frozenset()).isdisjoint(roles)


def _release_cases(deps: Deps, actor: Actor, person_id: UUID) -> int:
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        found = cases.lock_open_of(tx, person_id, most=_BATCH)
        if not found:
            return 0
        moves = [(case, domain.cases.release(case)) for case in found]
        for before, after in moves:
            cases.update_case(tx, after)
            audit.write(tx, Audit("release-case", before.id), now=now)
        counts.move_cases(tx, moves)
        told = [events.case_released(before, released_on=local_date(now)) for before, _after in moves]
        _RELEASED.labels("case").inc(len(found))
        return finish(tx, len(found), entry=Audit("release-cases", person_id), events=told, now=now)


def _release_tasks(deps: Deps, actor: Actor, person_id: UUID) -> int:
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        found = tasks.lock_open_of(tx, person_id, most=_BATCH)
        if not found:
            return 0
        for task in found:
            tasks.update_task(tx, domain.tasks.release(task))
            audit.write(tx, Audit("release-task", task.id), now=now)
        told = [events.task_released(task) for task in found]
        _RELEASED.labels("task").inc(len(found))
        return finish(tx, len(found), entry=Audit("release-tasks", person_id), events=told, now=now)
