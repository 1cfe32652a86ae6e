"""Requests that are not finished, through the gRPC door."""

from datetime import datetime
from uuid import UUID

from ascms.cases.v1 import cases_pb2, requests_pb2

from kit.rpc.server import Call, read, write
from services.cases import commands, domain, wire
from services.cases.domain.drafts import SavedDraft
from services.cases.domain.requests import SeenRequest
from services.cases.domain.shared import optional_id
from services.cases.rpc.base import Methods, cut
from services.cases.store import drafts


def _save_response(draft: SavedDraft) -> cases_pb2.SaveDraftResponse:
    return cases_pb2.SaveDraftResponse(draft=wire.requests.saved_draft_message(draft))


def _discard_response(_nothing: None) -> requests_pb2.DiscardDraftResponse:
    return requests_pb2.DiscardDraftResponse()


def _submit_response(seen: SeenRequest) -> cases_pb2.SubmitDraftResponse:
    return cases_pb2.SubmitDraftResponse(request=wire.requests.for_school(seen))


class DraftMethods(Methods):
    """Drafts."""

    @write(_save_response)
    def SaveDraft(self, request: cases_pb2.SaveDraftRequest, call: Call) -> SavedDraft:
        """See the contract."""
        return commands.drafts.save_draft(
            self.deps,
            call.actor,
            draft_id=optional_id(request.draft_id),
            content=request.content,
            expected_version=request.expected_version,
        )

    @read
    def ListDrafts(self, request: requests_pb2.ListDraftsRequest, call: Call) -> requests_pb2.ListDraftsResponse:
        """See the contract."""
        whose = domain.requests.whose_requests(call.actor)
        scope = (call.actor.tenant_id, "drafts", whose)
        size, position = self.page(request, scope)
        after = (datetime.fromisoformat(position[0]), UUID(position[1])) if position else None
        with self.deps.database.tenant(call.actor) as tx:
            found = list(drafts.list_drafts(tx, whose=whose, after=after, most=size + 1))
        shown, more = cut(found, size)
        return requests_pb2.ListDraftsResponse(
            drafts=[wire.requests.draft_summary(draft) for draft in shown],
            next_page_token=self.token([shown[-1].saved_at.isoformat(), str(shown[-1].id)], scope) if more else "",
        )

    @read
    def GetDraft(self, request: requests_pb2.GetDraftRequest, call: Call) -> cases_pb2.GetDraftResponse:
        """See the contract."""
        inspected = commands.drafts.inspect_draft(self.deps, call.actor, draft_id=UUID(request.draft_id))
        return cases_pb2.GetDraftResponse(
            draft=wire.requests.saved_draft_message(inspected.draft),
            faults=[
                cases_pb2.DraftFault(field=each.field, reason=each.reason, description=each.description)
                for each in inspected.faults
            ],
            assessment=wire.requests.assessment_message(inspected.assessment),
        )

    @write(_discard_response)
    def DiscardDraft(self, request: requests_pb2.DiscardDraftRequest, call: Call) -> None:
        """See the contract."""
        commands.drafts.discard_draft(
            self.deps, call.actor, draft_id=UUID(request.draft_id), expected_version=request.expected_version
        )

    @write(_submit_response)
    def SubmitDraft(self, request: requests_pb2.SubmitDraftRequest, call: Call) -> SeenRequest:
        """See the contract."""
        return commands.drafts.submit_draft(
            self.deps,
            call.actor,
            draft_id=UUID(request.draft_id),
            expected_version=request.expected_version,
            token=call.token,
        )
