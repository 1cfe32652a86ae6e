"""The life of a return: what it says, what is checked, and who may do what with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from kit.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError, StaleVersionError, Violation
from services.reporting.domain.figures import Quarter
from services.reporting.domain.indicators import SECTIONS


class ReturnState(StrEnum):
    """Where a return stands."""

    DRAFT = "draft"
    VALIDATED = "validated"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"


class Calendar(Protocol):
    """Working days."""

    def after(self, day: date, count: int) -> date:
        """The `count`-th working day after `day`."""
        ...


@dataclass(frozen=True, slots=True)
class Rule:
    """Numbers that checks and dates use: reference data, with the day from which they hold.

    `change_percent`: a change that must be explained, from `change_least` on; `minutes_per_case`: more is implausible.
    """

    due_working_days: int
    change_percent: int
    change_least: int
    minutes_per_case: int


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: an error stands against submission; anything else needs an explanation."""

    code: str
    value: int
    compared: int
    is_error: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """The facts of a return. `checked`: what figures and texts it was last checked with."""

    quarter: Quarter
    comments: Mapping[str, str] = field(default_factory=dict)
    explanations: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    checked: str = ""
    validated_at: datetime | None = None
    number: int = 0
    sha256: str = ""
    submitted_at: datetime | None = None
    submitted_by: UUID | None = None
    accepted_at: datetime | None = None
    accepted_by: UUID | None = None
    reopened_reason: str = ""
    overdue_noted_at: datetime | None = None
    version: int = 1

    @property
    def state(self) -> ReturnState:
        """Where it stands."""
        if self.accepted_at is not None:
            return ReturnState.ACCEPTED
        if self.submitted_at is not None:
            return ReturnState.SUBMITTED
        return ReturnState.VALIDATED if self.checked and not self.open_findings else ReturnState.DRAFT

    @property
    def open_findings(self) -> tuple[Finding, ...]:
        """What stands against submission."""
        return tuple(each for each in self.findings if each.is_error or not self.explanations.get(each.code))

    def opens_on(self, calendar: Calendar) -> date:
        """From when it can be submitted: the first working day after its quarter."""
        return calendar.after(self.quarter.last_day, 1)

    def due_on(self, calendar: Calendar, rule: Rule) -> date:
        """The last day to submit it."""
        return calendar.after(self.quarter.last_day, rule.due_working_days)


CHANGE = ("cases-opened", "cases-closed", "home-visits", "minutes")
"""Indicators whose change is looked at."""


