"""What reaches a student's school: what was shared, and who there is told that something changed."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit import audit, outbox
from kit.actor import Actor
from kit.audit import Audit
from kit.db import Transaction
from services.cases import domain, events
from services.cases.commands.deps import Deps
from services.cases.domain.cases import Case
from services.cases.domain.entries import TimelineEntry
from services.cases.domain.sharing import SharedCase, SharedChange, SharedEntry
from services.cases.store import entries, sharing
from services.cases.store.sharing import Position


@dataclass(frozen=True, slots=True)
class OpenedSharedCase:
    """A case as someone of its school opened it, with one entry more than asked for where there are older ones."""

    case: SharedCase
    entries: list[SharedEntry]


def share_entry(tx: Transaction, case: Case, said: TimelineEntry, *, now: datetime) -> None:
    """Bring what the school reads of an entry to what holds now; a part of the commands that write entries.

    A case without a school shares with nobody. When a student's school changes, whatever command moves the case's
    `school_id` must move the rows of `shared_entry` with it: they follow the school of now.
    """
    shown = domain.sharing.shared_form(said)
    if shown is None:
        # An entry that has just been written was never shared.
        if said.corrections:
            sharing.take_back_entry(tx, said.entry.id)
        return
    if case.school_id is None:
        return
    sharing.put_entry(tx, shown, school_id=case.school_id)
    tell_school(tx, case, SharedChange.ENTRY, now=now)


def tell_school(tx: Transaction, case: Case, change: SharedChange, *, now: datetime) -> None:
    """Tell who is named at the school that a case changed; a part of the commands that change it.

    The event is the school's, where the person works and their notices stand.
    """
    if case.primary_contact_id is None or case.school_id is None:
        return
    with tx.enter_tenant(case.school_id, reason="tell-school"):
        audit.write(tx, Audit("tell-school", case.id, reason=change.value), now=now)
        outbox.append(tx, events.shared_case_changed(case, change), now=now)


def open_shared_case(
    deps: Deps, actor: Actor, *, case_id: UUID, after: Position | None = None, most: int
) -> OpenedSharedCase:
    """The one way for a school to read a case. The provider's access log says who did.

    Raises:
        NotFoundError: no such case at the caller's school, or not the caller's to see.
    """
    with deps.database.tenant(actor) as tx:
        with tx.as_guest():
            case = domain.sharing.check_shared_with(sharing.find_case(tx, case_id), actor)
            found = sharing.list_entries(tx, case_id, after=after, most=most)
        with tx.enter_tenant(case.provider_id, reason="open-shared-case"):
            entries.log_access(tx, log_id=deps.new_id(), subject="case", subject_id=case_id, now=deps.clock.now())
        return OpenedSharedCase(case, found)
