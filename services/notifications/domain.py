"""The rules of notices: who is told, how often sending is tried, when it is given up."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid5

from kit.errors import ConflictError

MAX_ATTEMPTS = 10
"""So often a mail server is asked to take a notice; then its delivery has failed, for everyone to see."""
LEASE = timedelta(minutes=1)
"""An attempt that has not ended after so long has died, and another may begin. All its waits add up to less."""
CHASE_AFTER = timedelta(minutes=15)
"""A notice not sent, or a plan not carried out, after so long is counted and set going again."""


class NoticeKind(StrEnum):
    """What a notice is about."""

    CASE_ASSIGNED = "case-assigned"
    REQUEST_OVERDUE = "request-overdue"
    INVITATION = "invitation"
    """To someone who is nobody here yet; it is about the link they are sent."""
    TRAINING_INVITATION = "training-invitation"
    """To someone whose role waits for their training; it is about them."""


class DeliveryState(StrEnum):
    """Whether a notice's e-mail was handed to the mail server."""

    PLANNED = "planned"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One notice to one person about one thing, and its delivery.

    `attempt_until` is set while an attempt is under way; `fault` is the code of the last thing that went wrong.
    `person_id` is None for who is invited: they have no id until they accept.
    """

    notice_id: UUID
    person_id: UUID | None
    kind: NoticeKind
    subject_id: UUID
    created_at: datetime
    state: DeliveryState = DeliveryState.PLANNED
    attempts: int = 0
    attempt_until: datetime | None = None
    ended_at: datetime | None = None
    fault: str = ""

    def begin_attempt(self, now: datetime) -> "Notice":
        """The notice while someone sends it; raises ConflictError while another attempt is under way."""
        if self.attempt_until is not None and now < self.attempt_until:
            raise ConflictError("notice-being-sent", "This notice is being sent at this moment.")
        return replace(self, attempt_until=now + LEASE)

    def sent(self, now: datetime) -> "Notice":
        """The mail server has it."""
        return replace(
            self, state=DeliveryState.SENT, attempts=self.attempts + 1, attempt_until=None, ended_at=now, fault=""
        )

    def refused(self, now: datetime, *, fault: str) -> "Notice":
        """The mail server did not take it this time; after MAX_ATTEMPTS that is final."""
        if self.attempts + 1 >= MAX_ATTEMPTS:
            return replace(self, attempts=self.attempts + 1).undeliverable(now, fault=fault)
        return replace(self, attempts=self.attempts + 1, attempt_until=None, fault=fault)

    def put_off(self, *, fault: str) -> "Notice":
        """It did not come to sending, since something we need was away: that does not count as an attempt."""
        return replace(self, attempt_until=None, fault=fault)

    def undeliverable(self, now: datetime, *, fault: str) -> "Notice":
        """Trying again cannot help."""
        return replace(self, state=DeliveryState.FAILED, attempt_until=None, ended_at=now, fault=fault)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Something people are to be told, when who they are has yet to be asked. Its id is the event's."""

    plan_id: UUID
    kind: NoticeKind
    subject_id: UUID
    created_at: datetime
    done_at: datetime | None = None


def notice_of(*, event_id: UUID, person_id: UUID, kind: NoticeKind, subject_id: UUID, now: datetime) -> Notice:
    """The one notice that an event makes for a person: asked twice, it has the same id."""
    return Notice(
        notice_id=uuid5(event_id, str(person_id)),
        person_id=person_id,
        kind=kind,
        subject_id=subject_id,
        created_at=now,
    )


def invitation_notice(*, event_id: UUID, link_id: UUID, now: datetime) -> Notice:
    """The one notice that brings a link to who is invited."""
    return Notice(
        notice_id=uuid5(event_id, str(link_id)),
        person_id=None,
        kind=NoticeKind.INVITATION,
        subject_id=link_id,
        created_at=now,
    )


def is_told_of_assignment(*, case_manager_id: str, assigned_by: str) -> bool:
    """Whether a new case manager hears of it: not when they gave the case to themselves."""
    return bool(case_manager_id) and case_manager_id != assigned_by
