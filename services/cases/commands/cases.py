"""What people do to cases."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from kit import audit
from kit.actor import Actor
from kit.audit import Audit
from kit.clock import local_date
from kit.command import finish
from kit.db import Transaction
from kit.errors import InvalidArgumentError, Violation
from kit.outbox import Event
from kit.sweeps import keep_deadline
from services.cases import domain, events
from services.cases.commands.answers import answering, occasion_of
from services.cases.commands.deadlines import OWNERS_DEADLINE
from services.cases.commands.deps import Deps, check_case_manager
from services.cases.commands.sharing import tell_school
from services.cases.domain.cases import Case, Record, SeenRecord
from services.cases.domain.closings import Closing
from services.cases.domain.entries import EventKind, KindTime, TimelineEntry, with_corrections
from services.cases.domain.pauses import Pause
from services.cases.domain.reference import RECORD_PART
from services.cases.domain.requests import Draft, Request
from services.cases.domain.sharing import SharedChange
from services.cases.domain.tasks import Task
from services.cases.store import cases, counts, entries, pauses, searching, tasks
from services.cases.store.entries import Position
from services.cases.store.tasks import TaskFilter

TIMELINE_SIZE = 20
TASKS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a timeline: `size` entries after a position."""

    size: int = TIMELINE_SIZE
    after: Position | None = None


@dataclass(frozen=True, slots=True)
class OpenedRecord:
    """A record as someone opened it, with one entry more than asked for where there are older ones."""

    seen: SeenRecord
    entries: list[TimelineEntry]
    open_tasks: list[Task]
    pauses: list[Pause]
    closings: list[Closing]
    time_spent: list[KindTime]


def open_case(
    deps: Deps,
    actor: Actor,
    *,
    request_id: UUID,
    case_manager_id: UUID | None,
    expected_version: int,
    token: str,
) -> SeenRecord:
    """A provider accepts a request and opens a case for it, given to a case manager at once where one is named.

    Touches two tenants: the request in the school's, audited there too, and the case in the provider's.

    Raises:
        NotFoundError: no such request was routed to the provider.
        StaleVersionError: the request is not at `expected_version` any more.
        FailedPreconditionError: it was answered before.
        InvalidArgumentError: `case_manager_id` is not a case manager whose access works.
    """
    now = deps.clock.now()
    if case_manager_id is not None:
        check_case_manager(deps, case_manager_id, token)
    case_id = deps.new_id()
    occasion = occasion_of(actor, now=now, expected_version=expected_version)

    def answer(request: Request) -> Request:
        return domain.requests.accept(request, occasion, case_id=case_id)

    with deps.numbers.taken(deps.database, actor, now) as number, deps.database.tenant(actor) as tx:
        with answering(tx, request_id, answer=answer, verb="accept-request", now=now) as request:
            searching.hide_from_guest(tx, request_id)
        origin = Origin(number, request.draft, school_id=request.school_id, request=request)
        begun = begin_case(deps, tx, actor, case_id=case_id, origin=origin, case_manager_id=case_manager_id)
        told = [events.request_accepted(request, accepted_by=actor.person_id), *begun.events]
        return finish(tx, begun.seen, entry=Audit("open-case", case_id), events=told, now=now)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a case comes from: its number, what was said, at which school if any, in which request if any."""

    number: str
    draft: Draft
    school_id: UUID | None
    request: Request | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A case that was opened, as its opener sees it, and what others are told."""

    seen: SeenRecord
    events: list[Event]


def begin_case(
    deps: Deps, tx: Transaction, actor: Actor, *, case_id: UUID, origin: Origin, case_manager_id: UUID | None
) -> Begun:
    """Queue a new case of the present tenant with its counters: what every way of opening one does."""
    now = deps.clock.now()
    draft, request = origin.draft, origin.request
    rule = deps.reference.on(tx, now).days(RECORD_PART)
    case = Case(
        id=case_id,
        number=origin.number,
        school_id=origin.school_id,
        request_id=request.id if request else None,
        born_on=draft.student.date_of_birth,
        opened_at=now,
        opened_by=actor.person_id,
        case_manager_id=case_manager_id,
        assigned_at=now if case_manager_id else None,
    )
    case = domain.cases.judged(case, rule)
    record = Record(case, draft.student, draft.caregivers, draft.attendance, draft.concern, draft.details)
    cases.insert_record(tx, record)
    counts.change_cases(tx, [(case_manager_id, case.state, 1)])
    counts.change_health(tx, [(case_manager_id, case.health_due_on, 1)])
    # From its first case on a provider has work that must not stay with someone who left.
    keep_deadline(tx, kind=OWNERS_DEADLINE, subject_id=tx.tenant_id, due_at=now)
    requested_on = local_date(request.submitted_at) if request else None
    told = [events.case_opened(record, requested_on=requested_on, student_hash_key=deps.student_hash_key)]
    if case_manager_id is not None:
        told.append(events.case_assigned(case, previous=None, assigned_by=actor.person_id))
    return Begun(domain.cases.seen_by(actor, record, rule=rule, today=local_date(now)), told)


