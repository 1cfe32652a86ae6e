"""What the jobs and sweeps of notifications do. Each runs at least once, looks at the facts first, and ends them once.

Sending is two transactions with the mail server between them: a process that dies in between, after the server took
the message, sends it a second time when the lease of its attempt has ended. Both have one Message-ID.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from email.message import EmailMessage
from uuid import UUID

from prometheus_client import Counter

from kit import jobs, log
from kit.actor import Actor
from kit.audit import Audit
from kit.clock import NEW_ZEALAND, Clock
from kit.command import finish
from kit.db import Database, Transaction
from kit.sweeps import clear_deadline, has_deadline, set_deadline
from services.notifications import store
from services.notifications.domain import (
    CHASE_AFTER,
    DAILY_AT,
    LEAD,
    NO_CONTACT,
    PASSPHRASES,
    ROLES,
    UNTRAINED,
    DeliveryState,
    Notice,
    NoticeKind,
    Plan,
    delivery_of,
    next_daily_day,
    notice_of,
)
from services.notifications.mails import Letterhead, compose, compose_daily, compose_invitation, compose_passphrase
from services.notifications.people import People
from services.notifications.senders import Sender, SendError

SEND_NOTICE = "send-notice"
"""Name of a job, and of the deadline that watches over it."""
CARRY_OUT_PLAN = "carry-out-plan"
GATHER_DAILY = "gather-daily"
"""Name of the deadline at which someone's e-mail of a day is put together: `daily.gather_daily`."""

_ENDED = Counter("ascms_notices_ended", "Notices sent, or given up", ["state"])
_LATE = Counter("ascms_notices_late", "Times a notice or plan was found waiting for longer than it may", ["kind"])
_TO_NOBODY = Counter("ascms_notices_to_nobody", "Things to tell for which nobody was found")
# Told from the start: an alert cannot see something rise from nothing.
for _state in DeliveryState:
    _ENDED.labels(_state.value)
for _kind in (SEND_NOTICE, CARRY_OUT_PLAN):
    _LATE.labels(_kind)


@dataclass(frozen=True)
class Deps:
    """What the commands work with."""

    database: Database
    clock: Clock
    people: People
    sender: Sender
    letterhead: Letterhead


def plan_notice(tx: Transaction, notice: Notice, *, now: datetime) -> None:
    """Queue a notice as its reader wants it, in a transaction that is open.

    At once: with its job and the deadline that watches over both. In the e-mail of a day: held, with the deadline at
    which that is put together. Otherwise it stands on the page, and nothing more is to be done.
    """
    chosen = None
    if notice.person_id is not None:
        chosen = store.preferences.find_delivery(tx, notice.person_id, notice.kind)
    notice = notice.delivered(delivery_of(notice.kind, chosen), now)
    if notice.state is DeliveryState.HELD:
        assert notice.person_id is not None, "only people have preferences"
        store.lock_person(tx, notice.person_id)
        if not has_deadline(tx, kind=GATHER_DAILY, subject_id=notice.person_id):
            set_daily_deadline(tx, notice.person_id, day=next_daily_day(now.astimezone(NEW_ZEALAND)))
    store.insert_notice(tx, notice)
    if notice.state is DeliveryState.PLANNED:
        _set_going(tx, SEND_NOTICE, notice.notice_id, now=now)


def set_daily_deadline(tx: Transaction, person_id: UUID, *, day: date) -> None:
    """Queue the deadline at which someone's e-mail of a day is put together."""
    due_at = datetime.combine(day, DAILY_AT, NEW_ZEALAND)
    set_deadline(tx, kind=GATHER_DAILY, subject_id=person_id, due_at=due_at)


def plan_notices(tx: Transaction, plan: Plan, *, now: datetime) -> None:
    """Queue a plan to tell people who have yet to be asked for, in a transaction that is open.

    Nothing where it is there already: several events may make one plan.
    """
    if store.find_plan(tx, plan.plan_id) is not None:
        return
    store.insert_plan(tx, plan)
    _set_going(tx, CARRY_OUT_PLAN, plan.plan_id, now=now)


def carry_out_plan(deps: Deps, actor: Actor, *, plan_id: UUID) -> None:
    """Ask identity who is to be told, and plan a notice for each."""
    with deps.database.tenant(actor) as tx:
        plan = store.find_plan(tx, plan_id)
    if plan is None or plan.done_at is not None:
        return
    readers = deps.people.list_holders(actor.tenant_id, ROLES.get(plan.kind, LEAD))
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        plan = store.lock_plan(tx, plan_id)
        if plan is None or plan.done_at is not None:
            return
        for person_id in readers:
            plan_notice(
                tx,
                notice_of(
                    event_id=plan.plan_id,
                    person_id=person_id,
                    kind=plan.kind,
                    subject_id=plan.subject_id,
                    now=now,
                ),
                now=now,
            )
        store.end_plan(tx, plan_id, now=now)
        clear_deadline(tx, kind=CARRY_OUT_PLAN, subject_id=plan_id)
        finish(tx, None, entry=Audit("plan-notices", plan.subject_id, reason=plan.kind), events=[], now=now)
    if not readers:
        _TO_NOBODY.inc()
        log.logger().error("nobody-to-tell", tenant_id=str(actor.tenant_id), plan_id=str(plan_id))


