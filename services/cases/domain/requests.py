"""Requests for support: what a school may ask, and how a provider answers."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from kit.errors import FailedPreconditionError, NotFoundError, Violation
from services.cases.domain.shared import check_version
from services.cases.domain.students import Attendance, Caregiver, Student, age

ANSWER_WORKING_DAYS = 5
"""How long a provider has to answer a request."""


# A child may be enrolled from the fifth birthday, and stays at most until the year of the twenty-first. Being over 16
# ends the duty to attend, not the request: age never closes anything by itself.
YOUNGEST, OLDEST = 5, 21


class RequestState(StrEnum):
    """Where a request for support stands."""

    SUBMITTED = "submitted"
    ACCEPTED = "accepted"


class Calendar(Protocol):
    """The working days of the place where a request is answered."""

    def after(self, day: date, count: int) -> date:
        """The `count`-th working day after `day`."""
        ...


@dataclass(frozen=True, slots=True)
class Draft:
    """What a school says when it asks for support."""

    student: Student
    caregivers: tuple[Caregiver, ...]
    attendance: Attendance
    concern: str
    steps_tried: str


def draft_violations(draft: Draft, *, today: date) -> list[Violation]:
    """The rules a draft breaks that no single field can know; field names as in the contract."""
    violations = []
    born_on = draft.student.date_of_birth
    if born_on > today:
        violations.append(Violation("student.date_of_birth", "in-future", "must not be in the future"))
    elif not YOUNGEST <= age(born_on, today) <= OLDEST:
        violations.append(
            Violation("student.date_of_birth", "age", f"must make the student {YOUNGEST} to {OLDEST} years old")
        )
    if draft.attendance.present_half_days > draft.attendance.total_half_days:
        violations.append(
            Violation("attendance.present_half_days", "more-than-total", "must not be more than the total half-days")
        )
    return violations


class OpenRequests:
    """The requests of a school that are open, to find whether a student has one already.

    Two descriptions are of one student where their NSNs are equal; where one of them lacks an NSN, where name and date
    of birth are equal. Two NSNs that differ are two students, whatever else is equal: twins are not merged.
    """

    def __init__(self, known: Iterable[tuple[UUID, str, str]] = ()) -> None:
        """`known`: id, NSN and `Student.key` of each."""
        self._by_nsn: dict[str, UUID] = {}
        self._by_key: dict[str, list[tuple[UUID, str]]] = {}
        for request_id, nsn, key in known:
            self._add(request_id, nsn, key)

    def add(self, request_id: UUID, student: Student) -> None:
        """Remember one more."""
        self._add(request_id, student.nsn, student.key)

    def find(self, student: Student) -> UUID | None:
        """The open request for a student."""
        if student.nsn in self._by_nsn:
            return self._by_nsn[student.nsn]
        for request_id, nsn in self._by_key.get(student.key, ()):
            if not (nsn and student.nsn):
                return request_id
        return None

    def _add(self, request_id: UUID, nsn: str, key: str) -> None:
        if nsn:
            self._by_nsn.setdefault(nsn, request_id)
        self._by_key.setdefault(key, []).append((request_id, nsn))


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A school's request for support. `accepted_at` and `case_id` are there once it was accepted."""

    id: UUID
    school_id: UUID
    provider_id: UUID
    draft: Draft
    submitted_at: datetime
    submitted_by: UUID
    answer_due_on: date
    accepted_at: datetime | None = None
    case_id: UUID | None = None
    overdue_noted_at: datetime | None = None
    version: int = 1

    @property
    def state(self) -> RequestState:
        """Where it stands."""
        return RequestState.SUBMITTED if self.accepted_at is None else RequestState.ACCEPTED

    def is_overdue(self, today: date) -> bool:
        """Whether its day has passed without an answer."""
        return self.state == RequestState.SUBMITTED and today > self.answer_due_on


def answer_due_on(submitted_on: date, calendar: Calendar) -> date:
    """The day by which the provider answers: five working days after the one of submission."""
    return calendar.after(submitted_on, ANSWER_WORKING_DAYS)


def accept(request: Request, *, provider_id: UUID, case_id: UUID, now: datetime, expected_version: int) -> Request:
    """The request as accepted by its provider, who opens the case `case_id` for it.

    Raises:
        NotFoundError: it was routed to another provider.
        StaleVersionError: it is not at `expected_version` (0: whichever) any more.
        FailedPreconditionError: it was answered before.
    """
    if request.provider_id != provider_id:
        raise NotFoundError("request")
    check_version(expected_version, request.version)
    if request.state != RequestState.SUBMITTED:
        raise FailedPreconditionError("already-answered", "This request was answered already.")
    return replace(request, accepted_at=now, case_id=case_id, version=request.version + 1)
