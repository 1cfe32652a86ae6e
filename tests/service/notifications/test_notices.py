"""From an event to the e-mail: the right people, once each, and nothing about a student."""

import queue
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.message import EmailMessage
from uuid import UUID

import pytest
from ascms.cases.v1 import events_pb2
from ascms.notifications.v1 import notifications_pb2 as pb
from ascms.reporting.v1 import events_pb2 as reporting_events

from kit.actor import system_actor
from kit.errors import ConflictError, InvalidArgumentError, PermissionDeniedError, UnavailableError
from kit.ids import uuid7
from services.notifications.app import make_jobs, make_sweep
from services.notifications.commands import carry_out_plan, send_notice
from services.notifications.domain import LEASE, MAX_ATTEMPTS
from services.notifications.senders import SendError
from tests.service.notifications.conftest import (
    CASE,
    LEAD,
    MANAGER,
    OTHER_LEAD,
    OURS,
    REQUEST,
    STRANGER,
    SYSTEM,
    THEIRS,
    Notifications,
    case_assigned,
    invitation_created,
    request_overdue,
)


@dataclass
class Refusing:
    """A mail server that does not take anything."""

    error: Exception = field(default_factory=lambda: SendError("smtp-451"))
    asked: int = 0

    def send(self, _message: EmailMessage) -> None:
        self.asked += 1
        raise self.error


@dataclass
class Posting:
    """A mail server that shows what it took."""

    taken: "queue.Queue[EmailMessage]"

    def send(self, message: EmailMessage) -> None:
        self.taken.put(message)


def test_the_new_case_manager_is_told_in_their_language_and_nothing_is_told_of_the_student(
    notifications: Notifications,
) -> None:
    notifications.apply(case_assigned())
    (notice_id,) = notifications.notice_ids()

    send_notice(notifications.deps, SYSTEM, notice_id=notice_id)

    (mail,) = notifications.mails()
    assert mail["To"].addresses[0].addr_spec == "mereana@example.nz"
    assert mail["Subject"] == "Kua tukuna tētahi kēhi ki a koe"
    assert mail["Content-Language"] == "mi"
    assert f"https://ascms.example.nz/cases/{CASE}" in mail.get_content()
    (notice,) = notifications.notices(of=MANAGER).notices
    assert (notice.kind, notice.subject_id) == (pb.NOTICE_KIND_CASE_ASSIGNED, str(CASE))
    assert notice.state == pb.DELIVERY_STATE_SENT
    assert notifications.deadlines() == [], "nothing watches over what is done"


def test_who_takes_a_case_themselves_is_not_told(notifications: Notifications) -> None:
    notifications.apply(case_assigned(to=LEAD, by=LEAD))

    assert notifications.notice_ids() == []
    assert notifications.jobs() == []


def test_what_is_no_news_any_more_is_told_to_nobody(notifications: Notifications) -> None:
    notifications.clock.moment += timedelta(days=8)

    notifications.apply(case_assigned())
    notifications.apply(request_overdue())
    notifications.apply(invitation_created(uuid7()))

    assert notifications.jobs() == ["send-notice"], "the invitation: it is its reader's access"


def test_the_notice_its_job_and_its_deadline_come_together(notifications: Notifications) -> None:
    notifications.apply(case_assigned())

    assert len(notifications.notice_ids()) == 1
    assert notifications.jobs() == ["send-notice"]
    assert notifications.deadlines() == ["send-notice"]
    (notice,) = notifications.notices(of=MANAGER).notices
    assert notice.state == pb.DELIVERY_STATE_PLANNED


def test_a_notice_is_sent_once_however_often_its_job_runs(notifications: Notifications) -> None:
    notifications.apply(case_assigned())
    (notice_id,) = notifications.notice_ids()

    send_notice(notifications.deps, SYSTEM, notice_id=notice_id)
    (path,) = notifications.folder.glob("*.eml")
    path.unlink()
    send_notice(notifications.deps, SYSTEM, notice_id=notice_id)

    assert notifications.mails() == []


def test_an_overdue_return_is_told_to_the_leads_and_to_the_ministry(notifications: Notifications) -> None:
    late = reporting_events.ReturnOverdue(quarter="2026-Q1", due_on="2026-04-23", ministry_id=str(THEIRS))
    plan_id = notifications.apply(late)

    carry_out_plan(notifications.deps, SYSTEM, plan_id=plan_id)
    carry_out_plan(notifications.deps, system_actor("notifications", THEIRS), plan_id=plan_id)

    assert notifications.identity.asked == ["ListPeople workflow_lead"] * 2 + ["ListPeople ministry_admin"]
    for reader, kind in (
        (LEAD, pb.NOTICE_KIND_RETURN_OVERDUE),
        (STRANGER, pb.NOTICE_KIND_PROVIDER_RETURN_OVERDUE),
    ):
        (notice,) = notifications.notices(of=reader).notices
        assert (notice.kind, notice.subject_id) == (kind, str(OURS))


