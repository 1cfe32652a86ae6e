"""What a provider answers to a request besides opening a case, and what the school replies.

The request is its owner's, so that a provider's answer enters that tenant and is audited on both sides.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from kit import audit
from kit.actor import Actor
from kit.audit import Audit
from kit.calendar import WorkingDays
from kit.clock import local_date
from kit.command import finish
from kit.db import Transaction
from kit.errors import InvalidArgumentError, NotFoundError
from kit.outbox import Event
from kit.sweeps import clear_deadline, set_deadline
from services.cases import domain, events
from services.cases.commands.deadlines import ANSWER_DEADLINE, REPLY_DEADLINE
from services.cases.commands.deps import Deps
from services.cases.commands.requests import after_day, await_answer, judged, lock_submitted_request
from services.cases.domain.requests import (
    REPLY_WORKING_DAYS,
    Draft,
    Occasion,
    Question,
    Request,
    RequestState,
    Said,
    SeenRequest,
    seen_by,
)
from services.cases.store import counts, requests


def return_request(
    deps: Deps, actor: Actor, *, request_id: UUID, question: str, expected_version: int, token: str
) -> SeenRequest:
    """A provider sends a request back with a question. Its clock stands still until the school replies.

    Raises:
        NotFoundError: no such request was routed to the provider.
        StaleVersionError: the request is not at `expected_version` any more.
        FailedPreconditionError: it was answered or returned before, or there is no school to ask.
    """
    now = deps.clock.now()
    occasion = occasion_of(actor, now=now, expected_version=expected_version)
    with deps.database.tenant(actor) as tx:
        school_id = _find(tx, request_id).owner_id
    calendar = _calendar(deps, school_id, token)
    asked = Question(
        text=question,
        asked_by=actor.person_id,
        asked_at=now,
        reply_due_on=calendar.after(local_date(now), REPLY_WORKING_DAYS),
    )

    def answer(request: Request) -> Request:
        return domain.requests.return_with(request, occasion, question=asked, calendar=calendar)

    with deps.database.tenant(actor) as tx:
        with answering(tx, request_id, answer=answer, verb="return-request", now=now) as request:
            due_at = after_day(asked.reply_due_on)
            set_deadline(tx, kind=REPLY_DEADLINE, subject_id=request_id, due_at=due_at)
        told = events.request_returned(request, asked)
        seen = seen_by(actor, request, today=local_date(now))
        return finish(tx, seen, entry=Audit("return-request", request_id), events=[told], now=now)


def decline_request(
    deps: Deps, actor: Actor, *, request_id: UUID, reason: str, words: str, expected_version: int
) -> SeenRequest:
    """A provider declines a request.

    Raises:
        NotFoundError: no such request was routed to the provider.
        InvalidArgumentError: the reason is none of the list.
        StaleVersionError: the request is not at `expected_version` any more.
        FailedPreconditionError: it was answered before.
    """
    now = deps.clock.now()
    occasion = occasion_of(actor, now=now, expected_version=expected_version)

    def answer(request: Request) -> Request:
        return domain.requests.decline(request, occasion, reason=reason, words=words)

    with deps.database.tenant(actor) as tx:
        if violations := domain.requests.decline_violations(reason, reference=deps.reference.on(tx, now)):
            raise InvalidArgumentError.of(*violations)
        with answering(tx, request_id, answer=answer, verb="decline-request", now=now) as request:
            pass
        told: list[Event] = [events.request_declined(request, declined_by=actor.person_id)]
        seen = seen_by(actor, request, today=local_date(now))
        return finish(tx, seen, entry=Audit("decline-request", request_id, reason=reason), events=told, now=now)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a school replies; `said`: what it says now in place of all that it had said, None where nothing changes."""

    words: str
    said: Said | None = None


