"""A directory in memory: passes the tests that the real one passes (test_directory.py)."""

from dataclasses import dataclass, field
from uuid import UUID

from kit.errors import UnavailableError
from services.cases.directory import Provider


@dataclass
class FakeDirectory:
    """Knows what it was told; away when told."""

    providers: dict[UUID, Provider] = field(default_factory=dict)
    numbers: dict[UUID, str] = field(default_factory=dict)
    case_managers: set[UUID] = field(default_factory=set)
    leads: set[UUID] = field(default_factory=set)
    school_contacts: dict[UUID, set[UUID]] = field(default_factory=dict)
    is_away: bool = False

    def find_provider(self, *, school_id: UUID, token: str) -> Provider | None:
        self._answer(token)
        return self.providers.get(school_id)

    def named_provider(self, *, provider_id: UUID, token: str) -> Provider | None:
        self._answer(token)
        return next((each for each in self.providers.values() if each.id == provider_id), None)

    def school_number(self, *, school_id: UUID, token: str) -> str:
        self._answer(token)
        return self.numbers.get(school_id, "")

    def is_working_case_manager(self, *, person_id: UUID, token: str) -> bool:
        self._answer(token)
        return person_id in self.case_managers

    def is_working_on_cases(self, *, person_id: UUID, token: str) -> bool:
        self._answer(token)
        return person_id in self.case_managers | self.leads

    def is_school_contact(self, *, person_id: UUID, school_id: UUID, token: str) -> bool:
        self._answer(token)
        return person_id in self.school_contacts.get(school_id, set())

    def _answer(self, token: str) -> None:
        if self.is_away:
            raise UnavailableError("service-away", "A part of the system cannot be reached. Try again in a moment.")
        assert token, "identity is asked with the caller's own token"
