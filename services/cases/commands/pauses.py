"""What people do to let a case rest, and to end it."""

from dataclasses import dataclass, replace
from datetime import date, datetime, time
from uuid import UUID

from kit.actor import Actor
from kit.audit import Audit
from kit.clock import NEW_ZEALAND, local_date
from kit.command import finish
from kit.db import Transaction
from kit.errors import InvalidArgumentError
from kit.sweeps import clear_deadline, set_deadline
from services.cases import domain, events
from services.cases.commands.deadlines import WAKE_DEADLINE
from services.cases.commands.deps import Deps
from services.cases.commands.sharing import tell_school
from services.cases.domain.cases import Case, Record, SeenRecord
from services.cases.domain.closings import Closing
from services.cases.domain.pauses import Pause
from services.cases.domain.reference import RECORD_PART, Reference
from services.cases.domain.sharing import SharedChange
from services.cases.store import cases, counts, letters, pauses, tasks

MOST_NAMED = 20
"""How many open tasks an error names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """What someone says about a pause."""

    reason: str
    wakes_on: date
    conditions: str
    agreed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """What someone says about the end of a case."""

    reason: str
    outcome: str
    summary: str


def pause_case(deps: Deps, actor: Actor, *, case_id: UUID, rest: Rest, expected_version: int) -> SeenRecord:
    """Someone lets a case rest until a day.

    Raises:
        NotFoundError: no such case, or not the caller's to see.
        InvalidArgumentError: the reason or the day breaks a rule; each is named.
        StaleVersionError: the case is not at `expected_version` any more.
        FailedPreconditionError: it rests already, work on it has not begun, or it is closed.
    """
    now = deps.clock.now()
    pause = Pause(
        id=deps.new_id(),
        case_id=case_id,
        reason=rest.reason,
        started_on=local_date(now),
        wakes_on=rest.wakes_on,
        conditions=rest.conditions,
        agreed_by=rest.agreed_by,
        paused_by=actor.person_id,
        paused_at=now,
    )
    with deps.database.tenant(actor) as tx:
        reference = deps.reference.on(tx, now)
        if violations := domain.pauses.violations(pause, reference=reference):
            raise InvalidArgumentError.of(*violations)
        record = _lock(tx, actor, case_id)
        case = domain.pauses.pause(record.case, actor, by=pause, expected_version=expected_version)
        pauses.insert_pause(tx, pause)
        waking = datetime.combine(pause.wakes_on, time(), NEW_ZEALAND)
        set_deadline(tx, kind=WAKE_DEADLINE, subject_id=case_id, due_at=waking)
        seen = _changed(tx, actor, record, case, reference=reference, now=now)
        tell_school(tx, case, SharedChange.PAUSED, now=now)
        return finish(tx, seen, entry=Audit("pause-case", case_id), events=[events.case_paused(pause)], now=now)


def resume_case(deps: Deps, actor: Actor, *, case_id: UUID, expected_version: int) -> SeenRecord:
    """Someone wakes a case before its day.

    Raises:
        NotFoundError: no such case, or not the caller's to see.
        StaleVersionError: the case is not at `expected_version` any more.
        FailedPreconditionError: it does not rest.
    """
    now = deps.clock.now()
    today = local_date(now)
    with deps.database.tenant(actor) as tx:
        reference = deps.reference.on(tx, now)
        record = _lock(tx, actor, case_id)
        case = domain.pauses.resume(record.case, actor, expected_version=expected_version)
        told = events.case_resumed(record.case, resumed_on=today, resumed_by=actor.person_id)
        _end_pause(tx, record.case, on=today, by=actor.person_id, at=now)
        seen = _changed(tx, actor, record, case, reference=reference, now=now)
        tell_school(tx, case, SharedChange.RESUMED, now=now)
        return finish(tx, seen, entry=Audit("resume-case", case_id), events=[told], now=now)


def wake_case(deps: Deps, actor: Actor, case_id: UUID) -> None:
    """Wake a case whose day has come. The sweep's command; `actor` is the system in the provider's tenant.

    However late the sweep is, the pause ends with the day that was agreed. A case that woke before only loses its
    deadline; one whose day has not come keeps it.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        case = cases.lock_case(tx, case_id)
        if case is None or case.wakes_on is None:
            clear_deadline(tx, kind=WAKE_DEADLINE, subject_id=case_id)
            return
        if case.wakes_on > local_date(now):
            return
        told = events.case_resumed(case, resumed_on=case.wakes_on, resumed_by=None)
        _end_pause(tx, case, on=case.wakes_on, by=None, at=now)
        awake = domain.pauses.awake(case)
        cases.update_case(tx, awake)
        counts.move_case(tx, case, awake)
        tell_school(tx, awake, SharedChange.RESUMED, now=now)
        finish(tx, None, entry=Audit("wake-case", case_id), events=[told], now=now)


