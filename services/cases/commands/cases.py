"""What people do to cases."""

from dataclasses import dataclass, replace
from uuid import UUID

from kit import audit
from kit.actor import Actor
from kit.audit import Audit
from kit.clock import local_date
from kit.command import finish
from kit.errors import InvalidArgumentError, NotFoundError, Violation
from kit.sweeps import clear_deadline
from services.cases import domain, events
from services.cases.commands.deadlines import ANSWER_DEADLINE
from services.cases.commands.deps import Deps
from services.cases.domain.cases import Case, Record, SeenRecord
from services.cases.domain.entries import Entry, EventKind
from services.cases.store import cases, counts, entries, requests
from services.cases.store.entries import Position

TIMELINE_SIZE = 20


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a timeline: `size` entries after a position."""

    size: int = TIMELINE_SIZE
    after: Position | None = None


@dataclass(frozen=True, slots=True)
class OpenedRecord:
    """A record as someone opened it, with one entry more than asked for where there are older ones."""

    seen: SeenRecord
    entries: list[Entry]


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
            accepted = domain.requests.accept(
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
            number=domain.cases.case_number(year, cases.next_number(tx, year)),
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
        seen = domain.cases.seen_by(actor, record)
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
        before = domain.cases.check_visible(record.case if record else None, actor)
        case = domain.cases.assign(
            before, actor, case_manager_id=case_manager_id, now=now, expected_version=expected_version
        )
        assert record is not None
        cases.update_case(tx, case)
        counts.move_case(tx, before, case)
        told = events.case_assigned(case, previous=before.case_manager_id, assigned_by=actor.person_id)
        seen = domain.cases.seen_by(actor, replace(record, case=case))
        return finish(tx, seen, entry=Audit("assign-case", case_id), events=[told], now=now)


def open_record(deps: Deps, actor: Actor, *, case_id: UUID, kind: EventKind | None = None, page: Page) -> OpenedRecord:
    """The one way to read a student's record: a case with entries, newest first. It is logged who did.

    Raises:
        NotFoundError: no such case, or not the caller's to see.
    """
    with deps.database.tenant(actor) as tx:
        record = cases.find_record(tx, case_id)
        domain.cases.check_visible(record.case if record else None, actor)
        assert record is not None
        found = entries.list_entries(tx, case_id, kind=kind, after=page.after, most=page.size + 1)
        now = deps.clock.now()
        entries.log_access(tx, log_id=deps.new_id(), subject="case", subject_id=case_id, now=now)
        return OpenedRecord(domain.cases.seen_by(actor, record), found)


def _check_case_manager(deps: Deps, person_id: UUID, token: str) -> None:
    if not deps.directory.is_working_case_manager(person_id=person_id, token=token):
        raise InvalidArgumentError.of(
            Violation("case_manager_id", "not-a-case-manager", "must be a case manager of yours whose access works")
        )
