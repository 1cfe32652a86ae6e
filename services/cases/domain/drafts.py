"""What a school has written so far of a request: kept as it was said, checked when it is sent."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from services.cases.domain.shared import check_version

KEPT_DAYS = 60
"""How long a draft is kept after it was saved last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedDraft:
    """A draft of a school. `content` is what was said, in the contract's own form; `student_name` for lists."""

    id: UUID
    content: bytes
    student_name: str
    begun_by: UUID
    saved_at: datetime
    kept_until: date
    version: int = 1

    def is_over(self, today: date) -> bool:
        """Whether its days have passed."""
        return today > self.kept_until


def kept_until(saved_on: date) -> date:
    """The last day of a draft that was saved on a day."""
    return saved_on + timedelta(days=KEPT_DAYS)


def save(before: SavedDraft, after: SavedDraft, *, expected_version: int) -> SavedDraft:
    """The draft as saved once more.

    Raises:
        StaleVersionError: it is not at `expected_version` (0: whichever) any more.
    """
    check_version(expected_version, before.version)
    return SavedDraft(
        id=before.id,
        content=after.content,
        student_name=after.student_name,
        begun_by=before.begun_by,
        saved_at=after.saved_at,
        kept_until=after.kept_until,
        version=before.version + 1,
    )
