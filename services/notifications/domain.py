"""The rules of notices: who is told, how often sending is tried, when it is given up."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol
from uuid import UUID, uuid5

from kit.errors import ConflictError, InvalidArgumentError, Violation

MAX_ATTEMPTS = 10
"""So often a mail server is asked to take a notice; then its delivery has failed, for everyone to see."""
LEASE = timedelta(minutes=1)
"""An attempt that has not ended after so long has died, and another may begin. All its waits add up to less."""
CHASE_AFTER = timedelta(minutes=15)
"""A notice not sent, or a plan not carried out, after so long is counted and set going again."""


class NoticeKind(StrEnum):
    """What a notice is about."""

    CASE_ASSIGNED = "case-assigned"
    CASE_WOKEN = "case-woken"
    TASK_DUE = "task-due"
    TASK_OVERDUE = "task-overdue"
    LETTER_APPROVED = "letter-approved"
    LETTER_RETURNED = "letter-returned"
    LETTER_OVERDUE = "letter-overdue"
    LETTER_SUBMITTED = "letter-submitted"
    REQUEST_OVERDUE = "request-overdue"
    REQUEST_REPLIED = "request-replied"
    WORK_FALLEN = "work-fallen"
    RETURN_OVERDUE = "return-overdue"
    PROVIDER_RETURN_OVERDUE = "provider-return-overdue"
    REQUEST_ACCEPTED = "request-accepted"
    REQUEST_RETURNED = "request-returned"
    REQUEST_DECLINED = "request-declined"
    CONTACT_NAMED = "contact-named"
    ENTRY_SHARED = "entry-shared"
    SHARED_CASE_CHANGED = "shared-case-changed"
    TRAINING_INVITATION = "training-invitation"
    """To someone whose role waits for their training; it is about them."""
    TRAINING_ENDING = "training-ending"
    TRAINING_LAPSED = "training-lapsed"
    PASSPHRASE_RESET = "passphrase-reset"  # noqa: S105 - the name of a kind
    """It is about the link that brings a new passphrase; only its e-mail holds it."""
    PASSPHRASE_CHANGED = "passphrase-changed"  # noqa: S105 - the name of a kind
    ATTESTATION_DUE = "attestation-due"
    """To who gives access; it is about a person whose access has stood for a year."""
    ACCESS_RESTING = "access-resting"
    INVITATION = "invitation"
    """To someone who is nobody here yet; it is about the link they are sent."""
    DAILY = "daily"
    """The e-mail of a day: it carries the notices that were held for it, and stands in no list itself."""


class Delivery(StrEnum):
    """How someone gets a kind of notice. It always stands on the page of notices."""

    AT_ONCE = "at-once"
    DAILY = "daily"
    PAGE = "page"


class DeliveryState(StrEnum):
    """Whether a notice's e-mail was handed to the mail server."""

    PLANNED = "planned"
    HELD = "held"
    """It waits for the e-mail of a day, or is in one that is still to be sent."""
    SENT = "sent"
    FAILED = "failed"
    PAGE_ONLY = "page-only"
    """Its reader wants no e-mail of its kind."""


class Fault(StrEnum):
    """Why an e-mail did not arrive, as people are told."""

    ADDRESS = "address"
    SERVER = "server"
    NO_ROLE = "no-role"


NO_CONTACT = "no-contact"
"""The fault of a notice whose reader has no working role any more."""

WHO_GETS: Mapping[NoticeKind, str] = MappingProxyType(
    {
        NoticeKind.CASE_ASSIGNED: "cases:record",
        NoticeKind.CASE_WOKEN: "cases:record",
        NoticeKind.TASK_DUE: "cases:record",
        NoticeKind.TASK_OVERDUE: "cases:record",
        NoticeKind.LETTER_APPROVED: "cases:record",
        NoticeKind.LETTER_RETURNED: "cases:record",
        NoticeKind.LETTER_OVERDUE: "cases:record",
        NoticeKind.LETTER_SUBMITTED: "cases:assign",
        NoticeKind.REQUEST_OVERDUE: "cases:assign",
        NoticeKind.REQUEST_REPLIED: "cases:assign",
        NoticeKind.WORK_FALLEN: "cases:assign",
        NoticeKind.RETURN_OVERDUE: "returns:submit",
        NoticeKind.PROVIDER_RETURN_OVERDUE: "returns:accept",
        NoticeKind.REQUEST_ACCEPTED: "requests:submit",
        NoticeKind.REQUEST_RETURNED: "requests:submit",
        NoticeKind.REQUEST_DECLINED: "requests:submit",
        NoticeKind.CONTACT_NAMED: "cases:read-shared",
        NoticeKind.ENTRY_SHARED: "cases:read-shared",
        NoticeKind.SHARED_CASE_CHANGED: "cases:read-shared",
        NoticeKind.TRAINING_INVITATION: "",
        NoticeKind.TRAINING_ENDING: "",
        NoticeKind.TRAINING_LAPSED: "",
        NoticeKind.PASSPHRASE_RESET: "",
        NoticeKind.PASSPHRASE_CHANGED: "",
        NoticeKind.ATTESTATION_DUE: "people:authorise",
        NoticeKind.ACCESS_RESTING: "",
    }
)
"""The kinds of notices to people, and the permission of the roles that bring each; empty: everybody's. In the order in
which they are offered. An invitation is nobody's own, and a daily e-mail is no notice."""

