"""The forms of access: whom to invite, which role to give, why access ends."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import ClassVar
from uuid import UUID

from ascms.identity.v1 import access_pb2, invitations_pb2
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import RadioField, SelectChoice
from wtforms.validators import ValidationError

from kit.web.forms import DayField, EmailAddressField, Needed, TextField
from services.gateway.sending import OnceForm
from services.gateway.staff.pages import document_name
from services.gateway.staff.wording import REASONS
from services.gateway.wording import role_name

_REASON_SLUGS = {
    access_pb2.AccessEndReason.Name(reason).removeprefix("ACCESS_END_REASON_").lower().replace("_", "-"): reason
    for reason in access_pb2.AccessEndReason.values()
    if reason in REASONS
}


class InviteForm(OnceForm):
    """Whom to invite, and what was seen of them. Which documents there are to choose from is the service's to say."""

    NAMES: ClassVar[Mapping[str, str]] = {
        "identity_sighted.primary_document": "primary_document",
        "identity_sighted.supporting_document": "supporting_document",
    }
    name = TextField(
        _l("Their name"),
        validators=[Needed(_l("Write their name as it stands on the documents."))],
        description=_l("As on the documents, with its macrons. They may write another one when they accept."),
    )
    email = EmailAddressField(
        _l("Email address"),
        validators=[Needed(_l("Write the address that the invitation goes to."))],
        description=_l("The invitation goes there. Its link works for fourteen days."),
    )
    language = RadioField(
        _l("Language of the invitation"),
        choices=[SelectChoice("en", "English"), SelectChoice("mi", "Te reo Māori")],
        default="en",
        validate_choice=False,
    )
    primary_document = RadioField(
        _l("Primary document that you saw"),
        validators=[Needed(_l("Choose the primary document that you saw."))],
        choices=[],
        validate_choice=False,
    )
    supporting_document = RadioField(
        _l("Supporting document that you saw"),
        validators=[Needed(_l("Choose the supporting document that you saw."))],
        choices=[],
        validate_choice=False,
    )

    def offer(self, documents: invitations_pb2.ListIdentityDocumentsResponse) -> None:
        """Make the kinds of documents that count today the choices."""
        for field, kinds in (
            (self.primary_document, documents.primary),
            (self.supporting_document, documents.supporting),
        ):
            field.choices = [SelectChoice(kind.code, document_name(kind)) for kind in kinds]

    def message(self) -> invitations_pb2.InvitePersonRequest:
        """What the service is asked."""
        return invitations_pb2.InvitePersonRequest(
            name=self.name.data or "",
            email=self.email.data or "",
            language=self.language.data or "en",
            identity_sighted=invitations_pb2.IdentitySighted(
                primary_document=self.primary_document.data, supporting_document=self.supporting_document.data
            ),
        )


class ResendForm(OnceForm):
    """Where an invitation goes this time."""

    email = EmailAddressField(
        _l("Email address"), validators=[Needed(_l("Write the address that the invitation goes to."))]
    )

    def message(self, invitation_id: UUID) -> invitations_pb2.ResendInvitationRequest:
        """What the service is asked."""
        return invitations_pb2.ResendInvitationRequest(invitation_id=str(invitation_id), email=self.email.data or "")


class ConfirmForm(OnceForm):
    """Nothing to say, and once only."""


class RoleForm(OnceForm):
    """Which role, from when to when. Which roles the caller may give is the service's to say."""

    role = RadioField(_l("Role"), validators=[Needed(_l("Choose the role."))], choices=[], validate_choice=False)
    starts_on = DayField(_l("First day"), validators=[Needed(_l("Say from which day."))])
    ends_on = DayField(
        _l("Last day"),
        description=_l("Leave it empty for no end. A delegated authoriser needs one: authority is given for a time."),
    )

    def __init__(self, today: date) -> None:
        """A form for a role from today on."""
        super().__init__(data={"starts_on": today})

    def validate_ends_on(self, field: DayField) -> None:
        """Authority is given for a time, and no role ends before it begins."""
        if self.role.data == "delegated_authoriser" and field.data is None:
            raise ValidationError(_("Say until which day. A delegated authoriser has authority for a time."))
        if field.data is not None and self.starts_on.data is not None and field.data < self.starts_on.data:
            raise ValidationError(_("The last day must not be before the first."))

    def offer(self, roles: Sequence[str]) -> None:
        """Make the roles that the caller may give the choices."""
        self.role.choices = [SelectChoice(role, role_name(role)) for role in roles]

    def message(self, person_id: UUID) -> access_pb2.AssignRoleRequest:
        """What the service is asked."""
        assert self.starts_on.data is not None
        return access_pb2.AssignRoleRequest(
            person_id=str(person_id),
            role=self.role.data,
            starts_on=self.starts_on.data.isoformat(),
            ends_on=self.ends_on.data.isoformat() if self.ends_on.data else "",
        )


class EndForm(OnceForm):
    """Why access, or a role, ends."""

    reason = RadioField(_l("Why"), validators=[Needed(_l("Say why."))], choices=[], validate_choice=False)

    def __init__(self) -> None:
        """A form with every reason."""
        super().__init__()
        self.reason.choices = [SelectChoice(slug, REASONS[reason]) for slug, reason in _REASON_SLUGS.items()]

    @property
    def chosen(self) -> access_pb2.AccessEndReason.ValueType:
        """The reason; unspecified, which the service refuses, for one that is none."""
        return _REASON_SLUGS.get(self.reason.data or "", access_pb2.ACCESS_END_REASON_UNSPECIFIED)
