"""Events of other services become notices. The inbox's claim, rows and job commit together (kit.consumer)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid5

# The loop finds the messages by name once their module is imported.
from ascms.cases.v1 import events_pb2, letter_events_pb2
from ascms.common.v1.envelope_pb2 import Envelope
from ascms.identity.v1 import events_pb2 as identity_events
from ascms.reporting.v1 import events_pb2 as reporting_events

from kit.clock import NEW_ZEALAND, Clock
from kit.consumer import Handler
from kit.db import Transaction
from services.notifications.commands import plan_notice, plan_notices
from services.notifications.domain import NoticeKind, Plan, invitation_notice, is_news, notice_of

CONSUMER = "notifications.notices"
TOPICS = ("ascms.cases.v1", "ascms.identity.v1", "ascms.reporting.v1")

Answered = (
    events_pb2.RequestAccepted
    | events_pb2.RequestReturned
    | events_pb2.RequestReplyOverdue
    | events_pb2.RequestDeclined
)

_SHARED = {
    events_pb2.SHARED_CHANGE_NAMED: NoticeKind.CONTACT_NAMED,
    events_pb2.SHARED_CHANGE_ENTRY: NoticeKind.ENTRY_SHARED,
}


@dataclass(frozen=True)
class Planner:
    """Plans notices for events."""

    clock: Clock

    def tell(
        self, tx: Transaction, envelope: Envelope, kind: NoticeKind, *, person_id: str, subject_id: str, by: str = ""
    ) -> None:
        """One notice to one person; none where there is nobody, where they did it themselves, or of what is no news."""
        now = self.clock.now()
        if not person_id or person_id == by or not _is_news(envelope, kind, now=now):
            return
        notice = notice_of(
            event_id=UUID(envelope.event_id),
            person_id=UUID(person_id),
            kind=kind,
            subject_id=UUID(subject_id),
            now=now,
        )
        plan_notice(tx, notice, now=now)

    def tell_leads(
        self, tx: Transaction, envelope: Envelope, kind: NoticeKind, *, subject_id: str, plan_id: UUID | None = None
    ) -> None:
        """A notice to each workflow lead, or whom the kind is for; they are asked for when the plan is carried out."""
        now = self.clock.now()
        if not _is_news(envelope, kind, now=now):
            return
        plan = Plan(plan_id=plan_id or UUID(envelope.event_id), kind=kind, subject_id=UUID(subject_id), created_at=now)
        plan_notices(tx, plan, now=now)

    def on_case_assigned(self, tx: Transaction, envelope: Envelope, event: events_pb2.CaseAssigned) -> None:
        """Who works on it now."""
        self.tell(
            tx,
            envelope,
            NoticeKind.CASE_ASSIGNED,
            person_id=event.case_manager_id,
            subject_id=event.case_id,
            by=event.assigned_by,
        )

    def on_case_resumed(self, tx: Transaction, envelope: Envelope, event: events_pb2.CaseResumed) -> None:
        """Who works on it, where it woke by itself."""
        if not event.resumed_by:
            manager = event.case_manager_id
            self.tell(tx, envelope, NoticeKind.CASE_WOKEN, person_id=manager, subject_id=event.case_id)

    def on_task_due(self, tx: Transaction, envelope: Envelope, event: events_pb2.TaskDue) -> None:
        """Who has the task."""
        self.tell(tx, envelope, NoticeKind.TASK_DUE, person_id=event.owner_id, subject_id=event.task_id)

    def on_task_overdue(self, tx: Transaction, envelope: Envelope, event: events_pb2.TaskOverdue) -> None:
        """Who has the task."""
        self.tell(tx, envelope, NoticeKind.TASK_OVERDUE, person_id=event.owner_id, subject_id=event.task_id)

    def on_request_overdue(self, tx: Transaction, envelope: Envelope, event: events_pb2.RequestOverdue) -> None:
        """The leads of the provider."""
        self.tell_leads(tx, envelope, NoticeKind.REQUEST_OVERDUE, subject_id=event.request_id)

    def on_request_resubmitted(self, tx: Transaction, envelope: Envelope, event: events_pb2.RequestResubmitted) -> None:
        """The leads of the provider that had asked, where their notices stand. The event is the school's."""
        with tx.enter_tenant(UUID(event.provider_id), reason="tell-provider"):
            self.tell_leads(tx, envelope, NoticeKind.REQUEST_REPLIED, subject_id=event.request_id)

    def on_request_answered(self, tx: Transaction, envelope: Envelope, event: Answered) -> None:
        """Who sent it, at their school: there they work, and there their notices stand. The event is the provider's."""
        if not event.school_id:
            return
        kind = _ANSWERS[event.DESCRIPTOR.full_name]
        with tx.enter_tenant(UUID(event.school_id), reason="tell-school"):
            self.tell(tx, envelope, kind, person_id=event.submitted_by, subject_id=event.request_id)

    def on_work_released(
        self, tx: Transaction, envelope: Envelope, event: events_pb2.CaseReleased | events_pb2.TaskReleased
    ) -> None:
        """The leads of the provider, once for all that one person left on a day."""
        leaver = (
            event.previous_case_manager_id if isinstance(event, events_pb2.CaseReleased) else event.previous_owner_id
        )
        day = envelope.occurred_at.ToDatetime(tzinfo=NEW_ZEALAND).date()
        plan_id = uuid5(UUID(leaver), f"work-fallen {envelope.tenant_id} {day}")
        self.tell_leads(tx, envelope, NoticeKind.WORK_FALLEN, subject_id=leaver, plan_id=plan_id)

    def on_shared_case_changed(self, tx: Transaction, envelope: Envelope, event: events_pb2.SharedCaseChanged) -> None:
        """Who is named at the school; the event is the school's own."""
        kind = _SHARED.get(event.change, NoticeKind.SHARED_CASE_CHANGED)
        self.tell(tx, envelope, kind, person_id=event.person_id, subject_id=event.case_id)

    def on_letter_submitted(
        self, tx: Transaction, envelope: Envelope, event: letter_events_pb2.LetterSubmitted
    ) -> None:
        """The leads of the provider, one of whom approves it."""
        self.tell_leads(tx, envelope, NoticeKind.LETTER_SUBMITTED, subject_id=event.letter_id)

    def on_letter_approved(self, tx: Transaction, envelope: Envelope, event: letter_events_pb2.LetterApproved) -> None:
        """Who handed it in."""
        by, author = event.approved_by, event.submitted_by
        self.tell(tx, envelope, NoticeKind.LETTER_APPROVED, person_id=author, subject_id=event.letter_id, by=by)

    def on_letter_returned(self, tx: Transaction, envelope: Envelope, event: letter_events_pb2.LetterReturned) -> None:
        """Who handed it in."""
        by, author = event.returned_by, event.submitted_by
        self.tell(tx, envelope, NoticeKind.LETTER_RETURNED, person_id=author, subject_id=event.letter_id, by=by)

    def on_letter_overdue(self, tx: Transaction, envelope: Envelope, event: letter_events_pb2.LetterOverdue) -> None:
        """Who works on the case."""
        manager = event.case_manager_id
        self.tell(tx, envelope, NoticeKind.LETTER_OVERDUE, person_id=manager, subject_id=event.letter_id)

    def on_return_overdue(self, tx: Transaction, envelope: Envelope, event: reporting_events.ReturnOverdue) -> None:
        """The leads of the provider, and the administrators of the ministry that it owes the return to."""
        provider_id = envelope.tenant_id
        self.tell_leads(tx, envelope, NoticeKind.RETURN_OVERDUE, subject_id=provider_id)
        if event.ministry_id:
            with tx.enter_tenant(UUID(event.ministry_id), reason="tell-ministry"):
                self.tell_leads(tx, envelope, NoticeKind.PROVIDER_RETURN_OVERDUE, subject_id=provider_id)

    def on_invitation_sent(
        self,
        tx: Transaction,
        envelope: Envelope,
        event: identity_events.InvitationCreated | identity_events.InvitationResent,
    ) -> None:
        """Who is invited."""
        now = self.clock.now()
        notice = invitation_notice(event_id=UUID(envelope.event_id), link_id=UUID(event.link_id), now=now)
        plan_notice(tx, notice, now=now)

    def on_passphrase(
        self,
        tx: Transaction,
        envelope: Envelope,
        event: identity_events.PassphraseResetAsked | identity_events.PassphraseChanged,
    ) -> None:
        """Whose passphrase it is."""
        if isinstance(event, identity_events.PassphraseResetAsked):
            kind, subject_id = NoticeKind.PASSPHRASE_RESET, event.link_id
        else:
            kind, subject_id = NoticeKind.PASSPHRASE_CHANGED, event.person_id
        self.tell(tx, envelope, kind, person_id=event.person_id, subject_id=subject_id)

    def on_attestation_due(self, tx: Transaction, envelope: Envelope, event: identity_events.AttestationDue) -> None:
        """Who gives access at the organisation."""
        self.tell_leads(tx, envelope, NoticeKind.ATTESTATION_DUE, subject_id=event.person_id)

    def on_access_rested(self, tx: Transaction, envelope: Envelope, event: identity_events.AccessRested) -> None:
        """Whose access it is."""
        self.tell(tx, envelope, NoticeKind.ACCESS_RESTING, person_id=event.person_id, subject_id=event.person_id)

    def on_training(
        self,
        tx: Transaction,
        envelope: Envelope,
        event: identity_events.TrainingInvited | identity_events.TrainingEnding | identity_events.TrainingLapsed,
    ) -> None:
        """Whose training it is."""
        kind = _TRAINING[event.DESCRIPTOR.full_name]
        self.tell(tx, envelope, kind, person_id=event.person_id, subject_id=event.person_id)


