"""The school's one form, the file of many, and the provider's answer."""

import base64
import zlib
from datetime import date
from typing import Any
from uuid import UUID

from ascms.cases.v1 import cases_pb2, requests_pb2
from ascms.identity.v1 import identity_pb2
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from google.protobuf.message import DecodeError
from wtforms import BooleanField, HiddenField, RadioField, SelectChoice, SelectField, SelectMultipleField
from wtforms.validators import ValidationError

from kit.web.forms import DayField, LongTextField, Needed, TextField
from services.gateway.backends import call
from services.gateway.cases.reference import choices_of
from services.gateway.requests.asking import AskingForm, held, offer
from services.gateway.sending import OnceForm, optional
from services.gateway.versions import SharedForm, VersionForm
from services.gateway.wording import day_of

MOST_BYTES = 1_048_576
_CHOOSE = _l("Choose one of the answers.")
MOST_ETHNICITIES = 3
MOST_IWI, SHOWN_IWI = 5, 3


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
        _l("Year level"),
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

    ethnicities = SelectMultipleField(
        _l("Ethnicities"), description=_l("At most three"), invalid_choice_message=_CHOOSE
    )

    def __init__(self, today: date, **data: Any) -> None:
        """A form whose student was born before `today`; `data` is what it begins with."""
        super().__init__(**data)
        self._today = today
        offer(self.ethnicities, "ethnicity")
        self.year_level.choices = [SelectChoice("", _("Choose")), *(SelectChoice(str(level)) for level in range(14))]
        iwi = optional(lambda: choices_of("iwi")) or []
        for field in self._iwi_fields():
            field.choices = [SelectChoice("", _("Choose")), *(iwi or [SelectChoice(field.data, field.data)])]

    def validate_date_of_birth(self, field: DayField) -> None:
        """Nobody is born in the future."""
        if field.data and field.data >= self._today:
            raise ValidationError(_("This day is still to come. Check the year."))

    def validate_ethnicities(self, field: SelectMultipleField) -> None:
        """At most three."""
        if len(field.data or []) > MOST_ETHNICITIES:
            raise ValidationError(_("Choose at most three."))

    def validate(self, extra_validators: Any = None) -> bool:
        """The answers; an iwi is one of the list."""
        is_valid = bool(super().validate(extra_validators))
        for field in self._iwi_fields():
            if field.data and field.data not in {choice.value for choice in field.choices}:
                field.errors = [*field.errors, _CHOOSE]
                is_valid = False
        return is_valid

    def iwi_fields(self) -> list[SelectField]:
        """The fields for iwi that the form shows: three, or as many as are filled."""
        fields = self._iwi_fields()
        filled = [number for number, field in enumerate(fields, 1) if field.data]
        return fields[: max([SHOWN_IWI, *filled])]

    def _iwi_fields(self) -> list[SelectField]:
        return [self._fields[f"iwi_{number}"] for number in range(1, MOST_IWI + 1)]

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
            ethnicities=self.ethnicities.data or [],
            iwi=[field.data for field in self._iwi_fields() if field.data],
        )


for _number in range(1, MOST_IWI + 1):
    setattr(
        StudentForm,
        f"iwi_{_number}",
        SelectField(_l("Iwi %(number)s", number=_number), choices=[], validate_choice=False),
    )


class RequestForm(SharedForm, StudentForm, AskingForm):
    """A request for support for one student, as far as it is written: only what is there is checked."""

    is_to_be_checked = True
    """Whether it goes on to be looked over, and is not only put aside."""

    def __init__(self, today: date, draft: cases_pb2.Draft | None = None) -> None:
        """A form whose terms are those that have begun by `today`; it begins with what a draft holds."""
        super().__init__(today, **(_held(draft) if draft else {}))
        for field in (self.given_names, self.date_of_birth, self.year_level):
            field.validators = []
        self.offer_choices(today)
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

    def validate_year_level(self, field: SelectField) -> None:
        """A year, unless the form is only put aside: the contract's year 0 is a year too, and no answer."""
        if self.is_to_be_checked and not field.data:
            raise ValidationError(_("Choose the student’s year."))

    def message(self) -> cases_pb2.SubmitRequestRequest:
        """What was written, as far as it goes."""
        return cases_pb2.SubmitRequestRequest(student=self.student(), **self.said())

    def saving(self, draft_id: str) -> cases_pb2.SaveDraftRequest:
        """What the service is asked to keep."""
        return cases_pb2.SaveDraftRequest(draft_id=draft_id, content=self.message(), expected_version=self.seen_version)


