"""Guides: help in both languages. What comes with the software is version 1; what the ministry publishes follows."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import NAMESPACE_URL, UUID, uuid5

from kit.errors import FailedPreconditionError, InvalidArgumentError, StaleVersionError, Violation


class Topic(StrEnum):
    """What a guide is about, in the order to show them in."""

    START = "start"
    TASK = "task"
    SCENARIO = "scenario"
    PRACTICE = "practice"
    ISSUE = "issue"
    CONTACT = "contact"


class IssueState(StrEnum):
    """Where a known issue stands; NONE for a guide that is about none."""

    NONE = ""
    OPEN = "open"
    FIXED = "fixed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a guide is, without its words. No roles: it is for everyone."""

    topic: Topic
    roles: tuple[str, ...] = ()
    issue_state: IssueState = IssueState.NONE
    issue_since: date | None = None
    issue_fixed_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Its words in both languages, Markdown."""

    title: str
    title_mi: str
    body: str
    body_mi: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """A version of a guide. Without `published_at` it came with the software."""

    slug: str
    version: int
    facts: Facts
    text: Text
    published_at: datetime | None = None
    published_by: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is being written; `version` grows with each saving."""

    slug: str
    version: int
    facts: Facts
    text: Text
    saved_at: datetime
    saved_by: UUID

    def published_as(self, version: int, *, by: UUID, now: datetime) -> Guide:
        """The guide that it becomes."""
        return Guide(
            slug=self.slug, version=version, facts=self.facts, text=self.text, published_at=now, published_by=by
        )


def guide_id(slug: str) -> UUID:
    """What the audit trail and events know a guide by."""
    return uuid5(NAMESPACE_URL, f"ascms:guide:{slug}")


def judge_facts(facts: Facts) -> None:
    """Refuse dates and states that do not fit each other.

    Raises:
        InvalidArgumentError: a known issue has a state and its first day, another guide has neither.
    """
    violations = []
    is_issue = facts.topic is Topic.ISSUE
    if is_issue and facts.issue_state is IssueState.NONE:
        violations.append(Violation("facts.issue_state", "required", "is needed"))
    if is_issue and facts.issue_since is None:
        violations.append(Violation("facts.issue_since", "required", "is needed"))
    if not is_issue and (facts.issue_state or facts.issue_since or facts.issue_fixed_on):
        violations.append(Violation("facts.issue_state", "not-allowed", "belongs to a known issue only"))
    if is_issue and (facts.issue_state is IssueState.FIXED) != (facts.issue_fixed_on is not None):
        violations.append(Violation("facts.issue_fixed_on", "required", "belongs to an issue that is mended"))
    if facts.issue_since and facts.issue_fixed_on and facts.issue_fixed_on < facts.issue_since:
        violations.append(Violation("facts.issue_fixed_on", "backwards", "lies before issue_since"))
    if violations:
        raise InvalidArgumentError.of(*violations)


def saved(known: Draft | None, draft: Draft, *, expected: int) -> Draft:
    """A draft in place of the one that was looked at.

    Raises:
        StaleVersionError: someone else saved meanwhile.
    """
    actual = known.version if known is not None else 0
    if expected != actual:
        raise StaleVersionError(expected=expected, actual=actual)
    return replace(draft, version=actual + 1)


def publishable(known: Draft | None, *, expected: int) -> Draft:
    """The draft to publish.

    Raises:
        FailedPreconditionError: "no-draft": there is none, or it was published already.
        StaleVersionError: it is not the one that was looked at.
    """
    if known is None:
        raise FailedPreconditionError("no-draft", "There is no draft to publish.")
    if expected not in (0, known.version):
        raise StaleVersionError(expected=expected, actual=known.version)
    return known
