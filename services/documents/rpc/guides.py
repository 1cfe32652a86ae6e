"""Guidance: decode, one call, encode."""

from datetime import date, datetime

from ascms.documents.v1 import guides_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from kit.errors import InvalidArgumentError, NotFoundError, Violation
from kit.rpc.server import Call, read, write
from services.documents import commands
from services.documents.domain.guides import Draft, Facts, Guide, IssueState, Text, Topic
from services.documents.rpc.base import Methods
from services.documents.store import guides as store

EDIT = "guidance:edit"
_TOPICS = {
    Topic.START: pb.GUIDE_TOPIC_START,
    Topic.TASK: pb.GUIDE_TOPIC_TASK,
    Topic.SCENARIO: pb.GUIDE_TOPIC_SCENARIO,
    Topic.PRACTICE: pb.GUIDE_TOPIC_PRACTICE,
    Topic.ISSUE: pb.GUIDE_TOPIC_ISSUE,
    Topic.CONTACT: pb.GUIDE_TOPIC_CONTACT,
}
_TOPIC_OF = {number: topic for topic, number in _TOPICS.items()}
_STATES = {
    IssueState.NONE: pb.ISSUE_STATE_UNSPECIFIED,
    IssueState.OPEN: pb.ISSUE_STATE_OPEN,
    IssueState.FIXED: pb.ISSUE_STATE_FIXED,
}
_STATE_OF = {number: state for state, number in _STATES.items()}


class GuideMethods(Methods):
    """Guidance: read by everyone who is signed in, written by those who may."""

    @read
    def ListGuides(self, _request: pb.ListGuidesRequest, call: Call) -> pb.ListGuidesResponse:
        """See the contract."""
        with self.deps.database.tenant(call.actor) as tx:
            found = store.list_guides(tx)
            drafts = {one.slug: one for one in store.list_drafts(tx)} if call.actor.may(EDIT) else {}
        known = {one.slug for one in found}
        shown = [guide_message(one, is_whole=False, has_draft=one.slug in drafts) for one in found]
        shown += [_draft(one, is_whole=False) for one in drafts.values() if one.slug not in known]
        order = list(_TOPICS.values())
        return pb.ListGuidesResponse(guides=sorted(shown, key=lambda one: order.index(one.facts.topic)))

    @read
    def GetGuide(self, request: pb.GetGuideRequest, call: Call) -> pb.GetGuideResponse:
        """See the contract."""
        with self.deps.database.tenant(call.actor) as tx:
            versions = store.list_versions(tx, request.slug)
            draft = store.find_draft(tx, request.slug) if call.actor.may(EDIT) else None
        wanted = [one for one in versions if request.version in (0, one.version)]
        if not wanted and (draft is None or request.version):
            raise NotFoundError("guide")
        return pb.GetGuideResponse(
            guide=guide_message(wanted[0], has_draft=draft is not None) if wanted else None,
            current_version=versions[0].version if versions else 0,
            draft=_draft(draft) if draft is not None else None,
        )

    @read
    def ListGuideVersions(self, request: pb.ListGuideVersionsRequest, call: Call) -> pb.ListGuideVersionsResponse:
        """See the contract."""
        with self.deps.database.tenant(call.actor) as tx:
            versions = store.list_versions(tx, request.slug)
        if not versions:
            raise NotFoundError("guide")
        return pb.ListGuideVersionsResponse(versions=[guide_message(one, is_whole=False) for one in versions])

    @write(lambda draft: pb.SaveGuideDraftResponse(draft=_draft(draft)))
    def SaveGuideDraft(self, request: pb.SaveGuideDraftRequest, call: Call) -> Draft:
        """See the contract."""
        return commands.guides.save_guide_draft(
            self.deps,
            call.actor,
            slug=request.slug,
            facts=_facts_of(request.facts),
            text=Text(
                title=request.text.title,
                title_mi=request.text.title_mi,
                body=request.text.body,
                body_mi=request.text.body_mi,
            ),
            expected_version=request.expected_version,
        )

    @write(lambda guide: pb.PublishGuideResponse(guide=guide_message(guide)))
    def PublishGuide(self, request: pb.PublishGuideRequest, call: Call) -> Guide:
        """See the contract."""
        return commands.guides.publish_guide(
            self.deps, call.actor, slug=request.slug, expected_version=request.expected_version
        )


def _facts_of(message: pb.GuideFacts) -> Facts:
    topic = _TOPIC_OF.get(message.topic)
    if topic is None:
        raise InvalidArgumentError.of(Violation("facts.topic", "required", "is needed"))
    return Facts(
        topic=topic,
        roles=tuple(dict.fromkeys(message.roles)),
        issue_state=_STATE_OF[message.issue_state],
        issue_since=_day(message.issue_since),
        issue_fixed_on=_day(message.issue_fixed_on),
    )


def _facts(facts: Facts) -> pb.GuideFacts:
    return pb.GuideFacts(
        topic=_TOPICS[facts.topic],
        roles=facts.roles,
        issue_state=_STATES[facts.issue_state],
        issue_since=facts.issue_since.isoformat() if facts.issue_since else "",
        issue_fixed_on=facts.issue_fixed_on.isoformat() if facts.issue_fixed_on else "",
    )


def _text(text: Text, *, is_whole: bool) -> pb.GuideText:
    body, body_mi = (text.body, text.body_mi) if is_whole else ("", "")
    return pb.GuideText(title=text.title, title_mi=text.title_mi, body=body, body_mi=body_mi)


def guide_message(guide: Guide, *, is_whole: bool = True, has_draft: bool = False) -> pb.Guide:
    """A guide as its readers see it; without its text where it is only listed."""
    return pb.Guide(
        slug=guide.slug,
        version=guide.version,
        facts=_facts(guide.facts),
        text=_text(guide.text, is_whole=is_whole),
        as_of=_moment(guide.published_at),
        by=str(guide.published_by or ""),
        has_draft=has_draft,
    )


def _draft(draft: Draft, *, is_whole: bool = True) -> pb.Guide:
    return pb.Guide(
        slug=draft.slug,
        facts=_facts(draft.facts),
        text=_text(draft.text, is_whole=is_whole),
        as_of=_moment(draft.saved_at),
        by=str(draft.saved_by),
        draft_version=draft.version,
        has_draft=True,
    )


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _moment(moment: datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
