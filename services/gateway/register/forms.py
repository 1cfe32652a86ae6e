"""The forms of the register: organisations, suspension, the first person, catchments, a school's place, a file."""

from uuid import UUID

from ascms.identity.v1 import invitations_pb2
from ascms.identity.v1 import register_pb2 as pb
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import RadioField, SelectChoice, SelectField
from wtforms.validators import ValidationError

from kit.web.forms import DayField, EmailAddressField, Needed, TextField
from services.gateway.register.wording import REASON_NUMBERS, REASONS, region_choices
from services.gateway.sending import OnceForm
from services.gateway.versions import SharedForm, VersionForm

MOST_BYTES = 1_500_000
_CHOOSE = _l("Choose one of the answers.")
_KINDS = {"provider": pb.REGISTERED_KIND_PROVIDER, "school": pb.REGISTERED_KIND_SCHOOL}


class OrganisationForm(SharedForm):
    """The facts of an organisation."""

    name = TextField(_l("Name"), validators=[Needed(_l("Write the name of the organisation."))])
    school_number = TextField(_l("School number"), description=_l("Up to four digits, for schools only. Zeros count."))
    region = SelectField(
        _l("Region"), validators=[Needed(_l("Choose the region."))], choices=[], invalid_choice_message=_CHOOSE
    )

    def __init__(self) -> None:
        """A form with the regions as choices."""
        super().__init__()
        self.region.choices = region_choices()

    def show(self, item: pb.OrganisationRecord) -> int:
        """Fill it with what stands there now; the version of that."""
        self.name.data, self.school_number.data, self.region.data = item.name, item.school_number, item.region
        return item.version

    def change(self, organisation_id: UUID) -> pb.ChangeOrganisationRequest:
        """What the service is asked."""
        return pb.ChangeOrganisationRequest(
            organisation_id=str(organisation_id),
            name=self.name.data or "",
            school_number=self.school_number.data or "",
            region=self.region.data,
            expected_version=self.seen_version,
        )


class NewOrganisationForm(OrganisationForm):
    """A new provider or school."""

    kind = RadioField(
        _l("What is it?"),
        choices=[SelectChoice("provider", _l("A provider")), SelectChoice("school", _l("A school"))],
        validators=[Needed(_l("Choose what it is."))],
        invalid_choice_message=_CHOOSE,
    )

    def add(self) -> pb.AddOrganisationRequest:
        """What the service is asked."""
        return pb.AddOrganisationRequest(
            kind=_KINDS[self.kind.data],
            name=self.name.data or "",
            school_number=self.school_number.data or "",
            region=self.region.data,
        )


class SuspendForm(OnceForm):
    """Why an organisation is suspended."""

    reason = RadioField(
        _l("Why?"),
        choices=[SelectChoice(code, words) for code, words in REASONS.items() if code != "register-file"],
        validators=[Needed(_l("Choose why. The people of the organisation are shown this."))],
        invalid_choice_message=_CHOOSE,
    )

    def message(self, organisation_id: UUID) -> pb.SuspendOrganisationRequest:
        """What the service is asked."""
        return pb.SuspendOrganisationRequest(
            organisation_id=str(organisation_id), reason=REASON_NUMBERS[self.reason.data]
        )


