"""A believable provider at size: made-up lives (`lives`), written many at a time, with every counter and watchdog.

Of each life the events are told that figures are made of, each with its own moment: so reporting counts them as if
they had happened then, and notifications, for which they are no news any more, sends nothing. What the audit trail
gets is one line for each batch and organisation: that it was seeded.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from uuid import UUID

from kit import audit, outbox
from kit.actor import system_actor
from kit.audit import Audit
from kit.bulk import BulkTransaction
from kit.clock import NEW_ZEALAND, local_date
from kit.db import Transaction
from kit.sweeps import keep_deadline, set_deadline
from services.cases import domain
from services.cases.commands.deadlines import OWNERS_DEADLINE, WAKE_DEADLINE
from services.cases.commands.deps import Deps
from services.cases.commands.requests import await_answer
from services.cases.commands.tasks import watch_task
from services.cases.domain.cases import Record
from services.cases.domain.entries import TimelineEntry
from services.cases.domain.requests import Request, RequestState
from services.cases.domain.tasks import TaskState
from services.cases.lives import Beginning, Ground, Life, Storyteller
from services.cases.store import cases, counts, entries, pauses, requests, sharing, tasks

BATCH = 1_000


def seed_cases(deps: Deps, ground: Ground, *, count: int, seed: int, is_silent: bool = False) -> Iterator[int]:
    """Make `count` requests up, most of them cases; yields how many there are after each batch.

    `seed` makes names and moments; a second run with it makes the same students again, as others. `is_silent`: tell no
    events, so that no figure counts them.
    """
    actor, now = system_actor("cases", ground.provider), deps.clock.now()
    with deps.database.tenant(actor) as tx:
        teller = Storyteller(
            ground=ground,
            chance=random.Random(seed),  # noqa: S311 - believable, not secret
            new_id=deps.new_id,
            reference=deps.reference.on(tx, now),
            now=now,
            hash_key=deps.student_hash_key,
            worked=Counter(entries.list_work_days(tx)),
        )
    beginnings = teller.beginnings(count)
    for start in range(0, count, BATCH):
        batch, before = beginnings[start : start + BATCH], teller.worked.copy()
        with deps.database.tenant(actor) as tx:
            numbers = _numbers(tx, [each for each in batch if each.has_case])
            lives = [teller.tell(each, number=next(numbers) if each.has_case else "") for each in batch]
            bulk = BulkTransaction(tx)
            for school_id in ground.schools:
                with bulk.enter_tenant(school_id, reason="seed-cases"):
                    _write_requests(bulk, [life.request for life in lives if life.request.owner_id == school_id])
                    audit.write(bulk, Audit("seed-cases", deps.new_id()), now=now)
            _write_cases(bulk, lives, now=now)
            entries.add_work_days(bulk, teller.worked - before)
            if not is_silent:
                for at, event in (one for life in lives for one in life.told):
                    outbox.append(bulk, event, now=at)
            keep_deadline(bulk, kind=OWNERS_DEADLINE, subject_id=bulk.tenant_id, due_at=now)
            audit.write(bulk, Audit("seed-cases", deps.new_id()), now=now)
            bulk.flush()
        yield min(start + BATCH, count)


def _numbers(tx: Transaction, opened: Sequence[Beginning]) -> Iterator[str]:
    """A case number for each, in the year it was opened."""
    years = Counter(local_date(each.at).year for each in opened)
    last = {year: cases.take_numbers(tx, year, more) - more for year, more in sorted(years.items())}
    for each in opened:
        year = local_date(each.at).year
        last[year] += 1
        yield domain.cases.case_number(year, last[year])


def _write_requests(tx: Transaction, found: Sequence[Request]) -> None:
    counted: Counter[tuple[UUID, RequestState]] = Counter()
    for request in found:
        requests.insert_request(tx, request)
        counted[request.provider_id, request.state] += 1
        if request.state == RequestState.SUBMITTED and request.overdue_noted_at is None:
            await_answer(tx, request)
    counts.change_requests(tx, [(*where, more) for where, more in counted.items()])


def _write_cases(tx: Transaction, lives: Sequence[Life], *, now: datetime) -> None:
    states: Counter[tuple[UUID | None, domain.cases.CaseState]] = Counter()
    health: Counter[tuple[UUID | None, date | None]] = Counter()
    for life in lives:
        if life.record is None:
            continue
        case = life.record.case
        _write_life(tx, life, life.record, now=now)
        states[case.case_manager_id, case.state] += 1
        health[case.case_manager_id, case.health_due_on] += 1
    counts.change_cases(tx, [(*where, more) for where, more in states.items()])
    counts.change_health(tx, [(*where, more) for where, more in health.items()])


def _write_life(tx: Transaction, life: Life, record: Record, *, now: datetime) -> None:
    case = record.case
    due = (task.due_on for task in life.tasks if task.state == TaskState.OPEN)
    cases.insert_record(tx, record, next_due_on=min(due, default=None))
    for entry in life.entries:
        entries.insert_entry(tx, entry)
        shown = domain.sharing.shared_form(TimelineEntry(entry))
        if shown is not None and case.school_id is not None:
            sharing.put_entry(tx, shown, school_id=case.school_id)
    for task in life.tasks:
        tasks.insert_task(tx, task)
        if task.state == TaskState.OPEN:
            watch_task(tx, task, now=now)
    for pause in life.pauses:
        pauses.insert_pause(tx, pause)
    if case.wakes_on is not None:
        waking = datetime.combine(case.wakes_on, time(), NEW_ZEALAND)
        set_deadline(tx, kind=WAKE_DEADLINE, subject_id=case.id, due_at=waking)
    for closing in life.closings:
        pauses.insert_closing(tx, closing)
