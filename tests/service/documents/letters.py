"""Letters in memory: what cases and identity would tell."""

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from uuid import UUID

from kit.errors import NotFoundError
from services.documents.domain.letters import PrintedLetter
from services.documents.letters import ApprovedLetter


def printed(**changes: Any) -> PrintedLetter:
    """A made-up letter; keyword arguments replace fields."""
    fields: dict[str, Any] = {
        "family": "chronic_absence",
        "stage": 1,
        "languages": ("mi",),
        "recipients": ("Kererū Example",),
        "address": "1 Nowhere Street\nŌtautahi 8011",
        "support": "A ride each morning.\nYou said no.",
        "words": "",
        "contact_name": "Hēmi Example",
        "contact_phone": "06 555 0101",
        "student": "Tūī Example",
        "school": "Te Kura o Ngāmotu",
        "provider": "Te Ara Whai Mātauranga",
        "case_number": "26-00817",
        "dated_on": date(2026, 3, 4),
        "days": 14,
        "is_draft": False,
    }
    return PrintedLetter(**(fields | changes))


@dataclass
class FakeLetters:
    """Knows what it was told; away when told."""

    drafts: dict[UUID, PrintedLetter] = field(default_factory=dict)
    approved: dict[UUID, ApprovedLetter] = field(default_factory=dict)
    faults: list[Exception] = field(default_factory=list)

    def find_draft(self, letter_id: UUID, *, token: str) -> PrintedLetter:
        assert token, "cases is asked with the caller's own token"
        if letter_id not in self.drafts:
            raise NotFoundError("letter")
        return replace(self.drafts[letter_id], is_draft=True)

    def find_approved(self, tenant_id: UUID, letter_id: UUID) -> ApprovedLetter:  # noqa: ARG002 - of the one tenant
        if self.faults:
            raise self.faults.pop()
        if letter_id not in self.approved:
            raise NotFoundError("letter")
        return self.approved[letter_id]
