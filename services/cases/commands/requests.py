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
from services.cases.domain.requests import Draft, Request
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
    """What became of a row: submitted, or open before (`request_id` is that one), or refused."""

    line: int
    request_id: UUID | None = None
    is_new: bool = False
    violations: tuple[Violation, ...] = ()


def submit_request(deps: Deps, actor: Actor, *, draft: Draft, token: str) -> Request:
    """A school asks for support for a student.

    Raises:
        InvalidArgumentError: the draft breaks a rule.
        FailedPreconditionError: no catchment, so no provider.
        AlreadyExistsError: a request for this student is open; its id is in the metadata.
    """
    now = deps.clock.now()
    if violations := domain.requests.draft_violations(draft, today=local_date(now)):
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


def _provider(deps: Deps, actor: Actor, token: str) -> Provider:
    provider = deps.directory.find_provider(school_id=actor.tenant_id, token=token)
    if provider is None:
        raise FailedPreconditionError("no-provider", "Your school lies in no provider's catchment.")
    return provider


def _request(deps: Deps, actor: Actor, draft: Draft, *, provider: Provider, now: datetime) -> Request:
    return Request(
        id=deps.new_id(),
        school_id=actor.tenant_id,
        provider_id=provider.id,
        draft=draft,
        submitted_at=now,
        submitted_by=actor.person_id,
        answer_due_on=domain.requests.answer_due_on(local_date(now), WorkingDays(provider.region)),
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
        violations += domain.requests.draft_violations(row.draft, today=today)
    return replace(row, draft=None if violations else row.draft, violations=tuple(violations))
