"""The forms of letters: what stands in one, and each step that needs more than a button."""

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from ascms.cases.v1 import letters_pb2 as pb
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import RadioField, SelectChoice, SelectMultipleField
from wtforms.validators import ValidationError

from kit.web.forms import DayField, LongTextField, Needed, TextField
from services.gateway.letters.words import ANSWERS, FAMILIES, LANGUAGES, MODES, stage_name
from services.gateway.versions import SharedForm, VersionForm


def _slug(enum: Any, number: int, prefix: str) -> str:
    return str(enum.Name(number)).removeprefix(prefix).lower().replace("_", "-")


LANGUAGE_SLUGS = {_slug(pb.LetterLanguage, each, "LETTER_LANGUAGE_"): each for each in LANGUAGES}
MODE_SLUGS = {_slug(pb.LetterMode, each, "LETTER_MODE_"): each for each in MODES}
ANSWER_SLUGS = {_slug(pb.LetterAnswer, each, "LETTER_ANSWER_"): each for each in ANSWERS}
FAMILY_SLUGS = {_slug(pb.LetterFamily, each, "LETTER_FAMILY_"): each for each in FAMILIES}


class LetterForm(SharedForm):
    """What stands in a letter. A draft may lack anything; what is needed is named before it is handed in."""

    which = RadioField(_l("Which letter"), choices=[], validate_choice=False)
    language = RadioField(
        _l("Language of the letter"),
        choices=[SelectChoice(slug, LANGUAGES[each]) for slug, each in LANGUAGE_SLUGS.items()],
        validate_choice=False,
    )
    recipients = SelectMultipleField(_l("Who it is for"), choices=[], validate_choice=False)
    address = LongTextField(_l("Postal address"))
    support = LongTextField(_l("What support was offered, and what became of it"))
    words = LongTextField(_l("More words of yours"))
    contact_name = TextField(_l("Whom they can talk to"))
    contact_phone = TextField(_l("Phone number to call"))
    skip_reason = TextField(_l("Why an earlier letter is left out"))
    attempts_reason = TextField(_l("Why it goes before more attempts to reach the whānau"))

    def validate_language(self, field: RadioField) -> None:
        """One of the languages."""
        if field.data not in LANGUAGE_SLUGS:
            raise ValidationError(_("Choose the language of the letter."))

    def offer_caregivers(self, caregivers: Iterable[pb.LetterRecipient]) -> None:
        """Those whom a letter may reach safely in some way can be chosen."""
        self.recipients.choices = [
            SelectChoice(one.name, f"{one.name} ({one.relationship})" if one.relationship else one.name)
            for one in caregivers
            if one.modes
        ]

    def offer_letters(self, rules: pb.LetterRules) -> None:
        """The next letter of each family that nobody is writing, and those further up, which need a reason."""
        self.which.choices = [
            SelectChoice(
                f"{_slug(pb.LetterFamily, each.family, 'LETTER_FAMILY_')}.{stage}",
                f"{FAMILIES[each.family]}, {stage_name(stage)}",
            )
            for each in rules.next
            if not each.open_letter_id and each.stage
            for stage in range(each.stage, each.stages + 1)
        ]
        if not self.which.data and self.which.choices:
            self.which.data = self.which.choices[0].value

    def show(self, letter: pb.Letter) -> int:
        """Fill it with what a letter says now; the letter's version."""
        text = letter.text
        self.language.data = _slug(pb.LetterLanguage, text.language, "LETTER_LANGUAGE_")
        self.recipients.data = list(text.recipients)
        for name in _TEXTS:
            getattr(self, name).data = getattr(text, name)
        return letter.version

    def text(self) -> pb.LetterText:
        """What the author wrote."""
        return pb.LetterText(
            language=LANGUAGE_SLUGS.get(self.language.data, pb.LETTER_LANGUAGE_UNSPECIFIED),
            recipients=self.recipients.data or [],
            **{name: getattr(self, name).data or "" for name in _TEXTS},
        )

    def drafting(self, case_id: UUID) -> pb.DraftLetterRequest:
        """What the service is asked for a new letter."""
        family, _dot, stage = str(self.which.data or "").partition(".")
        return pb.DraftLetterRequest(
            case_id=str(case_id),
            family=FAMILY_SLUGS.get(family, pb.LETTER_FAMILY_UNSPECIFIED),
            stage=int(stage) if stage.isascii() and stage.isdigit() and len(stage) == 1 else 0,
            text=self.text(),
        )

    def revising(self, letter_id: UUID) -> pb.ReviseLetterRequest:
        """What the service is asked for other words."""
        return pb.ReviseLetterRequest(letter_id=str(letter_id), text=self.text(), expected_version=self.seen_version)