def resubmit_request(
    deps: Deps, actor: Actor, *, request_id: UUID, reply: Reply, expected_version: int, token: str
) -> SeenRequest:
    """The school replies to the question about its request, and the provider's clock goes on.

    Raises:
        NotFoundError: no such request of the school that the caller sees.
        InvalidArgumentError: what is said anew breaks a rule.
        StaleVersionError: the request is not at `expected_version` any more.
        FailedPreconditionError: nothing was asked, or it was answered.
    """
    now = deps.clock.now()
    occasion = occasion_of(actor, now=now, expected_version=expected_version)
    calendar = _calendar(deps, actor.tenant_id, token)
    with deps.database.tenant(actor) as tx:
        before = lock_submitted_request(tx, actor, request_id)
        request = domain.requests.resubmit(before, occasion, reply=reply.words, calendar=calendar)
        change_request(tx, before, request)
        if reply.said is not None:
            draft = _amended(deps, tx, request.draft.saying(reply.said), now=now)
            request = domain.requests.amend(request, occasion, draft=draft)
            requests.amend_request(tx, request)
        await_answer(tx, request)
        told = events.request_resubmitted(request)
        seen = seen_by(actor, request, today=local_date(now))
        return finish(tx, seen, entry=Audit("resubmit-request", request_id), events=[told], now=now)


def _amended(deps: Deps, tx: Transaction, draft: Draft, *, now: datetime) -> Draft:
    """What a school says anew, checked and judged by the criteria of today."""
    reference = deps.reference.on(tx, now)
    if violations := domain.requests.said_violations(draft, reference=reference):
        raise InvalidArgumentError.of(*(replace(each, field=f"amendment.{each.field}") for each in violations))
    return judged(draft, reference=reference, today=local_date(now))


def note_reply_overdue(deps: Deps, actor: Actor, request_id: UUID) -> None:
    """Remind the school, once, of a question whose day has passed without a reply. The sweep's command.

    `actor` is the system in the school's tenant. A request that goes on only loses its deadline; one whose day has not
    passed keeps it.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        request = requests.lock_request(tx, request_id)
        question = request.open_question if request and request.state == RequestState.RETURNED else None
        if request is None or question is None or request.reply_noted_at is not None:
            clear_deadline(tx, kind=REPLY_DEADLINE, subject_id=request_id)
            return
        if local_date(now) <= question.reply_due_on:
            return
        requests.update_request(tx, replace(request, reply_noted_at=now))
        clear_deadline(tx, kind=REPLY_DEADLINE, subject_id=request_id)
        told = events.request_reply_overdue(request, question)
        finish(tx, None, entry=Audit("note-reply-overdue", request_id), events=[told], now=now)


def occasion_of(actor: Actor, *, now: datetime, expected_version: int) -> Occasion:
    """The occasion on which a caller does something with a request."""
    return Occasion(
        caller=actor, tenant_id=actor.tenant_id, now=now, today=local_date(now), expected_version=expected_version
    )


@contextmanager
def answering(
    tx: Transaction, request_id: UUID, *, answer: Callable[[Request], Request], verb: str, now: datetime
) -> Iterator[Request]:
    """Answer a request that was routed to the present tenant, in its owner's rows: what every answer does.

    Yields the request as answered, still among the owner's rows.

    Raises:
        NotFoundError: no such request was routed to the provider.
    """
    owner_id = _find(tx, request_id).owner_id
    with tx.enter_tenant(owner_id, reason=verb):
        before = requests.lock_request(tx, request_id)
        if before is None:
            raise NotFoundError("request")
        after = answer(before)
        change_request(tx, before, after)
        audit.write(tx, Audit(verb, request_id), now=now)
        yield after


def change_request(tx: Transaction, before: Request, after: Request) -> None:
    """Queue what became of a request of the present tenant, its counters, and that nothing waits for its old state."""
    requests.update_request(tx, after)
    counts.change_requests(tx, [(before.provider_id, before.state, -1), (before.provider_id, after.state, 1)])
    for kind in (ANSWER_DEADLINE, REPLY_DEADLINE):
        clear_deadline(tx, kind=kind, subject_id=before.id)


def _find(tx: Transaction, request_id: UUID) -> Request:
    with tx.as_guest():
        found = requests.find_request(tx, request_id)
    if found is None:
        raise NotFoundError("request")
    return found


def _calendar(deps: Deps, school_id: UUID, token: str) -> WorkingDays:
    provider = deps.directory.find_provider(school_id=school_id, token=token)
    return WorkingDays(provider.region if provider else "")
