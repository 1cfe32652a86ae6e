"""What a school says about a student when it asks for support: the part of its forms besides who the student is."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from ascms.cases.v1 import cases_pb2, requests_pb2
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, SelectChoice, SelectField, SelectMultipleField

from kit.web.dates import capitalise
from kit.web.forms import EmailAddressField, LongTextField, TextField
from services.gateway.cases.reference import choices_of
from services.gateway.people import term_name
from services.gateway.sending import OnceForm, optional

MOST_CAREGIVERS = 6
SHOWN_CAREGIVERS = 2
MOST_HALF_DAYS = 200
_CHOOSE = _l("Choose one of the answers.")
MOST_TERMS = 8
CONTACT_WAYS: Mapping[int, object] = {
    requests_pb2.CONTACT_WAY_CALL: _l("Call"),
    requests_pb2.CONTACT_WAY_TEXT: _l("Text"),
    requests_pb2.CONTACT_WAY_EMAIL: _l("Email"),
    requests_pb2.CONTACT_WAY_VISIT: _l("Visit"),
}
_IS_TERM = re.compile(r"[0-9]{4}-T[1-4]", re.ASCII)
_PARTS = ("name", "relationship", "phone", "email", "safe_ways", "safe_note")
_TERM_PARTS = ("term", "present_half_days", "total_half_days", "justified_half_days", "unjustified_half_days")


@dataclass(frozen=True, slots=True)
class CaregiverFields:
    """The fields of one caregiver in the form."""

    number: int
    name: Any
    relationship: Any
    phone: Any
    email: Any
    safe_ways: Any
    safe_note: Any

    def message(self) -> cases_pb2.Caregiver:
        """The caregiver as the service is told of them."""
        return cases_pb2.Caregiver(
            name=self.name.data or "",
            relationship=self.relationship.data or "",
            phone=self.phone.data or "",
            email=self.email.data or "",
            safe_ways=[int(way) for way in self.safe_ways.data or []],  # type: ignore[misc]  # the field has checked it
            safe_note=self.safe_note.data or "",
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing was written about them."""
        return not any((self.name.data, self.relationship.data, self.phone.data, self.email.data))


@dataclass(frozen=True, slots=True)
class TermFields:
    """The fields of one term's attendance in the form."""

    number: int
    term: Any
    present_half_days: Any
    total_half_days: Any
    justified_half_days: Any
    unjustified_half_days: Any

    def faults(self) -> Iterator[tuple[Any, str]]:
        """What is wrong with what was written, by field."""
        told = [getattr(self, part) for part in _TERM_PARTS[1:]]
        for field in told:
            if field.data and _half_days(field.data) is None:
                yield field, _("Write the half-days as a number from 0 to 200.")
        if self.term.data and self.term.data not in {choice.value for choice in self.term.choices}:
            yield self.term, str(_CHOOSE)
        if any(field.data for field in told) and not self.term.data:
            yield self.term, _("Choose the term.")
        present, total = _half_days(self.present_half_days.data), _half_days(self.total_half_days.data)
        if present is not None and total is not None and present > total:
            yield self.present_half_days, _("The half-days present cannot be more than the half-days open.")

    def message(self) -> cases_pb2.Attendance:
        """The term as the service is told of it."""
        return cases_pb2.Attendance(
            term=self.term.data,
            present_half_days=_half_days(self.present_half_days.data) or 0,
            total_half_days=_half_days(self.total_half_days.data) or 0,
            justified_half_days=_half_days(self.justified_half_days.data) or 0,
            unjustified_half_days=_half_days(self.unjustified_half_days.data) or 0,
        )