def close_case(deps: Deps, actor: Actor, *, case_id: UUID, how: Finish, expected_version: int) -> SeenRecord:
    """Someone ends the work on a case.

    Raises:
        NotFoundError: no such case, or not the caller's to see.
        InvalidArgumentError: the reason or outcome is none of the list.
        StaleVersionError: the case is not at `expected_version` any more.
        FailedPreconditionError: it is closed, or tasks or letters are open in it: the metadata counts and names them.
    """
    now = deps.clock.now()
    today = local_date(now)
    closing = Closing(
        id=deps.new_id(),
        case_id=case_id,
        reason=how.reason,
        outcome=how.outcome,
        summary=how.summary,
        closed_by=actor.person_id,
        closed_at=now,
    )
    with deps.database.tenant(actor) as tx:
        reference = deps.reference.on(tx, now)
        if violations := domain.closings.violations(closing, reference=reference):
            raise InvalidArgumentError.of(*violations)
        record = _lock(tx, actor, case_id)
        in_the_way = tasks.list_open_ids(tx, case_id, most=MOST_NAMED) if record.case.open_tasks else []
        unfinished = letters.list_open_ids(tx, case_id, most=MOST_NAMED) if record.case.open_letters else []
        case = domain.closings.close(
            record.case,
            actor,
            at=now,
            open_task_ids=in_the_way,
            open_letter_ids=unfinished,
            expected_version=expected_version,
        )
        if record.case.pause_id is not None:
            _end_pause(tx, record.case, on=today, by=actor.person_id, at=now)
        pauses.insert_closing(tx, closing)
        seen = _changed(tx, actor, record, case, reference=reference, now=now)
        tell_school(tx, case, SharedChange.CLOSED, now=now)
        told = [events.case_closed(closing, closed_on=today)]
        return finish(tx, seen, entry=Audit("close-case", case_id, reason=closing.reason), events=told, now=now)


def reopen_case(
    deps: Deps, actor: Actor, *, case_id: UUID, reason: str, expected_version: int, token: str
) -> SeenRecord:
    """Someone takes a closed case up again: with its case manager if their access works, else with nobody.

    Raises:
        NotFoundError: no such case, or not the caller's to see.
        StaleVersionError: the case is not at `expected_version` any more.
        FailedPreconditionError: it is not closed.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        owner_id = domain.cases.check_visible(cases.find_case(tx, case_id), actor).case_manager_id
    works = owner_id is not None and deps.directory.is_working_case_manager(person_id=owner_id, token=token)
    with deps.database.tenant(actor) as tx:
        reference = deps.reference.on(tx, now)
        record = _lock(tx, actor, case_id)
        keeps_owner = works and record.case.case_manager_id == owner_id
        case = domain.closings.reopen(record.case, actor, keeps_owner=keeps_owner, expected_version=expected_version)
        closing_id = pauses.end_closing(tx, case_id, reason=reason, by=actor.person_id, at=now)
        seen = _changed(tx, actor, record, case, reference=reference, now=now)
        tell_school(tx, case, SharedChange.REOPENED, now=now)
        told = events.case_reopened(
            seen.record.case, closing_id=closing_id, reopened_on=local_date(now), reopened_by=actor.person_id
        )
        return finish(tx, seen, entry=Audit("reopen-case", case_id), events=[told], now=now)


def _lock(tx: Transaction, actor: Actor, case_id: UUID) -> Record:
    record = cases.lock_record(tx, case_id)
    domain.cases.check_visible(record.case if record else None, actor)
    assert record is not None
    return record


def _end_pause(tx: Transaction, case: Case, *, on: date, by: UUID | None, at: datetime) -> None:
    assert case.pause_id is not None, "only a pause under way ends"
    pauses.end_pause(tx, case.pause_id, on=on, by=by, at=at)
    clear_deadline(tx, kind=WAKE_DEADLINE, subject_id=case.id)


def _changed(
    tx: Transaction, actor: Actor, before: Record, case: Case, *, reference: Reference, now: datetime
) -> SeenRecord:
    """Write what became of a case; return it as the actor sees it."""
    rule = reference.days(RECORD_PART)
    after = domain.cases.judged(case, rule)
    cases.update_case(tx, after)
    counts.move_case(tx, before.case, after)
    return domain.cases.seen_by(actor, replace(before, case=after), rule=rule, today=local_date(now))