MANDATORY = frozenset(
    {
        NoticeKind.INVITATION,
        NoticeKind.TRAINING_INVITATION,
        NoticeKind.TRAINING_ENDING,
        NoticeKind.TRAINING_LAPSED,
        NoticeKind.PASSPHRASE_RESET,
        NoticeKind.PASSPHRASE_CHANGED,
        NoticeKind.ATTESTATION_DUE,
        NoticeKind.ACCESS_RESTING,
        NoticeKind.DAILY,
    }
)
"""Sent at once, whatever their reader prefers: without them access would end unnoticed."""

ROLES: Mapping[NoticeKind, str] = MappingProxyType(
    {NoticeKind.PROVIDER_RETURN_OVERDUE: "ministry_admin", NoticeKind.ATTESTATION_DUE: "delegated_authoriser"}
)
"""Whom a plan tells: everyone of the organisation with this role; of kinds that are not here, its workflow leads."""
LEAD = "workflow_lead"

NEWS_FOR = timedelta(days=7)
"""What happened longer ago is nobody's news: it stands in its list, and a notice of it would only puzzle. A topic that
is read again from its beginning, or a provider whose past is brought in, sends no thousand mails."""


def is_news(kind: NoticeKind, *, happened_at: datetime, now: datetime) -> bool:
    """Whether people are still told of something; of what they need in order to have access they always are."""
    return kind in MANDATORY or now - happened_at <= NEWS_FOR


UNTRAINED = frozenset({NoticeKind.TRAINING_INVITATION, NoticeKind.TRAINING_LAPSED, NoticeKind.ACCESS_RESTING})
"""Sent also to people whose role does not work: that is what they are about."""

PASSPHRASES = frozenset({NoticeKind.PASSPHRASE_RESET, NoticeKind.PASSPHRASE_CHANGED})
"""Sent to whoever can sign in, with or without any role: they are about the account."""

DAILY_AT = time(7, 30)
"""When the e-mail of a day leaves, in New Zealand."""
_SATURDAY = 5


def next_daily_day(now: datetime) -> date:
    """The day of the next daily e-mail after a moment of New Zealand's: no weekend. Holidays are seen on the day."""
    day = now.date() if now.time() < DAILY_AT else now.date() + timedelta(days=1)
    while day.weekday() >= _SATURDAY:
        day += timedelta(days=1)
    return day


def fault_of(code: str) -> Fault:
    """What a fault's code means to people."""
    if code == NO_CONTACT:
        return Fault.NO_ROLE
    return Fault.ADDRESS if code.startswith("smtp-5") else Fault.SERVER


class Caller(Protocol):
    """What the rules need to know of whoever is calling."""

    def may(self, permission: str) -> bool:
        """Whether they hold a permission."""
        ...


@dataclass(frozen=True, slots=True)
class Preference:
    """How someone gets a kind of notice."""

    kind: NoticeKind
    delivery: Delivery = Delivery.AT_ONCE

    @property
    def is_mandatory(self) -> bool:
        """Whether that cannot be changed."""
        return self.kind in MANDATORY


def preferences_of(caller: Caller, chosen: Mapping[NoticeKind, Delivery]) -> list[Preference]:
    """Every kind that someone's roles bring, as they chose, or else at once."""
    kinds = [kind for kind, permission in WHO_GETS.items() if not permission or caller.may(permission)]
    return [Preference(kind, delivery_of(kind, chosen.get(kind))) for kind in kinds]


def delivery_of(kind: NoticeKind, chosen: Delivery | None) -> Delivery:
    """How a kind of notice reaches someone who chose so, or chose nothing."""
    return Delivery.AT_ONCE if kind in MANDATORY or chosen is None else chosen


def check_choice(caller: Caller, wanted: Iterable[Preference]) -> None:
    """Raise InvalidArgumentError unless someone may choose so: kinds that their roles bring, none of them mandatory."""
    offered = {each.kind for each in preferences_of(caller, {})}
    violations = []
    for number, each in enumerate(wanted):
        if each.kind not in offered:
            words = "is not among your notices"
            violations.append(Violation(f"preferences[{number}].kind", "unknown-value", words))
        elif each.is_mandatory and each.delivery is not Delivery.AT_ONCE:
            violations.append(Violation(f"preferences[{number}].delivery", "mandatory", "cannot be switched off"))
    if violations:
        raise InvalidArgumentError.of(*violations)


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
    daily_id: UUID | None = None
    """The daily e-mail that carries it."""

    def delivered(self, delivery: Delivery, now: datetime) -> "Notice":
        """The new notice as its reader wants it."""
        if delivery is Delivery.DAILY:
            return replace(self, state=DeliveryState.HELD)
        if delivery is Delivery.PAGE:
            return replace(self, state=DeliveryState.PAGE_ONLY, ended_at=now)
        return self

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


def daily_notice(held: Notice, *, now: datetime) -> Notice:
    """The e-mail of a day to someone, of whose held notices the first is `held`: each is carried once."""
    assert held.person_id is not None, "only people have a daily e-mail"
    return Notice(
        notice_id=uuid5(held.notice_id, NoticeKind.DAILY),
        person_id=held.person_id,
        kind=NoticeKind.DAILY,
        subject_id=held.person_id,
        created_at=now,
    )


@dataclass(frozen=True, slots=True)
class Inbox:
    """A person's notices, newest first, and how many of all came after they last read them."""

    notices: list[Notice]
    read_until: datetime | None
    unread: int

    def is_unread(self, notice: Notice) -> bool:
        """Whether a notice came after they last read them."""
        return self.read_until is None or notice.created_at > self.read_until
