"""What people do with returns, and what falls due."""

from collections.abc import Iterable, Mapping
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
from kit.ids import NewId
from kit.outbox import Event
from kit.sweeps import clear_deadline, set_deadline
from services.reporting import events
from services.reporting.commands.freezing import checksum, content_of, digest_of
from services.reporting.domain import returns as rules
from services.reporting.domain.figures import Quarter
from services.reporting.domain.returns import Return, Rule
from services.reporting.measuring import measure
from services.reporting.store import ledger, providers
from services.reporting.store import returns as store

RETURN_DEADLINE = "return"
CALENDAR = WorkingDays()
"""One for all: the ministry's day, so national holidays and no region's."""


@dataclass(frozen=True)
class Deps:
    """What commands need."""

    database: Database
    clock: Clock
    new_id: NewId


@dataclass(slots=True)
class Moved:
    """A return that moved, of a provider, with the rule of the day and the position of the event in its outbox."""

    provider_id: UUID
    filed: Return
    rule: Rule
    today: date
    position: int = 0


def begin_returns(tx: Transaction, quarters: Iterable[Quarter], *, new_id: NewId, now: datetime) -> None:
    """Whoever did something in a quarter owes a return: keep its draft, and the day by which. For the consumer.

    What is counted for a quarter whose day has passed already is owed without a deadline: nobody could have met it.
    """
    for quarter in sorted(set(quarters)):
        return_id = new_id()
        if store.begin_return(tx, quarter, return_id=return_id):
            due_at = _due_at(Return(quarter=quarter), store.find_rule(tx, quarter.last_day))
            if due_at > now:
                set_deadline(tx, kind=RETURN_DEADLINE, subject_id=return_id, due_at=due_at)


def save_return(
    deps: Deps,
    actor: Actor,
    *,
    quarter: Quarter,
    comments: Mapping[str, str],
    explanations: Mapping[str, str],
    expected_version: int,
) -> Moved:
    """Someone writes in the return.

    Raises:
        FailedPreconditionError: it is submitted.
        InvalidArgumentError: a comment is for no section.
        StaleVersionError: it is not at `expected_version` any more.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        filed = rules.save(
            _lock(tx, deps, quarter, now),
            comments=comments,
            explanations=explanations,
            expected_version=expected_version,
        )
        told = events.return_saved(tx.tenant_id, filed, by=actor.person_id)
        return _finish(tx, filed, "save-return", told, now=now)


def validate_return(deps: Deps, actor: Actor, *, quarter: Quarter, expected_version: int) -> Moved:
    """Someone has the return checked.

    Raises:
        FailedPreconditionError: it is submitted.
        StaleVersionError: it is not at `expected_version` any more.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        filed = _lock(tx, deps, quarter, now)
        rule = store.find_rule(tx, quarter.last_day)
        present, previous = measure(tx, quarter), measure(tx, quarter.before)
        findings = rules.check(_counts(present), _counts(previous), rule)
        filed = rules.validate(
            filed,
            findings=findings,
            checked=digest_of(tx, filed, findings),
            now=now,
            expected_version=expected_version,
        )
        told = events.return_validated(tx.tenant_id, filed, by=actor.person_id)
        return _finish(tx, filed, "validate-return", told, now=now)


def submit_return(deps: Deps, actor: Actor, *, quarter: Quarter, expected_version: int) -> Moved:
    """Someone submits the return: what they saw, frozen with the line of the ledger up to which it was counted.

    Raises:
        FailedPreconditionError: its quarter has not ended, or it is submitted, not checked, or not what was checked.
        StaleVersionError: it is not at `expected_version` any more.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        ledger.hold_counting(tx)
        filed = _lock(tx, deps, quarter, now)
        rules.check_submittable(
            filed,
            today=local_date(now),
            opens_on=filed.opens_on(CALENDAR),
            present=digest_of(tx, filed, filed.findings),
            expected_version=expected_version,
        )
        content = content_of(tx, filed, by=actor.person_id, now=now, cutoff=ledger.find_last_line(tx))
        filed = rules.submit(filed, sha256=checksum(content), by=actor.person_id, now=now)
        store.freeze(tx, filed, content)
        _clear_deadline(tx, quarter)
        return _finish(tx, filed, "submit-return", events.return_submitted(tx.tenant_id, filed), now=now)


def accept_return(deps: Deps, actor: Actor, *, provider_id: UUID, quarter: Quarter, expected_version: int) -> Moved:
    """The ministry accepts a return.

    Raises:
        NotFoundError: the provider has none for the quarter.
        FailedPreconditionError: it is not submitted.
        StaleVersionError: it is not at `expected_version` any more.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        with tx.enter_tenant(provider_id, reason="accept-return"):
            filed = rules.accept(
                store.lock_return(tx, quarter), by=actor.person_id, now=now, expected_version=expected_version
            )
            moved = _decide(tx, filed, "accept-return", events.return_accepted(provider_id, filed), now=now)
        return finish(tx, moved, entry=Audit("accept-return", provider_id), events=[], now=now)


