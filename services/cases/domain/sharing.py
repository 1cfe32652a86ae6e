"""What a student's school sees of a case: where it stands, in plain words, and the entries that were shared.

Every case of a school's student is the school's to know of; of what happened in it only what the provider shares, as it
holds now. An attendance lead sees every case of the school, a primary contact those that name them.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from kit.errors import NotFoundError
from services.cases.domain.cases import CaseState
from services.cases.domain.entries import EventKind, Outcome, TimelineEntry, Visibility
from services.cases.domain.shared import Caller


class SharedState(StrEnum):
    """Where a case stands, as a school is told: whether a case manager has begun is the provider's own business."""

    WORKING = "working"
    PAUSED = "paused"
    ENDED = "ended"


class SharedChange(StrEnum):
    """What became of a case, for who is named at the school."""

    NAMED = "named"
    ENTRY = "entry"
    PAUSED = "paused"
    RESUMED = "resumed"
    CLOSED = "closed"
    REOPENED = "reopened"


STATES: dict[SharedState, tuple[CaseState, ...]] = {
    SharedState.WORKING: (CaseState.NEW, CaseState.ASSIGNED, CaseState.ACTIVE),
    SharedState.PAUSED: (CaseState.PAUSED,),
    SharedState.ENDED: (CaseState.CLOSED,),
}
_SHARED_AS = {state: shared for shared, states in STATES.items() for state in states}


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedCase:
    """A case as the student's school sees it."""

    id: UUID
    number: str
    provider_id: UUID
    state: SharedState
    student_name: str
    year_level: int
    case_manager_id: UUID | None
    primary_contact_id: UUID | None
    opened_at: datetime
    wakes_on: date | None
    closed_at: datetime | None
    last_shared_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedEntry:
    """An entry as the school sees it: what holds now, without minutes and without the reasons of corrections."""

    entry_id: UUID
    case_id: UUID
    kind: EventKind
    happened_on: date
    outcome: Outcome
    note: str
    recorded_by: UUID
    shared_at: datetime
    corrected_at: datetime | None


def shared_state(state: CaseState) -> SharedState:
    """Where a case stands, as a school is told."""
    return _SHARED_AS[state]


def sees_every_shared_case(caller: Caller) -> bool:
    """Whether someone sees every case of their school, not only those that name them."""
    return caller.may("cases:read-shared-all")


def check_shared_with(case: SharedCase | None, caller: Caller) -> SharedCase:
    """The case, if the caller, who works for its school, may know of it.

    Raises:
        NotFoundError: there is no such case, or it is not theirs.
    """
    if case is None or not (sees_every_shared_case(caller) or case.primary_contact_id == caller.person_id):
        raise NotFoundError("case")
    return case


def shared_form(said: TimelineEntry) -> SharedEntry | None:
    """What the school reads of an entry; None when it is not shared now.

    What an entry said before it was shared stays with the provider, and so does all of it once a correction takes it
    back.
    """
    holds = said.holding
    if holds.visibility != Visibility.SCHOOL:
        return None
    statements = [(said.entry.visibility, said.entry.recorded_at)]
    statements += [(each.visibility, each.corrected_at) for each in said.corrections]
    shared_at = corrected_at = None
    for visibility, at in statements:
        if visibility != Visibility.SCHOOL:
            shared_at = corrected_at = None
        elif shared_at is None:
            shared_at = at
        else:
            corrected_at = at
    assert shared_at is not None, "what holds is shared"
    return SharedEntry(
        entry_id=holds.id,
        case_id=holds.case_id,
        kind=holds.kind,
        happened_on=holds.happened_on,
        outcome=holds.outcome,
        note=holds.note,
        recorded_by=holds.recorded_by,
        shared_at=shared_at,
        corrected_at=corrected_at,
    )
