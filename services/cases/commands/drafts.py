"""What a school does with requests that are not finished. Nobody else hears of them, so they tell no events."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from ascms.cases.v1 import cases_pb2

from kit.actor import Actor
from kit.audit import Audit
from kit.clock import local_date
from kit.command import finish
from kit.db import Transaction
from kit.errors import InvalidArgumentError, NotFoundError, Violation
from kit.rpc.validation import validate
from kit.sweeps import clear_deadline, set_deadline
from services.cases import domain, events, wire
from services.cases.commands.deadlines import DRAFT_DEADLINE
from services.cases.commands.deps import Deps
from services.cases.commands.requests import after_day, find_provider, submit
from services.cases.domain.drafts import SavedDraft
from services.cases.domain.reference import STEPPED_RESPONSE
from services.cases.domain.requests import SeenRequest, seen_by
from services.cases.domain.shared import check_version
from services.cases.domain.students import shown_name
from services.cases.domain.triage import Assessment
from services.cases.store import drafts, searching


def save_draft(
    deps: Deps,
    actor: Actor,
    *,
    draft_id: UUID | None,
    content: cases_pb2.SubmitRequestRequest,
    expected_version: int,
) -> SavedDraft:
    """Someone of a school saves what they have written so far: a new draft, or one that is there.

    Raises:
        NotFoundError: no such draft that the caller sees.
        StaleVersionError: it is not at `expected_version` any more.
    """
    now = deps.clock.now()
    student = content.student
    draft = SavedDraft(
        id=draft_id or deps.new_id(),
        content=content.SerializeToString(deterministic=True),
        student_name=shown_name(
            given_names=student.given_names, family_name=student.family_name, preferred_name=student.preferred_name
        ),
        begun_by=actor.person_id,
        saved_at=now,
        kept_until=domain.drafts.kept_until(local_date(now)),
    )
    with deps.database.tenant(actor) as tx:
        if draft_id is None:
            drafts.insert_draft(tx, draft)
        else:
            draft = domain.drafts.save(_lock(tx, actor, draft_id), draft, expected_version=expected_version)
            drafts.update_draft(tx, draft)
            _forget(tx, draft.id)
        set_deadline(tx, kind=DRAFT_DEADLINE, subject_id=draft.id, due_at=after_day(draft.kept_until))
        searching.insert_tokens(tx, subject="draft", subject_id=draft.id, student=wire.students.begun_student(student))
        return finish(tx, draft, entry=Audit("save-draft", draft.id), events=[], now=now)


def discard_draft(deps: Deps, actor: Actor, *, draft_id: UUID, expected_version: int) -> None:
    """Someone of a school throws a draft away.

    Raises:
        NotFoundError: no such draft that the caller sees.
        StaleVersionError: it is not at `expected_version` any more.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        check_version(expected_version, _lock(tx, actor, draft_id).version)
        _end(tx, draft_id)
        finish(tx, None, entry=Audit("discard-draft", draft_id), events=[], now=now)


def submit_draft(deps: Deps, actor: Actor, *, draft_id: UUID, expected_version: int, token: str) -> SeenRequest:
    """Someone of a school sends what a draft holds: checked as any request is, and then no draft any more.

    Raises:
        NotFoundError: no such draft that the caller sees.
        StaleVersionError: it is not at `expected_version` any more.
        InvalidArgumentError: something is missing or breaks a rule.
        FailedPreconditionError: no catchment, so no provider.
        AlreadyExistsError: a request for this student is open; its id is in the metadata.
    """
    now = deps.clock.now()
    provider = find_provider(deps, actor, token)
    with deps.database.tenant(actor) as tx:
        saved = _lock(tx, actor, draft_id)
        check_version(expected_version, saved.version)
        content = wire.requests.content_message(saved)
        validate(content)
        draft = wire.requests.draft_of(content)
        request = submit(deps, tx, actor, draft=draft, provider=provider, now=now)
        _end(tx, draft_id)
        entry = Audit("submit-request", request.id, reason="draft")
        seen = seen_by(actor, request, today=local_date(now))
        return finish(tx, seen, entry=entry, events=[events.request_submitted(request)], now=now)


def drop_draft(deps: Deps, actor: Actor, draft_id: UUID) -> None:
    """Throw a draft away whose days have passed. The sweep's command; `actor` is the system in the school's tenant."""
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        draft = drafts.lock_draft(tx, draft_id)
        if draft is None:
            clear_deadline(tx, kind=DRAFT_DEADLINE, subject_id=draft_id)
            return
        if not draft.is_over(local_date(now)):
            return
        _end(tx, draft_id)
        finish(tx, None, entry=Audit("drop-draft", draft_id), events=[], now=now)


def _lock(tx: Transaction, actor: Actor, draft_id: UUID) -> SavedDraft:
    return _seen(drafts.lock_draft(tx, draft_id), actor)


def _seen(draft: SavedDraft | None, actor: Actor) -> SavedDraft:
    if draft is None or domain.requests.whose_requests(actor) not in (None, draft.begun_by):
        raise NotFoundError("draft")
    return draft


def _end(tx: Transaction, draft_id: UUID) -> None:
    drafts.delete_draft(tx, draft_id)
    _forget(tx, draft_id)


def _forget(tx: Transaction, draft_id: UUID) -> None:
    clear_deadline(tx, kind=DRAFT_DEADLINE, subject_id=draft_id)
    searching.delete_tokens(tx, subject="draft", subject_id=draft_id)


@dataclass(frozen=True, slots=True)
class Inspection:
    """A draft, what is missing or wrong before it can be sent, and how it looks so far."""

    draft: SavedDraft
    faults: Sequence[Violation]
    assessment: Assessment


def inspect_draft(deps: Deps, actor: Actor, *, draft_id: UUID) -> Inspection:
    """A draft of the school as it stands.

    Raises:
        NotFoundError: no such draft that the caller sees.
    """
    now = deps.clock.now()
    today = local_date(now)
    with deps.database.tenant(actor) as tx:
        saved = _seen(drafts.find_draft(tx, draft_id), actor)
        reference = deps.reference.on(tx, now)
    content = wire.requests.content_message(saved)
    assessment = domain.triage.assess(
        wire.requests.begun_terms(content),
        steps=len(content.steps),
        born_on=wire.students.begun_student(content.student).date_of_birth if content.student.date_of_birth else None,
        criteria=reference.criteria,
        stepped_response=reference.days(STEPPED_RESPONSE),
        today=today,
    )
    try:
        validate(content)
    except InvalidArgumentError as error:
        return Inspection(saved, error.violations, assessment)
    draft = wire.requests.draft_of(content)
    return Inspection(saved, domain.requests.draft_violations(draft, reference=reference, today=today), assessment)