class FirstPersonForm(OnceForm):
    """Whom to invite to an organisation that has nobody yet, and which documents were seen."""

    name = TextField(
        _l("Name"), validators=[Needed(_l("Write the person’s name."))], description=_l("As on the documents.")
    )
    email = EmailAddressField(_l("Email address"), validators=[Needed(_l("Write the person’s email address."))])
    language = RadioField(
        _l("Language of the invitation"),
        choices=[SelectChoice("en", "English"), SelectChoice("mi", "Te reo Māori")],
        default="en",
        invalid_choice_message=_CHOOSE,
    )
    primary_document = SelectField(
        _l("Main document that you saw"),
        validators=[Needed(_l("Choose the document that you saw."))],
        choices=[],
        validate_choice=False,
    )
    supporting_document = SelectField(
        _l("Second document that you saw"),
        validators=[Needed(_l("Choose the document that you saw."))],
        choices=[],
        validate_choice=False,
        description=_l("One of the two shows a photo. No number and no copy is kept."),
    )

    def offer(self, documents: invitations_pb2.ListIdentityDocumentsResponse, *, language: str) -> None:
        """Make the kinds of documents the choices."""
        for field, kinds in (
            (self.primary_document, documents.primary),
            (self.supporting_document, documents.supporting),
        ):
            labels = [(one.code, one.label_mi if language == "mi" else one.label) for one in kinds]
            field.choices = [SelectChoice("", _("Choose")), *(SelectChoice(code, label) for code, label in labels)]

    def message(self, organisation_id: UUID) -> pb.InviteFirstPersonRequest:
        """What the service is asked."""
        return pb.InviteFirstPersonRequest(
            organisation_id=str(organisation_id),
            name=self.name.data or "",
            email=self.email.data or "",
            language=self.language.data,
            identity_sighted=invitations_pb2.IdentitySighted(
                primary_document=self.primary_document.data, supporting_document=self.supporting_document.data
            ),
        )


class NewCatchmentForm(OnceForm):
    """A new catchment."""

    name = TextField(_l("Name"), validators=[Needed(_l("Write the name of the catchment."))])
    code = TextField(
        _l("Code"),
        validators=[Needed(_l("Write a code."))],
        description=_l("Small letters and digits with dashes between, such as bay-of-plenty-east. It never changes."),
    )
    provider_id = SelectField(
        _l("Provider"), validators=[Needed(_l("Choose the provider."))], choices=[], validate_choice=False
    )
    starts_on = DayField(_l("First day"), validators=[Needed(_l("Choose the first day."))])

    def add(self) -> pb.AddCatchmentRequest:
        """What the service is asked."""
        return pb.AddCatchmentRequest(
            code=self.code.data or "",
            name=self.name.data or "",
            provider_id=self.provider_id.data,
            starts_on=_iso(self.starts_on),
        )


class CatchmentForm(VersionForm):
    """What may change of a catchment."""

    name = TextField(_l("Name"), validators=[Needed(_l("Write the name of the catchment."))])
    provider_id = SelectField(_l("Another provider"), choices=[], validate_choice=False)
    provider_from = DayField(_l("From which day on"))
    ends_on = DayField(_l("Last day of the catchment"))

    def validate_provider_from(self, field: DayField) -> None:
        """A provider and its first day go together."""
        if self.provider_id.data and not field.data:
            raise ValidationError(_("Choose the first day of the other provider."))

    def change(self, code: str) -> pb.ChangeCatchmentRequest:
        """What the service is asked. A day without a provider is left out."""
        return pb.ChangeCatchmentRequest(
            code=code,
            name=self.name.data or "",
            provider_id=self.provider_id.data or "",
            provider_from=_iso(self.provider_from) if self.provider_id.data else "",
            ends_on=_iso(self.ends_on),
            expected_version=self.seen_version,
        )


class PlaceForm(OnceForm):
    """Where a school lies from a day on."""

    NONE = "none"
    catchment = SelectField(
        _l("Catchment"), validators=[Needed(_l("Choose the catchment, or none."))], choices=[], validate_choice=False
    )
    starts_on = DayField(_l("From which day on"), validators=[Needed(_l("Choose the first day."))])

    def message(self, school_id: UUID) -> pb.PlaceSchoolRequest:
        """What the service is asked."""
        chosen = self.catchment.data
        return pb.PlaceSchoolRequest(
            school_id=str(school_id), catchment="" if chosen == self.NONE else chosen, starts_on=_iso(self.starts_on)
        )


class UploadForm(OnceForm):
    """A register file."""

    file = FileField(_l("Register file"))

    def validate_file(self, field: FileField) -> None:
        """A file was chosen, is not empty and not too large. What is in it is the service's to judge."""
        if not field.data:
            raise ValidationError(_("Choose the file."))
        self.content = field.data.read(MOST_BYTES + 1)
        if not self.content:
            raise ValidationError(_("That file is empty. Choose another."))
        if len(self.content) > MOST_BYTES:
            raise ValidationError(_("That file is larger than 1.5 MB."))


def _iso(field: DayField) -> str:
    return field.data.isoformat() if field.data else ""
