"""The mail that invites to a training: to someone whose role does not work yet, once."""

from ascms.identity.v1.events_pb2 import TrainingInvited
from ascms.notifications.v1 import notifications_pb2 as pb

from services.notifications.commands import send_notice
from tests.service.notifications.conftest import MANAGER, SYSTEM, Notifications


def test_who_waits_for_training_is_told_in_their_language(notifications: Notifications) -> None:
    # Given someone who has a role, and none that works
    notifications.identity.inert.add(MANAGER.person_id)
    notifications.apply(TrainingInvited(person_id=str(MANAGER.person_id), course="attendance-service"))
    (notice_id,) = notifications.notice_ids()
    # When the job runs, and runs again
    send_notice(notifications.deps, SYSTEM, notice_id=notice_id)
    send_notice(notifications.deps, SYSTEM, notice_id=notice_id)
    # Then one mail has gone, and stands in their list
    (mail,) = notifications.mails()
    assert mail["To"].addresses[0].addr_spec == "mereana@example.nz"
    assert mail["Content-Language"] == "mi"
    assert "https://ascms.example.nz/" in mail.get_content().splitlines()
    (notice,) = notifications.notices(of=MANAGER).notices
    assert (notice.kind, notice.state) == (pb.NOTICE_KIND_TRAINING_INVITATION, pb.DELIVERY_STATE_SENT)
