"""What people do to requests for support."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from uuid import UUID

from kit import audit, outbox
from kit.actor import Actor
from kit.audit import Audit
from kit.calendar import WorkingDays
from kit.clock import NEW_ZEALAND, local_date
from kit.command import finish
from kit.db import Transaction
from kit.errors import AlreadyExistsError, FailedPreconditionError, InvalidArgumentError, NotFoundError, Violation
from kit.outbox import Event
from kit.sweeps import clear_deadline, set_deadline
from services.cases import domain, events
from services.cases.commands.deadlines import ANSWER_DEADLINE
from services.cases.commands.deps import Deps
from services.cases.directory import Provider
from services.cases.domain.reference import STEPPED_RESPONSE, Reference
from services.cases.domain.requests import Draft, Request, SeenRequest, seen_by
from services.cases.store import counts, entries, requests

_IMPORT_BATCH = 100


@dataclass(frozen=True, slots=True)
class ImportRow:
    """A row of a file: its line, the school number it names, and a draft, or what is wrong with it."""

    line: int
    school_number: str
    draft: Draft | None
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """What became of a row: submitted, or open before (`request_id`: that one, if the caller sees it), or refused."""

    line: int
    request_id: UUID | None = None
    is_new: bool = False
    violations: tuple[Violation, ...] = ()


def submit_request(deps: Deps, actor: Actor, *, draft: Draft, token: str) -> SeenRequest:
    """A school asks for support for a student.

    Raises:
        InvalidArgumentError: the draft breaks a rule.
        FailedPreconditionError: no catchment, so no provider.
        AlreadyExistsError: a request for this student is open; its id is in the metadata, where the caller sees it.
    """
    now = deps.clock.now()
    provider = find_provider(deps, actor, token)
    with deps.database.tenant(actor) as tx:
        request = submit(deps, tx, actor, draft=draft, provider=provider, now=now)
        entry = Audit("submit-request", request.id)
        seen = seen_by(actor, request, today=local_date(now))
        return finish(tx, seen, entry=entry, events=[events.request_submitted(request)], now=now)


def submit(deps: Deps, tx: Transaction, actor: Actor, *, draft: Draft, provider: Provider, now: datetime) -> Request:
    """Queue a new request of the school, checked and judged: what every way of submitting one does.

    Raises:
        InvalidArgumentError: the draft breaks a rule.
        AlreadyExistsError: a request for this student is open; its id is in the metadata.
    """
    reference = deps.reference.on(tx, now)
    if violations := domain.requests.draft_violations(draft, reference=reference, today=local_date(now)):
        raise InvalidArgumentError.of(*violations)
    requests.lock_student(tx, draft.student)
    known = requests.find_open_requests(tx, [draft.student]).find(draft.student)
    if known is not None:
        raise already_open(known if known in _shown_ids(tx, actor, [known]) else None)
    request = new_request(
        deps, actor, judged(draft, reference=reference, today=local_date(now)), provider=provider, now=now
    )
    insert_request(tx, request)
    counts.change_requests(tx, [(provider.id, request.state, 1)])
    return request


def import_requests(deps: Deps, actor: Actor, *, rows: Sequence[ImportRow], token: str) -> list[ImportedRow]:
    """A school asks for support for many students: the good rows are submitted together, the others explained.

    Raises:
        FailedPreconditionError: no catchment, so no provider.
    """
    now = deps.clock.now()
    number = deps.directory.school_number(school_id=actor.tenant_id, token=token)
    provider = find_provider(deps, actor, token)
    today = local_date(now)
    with deps.database.tenant(actor) as tx:
        reference = deps.reference.on(tx, now)
        checked = [_checked_row(row, school_number=number, reference=reference, today=today) for row in rows]
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
                draft = judged(row.draft, reference=reference, today=today)
                request = new_request(deps, actor, draft, provider=provider, now=now)
                known.add(request.id, request.draft.student)
                insert_request(tx, request)
                audit.write(tx, Audit("submit-request", request.id, reason="import"), now=now)
                told.append(events.request_submitted(request))
                results.append(ImportedRow(row.line, request_id=request.id, is_new=True))
                if len(told) % _IMPORT_BATCH == 0:
                    tx.flush()
        shown = _shown_ids(tx, actor, [row.request_id for row in results if row.request_id and not row.is_new])
        results = [row if row.is_new or row.request_id in shown else replace(row, request_id=None) for row in results]
        if told:
            counts.change_requests(tx, [(provider.id, domain.requests.RequestState.SUBMITTED, len(told))])
        return finish(tx, results, entry=Audit("import-requests", deps.new_id()), events=told, now=now)


def note_overdue(deps: Deps, actor: Actor, request_id: UUID) -> None:
    """Tell the provider, once, that a request's day has passed without an answer. The sweep's command.

    `actor` is the system in the school's tenant, where the deadline stands; the event is the provider's. A request that
    was answered, or told of before, only loses its deadline; one whose day has not passed keeps it.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        request = requests.lock_request(tx, request_id)
        if (
            request is not None
            and request.state == domain.requests.RequestState.SUBMITTED
            and not request.overdue_noted_at
        ):
            if not request.is_overdue(local_date(now)):
                return
            with tx.enter_tenant(request.provider_id, reason="note-overdue"):
                audit.write(tx, Audit("note-overdue", request_id), now=now)
                outbox.append(tx, events.request_overdue(request), now=now)
            requests.update_request(tx, replace(request, overdue_noted_at=now))
            audit.write(tx, Audit("note-overdue", request_id), now=now)
        clear_deadline(tx, kind=ANSWER_DEADLINE, subject_id=request_id)


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


