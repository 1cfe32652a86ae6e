"""What the pages of returns show."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from ascms.reporting.v1 import returns_pb2
from flask_babel import gettext as _

from services.gateway.reports.pages import FigureLine, Quarter, present_figure, present_quarter
from services.gateway.reports.wording import say_value
from services.gateway.returns.forms import FINDINGS
from services.gateway.wording import day_of, moment_of

STATES = {
    returns_pb2.RETURN_STATE_DRAFT: "draft",
    returns_pb2.RETURN_STATE_VALIDATED: "validated",
    returns_pb2.RETURN_STATE_SUBMITTED: "submitted",
    returns_pb2.RETURN_STATE_ACCEPTED: "accepted",
}
_CHANGE = "change:"


@dataclass(frozen=True, slots=True)
class FindingLine:
    """What the check found. `is_error`: it cannot be explained away."""

    code: str
    words: str
    numbers: str
    is_error: bool
    is_explained: bool


@dataclass(frozen=True, slots=True)
class ReturnLine:
    """A return. `actions` are what this person may do with it now."""

    quarter: Quarter
    provider_id: str
    provider: str
    state: str
    opens_on: date | None
    due_on: date | None
    is_overdue: bool
    number: int
    version: int
    submitted_at: datetime | None
    submitted_by: str
    accepted_at: datetime | None
    validated_at: datetime | None
    reopened_reason: str
    sha256: str
    findings: Sequence[FindingLine]
    actions: frozenset[str]


@dataclass(frozen=True, slots=True)
class DifferenceLine:
    """A figure that changed after the return was frozen."""

    name: str
    frozen: str
    present: str


def present_return(
    filed: returns_pb2.Return, *, provider: str = "", people: Mapping[str, str] | None = None
) -> ReturnLine:
    """One return."""
    return ReturnLine(
        quarter=present_quarter(filed.quarter),
        provider_id=filed.provider_id,
        provider=provider or str(_("a provider that has left")),
        state=STATES.get(filed.state, ""),
        opens_on=day_of(filed.opens_on),
        due_on=day_of(filed.due_on),
        is_overdue=filed.overdue,
        number=filed.number,
        version=filed.version,
        submitted_at=moment_of(filed.submitted_at),
        submitted_by=(people or {}).get(filed.submitted_by, ""),
        accepted_at=moment_of(filed.accepted_at),
        validated_at=moment_of(filed.validated_at),
        reopened_reason=filed.reopened_reason,
        sha256=filed.sha256,
        findings=[_finding(each) for each in filed.findings],
        actions=frozenset(filed.allowed_actions),
    )


def present_differences(differences: Iterable[returns_pb2.Difference]) -> list[DifferenceLine]:
    """What changed since a return was frozen."""
    return [
        DifferenceLine(_line(each.frozen).name, _words(_line(each.frozen)), _words(_line(each.present)))
        for each in differences
    ]


def _finding(finding: returns_pb2.Finding) -> FindingLine:
    code = finding.code.removeprefix(_CHANGE) if finding.code.startswith(_CHANGE) else ""
    if code:
        now, before = say_value(code, finding.value), say_value(code, finding.compared)
        numbers = str(_("%(now)s now, %(before)s the quarter before", now=now, before=before))
    elif finding.code == "hours-per-case":
        numbers = str(_("%(time)s for each case", time=say_value("minutes", finding.value)))
    else:
        numbers = str(_("%(value)s beside %(compared)s", value=finding.value, compared=finding.compared))
    return FindingLine(
        code=finding.code,
        words=str(FINDINGS.get(finding.code, finding.code)),
        numbers=numbers,
        is_error=finding.error,
        is_explained=finding.explained,
    )


def _line(figure: object) -> FigureLine:
    return present_figure(figure)  # type: ignore[arg-type]  # a message field


def _words(line: FigureLine) -> str:
    return line.words or str(_("none"))
