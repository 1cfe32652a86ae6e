"""The school's one form, the file of many, and the provider's answer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar
from uuid import UUID

from ascms.cases.v1 import cases_pb2
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import BooleanField, HiddenField, RadioField, SelectChoice, SelectField
from wtforms.validators import ValidationError

from kit.web.dates import capitalise
from kit.web.forms import DayField, EmailAddressField, LongTextField, Needed, TextField
from services.gateway.cases.writing import read_version
from services.gateway.people import term_name
from services.gateway.sending import OnceForm

MOST_CAREGIVERS = 6
SHOWN_CAREGIVERS = 2
MOST_HALF_DAYS = 200
MOST_BYTES = 1_048_576
_CHOOSE = _l("Choose one of the answers.")
_PARTS = ("name", "relationship", "phone", "email", "safe_to_contact")


@dataclass(frozen=True, slots=True)
class CaregiverFields:
    """The fields of one caregiver in the form."""

    number: int
    name: Any
    relationship: Any
    phone: Any
    email: Any
    safe_to_contact: Any

    @property
    def is_empty(self) -> bool:
        """Whether nothing was written about them."""
        return not any((self.name.data, self.relationship.data, self.phone.data, self.email.data))


class RequestForm(OnceForm):
    """A request for support for one student."""

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
    term = SelectField(
        _l("Term"), validators=[Needed(_l("Choose the term."))], choices=[], invalid_choice_message=_CHOOSE
    )
    present_half_days = TextField(
        _l("Half-days present"), validators=[Needed(_l("Write how many half-days the student was present."))]
    )
    total_half_days = TextField(
        _l("Half-days the school was open"), validators=[Needed(_l("Write how many half-days the school was open."))]
    )
    concern = LongTextField(
        _l("What worries you?"), validators=[Needed(_l("Write what worries you about this student’s attendance."))]
    )
    steps_tried = LongTextField(_l("What have you tried?"))
    shown = HiddenField(default=str(SHOWN_CAREGIVERS))

    NAMES: ClassVar[Mapping[str, str]] = {"attendance.present_half_days": "present_half_days"}

    def __init__(self, today: date) -> None:
        """A form whose terms are those that have begun by `today`."""
        super().__init__()
        self._today = today
        self.year_level.choices = [SelectChoice("", _("Choose")), *(SelectChoice(str(level)) for level in range(14))]
        self.term.choices = [SelectChoice(term, capitalise(term_name(term))) for term in recent_terms(today)]

    def caregivers(self) -> Iterator[CaregiverFields]:
        """The caregivers that the form shows."""
        for number in range(1, self.shown_caregivers + 1):
            fields = {part: self._fields[f"caregiver_{number}_{part}"] for part in _PARTS}
            yield CaregiverFields(number=number, **fields)

    @property
    def shown_caregivers(self) -> int:
        """How many caregivers have room on the page."""
        text = str(self.shown.data or "")
        return int(text) if text in {str(most) for most in range(1, MOST_CAREGIVERS + 1)} else SHOWN_CAREGIVERS

    def add_caregiver(self) -> None:
        """Make room for one more."""
        self.shown.data = str(min(MOST_CAREGIVERS, self.shown_caregivers + 1))

    def validate_date_of_birth(self, field: DayField) -> None:
        """Nobody is born in the future."""
        if field.data and field.data >= self._today:
            raise ValidationError(_("This day is still to come. Check the year."))

    def validate_present_half_days(self, field: TextField) -> None:
        """A whole number that fits the other."""
        present, total = _half_days(field.data), _half_days(self.total_half_days.data)
        if present is None:
            raise ValidationError(_("Write the half-days as a number from 0 to 200."))
        if total is not None and present > total:
            raise ValidationError(_("The half-days present cannot be more than the half-days open."))

    def validate_total_half_days(self, field: TextField) -> None:
        """A whole number of at least one."""
        if not _half_days(field.data):
            raise ValidationError(_("Write the half-days as a number from 1 to 200."))

    def validate(self, extra_validators: Any = None) -> bool:
        """The fields, and that a caregiver who was begun has a name."""
        is_valid = bool(super().validate(extra_validators))
        for caregiver in self.caregivers():
            if not caregiver.is_empty and not caregiver.name.data:
                caregiver.name.errors = [*caregiver.name.errors, _("Write the name of this caregiver.")]
                is_valid = False
        return is_valid

    def names(self) -> dict[str, str]:
        """Fields of the contract to fields of this form: empty caregivers are not sent, so their numbers shift."""
        sent = [caregiver.number for caregiver in self.caregivers() if not caregiver.is_empty]
        return {
            f"caregivers[{index}].{part}": f"caregiver_{number}_{part}"
            for index, number in enumerate(sent)
            for part in _PARTS
        }

    def message(self) -> cases_pb2.SubmitRequestRequest:
        """What the service is asked."""
        assert self.date_of_birth.data is not None
        return cases_pb2.SubmitRequestRequest(
            student=cases_pb2.Student(
                nsn=(self.nsn.data or "").replace(" ", ""),
                given_names=self.given_names.data or "",
                family_name=self.family_name.data or "",
                preferred_name=self.preferred_name.data or "",
                date_of_birth=self.date_of_birth.data.isoformat(),
                year_level=int(self.year_level.data),
                gender=int(self.gender.data),  # type: ignore[arg-type]  # RadioField has checked the choice
            ),
            caregivers=[
                cases_pb2.Caregiver(
                    name=caregiver.name.data,
                    relationship=caregiver.relationship.data,
                    phone=caregiver.phone.data,
                    email=caregiver.email.data,
                    safe_to_contact=caregiver.safe_to_contact.data,
                )
                for caregiver in self.caregivers()
                if not caregiver.is_empty
            ],
            attendance=cases_pb2.Attendance(
                term=self.term.data,
                present_half_days=_half_days(self.present_half_days.data) or 0,
                total_half_days=_half_days(self.total_half_days.data) or 0,
            ),
            concern=self.concern.data or "",
            steps_tried=self.steps_tried.data or "",
        )


for _number in range(1, MOST_CAREGIVERS + 1):
    setattr(RequestForm, f"caregiver_{_number}_name", TextField(_l("Name")))
    setattr(RequestForm, f"caregiver_{_number}_relationship", TextField(_l("Who they are to the student")))
    setattr(RequestForm, f"caregiver_{_number}_phone", TextField(_l("Phone")))
    setattr(RequestForm, f"caregiver_{_number}_email", EmailAddressField(_l("Email")))
    setattr(
        RequestForm,
        f"caregiver_{_number}_safe_to_contact",
        BooleanField(_l("It is safe to contact them without asking the school first")),
    )


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


class AcceptForm(OnceForm):
    """Open a case for a request, and say who works on it or that this is decided later."""

    LATER = "later"
    case_manager_id = RadioField(
        _l("Case manager"),
        validators=[Needed(_l("Choose a case manager, or that you decide later."))],
        choices=[],
        validate_choice=False,
    )
    version = HiddenField()

    def message(self, request_id: UUID) -> cases_pb2.OpenCaseRequest:
        """What the service is asked."""
        chosen = self.case_manager_id.data
        return cases_pb2.OpenCaseRequest(
            request_id=str(request_id),
            case_manager_id="" if chosen == self.LATER else chosen,
            expected_version=read_version(self.version),
        )
