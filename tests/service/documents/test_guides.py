"""Guidance: what comes with the software, what the ministry publishes over it, and two who write at once."""

from uuid import UUID

import pytest
from ascms.documents.v1 import guides_pb2 as pb

from kit.actor import Actor
from kit.errors import (
    ConflictError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
)
from tests.service.documents.conftest import THEIRS, WORKER, Documents
from tests.support.tokens import person

EDITOR = person(7, "guidance:edit", tenant=UUID(int=9))
OTHER_EDITOR = person(8, "guidance:edit", tenant=UUID(int=9))
STRANGER = person(9, tenant=THEIRS)
TEXT = pb.GuideText(title="Locating", title_mi="Te kimi", body="New words.", body_mi="He kupu hou.")
PRACTICE = pb.GuideFacts(topic=pb.GUIDE_TOPIC_PRACTICE, roles=["case_manager"])


def get(
    documents: Documents, slug: str = "locating", *, as_: Actor = STRANGER, version: int = 0
) -> pb.GetGuideResponse:
    found: pb.GetGuideResponse = documents.call("GetGuide", pb.GetGuideRequest(slug=slug, version=version), as_=as_)
    return found


def save(
    documents: Documents, *, expected: int = 0, as_: Actor = EDITOR, slug: str = "locating", **changes: object
) -> pb.Guide:
    fields = {"facts": PRACTICE, "text": TEXT, **changes}
    request = pb.SaveGuideDraftRequest(slug=slug, expected_version=expected, **fields)  # type: ignore[arg-type]
    draft: pb.Guide = documents.call("SaveGuideDraft", request, as_=as_).draft
    return draft


def publish(documents: Documents, *, expected: int = 1, slug: str = "locating") -> pb.Guide:
    request = pb.PublishGuideRequest(slug=slug, expected_version=expected)
    guide: pb.Guide = documents.call("PublishGuide", request, as_=EDITOR).guide
    return guide


def test_what_comes_with_the_software_is_there_for_everyone_in_both_languages(documents: Documents) -> None:
    found = documents.call("ListGuides", pb.ListGuidesRequest(), as_=STRANGER).guides
    assert len(found) >= 15
    assert {one.facts.topic for one in found} == set(pb.GuideTopic.values()) - {0}
    assert all(one.version == 1 and one.text.title and one.text.title_mi and not one.text.body for one in found)
    guide = get(documents).guide
    assert guide.text.body
    assert guide.text.body_mi != guide.text.body
    assert not guide.HasField("as_of")


def test_a_draft_is_seen_by_editors_alone_until_it_is_published_in_both_languages(documents: Documents) -> None:
    before = get(documents).guide
    draft = save(documents)
    assert (draft.version, draft.draft_version) == (0, 1)
    assert get(documents) == pb.GetGuideResponse(guide=before, current_version=1)
    assert get(documents, as_=OTHER_EDITOR).draft.text == TEXT
    published = publish(documents)
    assert (published.version, published.text) == (2, TEXT)
    after = get(documents)
    assert (after.guide.text, after.guide.by) == (TEXT, str(EDITOR.person_id))
    assert get(documents, version=1).guide.text == before.text
    request = pb.ListGuideVersionsRequest(slug="locating")
    assert [one.version for one in documents.call("ListGuideVersions", request, as_=WORKER).versions] == [2, 1]
    assert documents.events() == ["GuidePublished"]
    assert not get(documents, as_=EDITOR).HasField("draft")


def test_two_who_write_at_once_are_told(documents: Documents) -> None:
    save(documents)
    with pytest.raises(ConflictError) as refused:
        save(documents, as_=OTHER_EDITOR)
    assert refused.value.reason == "stale-version"
    save(documents, as_=OTHER_EDITOR, expected=1)
    with pytest.raises(ConflictError):
        publish(documents, expected=1)
    assert publish(documents, expected=2).version == 2
    with pytest.raises(FailedPreconditionError) as gone:
        publish(documents, expected=2)
    assert gone.value.reason == "no-draft"


def test_a_new_guide_is_nobodys_until_it_is_published(documents: Documents) -> None:
    save(documents, slug="new-one")
    with pytest.raises(NotFoundError):
        get(documents, "new-one")
    publish(documents, slug="new-one")
    assert get(documents, "new-one").guide.text == TEXT
    with pytest.raises(NotFoundError):
        get(documents, "new-one", version=1)


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        (pb.GuideFacts(), "facts.topic"),
        (pb.GuideFacts(topic=pb.GUIDE_TOPIC_ISSUE, issue_since="2026-01-01"), "facts.issue_state"),
        (pb.GuideFacts(topic=pb.GUIDE_TOPIC_TASK, issue_since="2026-01-01"), "facts.issue_state"),
        (
            pb.GuideFacts(topic=pb.GUIDE_TOPIC_ISSUE, issue_state=pb.ISSUE_STATE_FIXED, issue_since="2026-01-01"),
            "facts.issue_fixed_on",
        ),
    ],
)
def test_bad_facts_name_their_field(documents: Documents, facts: pb.GuideFacts, field: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        save(documents, facts=facts)
    assert [violation.field for violation in refused.value.violations] == [field]


def test_only_those_who_may_write(documents: Documents) -> None:
    with pytest.raises(PermissionDeniedError):
        save(documents, as_=WORKER)
