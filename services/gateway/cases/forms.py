"""The forms of cases: who works on one, and what happened."""

from datetime import date
from uuid import UUID

from ascms.cases.v1 import cases_pb2
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, RadioField, SelectChoice
from wtforms.validators import ValidationError

from kit.web.forms import DayField, LongTextField, Needed, TextField
from services.gateway.sending import OnceForm

QUICK_MINUTES = ("15", "30", "40", "60")
OTHER = "other"
MOST_MINUTES = 1440
OUTCOME_SLUGS = {
    "reached": cases_pb2.OUTCOME_REACHED,
    "no-answer": cases_pb2.OUTCOME_NO_ANSWER,
    "wrong-target": cases_pb2.OUTCOME_WRONG_TARGET,
    "refused": cases_pb2.OUTCOME_REFUSED,
}
HAS_OUTCOME = {cases_pb2.EVENT_KIND_HOME_VISIT, cases_pb2.EVENT_KIND_CONTACT_ATTEMPT}


def read_version(field: HiddenField) -> int:
    """A version that a form carried; 0, which means whichever, when it was tampered with."""
    text = str(field.data or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0  # noqa: PLR2004 - fits an int64


class AssignForm(OnceForm):
    """Who works on the case. The choices are the service's to check."""

    case_manager_id = RadioField(
        _l("Case manager"), validators=[Needed(_l("Choose a case manager."))], choices=[], validate_choice=False
    )
    version = HiddenField()

    def message(self, case_id: UUID) -> cases_pb2.AssignCaseRequest:
        """What the service is asked."""
        return cases_pb2.AssignCaseRequest(
            case_id=str(case_id),
            case_manager_id=self.case_manager_id.data,
            expected_version=read_version(self.version),
        )


class EntryForm(OnceForm):
    """What happened. A home visit comes with the usual answers chosen, to be corrected with one touch."""

    outcome = RadioField(
        _l("How did it go?"),
        choices=[
            SelectChoice("reached", _l("Reached someone")),
            SelectChoice("no-answer", _l("Nobody there")),
            SelectChoice("wrong-target", _l("Wrong address or number")),
            SelectChoice("refused", _l("They did not want to talk")),
        ],
        validate_choice=False,
    )
    minutes = RadioField(_l("Minutes, travel included"), choices=[], validate_choice=False)
    other_minutes = TextField(_l("How many minutes"))
    note = LongTextField(_l("What was said, seen and agreed"))
    happened_on = DayField(_l("Day"), validators=[Needed(_l("Say which day it was."))])
    share = BooleanField(_l("Share this with the school"))

    def __init__(self, kind: int, today: date) -> None:
        """A form for one kind of entry, on a day that is at latest `today`."""
        self._kind, self._today = kind, today
        super().__init__(data={"outcome": "reached", "minutes": "30", "happened_on": today})
        self.minutes.choices = [*map(SelectChoice, QUICK_MINUTES), SelectChoice(OTHER, _("Another time"))]

    @property
    def has_outcome(self) -> bool:
        """Whether something can come of this kind of entry."""
        return self._kind in HAS_OUTCOME

    def validate_outcome(self, field: RadioField) -> None:
        """A visit has an outcome."""
        if self.has_outcome and field.data not in OUTCOME_SLUGS:
            raise ValidationError(_("Choose how it went."))

    def validate_minutes(self, field: RadioField) -> None:
        """One of the quick choices, or another."""
        if field.data not in {*QUICK_MINUTES, OTHER}:
            raise ValidationError(_("Choose how long it took."))

    def validate_other_minutes(self, field: TextField) -> None:
        """A whole number of minutes, no more than a day has."""
        if self.minutes.data == OTHER and self._other() is None:
            raise ValidationError(_("Write the minutes as a number from 0 to 1440, such as 25."))
        assert field is self.other_minutes

    def validate_happened_on(self, field: DayField) -> None:
        """Nothing is recorded before it happened."""
        if field.data and field.data > self._today:
            raise ValidationError(_("This day is still to come. Choose today or earlier."))

    def message(self, case_id: UUID) -> cases_pb2.RecordEventRequest:
        """What the service is asked."""
        assert self.happened_on.data is not None
        shared = cases_pb2.VISIBILITY_SCHOOL if self.share.data else cases_pb2.VISIBILITY_PROVIDER
        return cases_pb2.RecordEventRequest(
            case_id=str(case_id),
            kind=self._kind,  # type: ignore[arg-type]  # one of KINDS_BY_SLUG
            happened_on=self.happened_on.data.isoformat(),
            outcome=OUTCOME_SLUGS[self.outcome.data] if self.has_outcome else cases_pb2.OUTCOME_UNSPECIFIED,
            minutes=(self._other() or 0) if self.minutes.data == OTHER else int(self.minutes.data),
            note=self.note.data or "",
            visibility=shared,
        )

    def _other(self) -> int | None:
        text = (self.other_minutes.data or "").strip()
        number = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(MOST_MINUTES)) else None
        return number if number is not None and number <= MOST_MINUTES else None
