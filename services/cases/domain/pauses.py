"""Pauses: a case rests until a day. They never overlap, because a case has at most one that has not ended."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from kit.errors import Violation
from services.cases.domain.cases import Action, Case, check_allowed
from services.cases.domain.reference import PAUSE_LIMIT, PAUSE_REASON, Reference
from services.cases.domain.shared import Caller, check_version


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A rest. Paused are the days from `started_on` to the one before `ended_on`; nobody ended one that just woke."""

    id: UUID
    case_id: UUID
    reason: str
    started_on: date
    wakes_on: date
    conditions: str
    agreed_by: str
    paused_by: UUID
    paused_at: datetime
    ended_on: date | None = None
    ended_by: UUID | None = None
    ended_at: datetime | None = None


def violations(pause: Pause, *, reference: Reference) -> list[Violation]:
    """The rules a new pause breaks; field names as in the contract."""
    found = reference.violations("reason", pause.reason, PAUSE_REASON)
    if pause.wakes_on <= pause.started_on:
        found.append(Violation("wakes_on", "not-in-future", "must be after today"))
    for days in reference.days(PAUSE_LIMIT).values():
        if pause.wakes_on > pause.started_on + timedelta(days=days):
            found.append(Violation("wakes_on", "too-far", f"must be within {days} days"))
    return found


def pause(case: Case, caller: Caller, *, by: Pause, expected_version: int = 0) -> Case:
    """The case, resting.

    Raises:
        StaleVersionError: the case is not at `expected_version` (0: whichever) any more.
        FailedPreconditionError: it rests already, work on it has not begun, or it is closed.
    """
    check_allowed(Action.PAUSE, case, caller)
    check_version(expected_version, case.version)
    return replace(case, pause_id=by.id, wakes_on=by.wakes_on, version=case.version + 1)


def resume(case: Case, caller: Caller, *, expected_version: int = 0) -> Case:
    """The case, woken by someone.

    Raises:
        StaleVersionError: the case is not at `expected_version` (0: whichever) any more.
        FailedPreconditionError: it does not rest.
    """
    check_allowed(Action.RESUME, case, caller)
    check_version(expected_version, case.version)
    return awake(case)


def awake(case: Case) -> Case:
    """The case without a pause."""
    return replace(case, pause_id=None, wakes_on=None, version=case.version + 1)


def paused_days(pauses: Iterable[Pause], *, since: date, until: date) -> int:
    """How many days from `since` up to, not including, `until` were paused. The one definition of it."""
    days = 0
    for each in pauses:
        first = max(each.started_on, since)
        end = min(each.ended_on or until, until)
        days += max(0, (end - first).days)
    return days
