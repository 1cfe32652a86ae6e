"""The school's one form, the file of many, and the provider's answer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from ascms.cases.v1 import cases_pb2, requests_pb2
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import BooleanField, HiddenField, RadioField, SelectChoice, SelectField, SelectMultipleField
from wtforms.validators import ValidationError

from kit.web.dates import capitalise
from kit.web.forms import DayField, EmailAddressField, LongTextField, Needed, TextField
from services.gateway.cases.reference import choices_of
from services.gateway.people import term_name
from services.gateway.sending import OnceForm, optional
from services.gateway.versions import SharedForm, VersionForm
from services.gateway.wording import day_of

MOST_CAREGIVERS = 6
SHOWN_CAREGIVERS = 2
MOST_HALF_DAYS = 200
MOST_BYTES = 1_048_576
_CHOOSE = _l("Choose one of the answers.")
MOST_TERMS = 4
MOST_ETHNICITIES = 3
CONTACT_WAYS: Mapping[int, object] = {
    requests_pb2.CONTACT_WAY_CALL: _l("Call"),
    requests_pb2.CONTACT_WAY_TEXT: _l("Text"),
    requests_pb2.CONTACT_WAY_EMAIL: _l("Email"),
    requests_pb2.CONTACT_WAY_VISIT: _l("Visit"),
}
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


class StudentForm(OnceForm):
    """Who the student is: what every form about one asks."""

    given_names = TextField(_l("Given names"), validators=[Needed(_l("Write the student’s given names."))])
    family_name = TextField(_l("Family name"), description=_l("Leave it empty for someone with one name."))
    preferred_name = TextField(_l("Name the student goes by"), description=_l("If it is not the given name."))
    date_of_birth = DayField(
        _l("Date of birth"),
        validators=[Needed(_l("Write the student’s date of birth."))],
        description=_l("For example 4 March 2012"),
    )
    year_level = SelectField(
        _l("Year"),
        validators=[Needed(_l("Choose the student’s year."))],
        choices=[],
        invalid_choice_message=_CHOOSE,
    )
    gender = RadioField(
        _l("Gender"),
        choices=[
            SelectChoice("1", _l("Female")),
            SelectChoice("2", _l("Male")),
            SelectChoice("3", _l("Another gender")),
            SelectChoice("0", _l("Not said")),
        ],
        default="0",
        invalid_choice_message=_CHOOSE,
    )
    nsn = TextField(
        _l("National Student Number"), description=_l("Nine or ten digits. Leave it empty if you do not know it.")
    )

    def __init__(self, today: date, **data: Any) -> None:
        """A form whose student was born before `today`; `data` is what it begins with."""
        super().__init__(**data)
        self._today = today
        self.year_level.choices = [SelectChoice("", _("Choose")), *(SelectChoice(str(level)) for level in range(14))]

    def validate_date_of_birth(self, field: DayField) -> None:
        """Nobody is born in the future."""
        if field.data and field.data >= self._today:
            raise ValidationError(_("This day is still to come. Check the year."))

    def student(self) -> cases_pb2.Student:
        """The student as the service is told of them."""
        born_on = self.date_of_birth.data
        return cases_pb2.Student(
            nsn=(self.nsn.data or "").replace(" ", ""),
            given_names=self.given_names.data or "",
            family_name=self.family_name.data or "",
            preferred_name=self.preferred_name.data or "",
            date_of_birth=born_on.isoformat() if born_on else "",
            year_level=int(self.year_level.data or 0),
            gender=int(self.gender.data),  # type: ignore[arg-type]  # RadioField has checked the choice
        )


class RequestForm(SharedForm, StudentForm):
    """A request for support for one student, as far as it is written: only what is there is checked."""

    ethnicities = SelectMultipleField(
        _l("Ethnicities"), description=_l("At most three"), invalid_choice_message=_CHOOSE
    )
    is_sensitive = BooleanField(_l("The student’s address and contacts need special care"))
    steps = SelectMultipleField(_l("What kinds of things have you tried?"), invalid_choice_message=_CHOOSE)
    steps_tried = LongTextField(_l("What have you tried?"))
    barriers = SelectMultipleField(_l("What stands in the way?"), invalid_choice_message=_CHOOSE)
    barrier_words = LongTextField(_l("More about what stands in the way"))
    concern = LongTextField(_l("What worries you?"))
    shown = HiddenField(default=str(SHOWN_CAREGIVERS))
    shown_terms = HiddenField(default="1")

    is_to_be_checked = True
    """Whether it goes on to be looked over, and is not only put aside."""

    def __init__(self, today: date, draft: cases_pb2.Draft | None = None) -> None:
        """A form whose terms are those that have begun by `today`; it begins with what a draft holds."""
        super().__init__(today, **(_held(draft) if draft else {}))
        for field in (self.given_names, self.date_of_birth, self.year_level):
            field.validators = []
        terms = [SelectChoice(term, capitalise(term_name(term))) for term in recent_terms(today)]
        for number in range(1, MOST_TERMS + 1):
            self._fields[f"term_{number}"].choices = [SelectChoice("", _("Choose")), *terms]
        _offer(self.steps, "step_tried")
        _offer(self.barriers, "barrier")
        _offer(self.ethnicities, "ethnicity")
        if draft is not None:
            self.begin(draft.version)

    def show(self, draft: cases_pb2.Draft) -> int:
        """Fill it with what a draft holds now; the draft's version."""
        room = {field.name: field.data for field in (self.shown, self.shown_terms)}
        for name, data in (dict.fromkeys(dict(self._facts()), "") | _held(draft)).items():
            self._fields[name].process(None, data or None)
        for field in (self.shown, self.shown_terms):
            field.data = max(field.data, room[field.name], key=str)
        return draft.version

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

    def validate_year_level(self, field: SelectField) -> None:
        """A year, unless the form is only put aside: the contract's year 0 is a year too, and no answer."""
        if self.is_to_be_checked and not field.data:
            raise ValidationError(_("Choose the student’s year."))

    def validate_ethnicities(self, field: SelectMultipleField) -> None:
        """At most three."""
        if len(field.data or []) > MOST_ETHNICITIES:
            raise ValidationError(_("Choose at most three."))

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

    def message(self) -> cases_pb2.SubmitRequestRequest:
        """What was written, as far as it goes."""
        terms = [term.message() for term in self._told_terms()]
        student = self.student()
        student.ethnicities.extend(self.ethnicities.data or [])
        return cases_pb2.SubmitRequestRequest(
            student=student,
            caregivers=[caregiver.message() for caregiver in self.caregivers() if not caregiver.is_empty],
            attendance=terms[0] if terms else None,
            earlier_terms=terms[1:],
            concern=self.concern.data or "",
            steps=self.steps.data or [],
            steps_tried=self.steps_tried.data or "",
            barriers=self.barriers.data or [],
            barrier_words=self.barrier_words.data or "",
            is_sensitive=bool(self.is_sensitive.data),
        )

    def saving(self, draft_id: str) -> cases_pb2.SaveDraftRequest:
        """What the service is asked to keep."""
        return cases_pb2.SaveDraftRequest(draft_id=draft_id, content=self.message(), expected_version=self.seen_version)

    def _told_terms(self) -> list[TermFields]:
        """The terms that were told of, the latest first."""
        return sorted((term for term in self.terms() if term.term.data), key=lambda term: term.term.data, reverse=True)


