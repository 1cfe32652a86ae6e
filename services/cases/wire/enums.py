"""Enums in both languages."""

from enum import StrEnum
from typing import Any, Generic, TypeVar

from ascms.cases.v1 import cases_pb2, events_pb2, letters_pb2, requests_pb2

from services.cases import domain

E = TypeVar("E", bound=StrEnum)


class EnumMap(Generic[E]):
    """One enum in both languages. Names agree but for the contract's prefix; its zero is the domain's empty value."""

    def __init__(self, kind: type[E], proto: Any, prefix: str) -> None:
        """`proto` is the generated enum, `prefix` what its names begin with, "EVENT_KIND_"."""
        self._numbers: dict[E, int] = {each: proto.Value(prefix + each.name) for each in kind}
        self._values: dict[int, E] = {number: each for each, number in self._numbers.items()}

    def number(self, value: E) -> Any:
        """As the contract numbers it."""
        return self._numbers[value]

    def value(self, number: int) -> E:
        """As the domain calls it; KeyError for a zero that the domain has no word for."""
        return self._values[number]

    def find(self, number: int) -> E | None:
        """As the domain calls it; None for "unspecified"."""
        return self._values[number] if number else None


REQUEST_STATE = EnumMap(domain.requests.RequestState, cases_pb2.RequestState, "REQUEST_STATE_")
REQUEST_KIND = EnumMap(domain.requests.RequestKind, requests_pb2.RequestKind, "REQUEST_KIND_")
TIER = EnumMap(domain.triage.TriageTier, requests_pb2.TriageTier, "TRIAGE_TIER_")
CONTACT_WAY = EnumMap(domain.students.ContactWay, requests_pb2.ContactWay, "CONTACT_WAY_")
CASE_STATE = EnumMap(domain.cases.CaseState, cases_pb2.CaseState, "CASE_STATE_")
GENDER = EnumMap(domain.students.Gender, cases_pb2.Gender, "GENDER_")
EVENT_KIND = EnumMap(domain.entries.EventKind, cases_pb2.EventKind, "EVENT_KIND_")
OUTCOME = EnumMap(domain.entries.Outcome, cases_pb2.Outcome, "OUTCOME_")
CHANNEL = EnumMap(domain.entries.Channel, cases_pb2.ContactChannel, "CONTACT_CHANNEL_")
VISIBILITY = EnumMap(domain.entries.Visibility, cases_pb2.Visibility, "VISIBILITY_")
HEALTH = EnumMap(domain.health.Health, cases_pb2.RecordHealth, "RECORD_HEALTH_")
SHARED_STATE = EnumMap(domain.sharing.SharedState, cases_pb2.SharedState, "SHARED_STATE_")
SHARED_CHANGE = EnumMap(domain.sharing.SharedChange, events_pb2.SharedChange, "SHARED_CHANGE_")
TASK_STATE = EnumMap(domain.tasks.TaskState, cases_pb2.TaskState, "TASK_STATE_")
PRIORITY = EnumMap(domain.tasks.Priority, cases_pb2.TaskPriority, "TASK_PRIORITY_")
LETTER_FAMILY = EnumMap(domain.letters.Family, letters_pb2.LetterFamily, "LETTER_FAMILY_")
LETTER_LANGUAGE = EnumMap(domain.letters.Language, letters_pb2.LetterLanguage, "LETTER_LANGUAGE_")
LETTER_STATE = EnumMap(domain.letters.LetterState, letters_pb2.LetterState, "LETTER_STATE_")
LETTER_MODE = EnumMap(domain.letters.Mode, letters_pb2.LetterMode, "LETTER_MODE_")