def test_every_working_lead_of_the_provider_is_told_of_an_overdue_request(notifications: Notifications) -> None:
    plan_id = notifications.apply(request_overdue())
    assert notifications.identity.asked == [], "no service is asked while the event is applied"

    carry_out_plan(notifications.deps, SYSTEM, plan_id=plan_id)
    carry_out_plan(notifications.deps, SYSTEM, plan_id=plan_id)
    for notice_id in notifications.notice_ids():
        send_notice(notifications.deps, SYSTEM, notice_id=notice_id)

    assert {mail["To"].addresses[0].addr_spec for mail in notifications.mails()} == {
        "rawiri@example.nz",
        "sione@example.nz",
    }
    assert all(f"https://ascms.example.nz/incoming/{REQUEST}" in mail.get_content() for mail in notifications.mails())
    for lead in (LEAD, OTHER_LEAD):
        (notice,) = notifications.notices(of=lead).notices
        assert (notice.kind, notice.subject_id) == (pb.NOTICE_KIND_REQUEST_OVERDUE, str(REQUEST))
    assert list(notifications.notices(of=MANAGER).notices) == []
    assert list(notifications.notices(of=STRANGER).notices) == []


def test_identity_is_waited_for_without_an_attempt_being_counted(notifications: Notifications) -> None:
    notifications.apply(case_assigned())
    (notice_id,) = notifications.notice_ids()
    away = replace(notifications.deps, sender=Refusing(UnavailableError("away", "Away.")))

    for _ in range(MAX_ATTEMPTS + 1):
        with pytest.raises(UnavailableError):
            send_notice(away, SYSTEM, notice_id=notice_id)
    send_notice(notifications.deps, SYSTEM, notice_id=notice_id)

    assert len(notifications.mails()) == 1


def test_a_refused_notice_is_tried_again_and_in_the_end_visibly_failed(notifications: Notifications) -> None:
    notifications.apply(case_assigned())
    (notice_id,) = notifications.notice_ids()
    server = Refusing()
    refusing = replace(notifications.deps, sender=server)

    for _ in range(MAX_ATTEMPTS - 1):
        with pytest.raises(SendError):
            send_notice(refusing, SYSTEM, notice_id=notice_id)
    send_notice(refusing, SYSTEM, notice_id=notice_id)
    send_notice(refusing, SYSTEM, notice_id=notice_id)

    assert server.asked == MAX_ATTEMPTS
    (notice,) = notifications.notices(of=MANAGER).notices
    assert notice.state == pb.DELIVERY_STATE_FAILED
    assert notifications.deadlines() == []


def test_an_address_that_does_not_exist_fails_at_once(notifications: Notifications) -> None:
    notifications.apply(case_assigned())
    (notice_id,) = notifications.notice_ids()
    server = Refusing(SendError("smtp-550", is_permanent=True))

    send_notice(replace(notifications.deps, sender=server), SYSTEM, notice_id=notice_id)

    (notice,) = notifications.notices(of=MANAGER).notices
    assert notice.state == pb.DELIVERY_STATE_FAILED


def test_who_has_no_working_role_any_more_is_told_nothing(notifications: Notifications) -> None:
    notifications.apply(case_assigned())
    (notice_id,) = notifications.notice_ids()
    notifications.identity.contacts.clear()

    send_notice(notifications.deps, SYSTEM, notice_id=notice_id)

    assert notifications.mails() == []
    (notice,) = notifications.notices(of=MANAGER).notices
    assert notice.state == pb.DELIVERY_STATE_FAILED


def test_two_that_send_at_once_send_one_until_the_first_must_have_died(notifications: Notifications) -> None:
    notifications.apply(case_assigned())
    (notice_id,) = notifications.notice_ids()
    # A process that dies while it sends: the mail server may or may not have the message.
    dying = replace(notifications.deps, sender=Refusing(KeyboardInterrupt()))  # type: ignore[arg-type]  # as dying is
    with pytest.raises(KeyboardInterrupt):
        send_notice(dying, SYSTEM, notice_id=notice_id)

    with pytest.raises(ConflictError):
        send_notice(notifications.deps, SYSTEM, notice_id=notice_id)
    notifications.clock.moment += LEASE + timedelta(seconds=1)
    send_notice(notifications.deps, SYSTEM, notice_id=notice_id)

    assert len(notifications.mails()) == 1