def send_notice(deps: Deps, actor: Actor, *, notice_id: UUID) -> None:
    """Send a notice that is still to be sent. Raises when it is to be tried again."""
    notice = _begin_attempt(deps, actor, notice_id)
    if notice is None:
        return
    try:
        message = _compose(deps, actor, notice)
        if message is None:
            # Who left, or whose role has ceased to work, is told nothing; nor is a link sent that works no more.
            _note(deps, actor, notice_id, lambda planned, now: planned.undeliverable(now, fault=NO_CONTACT))
            return
        deps.sender.send(message)
    except SendError as error:
        fault, is_permanent = error.fault, error.is_permanent
        noted = _note(
            deps,
            actor,
            notice_id,
            lambda planned, now: (
                planned.undeliverable(now, fault=fault) if is_permanent else planned.refused(now, fault=fault)
            ),
        )
        if noted is None or noted.state is DeliveryState.FAILED:
            return
        raise
    except Exception as error:
        fault = type(error).__name__
        _note(deps, actor, notice_id, lambda planned, _: planned.put_off(fault=fault))
        raise
    _note(deps, actor, notice_id, lambda planned, now: planned.sent(now))


def _compose(deps: Deps, actor: Actor, notice: Notice) -> EmailMessage | None:
    """The e-mail of a notice, to whom identity says; None when there is nobody to tell any more."""
    now = deps.clock.now()
    if notice.person_id is None:
        invited = deps.people.find_invited(actor.tenant_id, notice.subject_id)
        return compose_invitation(notice, invited, deps.letterhead, now=now) if invited is not None else None
    if notice.kind in PASSPHRASES:
        link_id = notice.subject_id if notice.kind is NoticeKind.PASSPHRASE_RESET else None
        link = deps.people.find_reset_link(actor.tenant_id, notice.person_id, link_id)
        return compose_passphrase(notice, link, deps.letterhead, now=now) if link is not None else None
    contact = deps.people.find_contact(actor.tenant_id, notice.person_id, is_untrained=notice.kind in UNTRAINED)
    if contact is None:
        return None
    if notice.kind is NoticeKind.DAILY:
        with deps.database.tenant(actor) as tx:
            carried = store.list_carried(tx, notice)
        return compose_daily(notice, carried, contact, deps.letterhead, now=now)
    return compose(notice, contact, deps.letterhead, now=now)


def chase_notice(deps: Deps, actor: Actor, notice_id: UUID) -> None:
    """Set a notice going again that has been waiting for longer than it may."""
    with deps.database.tenant(actor) as tx:
        notice = store.lock_notice(tx, notice_id)
        is_waiting = notice is not None and notice.state is DeliveryState.PLANNED
        _chase(deps, tx, SEND_NOTICE, notice_id, is_waiting=is_waiting)


def chase_plan(deps: Deps, actor: Actor, plan_id: UUID) -> None:
    """Set a plan going again that has been waiting for longer than it may."""
    with deps.database.tenant(actor) as tx:
        plan = store.lock_plan(tx, plan_id)
        _chase(deps, tx, CARRY_OUT_PLAN, plan_id, is_waiting=plan is not None and plan.done_at is None)


def _begin_attempt(deps: Deps, actor: Actor, notice_id: UUID) -> Notice | None:
    """The notice, leased; None when there is nothing to do. Raises ConflictError while another attempt is under way."""
    with deps.database.tenant(actor) as tx:
        notice = store.lock_notice(tx, notice_id)
        if notice is None or notice.state is not DeliveryState.PLANNED:
            return None
        leased = notice.begin_attempt(deps.clock.now())
        store.update_notice(tx, leased)
    return leased


def _note(deps: Deps, actor: Actor, notice_id: UUID, change: Callable[[Notice, datetime], Notice]) -> Notice | None:
    """Write down what became of an attempt; None when the notice has ended otherwise meanwhile."""
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        planned = store.lock_notice(tx, notice_id)
        if planned is None or planned.state is not DeliveryState.PLANNED:
            return None
        notice = change(planned, now)
        store.update_notice(tx, notice)
        if notice.state is not DeliveryState.PLANNED:
            if notice.kind is NoticeKind.DAILY:
                store.end_carried(tx, notice)
            clear_deadline(tx, kind=SEND_NOTICE, subject_id=notice_id)
            finish(tx, None, entry=Audit("end-notice", notice_id, reason=notice.state), events=[], now=now)
    if notice.state is not DeliveryState.PLANNED:
        _ENDED.labels(notice.state.value).inc()
    return notice


def _set_going(tx: Transaction, kind: str, subject_id: UUID, *, now: datetime) -> None:
    set_deadline(tx, kind=kind, subject_id=subject_id, due_at=now + CHASE_AFTER)
    _defer(tx, kind, subject_id)


def _chase(deps: Deps, tx: Transaction, kind: str, subject_id: UUID, *, is_waiting: bool) -> None:
    clear_deadline(tx, kind=kind, subject_id=subject_id)
    if is_waiting:
        _LATE.labels(kind).inc()
        _set_going(tx, kind, subject_id, now=deps.clock.now())


def _defer(tx: Transaction, kind: str, subject_id: UUID) -> None:
    # One that waits for its next try is enough.
    once = f"{kind} {subject_id}"
    if kind == SEND_NOTICE:
        jobs.defer(tx, kind, once=once, notice_id=subject_id)
    else:
        jobs.defer(tx, kind, once=once, plan_id=subject_id)