for _number in range(1, MOST_CAREGIVERS + 1):
    setattr(RequestForm, f"caregiver_{_number}_name", TextField(_l("Name")))
    setattr(RequestForm, f"caregiver_{_number}_relationship", TextField(_l("Who they are to the student")))
    setattr(RequestForm, f"caregiver_{_number}_phone", TextField(_l("Phone")))
    setattr(RequestForm, f"caregiver_{_number}_email", EmailAddressField(_l("Email")))
    setattr(
        RequestForm,
        f"caregiver_{_number}_safe_ways",
        SelectMultipleField(
            _l("Safe without asking the school first"),
            choices=[SelectChoice(str(way), words) for way, words in CONTACT_WAYS.items()],
            invalid_choice_message=_CHOOSE,
        ),
    )
    setattr(RequestForm, f"caregiver_{_number}_safe_note", TextField(_l("What to bear in mind")))
for _number in range(1, MOST_TERMS + 1):
    setattr(RequestForm, f"term_{_number}", SelectField(_l("Term"), choices=[], validate_choice=False))
    setattr(RequestForm, f"present_half_days_{_number}", TextField(_l("Half-days present")))
    setattr(RequestForm, f"total_half_days_{_number}", TextField(_l("Half-days the school was open")))
    setattr(RequestForm, f"justified_half_days_{_number}", TextField(_l("Half-days away that were justified")))
    setattr(RequestForm, f"unjustified_half_days_{_number}", TextField(_l("Half-days away that were not")))


