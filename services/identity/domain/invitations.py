"""Invitations: whose identity was seen, how long a link works, what may still become of one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from kit.errors import FailedPreconditionError, InvalidArgumentError, Violation

INVITATION_LASTS = timedelta(days=14)
ACCEPTS_PER_LINK = 20
"""Forms sent in for one link in one window."""
PRIMARY, SUPPORTING = "identity_primary", "identity_supporting"
"""The lists of reference data that name the kinds of documents."""


class InvitationState(StrEnum):
    """What has become of an invitation; computed from its facts, stored nowhere."""

    PENDING = "pending"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    USED = "used"


@dataclass(frozen=True, slots=True)
class IdentityDocument:
    """A kind of document that counts at present: reference data. `purpose` is PRIMARY or SUPPORTING."""

    purpose: str
    code: str
    label: str
    label_mi: str
    has_photo: bool


@dataclass(frozen=True, slots=True)
class Sighting:
    """The kinds of documents that an authoriser saw. Nothing else of them is ever kept."""

    primary: str
    supporting: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """An invitation to one organisation. `link_id` names the one link that works, sent at `sent_at`."""

    id: UUID
    name: str
    email: str
    language: str
    sighting: Sighting
    invited_by: UUID
    invited_at: datetime
    link_id: UUID
    sent_at: datetime
    expires_at: datetime
    withdrawn_at: datetime | None = None
    used_at: datetime | None = None
    used_by: UUID | None = None
    first_role: str = ""
    """A role that accepting gives: where nobody could assign one, the ministry invites the first."""

    def state(self, now: datetime) -> InvitationState:
        """What has become of it."""
        if self.used_at is not None:
            return InvitationState.USED
        if self.withdrawn_at is not None:
            return InvitationState.WITHDRAWN
        return InvitationState.PENDING if now < self.expires_at else InvitationState.EXPIRED

    def resent(self, *, link_id: UUID, email: str, now: datetime) -> "Invitation":
        """The invitation with a new link, for another fourteen days; one that expired revives."""
        self._require(now, InvitationState.PENDING, InvitationState.EXPIRED)
        return replace(self, link_id=link_id, email=email or self.email, sent_at=now, expires_at=now + INVITATION_LASTS)

    def withdrawn(self, now: datetime) -> "Invitation":
        """The invitation taken back."""
        self._require(now, InvitationState.PENDING, InvitationState.EXPIRED)
        return replace(self, withdrawn_at=now)

    def accepted(self, *, person_id: UUID, now: datetime) -> "Invitation":
        """The invitation used by someone."""
        self._require(now, InvitationState.PENDING)
        return replace(self, used_at=now, used_by=person_id)

    def _require(self, now: datetime, *allowed: InvitationState) -> None:
        state = self.state(now)
        if state not in allowed:
            raise FailedPreconditionError(f"invitation-{state}", _WORDS[state])


_WORDS = {
    InvitationState.PENDING: "This invitation waits to be accepted.",
    InvitationState.EXPIRED: "This invitation has expired. It can be sent again.",
    InvitationState.WITHDRAWN: "This invitation was withdrawn.",
    InvitationState.USED: "This invitation was used already.",
}


def judge_sighting(sighting: Sighting, documents: Sequence[IdentityDocument]) -> None:
    """Refuse anything but one primary and one supporting document of which one has a photo.

    Raises:
        InvalidArgumentError: a kind is unknown or no longer counts, or neither shows a photo.
    """
    known = {(document.purpose, document.code): document for document in documents}
    primary = known.get((PRIMARY, sighting.primary))
    supporting = known.get((SUPPORTING, sighting.supporting))
    violations = [
        Violation(f"identity_sighted.{field}_document", "unknown-value", f"is not a {field} document that counts today")
        for field, found in (("primary", primary), ("supporting", supporting))
        if found is None
    ]
    if primary is not None and supporting is not None and not (primary.has_photo or supporting.has_photo):
        violations = [
            Violation("identity_sighted.supporting_document", "photo", "one of the two documents must show a photo")
        ]
    if violations:
        raise InvalidArgumentError.of(*violations)
