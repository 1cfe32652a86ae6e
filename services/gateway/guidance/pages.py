"""What the guidance pages show."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from ascms.documents.v1 import guides_pb2 as pb
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from services.gateway.guidance.markdown import rendered
from services.gateway.security import Caller
from services.gateway.wording import day_of, moment_of

TOPICS: Mapping[int, object] = {
    pb.GUIDE_TOPIC_START: _l("Getting started"),
    pb.GUIDE_TOPIC_TASK: _l("Key tasks"),
    pb.GUIDE_TOPIC_SCENARIO: _l("When something is not clear"),
    pb.GUIDE_TOPIC_PRACTICE: _l("Good practice"),
    pb.GUIDE_TOPIC_ISSUE: _l("Known issues"),
    pb.GUIDE_TOPIC_CONTACT: _l("Whom to ask"),
}
TOPIC_SLUGS: Mapping[str, pb.GuideTopic.ValueType] = {
    "start": pb.GUIDE_TOPIC_START,
    "task": pb.GUIDE_TOPIC_TASK,
    "scenario": pb.GUIDE_TOPIC_SCENARIO,
    "practice": pb.GUIDE_TOPIC_PRACTICE,
    "issue": pb.GUIDE_TOPIC_ISSUE,
    "contact": pb.GUIDE_TOPIC_CONTACT,
}
TOPIC_SLUG_OF = {number: slug for slug, number in TOPIC_SLUGS.items()}


@dataclass(frozen=True, slots=True)
class GuideLine:
    """A guide in a list."""

    slug: str
    title: str
    issue: str
    issue_since: date | None
    issue_fixed_on: date | None
    is_new: bool
    has_draft: bool


@dataclass(frozen=True, slots=True)
class GuidePage:
    """A guide to read."""

    slug: str
    title: str
    topic: str
    body: Markup
    version: int
    as_of: datetime | None
    issue: str
    issue_since: date | None
    issue_fixed_on: date | None


def present_groups(
    guides: Iterable[pb.Guide], *, who: Caller, language: str, search: str, is_all: bool
) -> list[tuple[str, Sequence[GuideLine]]]:
    """Guides by topic: those for the reader's roles, or all; those whose title holds the search."""
    mine = {role.code for role in who.roles}
    wanted = folded(search)
    groups: dict[str, list[GuideLine]] = {}
    for one in guides:
        is_for_them = is_all or not one.facts.roles or mine & set(one.facts.roles)
        if is_for_them and wanted in folded(f"{one.text.title} {one.text.title_mi}"):
            groups.setdefault(str(TOPICS[one.facts.topic]), []).append(_line(one, language))
    return list(groups.items())


def present_guide(one: pb.Guide, *, language: str) -> GuidePage:
    """A guide in one language."""
    return GuidePage(
        slug=one.slug,
        title=_title(one, language),
        topic=str(TOPICS.get(one.facts.topic, "")),
        body=rendered(one.text.body_mi if language == "mi" else one.text.body),
        version=one.version,
        as_of=moment_of(one.as_of),
        issue=_issue(one),
        issue_since=day_of(one.facts.issue_since),
        issue_fixed_on=day_of(one.facts.issue_fixed_on),
    )


def folded(text: str) -> str:
    """Text as a search compares it: without macrons or case."""
    letters = unicodedata.normalize("NFD", text)
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).casefold()


def _line(one: pb.Guide, language: str) -> GuideLine:
    return GuideLine(
        slug=one.slug,
        title=_title(one, language),
        issue=_issue(one),
        issue_since=day_of(one.facts.issue_since),
        issue_fixed_on=day_of(one.facts.issue_fixed_on),
        is_new=not one.version,
        has_draft=one.has_draft,
    )


def _title(one: pb.Guide, language: str) -> str:
    return one.text.title_mi if language == "mi" else one.text.title


def _issue(one: pb.Guide) -> str:
    return {pb.ISSUE_STATE_OPEN: "open", pb.ISSUE_STATE_FIXED: "fixed"}.get(one.facts.issue_state, "")