def _held(draft: cases_pb2.Draft) -> dict[str, Any]:
    """What a draft holds, by field."""
    said = draft.content
    student = said.student
    terms = [*([said.attendance] if said.HasField("attendance") else []), *said.earlier_terms]
    held: dict[str, Any] = {
        "given_names": student.given_names,
        "family_name": student.family_name,
        "preferred_name": student.preferred_name,
        "date_of_birth": day_of(student.date_of_birth),
        "year_level": str(student.year_level) if student.year_level else "",
        "gender": str(student.gender),
        "nsn": student.nsn,
        "ethnicities": list(student.ethnicities),
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


def _offer(field: SelectMultipleField, list_name: str) -> None:
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


class ImportForm(OnceForm):
    """A file of requests."""

    file = FileField(_l("CSV file"))

    def validate_file(self, field: FileField) -> None:
        """A file was chosen, is not empty and not too large. What is in it is the service's to judge."""
        if not field.data:
            raise ValidationError(_("Choose the file."))
        self.content = field.data.read(MOST_BYTES + 1)
        if not self.content:
            raise ValidationError(_("That file is empty. Choose another."))
        if len(self.content) > MOST_BYTES:
            raise ValidationError(_("That file is larger than 1 MB. Split it, and send the parts one by one."))


class AcceptForm(VersionForm):
    """Open a case for a request, and say who works on it or that this is decided later."""

    LATER = "later"
    case_manager_id = RadioField(
        _l("Case manager"),
        validators=[Needed(_l("Choose a case manager, or that you decide later."))],
        choices=[],
        validate_choice=False,
    )

    def message(self, request_id: UUID) -> cases_pb2.OpenCaseRequest:
        """What the service is asked."""
        chosen = self.case_manager_id.data
        return cases_pb2.OpenCaseRequest(
            request_id=str(request_id),
            case_manager_id="" if chosen == self.LATER else chosen,
            expected_version=self.seen_version,
        )


class QuestionForm(VersionForm):
    """Send a request back with a question."""

    question = LongTextField(_l("What do you need to know?"), validators=[Needed(_l("Write what you need to know."))])

    def message(self, request_id: UUID) -> requests_pb2.ReturnRequestRequest:
        """What the service is asked."""
        return requests_pb2.ReturnRequestRequest(
            request_id=str(request_id), question=self.question.data or "", expected_version=self.seen_version
        )


class DeclineForm(VersionForm):
    """Decline a request."""

    reason = RadioField(_l("Reason"), validators=[Needed(_l("Choose the reason."))], choices=[], validate_choice=False)
    words = LongTextField(_l("What does the school read?"), validators=[Needed(_l("Write what the school reads."))])

    def message(self, request_id: UUID) -> requests_pb2.DeclineRequestRequest:
        """What the service is asked."""
        return requests_pb2.DeclineRequestRequest(
            request_id=str(request_id),
            reason=self.reason.data,
            words=self.words.data or "",
            expected_version=self.seen_version,
        )


class ReplyForm(VersionForm):
    """Reply to the question about a request."""

    reply = LongTextField(_l("Your reply"), validators=[Needed(_l("Write your reply."))])

    def message(self, request_id: UUID) -> cases_pb2.ResubmitRequestRequest:
        """What the service is asked."""
        return cases_pb2.ResubmitRequestRequest(
            request_id=str(request_id), reply=self.reply.data or "", expected_version=self.seen_version
        )


class DraftForm(VersionForm):
    """Send a draft, or throw it away."""


class OwnCaseForm(StudentForm):
    """A case that a provider opens itself."""

    reason = RadioField(_l("Reason"), validators=[Needed(_l("Choose the reason."))], choices=[], validate_choice=False)
    concern = LongTextField(_l("What do you know?"), validators=[Needed(_l("Write what you know."))])
    case_manager_id = RadioField(
        _l("Case manager"),
        validators=[Needed(_l("Choose a case manager, or that you decide later."))],
        choices=[],
        validate_choice=False,
    )
    is_another_student = BooleanField(
        _l("I have looked: this is another student than the one with the same name and birth date")
    )

    def message(self) -> cases_pb2.OpenOwnCaseRequest:
        """What the service is asked."""
        chosen = self.case_manager_id.data
        return cases_pb2.OpenOwnCaseRequest(
            student=self.student(),
            reason=self.reason.data,
            concern=self.concern.data or "",
            case_manager_id="" if chosen == AcceptForm.LATER else chosen,
            is_another_student=bool(self.is_another_student.data),
        )
