"""The forms of cases: who works on one, and what happened."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from ascms.cases.v1 import cases_pb2
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, RadioField, SelectChoice
from wtforms.validators import ValidationError

from kit.web.dates import capitalise
from kit.web.forms import DayField, LongTextField, Needed, TextField
from services.gateway.sending import OnceForm
from services.gateway.versions import VersionForm
from services.gateway.wording import CHANNELS, today

QUICK_MINUTES = ("15", "30", "40", "60")
OTHER = "other"
MOST_MINUTES = 1440
OUTCOME_SLUGS = {
    "reached": cases_pb2.OUTCOME_REACHED,
    "no-answer": cases_pb2.OUTCOME_NO_ANSWER,
    "wrong-target": cases_pb2.OUTCOME_WRONG_TARGET,
    "refused": cases_pb2.OUTCOME_REFUSED,
}
CHANNEL_SLUGS = {
    cases_pb2.ContactChannel.Name(channel).removeprefix("CONTACT_CHANNEL_").lower().replace("_", "-"): channel
    for channel in cases_pb2.ContactChannel.values()
    if channel
}
HAS_OUTCOME = {cases_pb2.EVENT_KIND_HOME_VISIT, cases_pb2.EVENT_KIND_CONTACT_ATTEMPT}
HAS_CHANNEL = {cases_pb2.EVENT_KIND_CONTACT_ATTEMPT}
HAS_ATTENDEES = {cases_pb2.EVENT_KIND_HUI, cases_pb2.EVENT_KIND_SCHOOL_MEETING}
_USUAL_MINUTES: Mapping[int, str] = {cases_pb2.EVENT_KIND_CONTACT_ATTEMPT: "15", cases_pb2.EVENT_KIND_HUI: "60"}
_QUESTIONS: Mapping[int, object] = {
    cases_pb2.EVENT_KIND_SUPPORT: _l("What support was provided"),
    cases_pb2.EVENT_KIND_ACTION: _l("What was done"),
    cases_pb2.EVENT_KIND_REFERRAL: _l("To whom, what for, and who agreed"),
    cases_pb2.EVENT_KIND_PROGRESS_REVIEW: _l("How it is going, and what comes next"),
}


class AssignForm(VersionForm):
    """Who works on the case. The choices are the service's to check."""

    case_manager_id = RadioField(
        _l("Case manager"), validators=[Needed(_l("Choose a case manager."))], choices=[], validate_choice=False
    )

    def message(self, case_id: UUID) -> cases_pb2.AssignCaseRequest:
        """What the service is asked."""
        return cases_pb2.AssignCaseRequest(
            case_id=str(case_id),
            case_manager_id=self.case_manager_id.data,
            expected_version=self.seen_version,
        )


class EntryForm(OnceForm):
    """What happened. A home visit comes with the usual answers chosen, to be corrected with one touch."""

    channel = RadioField(_l("How?"), choices=[], validate_choice=False)
    target = TextField(_l("Whom, or which number or address"))
    attendees = TextField(_l("Who was there"))
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

    def __init__(self, kind: int, **given: Any) -> None:
        """A form for one kind of entry; `given` takes the place of the usual answers."""
        self._kind = kind
        usual = {"outcome": "reached", "minutes": _USUAL_MINUTES.get(kind, "30"), "channel": "phone"}
        super().__init__(data={**usual, "happened_on": today(), **given})
        self.minutes.choices = [*map(SelectChoice, QUICK_MINUTES), SelectChoice(OTHER, _("Another time"))]
        self.channel.choices = [
            SelectChoice(slug, capitalise(str(CHANNELS[number]))) for slug, number in CHANNEL_SLUGS.items()
        ]
        if kind in _QUESTIONS:
            self.note.label.text = str(_QUESTIONS[kind])

    @property
    def has_outcome(self) -> bool:
        """Whether something can come of this kind of entry."""
        return self._kind in HAS_OUTCOME

    @property
    def has_minutes(self) -> bool:
        """Whether this kind of entry takes time: a note takes none."""
        return self._kind != cases_pb2.EVENT_KIND_NOTE

    @property
    def has_channel(self) -> bool:
        """Whether this kind of entry has a way in which it was made."""
        return self._kind in HAS_CHANNEL

    @property
    def has_attendees(self) -> bool:
        """Whether this kind of entry has people who were there."""
        return self._kind in HAS_ATTENDEES

    def validate_channel(self, field: RadioField) -> None:
        """A contact attempt was made in some way."""
        if self.has_channel and field.data not in CHANNEL_SLUGS:
            raise ValidationError(_("Choose how you tried."))

    def validate_outcome(self, field: RadioField) -> None:
        """A visit has an outcome."""
        if self.has_outcome and field.data not in OUTCOME_SLUGS:
            raise ValidationError(_("Choose how it went."))

    def validate_minutes(self, field: RadioField) -> None:
        """One of the quick choices, or another."""
        if self.has_minutes and field.data not in {*QUICK_MINUTES, OTHER}:
            raise ValidationError(_("Choose how long it took."))

    def validate_other_minutes(self, field: TextField) -> None:
        """A whole number of minutes, no more than a day has."""
        if self.minutes.data == OTHER and self._other() is None:
            raise ValidationError(_("Write the minutes as a number from 0 to 1440, such as 25."))
        assert field is self.other_minutes

    def validate_happened_on(self, field: DayField) -> None:
        """Nothing is recorded before it happened."""
        if field.data and field.data > today():
            raise ValidationError(_("This day is still to come. Choose today or earlier."))

    def message(self, case_id: UUID) -> cases_pb2.RecordEventRequest:
        """What the service is asked."""
        return cases_pb2.RecordEventRequest(case_id=str(case_id), kind=self._kind, **self.said())  # type: ignore[arg-type]  # one of KINDS_BY_SLUG

    def said(self) -> dict[str, Any]:
        """What it says, in the fields of the contract."""
        assert self.happened_on.data is not None
        shared = cases_pb2.VISIBILITY_SCHOOL if self.share.data else cases_pb2.VISIBILITY_PROVIDER
        return {
            "happened_on": self.happened_on.data.isoformat(),
            "outcome": OUTCOME_SLUGS[self.outcome.data] if self.has_outcome else cases_pb2.OUTCOME_UNSPECIFIED,
            "minutes": self._minutes() if self.has_minutes else 0,
            "note": self.note.data or "",
            "visibility": shared,
            "channel": CHANNEL_SLUGS[self.channel.data] if self.has_channel else 0,
            "target": (self.target.data or "") if self.has_channel else "",
            "attendees": (self.attendees.data or "") if self.has_attendees else "",
        }

    def _minutes(self) -> int:
        return (self._other() or 0) if self.minutes.data == OTHER else int(self.minutes.data)

    def _other(self) -> int | None:
        text = (self.other_minutes.data or "").strip()
        number = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(MOST_MINUTES)) else None
        return number if number is not None and number <= MOST_MINUTES else None