def test_what_waits_for_too_long_is_set_going_again(notifications: Notifications) -> None:
    notifications.apply(case_assigned())
    notifications.apply(request_overdue())
    lose_jobs(notifications)
    sweep = make_sweep(notifications.deps)

    early = sweep.sweep_once()
    notifications.clock.moment += timedelta(minutes=15)
    late = sweep.sweep_once()

    assert (early, late) == (0, 2)
    assert sorted(notifications.jobs()) == ["carry-out-plan", "send-notice"]
    assert notifications.deadlines() == ["carry-out-plan", "send-notice"]
    assert sweep.sweep_once() == 0, "and is looked at again a quarter of an hour later"


def test_the_watchdog_adds_no_second_job_to_one_that_waits(notifications: Notifications) -> None:
    notifications.apply(case_assigned())
    notifications.clock.moment += timedelta(minutes=15)

    make_sweep(notifications.deps).sweep_once()

    assert notifications.jobs() == ["send-notice"]


def test_pages_of_notices_follow_on_newest_first(notifications: Notifications) -> None:
    for _ in range(5):
        notifications.apply(case_assigned())
        notifications.clock.moment += timedelta(seconds=1)
    notifications.apply(case_assigned())
    notifications.apply(case_assigned())

    first = notifications.notices(of=MANAGER, page_size=3)
    second = notifications.notices(of=MANAGER, page_size=3, page_token=first.next_page_token)
    third = notifications.notices(of=MANAGER, page_size=3, page_token=second.next_page_token)

    pages = [*first.notices, *second.notices, *third.notices]
    assert len({notice.notice_id for notice in pages}) == 7
    moments = [notice.created_at.ToDatetime() for notice in pages]
    assert moments == sorted(moments, reverse=True)
    assert third.next_page_token == ""
    with pytest.raises(InvalidArgumentError):
        notifications.notices(of=LEAD, page_token=first.next_page_token)


def test_a_notice_belongs_to_one_person_at_one_organisation(notifications: Notifications) -> None:
    notifications.apply(case_assigned())
    same_person_elsewhere = replace(MANAGER, tenant_id=THEIRS)

    assert len(notifications.notices(of=MANAGER).notices) == 1
    assert list(notifications.notices(of=same_person_elsewhere).notices) == []
    assert list(notifications.notices(of=LEAD).notices) == []


def test_a_service_has_no_notices(notifications: Notifications) -> None:
    with pytest.raises(PermissionDeniedError):
        notifications.notices(of=replace(SYSTEM, purpose="send-notices"))


def test_what_was_done_is_in_the_audit_trail(notifications: Notifications) -> None:
    plan_id = notifications.apply(request_overdue())
    carry_out_plan(notifications.deps, SYSTEM, plan_id=plan_id)
    send_notice(notifications.deps, SYSTEM, notice_id=notifications.notice_ids()[0])

    assert audited(notifications, OURS) == [("plan-notices", "request-overdue"), ("end-notice", "sent")]
    assert audited(notifications, THEIRS) == []


def test_the_jobs_of_the_service_find_their_commands(notifications: Notifications) -> None:
    notifications.apply(request_overdue())
    sent: queue.Queue[EmailMessage] = queue.Queue()
    worker = make_jobs(replace(notifications.deps, sender=Posting(sent)))

    worker.start()
    addresses = {sent.get(timeout=30)["To"].addresses[0].addr_spec for _ in range(2)}
    worker.stop()

    assert addresses == {"rawiri@example.nz", "sione@example.nz"}
    assert notifications.deadlines() == []
    assert notifications.jobs() == []


def lose_jobs(notifications: Notifications) -> None:
    with notifications.deps.database.plumbing() as tx:
        tx.connection.execute("DELETE FROM jobs.procrastinate_jobs")


def audited(notifications: Notifications, tenant: UUID) -> list[tuple[str, str]]:
    with notifications.deps.database.tenant(replace(SYSTEM, tenant_id=tenant)) as tx:
        rows = tx.connection.execute("SELECT action, reason FROM audit ORDER BY occurred_at, id").fetchall()
    return [(row.action, row.reason) for row in rows]


def test_the_leads_are_told_at_the_provider_that_a_school_replied(notifications: Notifications) -> None:
    """The event is the school's, the notices stand at the provider that had asked."""
    event = events_pb2.RequestResubmitted(
        request_id=str(REQUEST), school_id=str(THEIRS), provider_id=str(OURS), returned_by=str(LEAD.person_id)
    )
    plan_id = notifications.apply(event, tenant=THEIRS)

    carry_out_plan(notifications.deps, SYSTEM, plan_id=plan_id)

    for lead in (LEAD, OTHER_LEAD):
        (notice,) = notifications.notices(of=lead).notices
        assert (notice.kind, notice.subject_id) == (pb.NOTICE_KIND_REQUEST_REPLIED, str(REQUEST))
    assert list(notifications.notices(of=STRANGER).notices) == []