def _held(draft: cases_pb2.Draft) -> dict[str, Any]:
    """What a draft holds, by field."""
    student = draft.content.student
    return {
        "given_names": student.given_names,
        "family_name": student.family_name,
        "preferred_name": student.preferred_name,
        "date_of_birth": day_of(student.date_of_birth),
        "year_level": str(student.year_level) if student.year_level else "",
        "gender": str(student.gender),
        "nsn": student.nsn,
        "ethnicities": list(student.ethnicities),
        **{f"iwi_{number}": code for number, code in enumerate(student.iwi, 1)},
        **held(draft.content),
    }


class AmendForm(VersionForm, AskingForm):
    """Reply to the question about a request, and change what was said in it."""

    reply = LongTextField(_l("Your reply"), validators=[Needed(_l("Write your reply."))])

    def __init__(self, today: date, request: cases_pb2.RequestForSupport) -> None:
        """A form that begins with what a request says."""
        super().__init__(version=str(request.version), **held(request))
        self.offer_choices(today)

    def validate(self, extra_validators: Any = None) -> bool:
        """All of it must be there: it takes the place of what was said before."""
        is_valid = bool(super().validate(extra_validators))
        if not self.concern.data:
            self.concern.errors = [*self.concern.errors, _("Write what worries you.")]
            is_valid = False
        if not any(term.term.data for term in self.terms()):
            first = next(iter(self.terms())).term
            first.errors = [*first.errors, _("Choose the term.")]
            is_valid = False
        return is_valid

    def names(self) -> dict[str, str]:
        """Fields of the contract to fields of this form."""
        plain = {name: name for name in ("concern", "steps_tried", "barrier_words")}
        return {f"amendment.{path}": name for path, name in (super().names() | plain).items()}

    def message(self, request_id: UUID) -> cases_pb2.ResubmitRequestRequest:
        """What the service is asked."""
        return cases_pb2.ResubmitRequestRequest(
            request_id=str(request_id),
            reply=self.reply.data or "",
            expected_version=self.seen_version,
            amendment=cases_pb2.RequestAmendment(**self.said()),
        )


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


class ResultForm(OnceForm):
    """What became of a file, to be downloaded: the answer that its page shows, sent back by it."""

    rows = HiddenField()
    MOST_BYTES = 2_000_000

    @classmethod
    def of(cls, answer: cases_pb2.ImportRequestsResponse) -> "ResultForm":
        """The form that a result's page holds."""
        packed = zlib.compress(answer.SerializeToString())
        return cls(formdata=None, rows=base64.urlsafe_b64encode(packed).decode())

    def answer(self) -> cases_pb2.ImportRequestsResponse | None:
        """The answer; None for what no page of ours holds."""
        try:
            packed = base64.urlsafe_b64decode(self.rows.data or "")
            said = zlib.decompressobj().decompress(packed, self.MOST_BYTES)
            return cases_pb2.ImportRequestsResponse.FromString(said)
        except (ValueError, zlib.error, DecodeError):
            return None


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

    school = TextField(
        _l("School"),
        description=_l("Where the student is enrolled, by name or number. Leave it empty for a student of no school."),
    )
    school_id = RadioField(_l("Which school?"), choices=[], validate_choice=False)

    def find_schools(self) -> None:
        """Make the schools that fit what was written the choices; the one that fits alone, or exactly, is chosen."""
        written = (self.school.data or "").strip()
        question = identity_pb2.FindSchoolsRequest(search=written)
        found = call("identity", "FindSchools", question).schools if written else []
        self.school_id.choices = [SelectChoice(one.organisation_id, _school_words(one)) for one in found]
        exact = [one.organisation_id for one in found if written in (one.name, one.school_number)]
        fitting = exact or [one.organisation_id for one in found]
        if self.school_id.data not in {one.organisation_id for one in found}:
            self.school_id.data = fitting[0] if len(fitting) == 1 else ""
        if written and not found:
            words = _("We found no school of your catchments with this name or number.")
            self.school.errors = [*self.school.errors, words]

    def validate(self, extra_validators: Any = None) -> bool:
        """The answers, and the school where one was written."""
        is_valid = bool(super().validate(extra_validators))
        self.find_schools()
        if self.school_id.choices and not self.school_id.data:
            self.school_id.errors = [*self.school_id.errors, _("Choose the school.")]
        return is_valid and not (self.school.errors or self.school_id.errors)

    def message(self) -> cases_pb2.OpenOwnCaseRequest:
        """What the service is asked."""
        chosen = self.case_manager_id.data
        return cases_pb2.OpenOwnCaseRequest(
            student=self.student(),
            reason=self.reason.data,
            concern=self.concern.data or "",
            case_manager_id="" if chosen == AcceptForm.LATER else chosen,
            is_another_student=bool(self.is_another_student.data),
            school_id=self.school_id.data or "",
        )


def _school_words(school: identity_pb2.Organisation) -> str:
    return f"{school.name} ({school.school_number})" if school.school_number else school.name
