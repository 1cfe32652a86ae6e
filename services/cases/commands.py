"""What people do to requests and cases: one function per verb, one transaction each.

Where a command must ask identity something, it does so before its transaction opens.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from uuid import UUID

from kit import audit, outbox
from kit.actor import Actor
from kit.audit import Audit
from kit.calendar import WorkingDays
from kit.clock import NEW_ZEALAND, Clock, local_date
from kit.command import finish
from kit.db import Database, Transaction
from kit.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    Violation,
)
from kit.ids import NewId
from kit.outbox import Event
from kit.sweeps import clear_deadline, set_deadline
from services.cases import domain, events
from services.cases.directory import Directory, Provider
from services.cases.domain import Case, Draft, Entry, EventKind, Outcome, Record, Request, SeenRecord, Visibility
from services.cases.store import cases, counts, entries, requests

ANSWER_DEADLINE = "answer-request"
TIMELINE_SIZE = 20
_IMPORT_BATCH = 100


@dataclass(frozen=True)
class Deps:
    """What commands need."""

    database: Database
    clock: Clock
    directory: Directory
    new_id: NewId
    student_hash_key: bytes


@dataclass(frozen=True, slots=True)
class ImportRow:
    """A row of a file: its line, the school number it names, and a draft, or what is wrong with it."""

    line: int
    school_number: str
    draft: Draft | None
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """What became of a row: submitted, or open before (`request_id` is that one), or refused."""

    line: int
    request_id: UUID | None = None
    is_new: bool = False
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """What someone says happened in a case."""

    kind: EventKind
    happened_on: date
    outcome: Outcome
    minutes: int
    note: str
    visibility: Visibility


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a timeline: `size` entries after a position."""

    size: int = TIMELINE_SIZE
    after: entries.Position | None = None


@dataclass(frozen=True, slots=True)
class OpenedRecord:
    """A record as someone opened it, with one entry more than asked for where there are older ones."""

    seen: SeenRecord
    entries: list[Entry]


def submit_request(deps: Deps, actor: Actor, *, draft: Draft, token: str) -> Request:
    """A school asks for support for a student.

    Raises:
        InvalidArgumentError: the draft breaks a rule.
        FailedPreconditionError: no catchment, so no provider.
        AlreadyExistsError: a request for this student is open; its id is in the metadata.
    """
    now = deps.clock.now()
    if violations := domain.draft_violations(draft, today=local_date(now)):
        raise InvalidArgumentError.of(*violations)
    provider = _provider(deps, actor, token)
    request = _request(deps, actor, draft, provider=provider, now=now)
    with deps.database.tenant(actor) as tx:
        requests.lock_submissions(tx)
        known = requests.find_open_requests(tx, [draft.student]).find(draft.student)
        if known is not None:
            raise AlreadyExistsError(
                "request-already-open",
                "A request for this student is open already.",
                metadata={"request_id": str(known)},
            )
        _insert_request(tx, request)
        counts.change_requests(tx, [(provider.id, request.state, 1)])
        entry = Audit("submit-request", request.id)
        return finish(tx, request, entry=entry, events=[events.request_submitted(request)], now=now)


