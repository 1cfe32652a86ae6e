"""The forms of returns: what a provider says, and why the ministry gives one back."""

from collections.abc import Mapping
from uuid import UUID

from ascms.reporting.v1 import returns_pb2
from flask_babel import lazy_gettext as _l
from wtforms import Field

from kit.web.forms import LongTextField, Needed
from services.gateway.reports.wording import SECTIONS
from services.gateway.versions import VersionForm

FINDINGS = {
    "closed-more-than-open": _l("More cases were closed than could be open"),
    "open-below-nought": _l("Fewer cases than none are open"),
    "hours-per-case": _l("Much time for each case"),
    "no-work": _l("Cases were open, and no time was recorded"),
    "change:cases-opened": _l("Cases opened changed by more than half"),
    "change:cases-closed": _l("Cases closed changed by more than half"),
    "change:home-visits": _l("Home visits changed by more than half"),
    "change:minutes": _l("Time recorded changed by more than half"),
}
_COMMENT, _EXPLANATION = "comment_", "explanation_"


class ReturnForm(VersionForm):
    """Comments on sections, and explanations of what the check found."""

    comment_cases = LongTextField(_l("Comment on cases"))
    comment_days = LongTextField(_l("Comment on how long it took"))
    comment_contact = LongTextField(_l("Comment on contact"))
    comment_work = LongTextField(_l("Comment on work"))
    explanation_hours_per_case = LongTextField(_l("Explain it"))
    explanation_no_work = LongTextField(_l("Explain it"))
    explanation_change_cases_opened = LongTextField(_l("Explain it"))
    explanation_change_cases_closed = LongTextField(_l("Explain it"))
    explanation_change_home_visits = LongTextField(_l("Explain it"))
    explanation_change_minutes = LongTextField(_l("Explain it"))

    def comment(self, section: str) -> Field:
        """The field of a section."""
        return self[f"{_COMMENT}{section}"]

    def explanation(self, code: str) -> Field | None:
        """The field of a finding; None for one that cannot be explained, or that is new to this version."""
        name = _EXPLANATION + _plain(code)
        return self[name] if name in self else None  # noqa: SIM401 - a form is no dict

    def message(self, quarter: str) -> returns_pb2.SaveReturnRequest:
        """What the service is asked."""
        return returns_pb2.SaveReturnRequest(
            quarter=quarter,
            comments=[
                returns_pb2.ReturnText(code=section, text=self.comment(section).data or "") for section in SECTIONS
            ],
            explanations=[
                returns_pb2.ReturnText(code=code, text=field.data)
                for code in FINDINGS
                if (field := self.explanation(code)) is not None and field.data
            ],
            expected_version=self.seen_version,
        )

    def fill(self, filed: returns_pb2.Return) -> None:
        """Show what was saved."""
        for section in SECTIONS:
            self.comment(section).data = texts(filed.comments).get(section, "")
        for code, text in texts(filed.explanations).items():
            field = self.explanation(code)
            if field is not None:
                field.data = text


class SubmitForm(VersionForm):
    """Yes, submit it."""

    def message(self, quarter: str) -> returns_pb2.SubmitReturnRequest:
        """What the service is asked."""
        return returns_pb2.SubmitReturnRequest(quarter=quarter, expected_version=self.seen_version)


class AcceptForm(VersionForm):
    """Yes, accept it."""

    def message(self, quarter: str, provider_id: UUID) -> returns_pb2.AcceptReturnRequest:
        """What the service is asked."""
        return returns_pb2.AcceptReturnRequest(
            quarter=quarter, provider_id=str(provider_id), expected_version=self.seen_version
        )


class ReopenForm(VersionForm):
    """Why a return is given back."""

    reason = LongTextField(_l("Why is it reopened?"), validators=[Needed(_l("Say why. The provider reads it."))])

    def message(self, quarter: str, provider_id: UUID) -> returns_pb2.ReopenReturnRequest:
        """What the service is asked."""
        return returns_pb2.ReopenReturnRequest(
            quarter=quarter,
            provider_id=str(provider_id),
            reason=self.reason.data or "",
            expected_version=self.seen_version,
        )


def texts(messages: object) -> Mapping[str, str]:
    """Texts by code."""
    return {each.code: each.text for each in messages}  # type: ignore[attr-defined]  # a repeated field


def _plain(code: str) -> str:
    return code.replace(":", "_").replace("-", "_")
