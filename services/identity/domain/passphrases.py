"""Links to choose a new passphrase by: how long one works, what may have become of it, and how many there may be."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

RESET_LASTS = timedelta(hours=1)
LINKS_AT_ONCE = 5
"""Links of one person that work at the same time. Who asks for more is sent none: the last ones still work, so that
somebody else's asking fills a mailbox a little, and keeps nobody out."""
WISHES_PER_ADDRESS = 8
"""Wishes for one address from one place (or one known device) in one window."""
CHANGES_PER_PERSON = 8
"""Present passphrases that someone who is signed in may give in one window."""


class ResetState(StrEnum):
    """What has become of a link; computed from its facts."""

    PENDING = "pending"
    USED = "used"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Reset:
    """A link to choose a new passphrase by. Choosing one uses up every link that its person has."""

    person_id: UUID
    id: UUID
    asked_at: datetime
    expires_at: datetime
    used_at: datetime | None = None

    def state(self, now: datetime) -> ResetState:
        """What has become of it."""
        if self.used_at is not None:
            return ResetState.USED
        return ResetState.PENDING if now < self.expires_at else ResetState.EXPIRED