def check(figures: Mapping[str, int], previous: Mapping[str, int], rule: Rule) -> tuple[Finding, ...]:
    """What the rules find in figures by indicator, beside those of the quarter before."""
    found = []
    worked = figures["cases-open-at-start"] + figures["cases-opened"] + figures["cases-reopened"]
    if figures["cases-closed"] > worked:
        found.append(Finding("closed-more-than-open", figures["cases-closed"], worked, is_error=True))
    if figures["cases-open"] < 0:
        found.append(Finding("open-below-nought", figures["cases-open"], 0, is_error=True))
    if figures["minutes"] > rule.minutes_per_case * max(worked, 1):
        found.append(Finding("hours-per-case", figures["minutes"] // max(worked, 1), rule.minutes_per_case))
    if worked and not figures["minutes"]:
        found.append(Finding("no-work", 0, worked))
    for code in CHANGE:
        now, before = figures[code], previous[code]
        if before >= rule.change_least and abs(now - before) * 100 > rule.change_percent * before:
            found.append(Finding(f"change:{code}", now, before))
    return tuple(found)


def allowed_actions(filed: Return, *, today: date, opens_on: date) -> tuple[str, ...]:
    """What the provider may do with its return today."""
    if filed.submitted_at is not None:
        return ()
    is_ready = filed.state is ReturnState.VALIDATED and today >= opens_on
    return ("save", "validate", "submit") if is_ready else ("save", "validate")


def ministry_actions(filed: Return) -> tuple[str, ...]:
    """What the ministry may do with a return."""
    if filed.state is ReturnState.SUBMITTED:
        return ("accept", "reopen")
    return ("reopen",) if filed.state is ReturnState.ACCEPTED else ()


def save(
    filed: Return, *, comments: Mapping[str, str], explanations: Mapping[str, str], expected_version: int
) -> Return:
    """The return with what the provider says.

    Raises:
        FailedPreconditionError: it is submitted.
        InvalidArgumentError: a comment is for no section.
    """
    _check_open(filed, expected_version)
    strange = [
        Violation(f"comments[{place}].code", "section", f"must be one of {', '.join(SECTIONS)}")
        for place, code in enumerate(comments)
        if code not in SECTIONS
    ]
    if strange:
        raise InvalidArgumentError.of(*strange)
    said = {code: text for code, text in comments.items() if text}
    explained = {code: text for code, text in explanations.items() if text}
    # What was found stays to be read, and explained; `checked` is what submission asks for.
    return replace(filed, comments=said, explanations=explained, checked="", version=filed.version + 1)


def validate(
    filed: Return, *, findings: Sequence[Finding], checked: str, now: datetime, expected_version: int
) -> Return:
    """The return as it was checked."""
    _check_open(filed, expected_version)
    return replace(filed, findings=tuple(findings), checked=checked, validated_at=now, version=filed.version + 1)


def check_submittable(filed: Return, *, today: date, opens_on: date, present: str, expected_version: int) -> None:
    """Raise unless it can be submitted today; `present` is what it would be checked with now.

    Raises:
        FailedPreconditionError: its quarter has not ended, it was not checked, something stands against it, or the
            figures changed since.
    """
    _check_open(filed, expected_version)
    if today < opens_on:
        raise FailedPreconditionError("quarter-not-ended", "A return is submitted once its quarter has ended.")
    if filed.state is not ReturnState.VALIDATED:
        raise FailedPreconditionError("not-validated", "Check the return first; what is found must be explained.")
    if filed.checked != present:
        raise FailedPreconditionError("figures-changed", "The figures changed since the check. Check the return again.")


def submit(filed: Return, *, sha256: str, by: UUID, now: datetime) -> Return:
    """The return as it was submitted; `check_submittable` came before."""
    return replace(
        filed, number=filed.number + 1, sha256=sha256, submitted_at=now, submitted_by=by, version=filed.version + 1
    )


def accept(filed: Return | None, *, by: UUID, now: datetime, expected_version: int) -> Return:
    """The return as the ministry accepted it.

    Raises:
        NotFoundError: there is none.
        FailedPreconditionError: it is not submitted, or accepted already.
    """
    filed = _there(filed, expected_version)
    if filed.state is not ReturnState.SUBMITTED:
        raise FailedPreconditionError("not-submitted", "Only a submitted return is accepted.")
    return replace(filed, accepted_at=now, accepted_by=by, version=filed.version + 1)


def reopen(filed: Return | None, *, reason: str, expected_version: int) -> Return:
    """The return as a draft again. What was submitted is kept elsewhere.

    Raises:
        NotFoundError: there is none.
        FailedPreconditionError: it is not submitted.
    """
    filed = _there(filed, expected_version)
    if filed.submitted_at is None:
        raise FailedPreconditionError("not-submitted", "Only a submitted return is reopened.")
    return replace(
        filed,
        checked="",
        sha256="",
        submitted_at=None,
        submitted_by=None,
        accepted_at=None,
        accepted_by=None,
        reopened_reason=reason,
        version=filed.version + 1,
    )


def _there(filed: Return | None, expected_version: int) -> Return:
    if filed is None:
        raise NotFoundError("return")
    if expected_version not in (0, filed.version):
        raise StaleVersionError(expected=expected_version, actual=filed.version)
    return filed


def _check_open(filed: Return, expected_version: int) -> None:
    _there(filed, expected_version)
    if filed.submitted_at is not None:
        raise FailedPreconditionError("return-submitted", "The return is submitted. Only the ministry can reopen it.")
