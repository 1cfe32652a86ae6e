"""The mail of an invitation: one for each link, with the secret that only the mail holds."""

from datetime import timedelta
from uuid import UUID

from ascms.identity.v1.invitations_pb2 import GetInvitationMailResponse
from google.protobuf.timestamp_pb2 import Timestamp

from services.notifications.commands import send_notice
from services.notifications.domain import DeliveryState
from services.notifications.store import lock_notice
from tests.service.notifications.conftest import (
    OURS,
    SYSTEM,
    THEIRS,
    Notifications,
    invitation_created,
    invitation_resent,
)

FIRST, SECOND = UUID(int=71), UUID(int=72)


def invited(
    notifications: Notifications, link_id: UUID, *, email: str = "maia@example.nz", key: str = "a" * 43
) -> None:
    expires_at = Timestamp()
    expires_at.FromDatetime(notifications.clock.now() + timedelta(days=14))
    notifications.identity.mails = {
        (OURS, link_id): GetInvitationMailResponse(
            name="Demo Māia Example",
            email=email,
            language="en",
            organisation_name="Te Pūtahi Tauira",
            key=key,
            expires_at=expires_at,
        )
    }


def state_of(notifications: Notifications, notice_id: UUID) -> tuple[DeliveryState, str]:
    with notifications.deps.database.tenant(SYSTEM) as tx:
        notice = lock_notice(tx, notice_id)
    assert notice is not None
    return notice.state, notice.fault


def test_who_is_invited_gets_the_link_and_nothing_keeps_its_secret(notifications: Notifications) -> None:
    invited(notifications, FIRST)
    notifications.apply(invitation_created(FIRST))
    (notice_id,) = notifications.notice_ids()

    send_notice(notifications.deps, SYSTEM, notice_id=notice_id)
    send_notice(notifications.deps, SYSTEM, notice_id=notice_id)

    (mail,) = notifications.mails()
    assert mail["To"].addresses[0].addr_spec == "maia@example.nz"
    assert f"https://sign-in.example.nz/invitation?key={'a' * 43}" in mail.get_content()
    assert state_of(notifications, notice_id) == (DeliveryState.SENT, "")
    assert notifications.deadlines() == []
    with notifications.deps.database.tenant(SYSTEM) as tx:
        kept = str(tx.connection.execute("SELECT * FROM notice").fetchall())
    assert "a" * 43 not in kept
    assert "maia" not in kept


def test_sent_again_only_the_link_that_works_is_mailed(notifications: Notifications) -> None:
    # Given an invitation whose first mail is still waiting when it is sent again to another address
    notifications.apply(invitation_created(FIRST))
    notifications.apply(invitation_resent(SECOND))
    invited(notifications, SECOND, email="other@example.nz", key="b" * 43)
    # When both jobs run
    for notice_id in notifications.notice_ids():
        send_notice(notifications.deps, SYSTEM, notice_id=notice_id)
    # Then one mail left, with the new link
    (mail,) = notifications.mails()
    assert mail["To"].addresses[0].addr_spec == "other@example.nz"
    assert "b" * 43 in mail.get_content()
    states = sorted(state_of(notifications, notice_id) for notice_id in notifications.notice_ids())
    assert states == [(DeliveryState.FAILED, "no-contact"), (DeliveryState.SENT, "")]


def test_another_organisations_link_is_not_found(notifications: Notifications) -> None:
    invited(notifications, FIRST)
    notifications.apply(invitation_created(FIRST), tenant=THEIRS)
    assert notifications.notice_ids() == [], "the notice is theirs"