class AskingForm(OnceForm):
    """Attendance, caregivers, what worries the school and what it has tried: only what is there is checked."""

    is_sensitive = BooleanField(_l("The student’s address and contacts need special care"))
    steps = SelectMultipleField(_l("What kinds of things have you tried?"), invalid_choice_message=_CHOOSE)
    steps_tried = LongTextField(_l("What have you tried?"))
    barriers = SelectMultipleField(_l("What stands in the way?"), invalid_choice_message=_CHOOSE)
    barrier_words = LongTextField(_l("More about what stands in the way"))
    concern = LongTextField(_l("What worries you?"))
    shown = HiddenField(default=str(SHOWN_CAREGIVERS))
    shown_terms = HiddenField(default="1")

    def offer_choices(self, today: date) -> None:
        """The terms that have begun by `today`, those that are told of already, and what the lists hold."""
        known = recent_terms(today)
        told = [str(self._fields[f"term_{number}"].data or "") for number in range(1, MOST_TERMS + 1)]
        offered = [*known, *sorted({term for term in told if _IS_TERM.fullmatch(term)} - set(known), reverse=True)]
        terms = [SelectChoice(term, capitalise(term_name(term))) for term in offered]
        for number in range(1, MOST_TERMS + 1):
            self._fields[f"term_{number}"].choices = [SelectChoice("", _("Choose")), *terms]
        offer(self.steps, "step_tried")
        offer(self.barriers, "barrier")

    def caregivers(self) -> Iterator[CaregiverFields]:
        """The caregivers that the form shows."""
        for number in range(1, self.shown_caregivers + 1):
            fields = {part: self._fields[f"caregiver_{number}_{part}"] for part in _PARTS}
            yield CaregiverFields(number=number, **fields)

    def terms(self) -> Iterator[TermFields]:
        """The terms that the form shows."""
        for number in range(1, _shown(self.shown_terms, most=MOST_TERMS, usual=1) + 1):
            yield TermFields(number=number, **{part: self._fields[f"{part}_{number}"] for part in _TERM_PARTS})

    @property
    def shown_caregivers(self) -> int:
        """How many caregivers have room on the page."""
        return _shown(self.shown, most=MOST_CAREGIVERS, usual=SHOWN_CAREGIVERS)

    @property
    def may_add_term(self) -> bool:
        """Whether there is room for one more term."""
        return _shown(self.shown_terms, most=MOST_TERMS, usual=1) < MOST_TERMS

    def add_caregiver(self) -> None:
        """Make room for one more."""
        self.shown.data = str(min(MOST_CAREGIVERS, self.shown_caregivers + 1))

    def add_term(self) -> None:
        """Make room for one more."""
        self.shown_terms.data = str(min(MOST_TERMS, _shown(self.shown_terms, most=MOST_TERMS, usual=1) + 1))

    def validate(self, extra_validators: Any = None) -> bool:
        """What is there: numbers are numbers and fit each other, a caregiver who was begun has a name."""
        is_valid = bool(super().validate(extra_validators))
        for caregiver in self.caregivers():
            if not caregiver.is_empty and not caregiver.name.data:
                caregiver.name.errors = [*caregiver.name.errors, _("Write the name of this caregiver.")]
                is_valid = False
        for term in self.terms():
            for faulty, words in term.faults():
                faulty.errors = [*faulty.errors, words]
                is_valid = False
        return is_valid

    def names(self) -> dict[str, str]:
        """Fields of the contract to fields of this form: what is empty is not sent, so numbers shift."""
        people = [caregiver.number for caregiver in self.caregivers() if not caregiver.is_empty]
        names = {
            f"caregivers[{index}].{part}": f"caregiver_{number}_{part}"
            for index, number in enumerate(people)
            for part in _PARTS
        }
        for index, number in enumerate(term.number for term in self._told_terms()):
            path = "attendance" if index == 0 else f"earlier_terms[{index - 1}]"
            names |= {f"{path}.{part}": f"{part}_{number}" for part in _TERM_PARTS}
        return names | {f"content.{path}": name for path, name in names.items()}

    def said(self) -> dict[str, Any]:
        """What was written, by field of the contract, as far as it goes."""
        terms = [term.message() for term in self._told_terms()]
        return {
            "caregivers": [caregiver.message() for caregiver in self.caregivers() if not caregiver.is_empty],
            "attendance": terms[0] if terms else None,
            "earlier_terms": terms[1:],
            "concern": self.concern.data or "",
            "steps": self.steps.data or [],
            "steps_tried": self.steps_tried.data or "",
            "barriers": self.barriers.data or [],
            "barrier_words": self.barrier_words.data or "",
            "is_sensitive": bool(self.is_sensitive.data),
        }

    def _told_terms(self) -> list[TermFields]:
        """The terms that were told of, the latest first."""
        return sorted((term for term in self.terms() if term.term.data), key=lambda term: term.term.data, reverse=True)