def assign_case(
    deps: Deps, actor: Actor, *, case_id: UUID, case_manager_id: UUID, expected_version: int, token: str
) -> SeenRecord:
    """A lead gives a case to a case manager, or to another one.

    Raises:
        NotFoundError: no such case, or not the caller's to see.
        StaleVersionError: the case is not at `expected_version` any more.
        FailedPreconditionError: they have it already.
        InvalidArgumentError: `case_manager_id` is not a case manager whose access works.
    """
    now = deps.clock.now()
    check_case_manager(deps, case_manager_id, token)
    with deps.database.tenant(actor) as tx:
        record = cases.lock_record(tx, case_id)
        before = domain.cases.check_visible(record.case if record else None, actor)
        case = domain.cases.assign(
            before, actor, case_manager_id=case_manager_id, now=now, expected_version=expected_version
        )
        assert record is not None
        cases.update_case(tx, case)
        counts.move_case(tx, before, case)
        told = events.case_assigned(case, previous=before.case_manager_id, assigned_by=actor.person_id)
        rule = deps.reference.on(tx, now).days(RECORD_PART)
        seen = domain.cases.seen_by(actor, replace(record, case=case), rule=rule, today=local_date(now))
        return finish(tx, seen, entry=Audit("assign-case", case_id), events=[told], now=now)


def set_primary_contact(
    deps: Deps, actor: Actor, *, case_id: UUID, person_id: UUID | None, expected_version: int, token: str
) -> SeenRecord:
    """A lead names who at the student's school gets the notices about a case, or nobody.

    Raises:
        NotFoundError: no such case, or not the caller's to see.
        InvalidArgumentError: `person_id` is no working primary contact or attendance lead of the student's school.
        StaleVersionError: the case is not at `expected_version` any more.
        FailedPreconditionError: it is closed, or they are named already.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        # The school of a case never changes, so that it can be asked for before the case is locked.
        school_id = domain.cases.check_visible(cases.find_case(tx, case_id), actor).school_id
    if person_id is not None and not (
        school_id and deps.directory.is_school_contact(person_id=person_id, school_id=school_id, token=token)
    ):
        raise InvalidArgumentError.of(
            Violation("person_id", "not-a-contact", "must be a primary contact or attendance lead of the school")
        )
    with deps.database.tenant(actor) as tx:
        rule = deps.reference.on(tx, now).days(RECORD_PART)
        record = cases.lock_record(tx, case_id)
        before = domain.cases.check_visible(record.case if record else None, actor)
        case = domain.cases.set_contact(before, actor, person_id=person_id, expected_version=expected_version)
        assert record is not None
        cases.update_case(tx, case)
        tell_school(tx, case, SharedChange.NAMED, now=now)
        told = events.primary_contact_set(case, previous=before.primary_contact_id, set_by=actor.person_id)
        seen = domain.cases.seen_by(actor, replace(record, case=case), rule=rule, today=local_date(now))
        return finish(tx, seen, entry=Audit("set-primary-contact", case_id), events=[told], now=now)


@dataclass(frozen=True, slots=True)
class BulkAssigned:
    """What became of each of many cases: given, or why not, in the order they were named."""

    assigned: list[UUID]
    refused: list[tuple[UUID, str]]


def bulk_assign_cases(
    deps: Deps, actor: Actor, *, case_ids: Sequence[UUID], case_manager_id: UUID, token: str
) -> BulkAssigned:
    """A lead gives many cases to one case manager at once; those that cannot be given do not keep the others.

    Raises:
        InvalidArgumentError: `case_manager_id` is not a case manager whose access works.
    """
    now = deps.clock.now()
    check_case_manager(deps, case_manager_id, token)
    result = BulkAssigned([], [])
    told, moves = [], []
    with deps.database.tenant(actor) as tx:
        found = {case.id: case for case in cases.lock_cases(tx, case_ids)}
        for case_id in dict.fromkeys(case_ids):
            before = found.get(case_id)
            reason = domain.cases.why_not_assign(before, actor, case_manager_id=case_manager_id)
            if reason or before is None:
                result.refused.append((case_id, reason))
                continue
            case = domain.cases.assign(before, actor, case_manager_id=case_manager_id, now=now)
            cases.update_case(tx, case)
            audit.write(tx, Audit("assign-case", case_id, reason="bulk"), now=now)
            moves.append((before, case))
            told.append(events.case_assigned(case, previous=before.case_manager_id, assigned_by=actor.person_id))
            result.assigned.append(case_id)
        counts.move_cases(tx, moves)
        return finish(tx, result, entry=Audit("bulk-assign-cases", deps.new_id()), events=told, now=now)


def open_record(deps: Deps, actor: Actor, *, case_id: UUID, kind: EventKind | None = None, page: Page) -> OpenedRecord:
    """The one way to read a student's record: a case with entries, newest first. It is logged who did.

    Raises:
        NotFoundError: no such case, or not the caller's to see.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        rule = deps.reference.on(tx, now).days(RECORD_PART)
        record = cases.find_record(tx, case_id)
        domain.cases.check_visible(record.case if record else None, actor)
        assert record is not None
        # Asked together: one round trip.
        corrections = entries.ask_corrections(tx, case_id)
        open_tasks = tasks.ask_tasks(tx, TaskFilter(case_id=case_id), most=TASKS_SHOWN)
        paused, closed = pauses.ask_pauses(tx, case_id), pauses.ask_closings(tx, case_id)
        spent = entries.ask_time_spent(tx, case_id)
        found = entries.list_entries(tx, case_id, kind=kind, after=page.after, most=page.size + 1)
        entries.log_access(tx, log_id=deps.new_id(), subject="case", subject_id=case_id, now=now)
        return OpenedRecord(
            seen=domain.cases.seen_by(actor, record, rule=rule, today=local_date(now)),
            entries=with_corrections(found, corrections()),
            open_tasks=[listed.task for listed in open_tasks()],
            pauses=paused(),
            closings=closed(),
            time_spent=spent(),
        )
