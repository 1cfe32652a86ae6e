"""Drafts, answers and the search of the stub world: as the service answers, without its rules."""

from typing import Any

from ascms.cases.v1 import cases_pb2 as c
from ascms.cases.v1 import requests_pb2 as q

from kit.errors import AlreadyExistsError, NotFoundError, StaleVersionError
from kit.rpc.server import Call, read
from tests.support.stub_world import World, number_id

_MAY = {
    c.REQUEST_STATE_SUBMITTED: ("accept", "return", "decline"),
    c.REQUEST_STATE_RETURNED: ("accept", "decline", "resubmit"),
}


def say_what_may_be_done(request: c.RequestForSupport) -> None:
    """What may be done in its state, by whoever reads it."""
    del request.allowed_actions[:]
    for action in _MAY.get(request.state, ()):
        request.allowed_actions.add(action=action, allowed=True)


class RequestsStub:
    """What schools write before they send it, what providers answer besides a case, and who is found."""

    world: World
    met: Any
    _request: Any
    _submitted: Any

    def _draft(self, draft_id: str, call: Call) -> c.Draft:
        found = self.world.drafts.get(draft_id)
        if found is None or found[0] != str(call.actor.tenant_id):
            raise NotFoundError("draft")
        return found[1]

    @read
    def SaveDraft(self, request: c.SaveDraftRequest, call: Call) -> c.SaveDraftResponse:
        self.met("SaveDraft", request)
        return self.world.once(call.idempotency_key, lambda: self._saved(request, call))  # type: ignore[no-any-return]

    def _saved(self, request: c.SaveDraftRequest, call: Call) -> c.SaveDraftResponse:
        draft_id = request.draft_id or number_id(950 + len(self.world.drafts))
        version = self._draft(draft_id, call).version if request.draft_id else 0
        if request.expected_version not in (0, version):
            raise StaleVersionError(expected=request.expected_version, actual=version)
        draft = c.Draft(
            draft_id=draft_id,
            content=request.content,
            saved_at=self.world.moment(),
            kept_until=self.world.day(60),
            version=version + 1,
        )
        self.world.drafts[draft_id] = (str(call.actor.tenant_id), draft)
        return c.SaveDraftResponse(draft=draft)

    @read
    def ListDrafts(self, request: q.ListDraftsRequest, call: Call) -> q.ListDraftsResponse:
        self.met("ListDrafts", request)
        own = [draft for owner, draft in self.world.drafts.values() if owner == str(call.actor.tenant_id)]
        return q.ListDraftsResponse(
            drafts=[
                q.DraftSummary(
                    draft_id=one.draft_id,
                    student_name=one.content.student.given_names,
                    saved_at=one.saved_at,
                    kept_until=one.kept_until,
                    version=one.version,
                )
                for one in own
            ]
        )

    @read
    def GetDraft(self, request: q.GetDraftRequest, call: Call) -> c.GetDraftResponse:
        self.met("GetDraft", request)
        draft = self._draft(request.draft_id, call)
        missing = [] if draft.content.concern else [c.DraftFault(field="concern", reason="required")]
        assessment = q.Assessment(tier=q.TRIAGE_TIER_CONSIDER, criterion="chronic", stepped_response_days=10)
        return c.GetDraftResponse(draft=draft, faults=missing, assessment=assessment)

    @read
    def DiscardDraft(self, request: q.DiscardDraftRequest, call: Call) -> q.DiscardDraftResponse:
        self.met("DiscardDraft", request)
        self._draft(request.draft_id, call)
        del self.world.drafts[request.draft_id]
        return q.DiscardDraftResponse()

    @read
    def SubmitDraft(self, request: q.SubmitDraftRequest, call: Call) -> c.SubmitDraftResponse:
        self.met("SubmitDraft", request)
        return self.world.once(call.idempotency_key, lambda: self._sent(request, call))  # type: ignore[no-any-return]

    def _sent(self, request: q.SubmitDraftRequest, call: Call) -> c.SubmitDraftResponse:
        draft = self._draft(request.draft_id, call)
        made = self._submitted(draft.content, call.actor)
        del self.world.drafts[request.draft_id]
        return c.SubmitDraftResponse(request=made.request, position=made.position)

    @read
    def ReturnRequest(self, request: q.ReturnRequestRequest, call: Call) -> c.ReturnRequestResponse:
        self.met("ReturnRequest", request)
        found = self._request(request.request_id, provider_id=str(call.actor.tenant_id))
        found.state, found.reply_due_on, found.version = c.REQUEST_STATE_RETURNED, self.world.day(7), found.version + 1
        found.questions.add(question=request.question, asked_at=self.world.moment())
        return c.ReturnRequestResponse(request=found, position=self.world.next_position())

    @read
    def DeclineRequest(self, request: q.DeclineRequestRequest, call: Call) -> c.DeclineRequestResponse:
        self.met("DeclineRequest", request)
        found = self._request(request.request_id, provider_id=str(call.actor.tenant_id))
        found.state, found.version = c.REQUEST_STATE_DECLINED, found.version + 1
        found.decline_reason, found.decline_words = request.reason, request.words
        return c.DeclineRequestResponse(request=found, position=self.world.next_position())

    @read
    def ResubmitRequest(self, request: c.ResubmitRequestRequest, call: Call) -> c.ResubmitRequestResponse:
        self.met("ResubmitRequest", request)
        found = self._request(request.request_id, school_id=str(call.actor.tenant_id))
        found.state, found.version = c.REQUEST_STATE_SUBMITTED, found.version + 1
        found.questions[-1].reply = request.reply
        if request.HasField("amendment"):
            said = c.RequestAmendment(
                caregivers=found.caregivers,
                attendance=found.attendance,
                concern=found.concern,
                steps=found.steps,
                steps_tried=found.steps_tried,
                barriers=found.barriers,
                barrier_words=found.barrier_words,
            )
            found.earlier_versions.add(said=said, replaced_at=self.world.moment())
            for name in ("caregivers", "attendance", "earlier_terms", "steps", "barriers"):
                found.ClearField(name)
            found.MergeFrom(
                c.RequestForSupport(
                    caregivers=request.amendment.caregivers,
                    attendance=request.amendment.attendance,
                    earlier_terms=request.amendment.earlier_terms,
                    concern=request.amendment.concern,
                    steps=request.amendment.steps,
                    barriers=request.amendment.barriers,
                )
            )
        return c.ResubmitRequestResponse(request=found, position=self.world.next_position())

    @read
    def SearchStudents(self, request: q.SearchStudentsRequest, _call: Call) -> q.SearchStudentsResponse:
        self.met("SearchStudents", request)
        found = [
            q.FoundStudent(
                kind=q.FOUND_KIND_REQUEST,
                id=one.request_id,
                student_name=one.student.given_names,
                date_of_birth=one.student.date_of_birth,
                school_id=one.school_id,
                state="request-submitted",
                matched=["given_names"],
                likenesses=[q.Likeness(other_id=one.request_id, reason="same-nsn")],
            )
            for one in self.world.requests
            if request.query in one.student.given_names
        ]
        return q.SearchStudentsResponse(students=found)

    @read
    def OpenOwnCase(self, request: c.OpenOwnCaseRequest, call: Call) -> c.OpenOwnCaseResponse:
        self.met("OpenOwnCase", request)
        return self.world.once(call.idempotency_key, lambda: self._own(request))  # type: ignore[no-any-return]

    def _own(self, request: c.OpenOwnCaseRequest) -> c.OpenOwnCaseResponse:
        if request.student.nsn == "0000000001":
            raise AlreadyExistsError("case-already-open", "A case is open for this student.")
        case = c.Case(case_id=self.world.cases[0].case_id, student=request.student)
        return c.OpenOwnCaseResponse(case=case, position=self.world.next_position())
