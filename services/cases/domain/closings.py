"""Closings: how work on a case ended, and why it was taken up again."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from kit.errors import Violation
from services.cases.domain.cases import Action, Case, check_allowed
from services.cases.domain.reference import CLOSE_OUTCOME, CLOSE_REASON, Reference
from services.cases.domain.shared import Caller, check_version


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """An end of work; `reopened_*` once it was taken up again."""

    id: UUID
    case_id: UUID
    reason: str
    outcome: str
    summary: str
    closed_by: UUID
    closed_at: datetime
    reopened_reason: str = ""
    reopened_by: UUID | None = None
    reopened_at: datetime | None = None


def violations(closing: Closing, *, reference: Reference) -> list[Violation]:
    """The rules a closing breaks; field names as in the contract."""
    return [
        *reference.violations("reason", closing.reason, CLOSE_REASON),
        *reference.violations("outcome", closing.outcome, CLOSE_OUTCOME),
    ]


def close(
    case: Case,
    caller: Caller,
    *,
    at: datetime,
    open_task_ids: Iterable[UUID] = (),
    open_letter_ids: Iterable[UUID] = (),
    expected_version: int = 0,
) -> Case:
    """The case, closed; a pause under way ends with it.

    Raises:
        StaleVersionError: the case is not at `expected_version` (0: whichever) any more.
        FailedPreconditionError: it is closed, or tasks or letters are open in it: the metadata counts and names them.
    """
    named = {"task_ids": ",".join(map(str, open_task_ids))}
    if not case.open_tasks:
        named = {"letter_ids": ",".join(map(str, open_letter_ids))}
    check_allowed(Action.CLOSE, case, caller, named=named)
    check_version(expected_version, case.version)
    return replace(case, closed_at=at, pause_id=None, wakes_on=None, version=case.version + 1)


def reopen(case: Case, caller: Caller, *, keeps_owner: bool, expected_version: int = 0) -> Case:
    """The case, open: as it was with its case manager, or new with nobody. Work that had begun stays begun.

    Raises:
        StaleVersionError: the case is not at `expected_version` (0: whichever) any more.
        FailedPreconditionError: it is not closed.
    """
    check_allowed(Action.REOPEN, case, caller)
    check_version(expected_version, case.version)
    return replace(
        case,
        closed_at=None,
        case_manager_id=case.case_manager_id if keeps_owner else None,
        assigned_at=case.assigned_at if keeps_owner else None,
        version=case.version + 1,
    )
