"""Invitations: what may become of one, and what must have been seen."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from kit.errors import FailedPreconditionError, InvalidArgumentError
from services.identity.domain.invitations import (
    INVITATION_LASTS,
    PRIMARY,
    SUPPORTING,
    IdentityDocument,
    Invitation,
    InvitationState,
    Sighting,
    judge_sighting,
)

NOW = datetime(2026, 3, 3, 21, 0, tzinfo=UTC)
LATER = NOW + INVITATION_LASTS
PENDING = Invitation(
    id=UUID(int=1),
    name="Demo Māia",
    email="maia@example.nz",
    language="mi",
    sighting=Sighting("passport", "bill"),
    invited_by=UUID(int=2),
    invited_at=NOW,
    link_id=UUID(int=3),
    sent_at=NOW,
    expires_at=LATER,
)
WITHDRAWN, USED = PENDING.withdrawn(NOW), PENDING.accepted(person_id=UUID(int=4), now=NOW)
DOCUMENTS = [
    IdentityDocument(PRIMARY, "passport", "Passport", "Uruwhenua", has_photo=True),
    IdentityDocument(PRIMARY, "certificate", "Certificate", "Tiwhikete", has_photo=False),
    IdentityDocument(SUPPORTING, "licence", "Licence", "Raihana", has_photo=True),
    IdentityDocument(SUPPORTING, "bill", "Bill", "Pire", has_photo=False),
]


@pytest.mark.parametrize(
    ("invitation", "at", "state"),
    [
        (PENDING, NOW, "pending"),
        (PENDING, LATER - timedelta(seconds=1), "pending"),
        (PENDING, LATER, "expired"),
        (WITHDRAWN, NOW, "withdrawn"),
        (WITHDRAWN, LATER, "withdrawn"),
        (USED, LATER, "used"),
    ],
)
def test_the_state_follows_from_the_facts(invitation: Invitation, at: datetime, state: str) -> None:
    assert invitation.state(at) is InvitationState(state)


@pytest.mark.parametrize(
    ("invitation", "at", "reason"),
    [
        (PENDING, LATER, "invitation-expired"),
        (WITHDRAWN, NOW, "invitation-withdrawn"),
        (USED, NOW, "invitation-used"),
    ],
)
def test_only_a_pending_one_is_accepted(invitation: Invitation, at: datetime, reason: str) -> None:
    with pytest.raises(FailedPreconditionError) as refused:
        invitation.accepted(person_id=UUID(int=9), now=at)
    assert refused.value.reason == reason


@pytest.mark.parametrize("invitation", [WITHDRAWN, USED])
def test_what_is_over_is_neither_sent_again_nor_withdrawn(invitation: Invitation) -> None:
    with pytest.raises(FailedPreconditionError):
        invitation.resent(link_id=UUID(int=5), email="", now=NOW)
    with pytest.raises(FailedPreconditionError):
        invitation.withdrawn(NOW)


def test_sent_again_an_expired_one_has_another_link_and_fourteen_days() -> None:
    again = PENDING.resent(link_id=UUID(int=5), email="", now=LATER)
    assert again == replace(PENDING, link_id=UUID(int=5), sent_at=LATER, expires_at=LATER + timedelta(days=14))
    assert PENDING.resent(link_id=UUID(int=5), email="new@example.nz", now=NOW).email == "new@example.nz"


@pytest.mark.parametrize(
    "sighting", [Sighting("passport", "bill"), Sighting("certificate", "licence"), Sighting("passport", "licence")]
)
def test_one_of_each_and_a_photo_will_do(sighting: Sighting) -> None:
    judge_sighting(sighting, DOCUMENTS)


@pytest.mark.parametrize(
    ("sighting", "reasons"),
    [
        (Sighting("certificate", "bill"), ["photo"]),
        (Sighting("licence", "passport"), ["unknown-value", "unknown-value"]),
        (Sighting("passport", "passport"), ["unknown-value"]),
    ],
)
def test_anything_less_is_refused(sighting: Sighting, reasons: list[str]) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        judge_sighting(sighting, DOCUMENTS)
    assert [each.reason for each in refused.value.violations] == reasons
