"""The e-mail of a day: what was held for someone becomes one notice, which is sent as every other."""

from uuid import UUID

from kit.actor import Actor
from kit.audit import Audit
from kit.calendar import WorkingDays
from kit.clock import NEW_ZEALAND
from kit.command import finish
from kit.sweeps import clear_deadline
from services.notifications import store
from services.notifications.commands.sending import GATHER_DAILY, Deps, plan_notice, set_daily_deadline
from services.notifications.domain import daily_notice


def gather_daily(deps: Deps, actor: Actor, person_id: UUID) -> None:
    """Put what was held for someone into one e-mail; on a day on which nobody works, wait for the next.

    The sweep's command. Repeated, it finds nothing held; what is held meanwhile waits for the next day.
    """
    working_days = WorkingDays(deps.people.region_of(actor.tenant_id))
    now = deps.clock.now()
    today = now.astimezone(NEW_ZEALAND).date()
    with deps.database.tenant(actor) as tx:
        store.lock_person(tx, person_id)
        clear_deadline(tx, kind=GATHER_DAILY, subject_id=person_id)
        held = store.list_held(tx, person_id)
        if not held:
            return
        if not working_days.is_working_day(today):
            set_daily_deadline(tx, person_id, day=working_days.after(today, 1))
            return
        daily = daily_notice(held[0], now=now)
        plan_notice(tx, daily, now=now)
        store.carry_held(tx, daily)
        finish(tx, None, entry=Audit("gather-daily", daily.notice_id), events=[], now=now)