def find_submitted_request(deps: Deps, actor: Actor, *, request_id: UUID) -> Request:
    """A request of the caller's school, as far as they see its requests.

    Raises:
        NotFoundError: no such request of the school, or a colleague's and the caller sees only their own.
    """
    with deps.database.tenant(actor) as tx:
        return _seen(requests.find_request(tx, request_id), actor)


def lock_submitted_request(tx: Transaction, actor: Actor, request_id: UUID) -> Request:
    """The same, locked to be changed."""
    return _seen(requests.lock_request(tx, request_id), actor)


def _seen(request: Request | None, actor: Actor) -> Request:
    whose = domain.requests.whose_requests(actor)
    if request is None or whose not in (None, request.submitted_by):
        raise NotFoundError("request")
    return request


def find_provider(deps: Deps, actor: Actor, token: str) -> Provider:
    """Who provides for the caller's school; FailedPreconditionError without one."""
    provider = deps.directory.find_provider(school_id=actor.tenant_id, token=token)
    if provider is None:
        raise FailedPreconditionError("no-provider", "Your school lies in no provider's catchment.")
    return provider


def judged(draft: Draft, *, reference: Reference, today: date) -> Draft:
    """The draft with how it looks by the criteria of the day: kept with it, whatever the criteria become."""
    assessment = domain.triage.assess(
        draft.terms,
        steps=len(draft.details.steps),
        born_on=draft.student.date_of_birth,
        criteria=reference.criteria,
        stepped_response=reference.days(STEPPED_RESPONSE),
        today=today,
    )
    return replace(draft, details=replace(draft.details, assessment=assessment))


def new_request(deps: Deps, actor: Actor, draft: Draft, *, provider: Provider, now: datetime) -> Request:
    """A request of the caller's organisation, routed to a provider."""
    return Request(
        id=deps.new_id(),
        owner_id=actor.tenant_id,
        provider_id=provider.id,
        draft=draft,
        submitted_at=now,
        submitted_by=actor.person_id,
        answer_due_on=domain.requests.answer_due_on(local_date(now), WorkingDays(provider.region)),
    )


def insert_request(tx: Transaction, request: Request) -> None:
    """Queue a new request with the day of its answer."""
    requests.insert_request(tx, request)
    await_answer(tx, request)


def await_answer(tx: Transaction, request: Request) -> None:
    """Queue the deadline that tells of a request without an answer."""
    set_deadline(tx, kind=ANSWER_DEADLINE, subject_id=request.id, due_at=after_day(request.answer_due_on))


def after_day(day: date) -> datetime:
    """The midnight that ends a day in New Zealand."""
    return datetime.combine(day + timedelta(days=1), time(), NEW_ZEALAND)


def already_open(request_id: UUID | None) -> AlreadyExistsError:
    """A request for the student is open; None: one that the caller does not see."""
    return AlreadyExistsError(
        "request-already-open",
        "A request for this student is open already.",
        metadata={"request_id": str(request_id)} if request_id else {},
    )


def _shown_ids(tx: Transaction, actor: Actor, request_ids: Sequence[UUID]) -> set[UUID]:
    whose = domain.requests.whose_requests(actor)
    return set(request_ids) if whose is None else requests.own_among(tx, request_ids, whose)


def _checked_row(row: ImportRow, *, school_number: str, reference: Reference, today: date) -> ImportRow:
    violations = list(row.violations)
    if row.school_number != school_number and not any(each.field == "school_number" for each in violations):
        described = f"must be the number of your own school, {school_number}"
        violations.insert(0, Violation("school_number", "other-school", described))
    if row.draft is not None:
        violations += domain.requests.draft_violations(row.draft, reference=reference, today=today)
    return replace(row, draft=None if violations else row.draft, violations=tuple(violations))
