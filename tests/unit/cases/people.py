"""Made-up values for tests of the rules."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from services.cases.domain.cases import Case, Record
from services.cases.domain.closings import Closing
from services.cases.domain.entries import Correction, Entry, EventKind, Outcome, Visibility
from services.cases.domain.letters import Family, Language, Letter, LetterText
from services.cases.domain.pauses import Pause
from services.cases.domain.reference import Item, Reference
from services.cases.domain.requests import Draft, Occasion, Question, Request
from services.cases.domain.students import Attendance, Caregiver, ContactWay, Gender, Student
from services.cases.domain.tasks import Priority, Task

NOW = datetime(2026, 3, 3, 21, 0, tzinfo=UTC)
TODAY = date(2026, 3, 4)
SCHOOL, PROVIDER, OTHER_PROVIDER = UUID(int=0x5C), UUID(int=0x60), UUID(int=0x61)
LEAD_ID, MANAGER_ID, COLLEAGUE_ID = UUID(int=1), UUID(int=2), UUID(int=3)


@dataclass(frozen=True)
class Someone:
    """A caller with permissions."""

    person_id: UUID
    permissions: frozenset[str] = field(default_factory=frozenset)

    def may(self, permission: str) -> bool:
        return permission in self.permissions


LEAD = Someone(
    LEAD_ID,
    frozenset(
        {"cases:read", "cases:read-all", "cases:assign", "cases:record", "cases:close", "cases:open", "requests:answer"}
    ),
)
MANAGER = Someone(MANAGER_ID, frozenset({"cases:read", "cases:record", "cases:close"}))
COLLEAGUE = Someone(COLLEAGUE_ID, frozenset({"cases:read", "cases:record", "cases:close"}))


def student(**changes: Any) -> Student:
    fields: dict[str, Any] = {
        "nsn": "0123456789",
        "given_names": "Tūī",
        "family_name": "Testperson",
        "preferred_name": "",
        "date_of_birth": date(2012, 8, 15),
        "year_level": 9,
        "gender": Gender.FEMALE,
        "ethnicities": ("211", "111"),
    }
    return Student(**(fields | changes))


REFERENCE = Reference.on(
    TODAY,
    [
        Item(list=name, code=code, label="", days=None, starts_on=date(2026, 1, 1), ends_on=None)
        for name, code in (
            ("step_tried", "calls_home"),
            ("barrier", "health"),
            ("ethnicity", "211"),
            ("ethnicity", "111"),
        )
    ],
)


def draft(*, present: int = 28, total: int = 60, **changes: Any) -> Draft:
    return Draft(
        student(**changes),
        (Caregiver("Kererū", "nan", "", "", tuple(ContactWay)),),
        Attendance("2026-T1", present, total),
        "Away most mornings.",
        "",
    )


def request(**changes: Any) -> Request:
    fields: dict[str, Any] = {
        "id": UUID("01890a5d-ac96-774b-bcce-b302099a8057"),
        "owner_id": SCHOOL,
        "provider_id": PROVIDER,
        "draft": draft(),
        "submitted_at": NOW,
        "submitted_by": UUID(int=9),
        "answer_due_on": date(2026, 3, 11),
    }
    return Request(**(fields | changes))


def question(**changes: Any) -> Question:
    fields: dict[str, Any] = {
        "text": "Does he come by bus?",
        "asked_by": LEAD_ID,
        "asked_at": NOW,
        "reply_due_on": date(2026, 3, 11),
    }
    return Question(**(fields | changes))


def occasion(caller: Someone = LEAD, **changes: Any) -> Occasion:
    fields: dict[str, Any] = {"caller": caller, "tenant_id": PROVIDER, "now": NOW, "today": TODAY}
    return Occasion(**(fields | changes))


def case(**changes: Any) -> Case:
    fields: dict[str, Any] = {
        "id": UUID("01890a5d-ac96-774b-bcce-b302099a8058"),
        "number": "26-00001",
        "school_id": SCHOOL,
        "request_id": request().id,
        "born_on": date(2012, 8, 15),
        "opened_at": NOW,
        "opened_by": LEAD_ID,
    }
    return Case(**(fields | changes))


def record_of(of: Case) -> Record:
    said = draft()
    return Record(of, said.student, said.caregivers, said.attendance, said.concern)


def entry(**changes: Any) -> Entry:
    fields: dict[str, Any] = {
        "id": UUID("01890a5d-ac96-774b-bcce-b302099a8059"),
        "case_id": case().id,
        "kind": EventKind.HOME_VISIT,
        "happened_on": TODAY,
        "outcome": Outcome.REACHED,
        "minutes": 45,
        "note": "",
        "visibility": Visibility.PROVIDER,
        "recorded_by": MANAGER_ID,
        "recorded_at": NOW,
    }
    return Entry(**(fields | changes))


def task(**changes: Any) -> Task:
    fields: dict[str, Any] = {
        "id": UUID("01890a5d-ac96-774b-bcce-b302099a805a"),
        "case_id": case().id,
        "title": "Ring nan",
        "instructions": "",
        "due_on": TODAY,
        "priority": Priority.NORMAL,
        "owner_id": MANAGER_ID,
        "added_by": LEAD_ID,
        "added_at": NOW,
    }
    return Task(**(fields | changes))


def correction(**changes: Any) -> Correction:
    fields: dict[str, Any] = {
        "entry_id": entry().id,
        "case_id": case().id,
        "number": 1,
        "reason": "The day was wrong.",
        "happened_on": date(2026, 3, 3),
        "outcome": Outcome.NO_ANSWER,
        "minutes": 30,
        "note": "",
        "visibility": Visibility.PROVIDER,
        "corrected_by": LEAD_ID,
        "corrected_at": NOW,
    }
    return Correction(**(fields | changes))


def pause(**changes: Any) -> Pause:
    fields: dict[str, Any] = {
        "id": UUID("01890a5d-ac96-774b-bcce-b302099a805b"),
        "case_id": case().id,
        "reason": "bereavement",
        "started_on": TODAY,
        "wakes_on": date(2026, 3, 18),
        "conditions": "",
        "agreed_by": "Nan",
        "paused_by": MANAGER_ID,
        "paused_at": NOW,
    }
    return Pause(**(fields | changes))


def closing(**changes: Any) -> Closing:
    fields: dict[str, Any] = {
        "id": UUID("01890a5d-ac96-774b-bcce-b302099a805c"),
        "case_id": case().id,
        "reason": "sustained_attendance",
        "outcome": "attending_regularly",
        "summary": "Back every day.",
        "closed_by": MANAGER_ID,
        "closed_at": NOW,
    }
    return Closing(**(fields | changes))


def letter(**changes: Any) -> Letter:
    fields: dict[str, Any] = {
        "id": UUID("01890a5d-ac96-774b-bcce-b302099a805e"),
        "case_id": case().id,
        "family": Family.CHRONIC_ABSENCE,
        "stage": 1,
        "text": LetterText(
            language=Language.MAORI,
            recipients=("Kererū",),
            support="A ride each morning.",
            contact_name="Hēmi Example",
            contact_phone="06 000 0000",
        ),
        "drafted_by": MANAGER_ID,
        "drafted_at": NOW,
        "waits_since": NOW,
    }
    return Letter(**(fields | changes))