_TEXTS = (
    "address",
    "support",
    "words",
    "contact_name",
    "contact_phone",
    "skip_reason",
    "attempts_reason",
)


class StepForm(VersionForm):
    """A step that needs only a button."""


class ReturnForm(StepForm):
    """Give a letter back."""

    note = LongTextField(
        _l("What should be changed"), validators=[Needed(_l("Say what should be changed, for whoever wrote it."))]
    )

    def message(self, letter_id: UUID) -> pb.ReturnLetterRequest:
        """What the service is asked."""
        return pb.ReturnLetterRequest(
            letter_id=str(letter_id), note=self.note.data or "", expected_version=self.seen_version
        )


class SendForm(StepForm):
    """Record that it went out."""

    mode = RadioField(
        _l("How did it go out?"),
        choices=[SelectChoice(slug, MODES[each]) for slug, each in MODE_SLUGS.items()],
        validate_choice=False,
        validators=[Needed(_l("Choose how it went out."))],
    )
    sent_on = DayField(_l("Day"), validators=[Needed(_l("Say which day it was."))])

    def offer_ways(self, ways: Iterable[pb.LetterWay]) -> None:
        """Only the ways that are open to this letter can be chosen."""
        open_now = {each.mode for each in ways if each.allowed}
        self.mode.choices = [each for each in self.mode.choices if MODE_SLUGS[each.value] in open_now]

    def message(self, letter_id: UUID) -> pb.SendLetterRequest:
        """What the service is asked."""
        return pb.SendLetterRequest(
            letter_id=str(letter_id),
            mode=MODE_SLUGS.get(self.mode.data, pb.LETTER_MODE_UNSPECIFIED),
            sent_on=_iso(self.sent_on.data),
            expected_version=self.seen_version,
        )


class AnswerForm(StepForm):
    """Record what came of it."""

    answer = RadioField(
        _l("What came of it?"),
        choices=[SelectChoice(slug, ANSWERS[each]) for slug, each in ANSWER_SLUGS.items()],
        validate_choice=False,
        validators=[Needed(_l("Choose what came of it."))],
    )
    answered_on = DayField(_l("Day"), validators=[Needed(_l("Say which day it was."))])
    note = LongTextField(_l("What was said and agreed"))

    def message(self, letter_id: UUID) -> pb.AnswerLetterRequest:
        """What the service is asked."""
        return pb.AnswerLetterRequest(
            letter_id=str(letter_id),
            answer=ANSWER_SLUGS.get(self.answer.data, pb.LETTER_ANSWER_UNSPECIFIED),
            answered_on=_iso(self.answered_on.data),
            note=self.note.data or "",
            expected_version=self.seen_version,
        )


class UndeliveredForm(StepForm):
    """Record that it came back."""

    noted_on = DayField(_l("Day it came back"), validators=[Needed(_l("Say which day it was."))])
    note = LongTextField(_l("Why, as far as you know"), validators=[Needed(_l("Say why it came back."))])

    def message(self, letter_id: UUID) -> pb.NoteLetterUndeliveredRequest:
        """What the service is asked."""
        return pb.NoteLetterUndeliveredRequest(
            letter_id=str(letter_id),
            noted_on=_iso(self.noted_on.data),
            note=self.note.data or "",
            expected_version=self.seen_version,
        )


class WithdrawForm(StepForm):
    """Take it back."""

    reason = LongTextField(_l("Why it is not sent"), validators=[Needed(_l("Say why it is not sent."))])

    def message(self, letter_id: UUID) -> pb.WithdrawLetterRequest:
        """What the service is asked."""
        return pb.WithdrawLetterRequest(
            letter_id=str(letter_id), reason=self.reason.data or "", expected_version=self.seen_version
        )


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""