def import_requests(deps: Deps, actor: Actor, *, rows: Sequence[ImportRow], token: str) -> list[ImportedRow]:
    """A school asks for support for many students: the good rows are submitted together, the others explained.

    Raises:
        FailedPreconditionError: no catchment, so no provider.
    """
    now = deps.clock.now()
    number = deps.directory.school_number(school_id=actor.tenant_id, token=token)
    provider = _provider(deps, actor, token)
    checked = [_checked_row(row, school_number=number, today=local_date(now)) for row in rows]
    with deps.database.tenant(actor) as tx:
        requests.lock_submissions(tx)
        known = requests.find_open_requests(tx, [row.draft.student for row in checked if row.draft])
        results: list[ImportedRow] = []
        told: list[Event] = []
        for row in checked:
            if row.draft is None:
                results.append(ImportedRow(row.line, violations=row.violations))
            elif (earlier := known.find(row.draft.student)) is not None:
                results.append(ImportedRow(row.line, request_id=earlier))
            else:
                request = _request(deps, actor, row.draft, provider=provider, now=now)
                known.add(request.id, request.draft.student)
                _insert_request(tx, request)
                audit.write(tx, Audit("submit-request", request.id, reason="import"), now=now)
                told.append(events.request_submitted(request))
                results.append(ImportedRow(row.line, request_id=request.id, is_new=True))
                if len(told) % _IMPORT_BATCH == 0:
                    tx.flush()
        if told:
            counts.change_requests(tx, [(provider.id, domain.RequestState.SUBMITTED, len(told))])
        return finish(tx, results, entry=Audit("import-requests", deps.new_id()), events=told, now=now)


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
        _check_case_manager(deps, case_manager_id, token)
    case_id = deps.new_id()
    with deps.database.tenant(actor) as tx:
        with tx.as_guest():
            found = requests.find_request(tx, request_id)
        if found is None:
            raise NotFoundError("request")
        with tx.enter_tenant(found.school_id, reason="open-case"):
            request = requests.lock_request(tx, request_id)
            if request is None:
                raise NotFoundError("request")
            accepted = domain.accept(
                request, provider_id=actor.tenant_id, case_id=case_id, now=now, expected_version=expected_version
            )
            requests.update_request(tx, accepted)
            counts.change_requests(
                tx, [(request.provider_id, request.state, -1), (request.provider_id, accepted.state, 1)]
            )
            clear_deadline(tx, kind=ANSWER_DEADLINE, subject_id=request_id)
            audit.write(tx, Audit("accept-request", request_id, reason="open-case"), now=now)
        year = local_date(now).year
        case = Case(
            id=case_id,
            number=domain.case_number(year, cases.next_number(tx, year)),
            school_id=accepted.school_id,
            request_id=request_id,
            born_on=accepted.draft.student.date_of_birth,
            opened_at=now,
            opened_by=actor.person_id,
            case_manager_id=case_manager_id,
            assigned_at=now if case_manager_id else None,
        )
        draft = accepted.draft
        record = Record(case, draft.student, draft.caregivers, draft.attendance, draft.concern)
        cases.insert_record(tx, record)
        counts.change_cases(tx, [(case_manager_id, case.state, 1)])
        told = [events.case_opened(record, student_hash_key=deps.student_hash_key)]
        if case_manager_id is not None:
            told.append(events.case_assigned(case, previous=None, assigned_by=actor.person_id))
        seen = domain.seen_by(actor, record)
        return finish(tx, seen, entry=Audit("open-case", case_id), events=told, now=now)


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
    _check_case_manager(deps, case_manager_id, token)
    with deps.database.tenant(actor) as tx:
        record = cases.lock_record(tx, case_id)
        before = domain.check_visible(record.case if record else None, actor)
        case = domain.assign(before, actor, case_manager_id=case_manager_id, now=now, expected_version=expected_version)
        assert record is not None
        cases.update_case(tx, case)
        _count_move(tx, before, case)
        told = events.case_assigned(case, previous=before.case_manager_id, assigned_by=actor.person_id)
        seen = domain.seen_by(actor, replace(record, case=case))
        return finish(tx, seen, entry=Audit("assign-case", case_id), events=[told], now=now)


def record_event(
    deps: Deps, actor: Actor, *, case_id: UUID, happening: Happening, expected_version: int
) -> tuple[Entry, int]:
    """Someone records what happened in a case; returns the entry and the version of the case now.

    Raises:
        NotFoundError: no such case, or not the caller's to see.
        InvalidArgumentError: a rule of events is broken; each is named.
        StaleVersionError: the case is not at `expected_version` any more.
        FailedPreconditionError: nobody has the case yet.
    """
    now = deps.clock.now()
    entry = Entry(
        id=deps.new_id(),
        case_id=case_id,
        kind=happening.kind,
        happened_on=happening.happened_on,
        outcome=happening.outcome,
        minutes=happening.minutes,
        note=happening.note,
        visibility=happening.visibility,
        recorded_by=actor.person_id,
        recorded_at=now,
    )
    with deps.database.tenant(actor) as tx:
        locked = cases.lock_for_recording(
            tx, case_id, person_id=actor.person_id, day=entry.happened_on, minutes=entry.minutes
        )
        before = domain.check_visible(locked.case if locked else None, actor)
        assert locked is not None
        case = domain.record(
            before,
            actor,
            entry=entry,
            minutes_of_day=locked.minutes_of_day,
            today=local_date(now),
            expected_version=expected_version,
        )
        entries.insert_entry(tx, entry)
        cases.update_case(tx, case)
        _count_move(tx, before, case)
        return finish(
            tx,
            (entry, case.version),
            entry=Audit("record-event", entry.id),
            events=[events.event_recorded(entry)],
            now=now,
        )


