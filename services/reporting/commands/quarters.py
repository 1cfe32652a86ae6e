"""A quarter that ends makes every provider's draft return, also of one that did nothing in it."""

from dataclasses import replace
from datetime import datetime, time
from uuid import UUID

from kit import audit
from kit.actor import Actor
from kit.audit import Audit
from kit.clock import NEW_ZEALAND, local_date
from kit.db import Transaction
from kit.sweeps import clear_deadline, keep_deadline
from services.reporting.commands.returns import Deps, begin_returns
from services.reporting.domain.figures import Quarter
from services.reporting.store import providers
from services.reporting.store.providers import Provider

QUARTER_DEADLINE = "quarter-end"
"""One for each provider, at the first moment after the quarter that it is in."""


def note_provider(tx: Transaction, *, ministry_id: UUID, is_suspended: bool, now: datetime) -> None:
    """Keep the present tenant as a provider of a ministry's register. For the consumer."""
    known = providers.lock_provider(tx) or Provider(ministry_id, is_suspended, Quarter.of(local_date(now)))
    providers.put_provider(tx, replace(known, ministry_id=ministry_id, is_suspended=is_suspended))
    keep_deadline(tx, kind=QUARTER_DEADLINE, subject_id=tx.tenant_id, due_at=_end_of(known.next_quarter))


def end_quarter(deps: Deps, actor: Actor, provider_id: UUID) -> None:
    """Begin the returns of every quarter that has ended since this was last done. The sweep's command.

    One who is suspended when it ends owes a return only for what it did, which the consumer has begun.
    """
    now = deps.clock.now()
    present = Quarter.of(local_date(now))
    with deps.database.tenant(actor) as tx:
        provider = providers.lock_provider(tx)
        if provider is None:
            clear_deadline(tx, kind=QUARTER_DEADLINE, subject_id=provider_id)
            return
        ended, each = [], provider.next_quarter
        while each < present:
            ended.append(each)
            each = each.next
        if ended:
            if not provider.is_suspended:
                begin_returns(tx, ended, new_id=deps.new_id, now=now)
            providers.put_provider(tx, replace(provider, next_quarter=each))
            clear_deadline(tx, kind=QUARTER_DEADLINE, subject_id=provider_id)
            keep_deadline(tx, kind=QUARTER_DEADLINE, subject_id=provider_id, due_at=_end_of(each))
            audit.write(tx, Audit("end-quarter", provider_id, reason=str(ended[-1])), now=now)


def _end_of(quarter: Quarter) -> datetime:
    return datetime.combine(quarter.next.first_day, time(), NEW_ZEALAND)
