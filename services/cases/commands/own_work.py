"""Cases that no school asked for: of children whom the enrolment register tells of, and a provider's own work."""

from dataclasses import dataclass
from uuid import UUID

from kit.actor import Actor
from kit.audit import Audit
from kit.calendar import WorkingDays
from kit.clock import local_date
from kit.command import finish
from kit.db import Transaction
from kit.errors import AlreadyExistsError, FailedPreconditionError, InvalidArgumentError, Violation
from services.cases import domain, events
from services.cases.commands.cases import Origin, begin_case
from services.cases.commands.deps import Deps, check_case_manager
from services.cases.commands.requests import already_open, insert_request, judged, new_request
from services.cases.directory import Provider
from services.cases.domain.cases import SeenRecord
from services.cases.domain.reference import OWN_WORK_REASON
from services.cases.domain.requests import Draft, Request
from services.cases.domain.students import Student
from services.cases.store import counts, requests, searching


def notify_non_enrolment(
    deps: Deps, actor: Actor, *, draft: Draft, provider_id: UUID | None, is_domestic: bool, token: str
) -> Request:
    """The enrolment register tells of a child that no school has. The request belongs to the register's organisation.

    Raises:
        InvalidArgumentError: the child is not of school age, not domestic, or not without a school for long enough.
        FailedPreconditionError: no provider is named, and the last school lies in no catchment.
        AlreadyExistsError: it was told of this already; the request's id is in the metadata.
    """
    now = deps.clock.now()
    today = local_date(now)
    since = draft.details.not_enrolled_since
    provider = _route(deps, provider_id or draft.details.last_school_id, is_named=provider_id is not None, token=token)
    with deps.database.tenant(actor) as tx:
        reference = deps.reference.on(tx, now)
        calendar = WorkingDays(provider.region)
        violations = domain.requests.student_violations(draft.student, reference=reference, today=today)
        violations += domain.requests.non_enrolment_violations(
            draft, is_domestic=is_domestic, calendar=calendar, today=today
        )
        if violations or since is None:
            raise InvalidArgumentError.of(*violations)
        requests.lock_student(tx, draft.student)
        known = requests.find_notification(tx, draft.student.nsn, since)
        if known is not None:
            raise already_open(known)
        request = new_request(deps, actor, judged(draft, reference=reference, today=today), provider=provider, now=now)
        insert_request(tx, request)
        counts.change_requests(tx, [(provider.id, request.state, 1)])
        entry = Audit("notify-non-enrolment", request.id)
        return finish(tx, request, entry=entry, events=[events.request_submitted(request)], now=now)


@dataclass(frozen=True, slots=True)
class OwnWork:
    """What a provider says of a case that it opens itself.

    `school_id`: where the student is enrolled, if anywhere. `is_another_student`: than the one of an open case with the
    same name and birth date.
    """

    draft: Draft
    school_id: UUID | None
    case_manager_id: UUID | None
    is_another_student: bool = False


def open_own_case(deps: Deps, actor: Actor, *, work: OwnWork, token: str) -> SeenRecord:
    """A provider opens a case itself, with a reason.

    Raises:
        InvalidArgumentError: the reason is none of the list, the school is in no catchment of the provider, or
            `case_manager_id` is not a case manager whose access works.
        AlreadyExistsError: a case is open for this student, or for one of the same name and birth date and it was not
            said that this is another; its id is in the metadata.
    """
    now = deps.clock.now()
    today = local_date(now)
    draft, school_id, case_manager_id = work.draft, work.school_id, work.case_manager_id
    if case_manager_id is not None:
        check_case_manager(deps, case_manager_id, token)
    violations = []
    if school_id is not None:
        provider = deps.directory.find_provider(school_id=school_id, token=token)
        if provider is None or provider.id != actor.tenant_id:
            violations.append(Violation("school_id", "other-catchment", "must be a school of your catchments"))
    with deps.numbers.taken(deps.database, actor, now) as number, deps.database.tenant(actor) as tx:
        reference = deps.reference.on(tx, now)
        reason = draft.details.own_work_reason
        violations += domain.requests.student_violations(draft.student, reference=reference, today=today)
        violations += reference.violations("reason", reason, OWN_WORK_REASON)
        if violations:
            raise InvalidArgumentError.of(*violations)
        requests.lock_student(tx, draft.student)
        _check_new(tx, draft.student, is_another_student=work.is_another_student)
        case_id = deps.new_id()
        origin = Origin(number, judged(draft, reference=reference, today=today), school_id=school_id)
        begun = begin_case(deps, tx, actor, case_id=case_id, origin=origin, case_manager_id=case_manager_id)
        entry = Audit("open-own-case", case_id, reason=reason)
        return finish(tx, begun.seen, entry=entry, events=begun.events, now=now)


def _check_new(tx: Transaction, student: Student, *, is_another_student: bool) -> None:
    for case_id, nsn in searching.find_open_cases(tx, student):
        is_certain = bool(nsn) and nsn == student.nsn
        if is_certain or not is_another_student:
            raise AlreadyExistsError(
                "case-already-open" if is_certain else "case-perhaps-open",
                "A case is open for this student."
                if is_certain
                else "A case is open for a student with this name and birth date.",
                metadata={"case_id": str(case_id)},
            )


def _route(deps: Deps, organisation_id: UUID | None, *, is_named: bool, token: str) -> Provider:
    if organisation_id is None:
        violation = Violation("provider_id", "required", "is needed where no last school is known")
        raise InvalidArgumentError.of(violation)
    if is_named:
        provider = deps.directory.named_provider(provider_id=organisation_id, token=token)
        if provider is None:
            raise InvalidArgumentError.of(Violation("provider_id", "not-a-provider", "must be a provider"))
        return provider
    provider = deps.directory.find_provider(school_id=organisation_id, token=token)
    if provider is None:
        raise FailedPreconditionError("no-provider", "The last school lies in no provider's catchment.")
    return provider
