"""The forms for what is done with a case besides recording: notes, corrections, pauses, its end, its contact."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from ascms.cases.v1 import cases_pb2
from ascms.identity.v1 import identity_pb2
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, RadioField, SelectChoice, SelectField
from wtforms.validators import ValidationError

from kit.web.forms import DayField, LongTextField, Needed, TextField
from services.gateway.cases.forms import CHANNEL_SLUGS, OTHER, OUTCOME_SLUGS, QUICK_MINUTES, EntryForm
from services.gateway.cases.reference import CLOSE_OUTCOME, CLOSE_REASON, PAUSE_REASON, choices_of
from services.gateway.sending import OnceForm
from services.gateway.versions import VersionForm
from services.gateway.wording import today

NOBODY = "nobody"


class NoteForm(OnceForm):
    """Something worth knowing that took no recorded time."""

    note = LongTextField(_l("Your note"), validators=[Needed(_l("Write the note."))])
    share = BooleanField(_l("Share this with the school"))

    def message(self, case_id: UUID) -> cases_pb2.AddNoteRequest:
        """What the service is asked."""
        shared = cases_pb2.VISIBILITY_SCHOOL if self.share.data else cases_pb2.VISIBILITY_PROVIDER
        return cases_pb2.AddNoteRequest(case_id=str(case_id), note=self.note.data or "", visibility=shared)


class CorrectionForm(EntryForm):
    """What an entry should have said, and why. It begins with what the entry says now."""

    reason = TextField(_l("Why is it corrected?"), validators=[Needed(_l("Say why it is corrected."))])

    def validate_note(self, field: LongTextField) -> None:
        """A note says something."""
        if not self.has_minutes and not field.data:
            raise ValidationError(_("Write the note."))

    def __init__(self, entry: cases_pb2.TimelineEntry) -> None:
        """A form that holds what an entry says now, after the corrections it has."""
        holds = entry.corrections[-1] if entry.corrections else entry
        minutes = str(holds.minutes)
        super().__init__(
            entry.kind,
            outcome=_slug(OUTCOME_SLUGS, holds.outcome),
            channel=_slug(CHANNEL_SLUGS, holds.channel) or "phone",
            target=holds.target,
            attendees=holds.attendees,
            minutes=minutes if minutes in QUICK_MINUTES else OTHER,
            other_minutes=minutes,
            note=holds.note,
            happened_on=date.fromisoformat(holds.happened_on),
            share=holds.visibility == cases_pb2.VISIBILITY_SCHOOL,
        )

    def correction(self, case_id: UUID, entry_id: UUID) -> cases_pb2.CorrectEntryRequest:
        """What the service is asked."""
        return cases_pb2.CorrectEntryRequest(
            case_id=str(case_id), entry_id=str(entry_id), reason=self.reason.data or "", **self.said()
        )


def _slug(slugs: Mapping[str, int], value: int) -> str:
    return next((slug for slug, number in slugs.items() if number == value), "")


class PauseForm(VersionForm):
    """Why a case rests, until when, and who agreed."""

    reason = RadioField(_l("Why?"), choices=[], validate_choice=False, validators=[Needed(_l("Choose a reason."))])
    wakes_on = DayField(_l("It wakes by itself on"), validators=[Needed(_l("Say on which day it wakes."))])
    conditions = LongTextField(_l("What would wake it before"))
    agreed_by = TextField(_l("Who agreed?"), validators=[Needed(_l("Say who agreed."))])

    def offer(self) -> None:
        """Give the reasons to choose from."""
        self.reason.choices = choices_of(PAUSE_REASON)

    def validate_wakes_on(self, field: DayField) -> None:
        """A pause ends after today."""
        if field.data and field.data <= today():
            raise ValidationError(_("The case wakes on this day, so it has to be after today."))

    def message(self, case_id: UUID) -> cases_pb2.PauseCaseRequest:
        """What the service is asked."""
        assert self.wakes_on.data is not None
        return cases_pb2.PauseCaseRequest(
            case_id=str(case_id),
            reason=self.reason.data or "",
            wakes_on=self.wakes_on.data.isoformat(),
            conditions=self.conditions.data or "",
            agreed_by=self.agreed_by.data or "",
            expected_version=self.seen_version,
        )


class ResumeForm(VersionForm):
    """Nothing to say: to wake a case is one tap."""

    def message(self, case_id: UUID) -> cases_pb2.ResumeCaseRequest:
        """What the service is asked."""
        return cases_pb2.ResumeCaseRequest(case_id=str(case_id), expected_version=self.seen_version)


class CloseForm(VersionForm):
    """Why work ends, what came of it, and what was done."""

    reason = SelectField(
        _l("Why does the work end?"), choices=[], validate_choice=False, validators=[Needed(_l("Choose a reason."))]
    )
    outcome = SelectField(
        _l("What came of it?"), choices=[], validate_choice=False, validators=[Needed(_l("Choose what came of it."))]
    )
    summary = LongTextField(_l("Closing summary"), validators=[Needed(_l("Write what was done and achieved."))])

    def offer(self) -> None:
        """Give the reasons and outcomes to choose from."""
        choose = SelectChoice("", _("Choose one"))
        self.reason.choices = [choose, *choices_of(CLOSE_REASON)]
        self.outcome.choices = [choose, *choices_of(CLOSE_OUTCOME)]

    def message(self, case_id: UUID) -> cases_pb2.CloseCaseRequest:
        """What the service is asked."""
        return cases_pb2.CloseCaseRequest(
            case_id=str(case_id),
            reason=self.reason.data or "",
            outcome=self.outcome.data or "",
            summary=self.summary.data or "",
            expected_version=self.seen_version,
        )


class ReopenForm(VersionForm):
    """Why a closed case is taken up again."""

    reason = LongTextField(_l("Why is it taken up again?"), validators=[Needed(_l("Say why."))])

    def message(self, case_id: UUID) -> cases_pb2.ReopenCaseRequest:
        """What the service is asked."""
        return cases_pb2.ReopenCaseRequest(
            case_id=str(case_id), reason=self.reason.data or "", expected_version=self.seen_version
        )


class ContactForm(VersionForm):
    """Who at the student's school gets the notices about the case."""

    person_id = RadioField(
        _l("Who gets the notices about this case?"),
        choices=[],
        validate_choice=False,
        validators=[Needed(_l("Choose someone, or nobody."))],
    )

    def offer(self, answer: identity_pb2.ListSchoolContactsResponse, *, current: str) -> None:
        """Give the people to choose from; whoever it is now is chosen already."""
        people = [SelectChoice(person.person_id, person.name) for person in answer.people]
        self.person_id.choices = [*people, SelectChoice(NOBODY, _("Nobody"))]
        if not self.is_submitted():
            self.person_id.data = current or NOBODY

    def message(self, case_id: UUID) -> cases_pb2.SetPrimaryContactRequest:
        """What the service is asked."""
        chosen = self.person_id.data
        return cases_pb2.SetPrimaryContactRequest(
            case_id=str(case_id),
            person_id="" if chosen == NOBODY else chosen,
            expected_version=self.seen_version,
        )
