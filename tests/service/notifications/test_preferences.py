"""How people want their notices: at once, in one e-mail a day, or on the page only."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ascms.cases.v1 import events_pb2
from ascms.identity.v1 import events_pb2 as identity_events
from ascms.notifications.v1 import notifications_pb2 as pb

from kit.errors import InvalidArgumentError, PermissionDeniedError
from kit.sweeps import Sweep
from services.notifications.app import make_sweep
from services.notifications.commands import send_notice
from services.notifications.senders import SendError
from tests.service.notifications.conftest import CASE, LEAD, MANAGER, SYSTEM, THEIRS, Notifications, case_assigned
from tests.support.tokens import person

AUTHORISER = person(9, "people:read", tenant=SYSTEM.tenant_id)
TASK = events_pb2.TaskDue(case_id=str(CASE), task_id=str(CASE), owner_id=str(MANAGER.person_id), due_on="2026-03-06")
WEDNESDAY = datetime(2026, 3, 3, 21, 0, tzinfo=UTC)  # 10 o'clock on Wednesday 4 March in New Zealand
THURSDAY_MORNING = datetime(2026, 3, 4, 18, 30, tzinfo=UTC)


def choose(notifications: Notifications, kind: Any, delivery: Any) -> pb.SetNoticePreferencesResponse:
    wanted = [pb.NoticePreference(kind=kind, delivery=delivery)]
    answer: pb.SetNoticePreferencesResponse = notifications.call(
        "SetNoticePreferences", pb.SetNoticePreferencesRequest(preferences=wanted), as_=MANAGER
    )
    return answer


def send_all(notifications: Notifications) -> None:
    for notice_id in notifications.notice_ids():
        send_notice(notifications.deps, SYSTEM, notice_id=notice_id)


def sweep(notifications: Notifications) -> int:
    swept: Sweep = make_sweep(notifications.deps)
    return swept.sweep_once()


def test_what_nobody_chose_is_sent_at_once(notifications: Notifications) -> None:
    answer = notifications.call("GetNoticePreferences", pb.GetNoticePreferencesRequest(), as_=MANAGER)
    found = {each.kind: (each.delivery, each.mandatory) for each in answer.preferences}
    assert found[pb.NOTICE_KIND_TASK_DUE] == (pb.NOTICE_DELIVERY_AT_ONCE, False)
    assert found[pb.NOTICE_KIND_TRAINING_ENDING] == (pb.NOTICE_DELIVERY_AT_ONCE, True)
    assert pb.NOTICE_KIND_REQUEST_OVERDUE not in found
    assert pb.NOTICE_KIND_INVITATION not in found


@pytest.mark.parametrize(
    ("kind", "delivery", "broken"),
    [
        (pb.NOTICE_KIND_REQUEST_OVERDUE, pb.NOTICE_DELIVERY_PAGE, ("preferences[0].kind", "unknown-value")),
        (pb.NOTICE_KIND_INVITATION, pb.NOTICE_DELIVERY_PAGE, ("preferences[0].kind", "unknown-value")),
        (pb.NOTICE_KIND_TRAINING_INVITATION, pb.NOTICE_DELIVERY_DAILY, ("preferences[0].delivery", "mandatory")),
        (pb.NOTICE_KIND_TASK_DUE, pb.NOTICE_DELIVERY_UNSPECIFIED, ("preferences[0].delivery", "required")),
        (pb.NOTICE_KIND_UNSPECIFIED, pb.NOTICE_DELIVERY_PAGE, ("preferences[0].kind", "required")),
    ],
)
def test_only_what_is_theirs_and_not_mandatory_can_be_chosen(
    notifications: Notifications, kind: Any, delivery: Any, broken: tuple[str, str]
) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        choose(notifications, kind, delivery)
    assert [(each.field, each.reason) for each in raised.value.violations] == [broken]


def test_a_choice_is_ones_own_at_one_organisation(notifications: Notifications) -> None:
    answer = choose(notifications, pb.NOTICE_KIND_CASE_ASSIGNED, pb.NOTICE_DELIVERY_PAGE)
    assert answer.preferences[0] == pb.NoticePreference(
        kind=pb.NOTICE_KIND_CASE_ASSIGNED, delivery=pb.NOTICE_DELIVERY_PAGE
    )
    colleague = person(8, "cases:record", tenant=MANAGER.tenant_id)
    theirs = notifications.call("GetNoticePreferences", pb.GetNoticePreferencesRequest(), as_=colleague)
    assert theirs.preferences[0].delivery == pb.NOTICE_DELIVERY_AT_ONCE


def test_what_is_wanted_on_the_page_only_is_not_sent(notifications: Notifications) -> None:
    choose(notifications, pb.NOTICE_KIND_CASE_ASSIGNED, pb.NOTICE_DELIVERY_PAGE)
    notifications.apply(case_assigned())
    assert (notifications.jobs(), notifications.deadlines()) == ([], [])
    send_all(notifications)
    assert notifications.mails() == []
    [notice] = notifications.notices(of=MANAGER).notices
    assert notice.state == pb.DELIVERY_STATE_PAGE_ONLY


def test_what_is_wanted_daily_comes_in_one_mail_in_the_morning(notifications: Notifications) -> None:
    for kind in (pb.NOTICE_KIND_CASE_ASSIGNED, pb.NOTICE_KIND_TASK_DUE):
        choose(notifications, kind, pb.NOTICE_DELIVERY_DAILY)
    notifications.clock.moment = WEDNESDAY
    notifications.apply(case_assigned())
    notifications.apply(TASK)
    assert (notifications.jobs(), notifications.deadlines()) == ([], ["gather-daily"])
    notifications.clock.moment = THURSDAY_MORNING - timedelta(seconds=1)
    assert sweep(notifications) == 0
    notifications.clock.moment += timedelta(seconds=1)
    assert [sweep(notifications), sweep(notifications)] == [1, 0]
    assert [each.state for each in notifications.notices(of=MANAGER).notices] == [pb.DELIVERY_STATE_HELD] * 2

    send_all(notifications)
    [mail] = notifications.mails()
    text = mail.get_content()
    assert mail["Subject"] == "Ō pānui o te rā nei"
    assert text.count("https://ascms.example.nz/") == 3
    assert f"https://ascms.example.nz/tasks/{CASE}" in text
    assert [each.state for each in notifications.notices(of=MANAGER).notices] == [pb.DELIVERY_STATE_SENT] * 2
    assert notifications.deadlines() == []


def test_no_daily_mail_on_a_day_on_which_nobody_works(notifications: Notifications) -> None:
    choose(notifications, pb.NOTICE_KIND_CASE_ASSIGNED, pb.NOTICE_DELIVERY_DAILY)
    # Friday 6 March: the weekend follows, then Taranaki's anniversary day.
    notifications.clock.moment = datetime(2026, 3, 5, 21, 0, tzinfo=UTC)
    notifications.apply(case_assigned())
    notifications.clock.moment = datetime(2026, 3, 8, 18, 30, tzinfo=UTC)
    assert sweep(notifications) == 1
    send_all(notifications)
    assert (notifications.mails(), notifications.deadlines()) == ([], ["gather-daily"])
    notifications.clock.moment = datetime(2026, 3, 9, 18, 30, tzinfo=UTC)
    sweep(notifications)
    send_all(notifications)
    assert len(notifications.mails()) == 1


def test_what_comes_after_the_daily_mail_waits_for_the_next(notifications: Notifications) -> None:
    choose(notifications, pb.NOTICE_KIND_CASE_ASSIGNED, pb.NOTICE_DELIVERY_DAILY)
    notifications.clock.moment = WEDNESDAY
    notifications.apply(case_assigned())
    notifications.clock.moment = THURSDAY_MORNING
    sweep(notifications)
    notifications.apply(case_assigned())
    send_all(notifications)
    notifications.clock.moment += timedelta(days=1)
    sweep(notifications)
    send_all(notifications)
    assert [mail.get_content().count("/cases/") for mail in notifications.mails()] == [1, 1]


def test_training_is_told_at_once_also_where_everything_is_daily(notifications: Notifications) -> None:
    notifications.apply(
        identity_events.TrainingEnding(
            person_id=str(MANAGER.person_id), course="attendance-service", ends_on="2026-04-01", days_left=7
        )
    )
    assert notifications.jobs() == ["send-notice"]


def test_reading_marks_as_read_what_there_is(notifications: Notifications) -> None:
    notifications.apply(case_assigned())
    before = notifications.notices(of=MANAGER)
    assert (before.unread, [each.unread for each in before.notices]) == (1, [True])
    notifications.call("MarkNoticesRead", pb.MarkNoticesReadRequest(), as_=MANAGER)
    notifications.clock.moment += timedelta(minutes=1)
    notifications.apply(TASK)
    after = notifications.notices(of=MANAGER)
    assert (after.unread, [each.unread for each in after.notices]) == (1, [True, False])


class Refusing:
    """A mail server that knows no address."""

    def send(self, _message: Any) -> None:
        raise SendError("smtp-550", is_permanent=True)


def test_what_did_not_arrive_is_seen_by_its_reader_and_by_who_looks_after_people(notifications: Notifications) -> None:
    notifications.apply(case_assigned())
    object.__setattr__(notifications.deps, "sender", Refusing())
    send_all(notifications)

    [own] = notifications.notices(of=MANAGER).notices
    assert (own.state, own.fault) == (pb.DELIVERY_STATE_FAILED, pb.DELIVERY_FAULT_ADDRESS)
    answer = notifications.call("ListFailedDeliveries", pb.ListFailedDeliveriesRequest(), as_=AUTHORISER)
    [failed] = answer.deliveries
    assert (failed.person_id, failed.kind, failed.fault) == (
        str(MANAGER.person_id),
        pb.NOTICE_KIND_CASE_ASSIGNED,
        pb.DELIVERY_FAULT_ADDRESS,
    )
    elsewhere = person(7, "people:read", tenant=THEIRS)
    assert not notifications.call("ListFailedDeliveries", pb.ListFailedDeliveriesRequest(), as_=elsewhere).deliveries
    with pytest.raises(PermissionDeniedError):
        notifications.call("ListFailedDeliveries", pb.ListFailedDeliveriesRequest(), as_=MANAGER)
    notifications.clock.moment += timedelta(days=31)
    assert not notifications.call("ListFailedDeliveries", pb.ListFailedDeliveriesRequest(), as_=AUTHORISER).deliveries


RELEASED = [
    events_pb2.CaseReleased(
        case_id=str(CASE), previous_case_manager_id=str(MANAGER.person_id), released_on="2026-03-04"
    ),
    events_pb2.TaskReleased(case_id=str(CASE), task_id=str(CASE), previous_owner_id=str(MANAGER.person_id)),
]


def test_the_work_of_a_leaver_is_one_plan_however_much_it_is(notifications: Notifications) -> None:
    for event in RELEASED * 3:
        notifications.apply(event)
    assert notifications.jobs() == ["carry-out-plan"]


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (TASK, pb.NOTICE_KIND_TASK_DUE),
        (
            events_pb2.TaskOverdue(case_id=str(CASE), task_id=str(CASE), owner_id=str(MANAGER.person_id)),
            pb.NOTICE_KIND_TASK_OVERDUE,
        ),
        (
            events_pb2.CaseResumed(case_id=str(CASE), case_manager_id=str(MANAGER.person_id)),
            pb.NOTICE_KIND_CASE_WOKEN,
        ),
        (
            events_pb2.SharedCaseChanged(
                case_id=str(CASE), person_id=str(MANAGER.person_id), change=events_pb2.SHARED_CHANGE_ENTRY
            ),
            pb.NOTICE_KIND_ENTRY_SHARED,
        ),
        (
            events_pb2.SharedCaseChanged(
                case_id=str(CASE), person_id=str(MANAGER.person_id), change=events_pb2.SHARED_CHANGE_CLOSED
            ),
            pb.NOTICE_KIND_SHARED_CASE_CHANGED,
        ),
    ],
)
def test_who_is_concerned_is_told(notifications: Notifications, event: Any, kind: Any) -> None:
    notifications.apply(event)
    assert [each.kind for each in notifications.notices(of=MANAGER).notices] == [kind]
    assert list(notifications.notices(of=LEAD).notices) == []


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (events_pb2.RequestAccepted, pb.NOTICE_KIND_REQUEST_ACCEPTED),
        (events_pb2.RequestReturned, pb.NOTICE_KIND_REQUEST_RETURNED),
        (events_pb2.RequestReplyOverdue, pb.NOTICE_KIND_REQUEST_RETURNED),
        (events_pb2.RequestDeclined, pb.NOTICE_KIND_REQUEST_DECLINED),
    ],
)
def test_an_answer_reaches_who_sent_the_request_at_their_school(
    notifications: Notifications, answer: Any, kind: Any
) -> None:
    """The event is the provider's, the notice stands at the school, where its reader works."""
    sender = person(5, "requests:submit", tenant=THEIRS)
    event = answer(request_id=str(CASE), school_id=str(THEIRS), submitted_by=str(sender.person_id))
    notifications.apply(event)
    assert [each.kind for each in notifications.notices(of=sender).notices] == [kind]
    at_the_provider = person(5, "requests:submit", tenant=SYSTEM.tenant_id)
    assert list(notifications.notices(of=at_the_provider).notices) == []


def test_who_resumed_a_case_is_not_told_that_it_goes_on(notifications: Notifications) -> None:
    notifications.apply(
        events_pb2.CaseResumed(
            case_id=str(CASE), case_manager_id=str(MANAGER.person_id), resumed_by=str(MANAGER.person_id)
        )
    )
    assert list(notifications.notices(of=MANAGER).notices) == []
