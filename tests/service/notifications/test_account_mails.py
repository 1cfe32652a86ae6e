"""Mails about someone's own account: the link to a new passphrase, that it was changed; and who is asked to attest."""

from datetime import timedelta
from uuid import UUID

import pytest
from ascms.identity.v1.events_pb2 import AttestationDue, PassphraseChanged, PassphraseResetAsked
from ascms.identity.v1.passphrases_pb2 import GetPassphraseMailResponse
from google.protobuf.timestamp_pb2 import Timestamp

from services.notifications.commands import carry_out_plan, send_notice
from services.notifications.domain import DeliveryState
from tests.service.notifications.conftest import LEAD, MANAGER, SYSTEM, Notifications
from tests.service.notifications.test_invitations import state_of

LINK = UUID(int=81)
KEY = "k" * 43


def written_to(notifications: Notifications, link_id: str, *, language: str = "en", key: str = "") -> None:
    expires_at = Timestamp()
    expires_at.FromDatetime(notifications.clock.now() + timedelta(hours=1))
    notifications.identity.links[MANAGER.person_id, link_id] = GetPassphraseMailResponse(
        name="Mereana Tauira", email="mereana@example.nz", language=language, key=key, expires_at=expires_at
    )


@pytest.mark.parametrize(
    ("language", "words"), [("en", "by 11:00 today"), ("mi", "i mua i te 11:00 i tēnei rā")], ids=["en", "mi"]
)
def test_the_link_to_a_new_passphrase_stands_in_the_mail_alone(
    notifications: Notifications, language: str, words: str
) -> None:
    # Given someone without any role, who asked for a link
    notifications.identity.contacts.clear()
    written_to(notifications, str(LINK), language=language, key=KEY)
    notifications.apply(PassphraseResetAsked(person_id=str(MANAGER.person_id), link_id=str(LINK)))
    (notice_id,) = notifications.notice_ids()
    # When it is sent
    send_notice(notifications.deps, SYSTEM, notice_id=notice_id)
    # Then the mail holds it and says until when it works, and nothing that is kept holds it
    (mail,) = notifications.mails()
    assert f"https://sign-in.example.nz/passphrase/reset?key={KEY}" in mail.get_content()
    assert words in mail.get_content()
    with notifications.deps.database.tenant(SYSTEM) as tx:
        assert KEY not in str(tx.connection.execute("SELECT * FROM notice").fetchall())


def test_a_link_that_works_no_more_is_not_sent(notifications: Notifications) -> None:
    notifications.apply(PassphraseResetAsked(person_id=str(MANAGER.person_id), link_id=str(LINK)))
    (notice_id,) = notifications.notice_ids()
    send_notice(notifications.deps, SYSTEM, notice_id=notice_id)
    assert notifications.mails() == []
    assert state_of(notifications, notice_id) == (DeliveryState.FAILED, "no-contact")


def test_a_mail_says_that_a_passphrase_was_changed(notifications: Notifications) -> None:
    written_to(notifications, "")
    notifications.apply(PassphraseChanged(person_id=str(MANAGER.person_id)))
    (notice_id,) = notifications.notice_ids()
    send_notice(notifications.deps, SYSTEM, notice_id=notice_id)
    (mail,) = notifications.mails()
    assert mail["Subject"] == "Your passphrase was changed"
    assert "https://sign-in.example.nz/passphrase/forgotten" in mail.get_content()


def test_who_gives_access_is_asked_to_attest(notifications: Notifications) -> None:
    # Given someone whose access has stood for a year
    event_id = notifications.apply(AttestationDue(person_id=str(MANAGER.person_id), due_on="2026-04-01"))
    # When those are asked for who give access
    carry_out_plan(notifications.deps, SYSTEM, plan_id=event_id)
    # Then each is told, of nobody by name
    assert notifications.identity.asked[0] == "ListPeople delegated_authoriser"
    for notice_id in notifications.notice_ids():
        send_notice(notifications.deps, SYSTEM, notice_id=notice_id)
    assert sorted(mail["To"].addresses[0].addr_spec for mail in notifications.mails()) == [
        "rawiri@example.nz",
        "sione@example.nz",
    ]
    assert all(f"/staff/{MANAGER.person_id}" in mail.get_content() for mail in notifications.mails())
    assert not any("Mereana" in mail.get_content() for mail in notifications.mails())
    assert LEAD.person_id in notifications.identity.leads[LEAD.tenant_id]