def reopen_return(
    deps: Deps, actor: Actor, *, provider_id: UUID, quarter: Quarter, reason: str, expected_version: int
) -> Moved:
    """The ministry gives a return back, by exception. What was submitted stays as it was.

    Raises:
        NotFoundError: the provider has none for the quarter.
        FailedPreconditionError: it is not submitted.
        StaleVersionError: it is not at `expected_version` any more.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        with tx.enter_tenant(provider_id, reason="reopen-return"):
            filed = rules.reopen(store.lock_return(tx, quarter), reason=reason, expected_version=expected_version)
            told = events.return_reopened(provider_id, filed, by=actor.person_id)
            moved = _decide(tx, filed, "reopen-return", told, now=now)
        return finish(tx, moved, entry=Audit("reopen-return", provider_id), events=[], now=now)


def note_return_overdue(deps: Deps, actor: Actor, return_id: UUID) -> None:
    """Say once that a return was not submitted by its day. The sweep's command, in the provider's tenant."""
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        filed = store.find_return_by_id(tx, return_id)
        if filed is not None and filed.submitted_at is None and filed.overdue_noted_at is None:
            rule = store.find_rule(tx, filed.quarter.last_day)
            if _due_at(filed, rule) > now:
                return
            store.update_return(tx, replace(filed, overdue_noted_at=now))
            told = events.return_overdue(
                tx.tenant_id,
                filed.quarter,
                due_on=filed.due_on(CALENDAR, rule),
                ministry_id=providers.find_ministry(tx),
            )
            outbox.append(tx, told, now=now)
            audit.write(tx, Audit("note-return-overdue", return_id), now=now)
        clear_deadline(tx, kind=RETURN_DEADLINE, subject_id=return_id)


def _lock(tx: Transaction, deps: Deps, quarter: Quarter, now: datetime) -> Return:
    begin_returns(tx, [quarter], new_id=deps.new_id, now=now)
    found = store.lock_return(tx, quarter)
    assert found is not None, "it was begun"
    return found


def _finish(tx: Transaction, filed: Return, action: str, told: Event, *, now: datetime) -> Moved:
    store.update_return(tx, filed)
    moved = Moved(tx.tenant_id, filed, store.find_rule(tx, filed.quarter.last_day), local_date(now))
    return finish(tx, moved, entry=Audit(action, tx.tenant_id, reason=str(filed.quarter)), events=[told], now=now)


def _decide(tx: Transaction, filed: Return, action: str, told: Event, *, now: datetime) -> Moved:
    """In the provider's tenant: what the ministry decided, audited on its side too."""
    moved = Moved(tx.tenant_id, filed, store.find_rule(tx, filed.quarter.last_day), local_date(now))
    store.update_return(tx, filed)
    audit.write(tx, Audit(action, tx.tenant_id, reason=str(filed.quarter)), now=now)
    promise = outbox.append(tx, told, now=now)
    tx.flush()
    moved.position = promise.value()
    return moved


def _clear_deadline(tx: Transaction, quarter: Quarter) -> None:
    return_id = store.find_return_id(tx, quarter)
    if return_id is not None:
        clear_deadline(tx, kind=RETURN_DEADLINE, subject_id=return_id)


def _due_at(filed: Return, rule: Rule) -> datetime:
    return datetime.combine(filed.due_on(CALENDAR, rule) + timedelta(days=1), time(), NEW_ZEALAND)


def _counts(values: Mapping[str, int | None]) -> dict[str, int]:
    return {code: value or 0 for code, value in values.items()}