for _number in range(1, MOST_CAREGIVERS + 1):
    setattr(AskingForm, f"caregiver_{_number}_name", TextField(_l("Name")))
    setattr(AskingForm, f"caregiver_{_number}_relationship", TextField(_l("Who they are to the student")))
    setattr(AskingForm, f"caregiver_{_number}_phone", TextField(_l("Phone")))
    setattr(AskingForm, f"caregiver_{_number}_email", EmailAddressField(_l("Email")))
    setattr(
        AskingForm,
        f"caregiver_{_number}_safe_ways",
        SelectMultipleField(
            _l("Safe without asking the school first"),
            choices=[SelectChoice(str(way), words) for way, words in CONTACT_WAYS.items()],
            invalid_choice_message=_CHOOSE,
        ),
    )
    setattr(AskingForm, f"caregiver_{_number}_safe_note", TextField(_l("What to bear in mind")))
for _number in range(1, MOST_TERMS + 1):
    setattr(AskingForm, f"term_{_number}", SelectField(_l("Term"), choices=[], validate_choice=False))
    setattr(AskingForm, f"present_half_days_{_number}", TextField(_l("Half-days present")))
    setattr(AskingForm, f"total_half_days_{_number}", TextField(_l("Half-days the school was open")))
    setattr(AskingForm, f"justified_half_days_{_number}", TextField(_l("Half-days away that were justified")))
    setattr(AskingForm, f"unjustified_half_days_{_number}", TextField(_l("Half-days away that were not")))


Said = cases_pb2.SubmitRequestRequest | cases_pb2.RequestForSupport


def held(said: Said) -> dict[str, Any]:
    """What was said, by field."""
    terms = [*([said.attendance] if said.HasField("attendance") else []), *said.earlier_terms]
    held: dict[str, Any] = {
        "is_sensitive": said.is_sensitive,
        "steps": list(said.steps),
        "steps_tried": said.steps_tried,
        "barriers": list(said.barriers),
        "barrier_words": said.barrier_words,
        "concern": said.concern,
        "shown": str(min(MOST_CAREGIVERS, max(SHOWN_CAREGIVERS, len(said.caregivers)))),
        "shown_terms": str(min(MOST_TERMS, max(1, len(terms)))),
    }
    for number, caregiver in enumerate(said.caregivers, 1):
        for part in ("name", "relationship", "phone", "email", "safe_note"):
            held[f"caregiver_{number}_{part}"] = getattr(caregiver, part)
        held[f"caregiver_{number}_safe_ways"] = [str(way) for way in caregiver.safe_ways]
    for number, term in enumerate(terms, 1):
        held[f"term_{number}"] = term.term
        for part in _TERM_PARTS[1:]:
            value = getattr(term, part)
            is_told = value or (part == "present_half_days" and term.total_half_days)
            held[f"{part}_{number}"] = str(value) if is_told else ""
    return held


def offer(field: SelectMultipleField, list_name: str) -> None:
    """The choices of a list; while it cannot be read, at least those that were made."""
    known = optional(lambda: choices_of(list_name)) or []
    field.validate_choice = bool(known)
    field.choices = known or [SelectChoice(code, code) for code in field.data or []]


def _shown(field: HiddenField, *, most: int, usual: int) -> int:
    text = str(field.data or "")
    return int(text) if text in {str(number) for number in range(1, most + 1)} else usual


def recent_terms(today: date) -> list[str]:
    """The terms that have begun, newest first, five of them. Terms begin about February, late April, July, October."""
    current = next(term for term, month in ((4, 10), (3, 7), (2, 4), (1, 1)) if today.month >= month)
    terms = [(today.year, number) for number in range(current, 0, -1)]
    terms += [(today.year - 1, number) for number in range(4, 0, -1)]
    return [f"{year}-T{number}" for year, number in terms[:5]]


def _half_days(text: str | None) -> int | None:
    text = (text or "").strip()
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(MOST_HALF_DAYS)) else None
    return number if number is not None and number <= MOST_HALF_DAYS else None
