"""Events of cases and identity become notices. The inbox's claim, rows and job commit together (kit.consumer)."""

from collections.abc import Mapping
from uuid import UUID

# The loop finds the messages by name once their module is imported.
from ascms.cases.v1 import events_pb2
from ascms.common.v1.envelope_pb2 import Envelope
from ascms.identity.v1 import events_pb2 as identity_events

from kit.clock import Clock
from kit.consumer import Handler
from kit.db import Transaction
from services.notifications.commands import plan_notice, plan_notices
from services.notifications.domain import NoticeKind, Plan, invitation_notice, is_told_of_assignment, notice_of

CONSUMER = "notifications.notices"
TOPICS = ("ascms.cases.v1", "ascms.identity.v1")


def handlers(clock: Clock) -> Mapping[str, Handler]:
    """What is done for each type of event."""

    def on_case_assigned(tx: Transaction, envelope: Envelope, event: events_pb2.CaseAssigned) -> None:
        if not is_told_of_assignment(case_manager_id=event.case_manager_id, assigned_by=event.assigned_by):
            return
        now = clock.now()
        notice = notice_of(
            event_id=UUID(envelope.event_id),
            person_id=UUID(event.case_manager_id),
            kind=NoticeKind.CASE_ASSIGNED,
            subject_id=UUID(event.case_id),
            now=now,
        )
        plan_notice(tx, notice, now=now)

    def on_request_overdue(tx: Transaction, envelope: Envelope, event: events_pb2.RequestOverdue) -> None:
        now = clock.now()
        plan = Plan(
            plan_id=UUID(envelope.event_id),
            kind=NoticeKind.REQUEST_OVERDUE,
            subject_id=UUID(event.request_id),
            created_at=now,
        )
        plan_notices(tx, plan, now=now)

    def on_invitation_sent(
        tx: Transaction,
        envelope: Envelope,
        event: identity_events.InvitationCreated | identity_events.InvitationResent,
    ) -> None:
        now = clock.now()
        notice = invitation_notice(event_id=UUID(envelope.event_id), link_id=UUID(event.link_id), now=now)
        plan_notice(tx, notice, now=now)

    def on_training_invited(tx: Transaction, envelope: Envelope, event: identity_events.TrainingInvited) -> None:
        now = clock.now()
        notice = notice_of(
            event_id=UUID(envelope.event_id),
            person_id=UUID(event.person_id),
            kind=NoticeKind.TRAINING_INVITATION,
            subject_id=UUID(event.person_id),
            now=now,
        )
        plan_notice(tx, notice, now=now)

    return {
        identity_events.TrainingInvited.DESCRIPTOR.full_name: on_training_invited,
        identity_events.InvitationCreated.DESCRIPTOR.full_name: on_invitation_sent,
        identity_events.InvitationResent.DESCRIPTOR.full_name: on_invitation_sent,
        events_pb2.CaseAssigned.DESCRIPTOR.full_name: on_case_assigned,
        events_pb2.RequestOverdue.DESCRIPTOR.full_name: on_request_overdue,
    }