def note_overdue(deps: Deps, actor: Actor, request_id: UUID) -> None:
    """Tell the provider, once, that a request's day has passed without an answer. The sweep's command.

    `actor` is the system in the school's tenant, where the deadline stands; the event is the provider's. A request that
    was answered, or told of before, only loses its deadline; one whose day has not passed keeps it.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        request = requests.lock_request(tx, request_id)
        if request is not None and request.state == domain.RequestState.SUBMITTED and not request.overdue_noted_at:
            if not request.is_overdue(local_date(now)):
                return
            with tx.enter_tenant(request.provider_id, reason="note-overdue"):
                audit.write(tx, Audit("note-overdue", request_id), now=now)
                outbox.append(tx, events.request_overdue(request), now=now)
            requests.update_request(tx, replace(request, overdue_noted_at=now))
            audit.write(tx, Audit("note-overdue", request_id), now=now)
        clear_deadline(tx, kind=ANSWER_DEADLINE, subject_id=request_id)


def open_record(deps: Deps, actor: Actor, *, case_id: UUID, kind: EventKind | None = None, page: Page) -> OpenedRecord:
    """The one way to read a student's record: a case with entries, newest first. It is logged who did.

    Raises:
        NotFoundError: no such case, or not the caller's to see.
    """
    with deps.database.tenant(actor) as tx:
        record = cases.find_record(tx, case_id)
        domain.check_visible(record.case if record else None, actor)
        assert record is not None
        found = entries.list_entries(tx, case_id, kind=kind, after=page.after, most=page.size + 1)
        now = deps.clock.now()
        entries.log_access(tx, log_id=deps.new_id(), subject="case", subject_id=case_id, now=now)
        return OpenedRecord(domain.seen_by(actor, record), found)


def open_incoming_request(deps: Deps, actor: Actor, *, request_id: UUID) -> Request:
    """The one way to read a whole request that was routed to the caller's provider. It is logged who did.

    Raises:
        NotFoundError: no such request was routed to the provider.
    """
    with deps.database.tenant(actor) as tx:
        with tx.as_guest():
            request = requests.find_request(tx, request_id)
        if request is None:
            raise NotFoundError("request")
        now = deps.clock.now()
        entries.log_access(tx, log_id=deps.new_id(), subject="request", subject_id=request_id, now=now)
        return request


def _provider(deps: Deps, actor: Actor, token: str) -> Provider:
    provider = deps.directory.find_provider(school_id=actor.tenant_id, token=token)
    if provider is None:
        raise FailedPreconditionError("no-provider", "Your school lies in no provider's catchment.")
    return provider


def _check_case_manager(deps: Deps, person_id: UUID, token: str) -> None:
    if not deps.directory.is_working_case_manager(person_id=person_id, token=token):
        raise InvalidArgumentError.of(
            Violation("case_manager_id", "not-a-case-manager", "must be a case manager of yours whose access works")
        )


def _request(deps: Deps, actor: Actor, draft: Draft, *, provider: Provider, now: datetime) -> Request:
    return Request(
        id=deps.new_id(),
        school_id=actor.tenant_id,
        provider_id=provider.id,
        draft=draft,
        submitted_at=now,
        submitted_by=actor.person_id,
        answer_due_on=domain.answer_due_on(local_date(now), WorkingDays(provider.region)),
    )


def _insert_request(tx: Transaction, request: Request) -> None:
    requests.insert_request(tx, request)
    due_at = datetime.combine(request.answer_due_on + timedelta(days=1), time(), NEW_ZEALAND)
    set_deadline(tx, kind=ANSWER_DEADLINE, subject_id=request.id, due_at=due_at)


def _checked_row(row: ImportRow, *, school_number: str, today: date) -> ImportRow:
    violations = list(row.violations)
    if row.school_number != school_number and not any(each.field == "school_number" for each in violations):
        described = f"must be the number of your own school, {school_number}"
        violations.insert(0, Violation("school_number", "other-school", described))
    if row.draft is not None:
        violations += domain.draft_violations(row.draft, today=today)
    return replace(row, draft=None if violations else row.draft, violations=tuple(violations))


def _count_move(tx: Transaction, before: Case, after: Case) -> None:
    here, there = (before.case_manager_id, before.state), (after.case_manager_id, after.state)
    if here != there:
        counts.change_cases(tx, [(*here, -1), (*there, 1)])
