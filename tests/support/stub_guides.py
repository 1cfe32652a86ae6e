"""Guidance as the gateway meets it: what comes with the software, a draft, and what is published over it."""

from typing import Any

from ascms.documents.v1 import guides_pb2 as pb

from kit.errors import FailedPreconditionError, NotFoundError, StaleVersionError
from kit.rpc.server import Call, read
from services.documents.rpc.guides import guide_message
from services.documents.shipped import shipped_guides
from tests.support.stub_world import World


class GuideStub:
    """What DocumentsService does with guidance."""

    world: World

    def met(self, method: str, request: Any) -> None:
        """Note a call, and fail where the test says so."""
        raise NotImplementedError

    def _published(self) -> dict[str, list[pb.Guide]]:
        kept = self.world.answers.setdefault("guides", {})
        for slug, guide in shipped_guides().items():
            kept.setdefault(slug, [guide_message(guide)])
        return kept  # type: ignore[no-any-return]

    def _drafts(self) -> dict[str, pb.Guide]:
        first = {"ages": pb.Guide(slug="ages", text=guide_message(shipped_guides()["ages"]).text, draft_version=1)}
        first["ages"].facts.topic = pb.GUIDE_TOPIC_PRACTICE
        return self.world.answers.setdefault("guide drafts", first)  # type: ignore[no-any-return]

    @read
    def ListGuides(self, request: pb.ListGuidesRequest, _call: Call) -> pb.ListGuidesResponse:
        self.met("ListGuides", request)
        return pb.ListGuidesResponse(guides=[versions[0] for versions in self._published().values()])

    @read
    def GetGuide(self, request: pb.GetGuideRequest, call: Call) -> pb.GetGuideResponse:
        self.met("GetGuide", request)
        versions = self._published().get(request.slug, [])
        draft = self._drafts().get(request.slug) if call.actor.may("guidance:edit") else None
        found = [one for one in versions if request.version in (0, one.version)]
        if not found and draft is None:
            raise NotFoundError("guide")
        current = versions[0].version if versions else 0
        return pb.GetGuideResponse(guide=found[0] if found else None, current_version=current, draft=draft)

    @read
    def ListGuideVersions(self, request: pb.ListGuideVersionsRequest, _call: Call) -> pb.ListGuideVersionsResponse:
        self.met("ListGuideVersions", request)
        return pb.ListGuideVersionsResponse(versions=self._published().get(request.slug, []))

    @read
    def SaveGuideDraft(self, request: pb.SaveGuideDraftRequest, _call: Call) -> pb.SaveGuideDraftResponse:
        self.met("SaveGuideDraft", request)
        known = self._drafts().get(request.slug)
        actual = known.draft_version if known else 0
        if request.expected_version != actual:
            raise StaleVersionError(expected=request.expected_version, actual=actual)
        draft = pb.Guide(slug=request.slug, facts=request.facts, text=request.text, draft_version=actual + 1)
        self._drafts()[request.slug] = draft
        return pb.SaveGuideDraftResponse(draft=draft)

    @read
    def PublishGuide(self, request: pb.PublishGuideRequest, _call: Call) -> pb.PublishGuideResponse:
        self.met("PublishGuide", request)
        draft = self._drafts().pop(request.slug, None)
        if draft is None:
            raise FailedPreconditionError("no-draft", "There is no draft to publish.")
        versions = self._published().setdefault(request.slug, [])
        guide = pb.Guide(slug=draft.slug, version=len(versions) + 1, facts=draft.facts, text=draft.text)
        guide.as_of.CopyFrom(self.world.moment())
        versions.insert(0, guide)
        return pb.PublishGuideResponse(guide=guide, position=self.world.next_position())