def _is_news(envelope: Envelope, kind: NoticeKind, *, now: datetime) -> bool:
    return is_news(kind, happened_at=envelope.occurred_at.ToDatetime(tzinfo=UTC), now=now)


_ANSWERS = {
    events_pb2.RequestAccepted.DESCRIPTOR.full_name: NoticeKind.REQUEST_ACCEPTED,
    events_pb2.RequestReturned.DESCRIPTOR.full_name: NoticeKind.REQUEST_RETURNED,
    events_pb2.RequestReplyOverdue.DESCRIPTOR.full_name: NoticeKind.REQUEST_RETURNED,
    events_pb2.RequestDeclined.DESCRIPTOR.full_name: NoticeKind.REQUEST_DECLINED,
}
_TRAINING = {
    identity_events.TrainingInvited.DESCRIPTOR.full_name: NoticeKind.TRAINING_INVITATION,
    identity_events.TrainingEnding.DESCRIPTOR.full_name: NoticeKind.TRAINING_ENDING,
    identity_events.TrainingLapsed.DESCRIPTOR.full_name: NoticeKind.TRAINING_LAPSED,
}


def handlers(clock: Clock) -> Mapping[str, Handler]:
    """What is done for each type of event."""
    planner = Planner(clock)
    return {
        events_pb2.CaseAssigned.DESCRIPTOR.full_name: planner.on_case_assigned,
        events_pb2.CaseResumed.DESCRIPTOR.full_name: planner.on_case_resumed,
        events_pb2.TaskDue.DESCRIPTOR.full_name: planner.on_task_due,
        events_pb2.TaskOverdue.DESCRIPTOR.full_name: planner.on_task_overdue,
        events_pb2.RequestOverdue.DESCRIPTOR.full_name: planner.on_request_overdue,
        events_pb2.RequestResubmitted.DESCRIPTOR.full_name: planner.on_request_resubmitted,
        events_pb2.CaseReleased.DESCRIPTOR.full_name: planner.on_work_released,
        events_pb2.TaskReleased.DESCRIPTOR.full_name: planner.on_work_released,
        events_pb2.SharedCaseChanged.DESCRIPTOR.full_name: planner.on_shared_case_changed,
        letter_events_pb2.LetterSubmitted.DESCRIPTOR.full_name: planner.on_letter_submitted,
        letter_events_pb2.LetterApproved.DESCRIPTOR.full_name: planner.on_letter_approved,
        letter_events_pb2.LetterReturned.DESCRIPTOR.full_name: planner.on_letter_returned,
        letter_events_pb2.LetterOverdue.DESCRIPTOR.full_name: planner.on_letter_overdue,
        reporting_events.ReturnOverdue.DESCRIPTOR.full_name: planner.on_return_overdue,
        identity_events.InvitationCreated.DESCRIPTOR.full_name: planner.on_invitation_sent,
        identity_events.InvitationResent.DESCRIPTOR.full_name: planner.on_invitation_sent,
        identity_events.PassphraseResetAsked.DESCRIPTOR.full_name: planner.on_passphrase,
        identity_events.PassphraseChanged.DESCRIPTOR.full_name: planner.on_passphrase,
        identity_events.AttestationDue.DESCRIPTOR.full_name: planner.on_attestation_due,
        identity_events.AccessRested.DESCRIPTOR.full_name: planner.on_access_rested,
        **dict.fromkeys(_ANSWERS, planner.on_request_answered),
        **dict.fromkeys(_TRAINING, planner.on_training),
    }
