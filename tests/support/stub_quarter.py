"""Returns and the cases behind figures, as the gateway's page tests need them."""

from typing import TYPE_CHECKING

from ascms.cases.v1 import cases_pb2
from ascms.reporting.v1 import figures_pb2, returns_pb2

from kit.errors import ConflictError
from kit.rpc.server import Call, read
from tests.support.stub_world import World, number_id

_ACTIONS = {
    returns_pb2.RETURN_STATE_DRAFT: ("save", "validate"),
    returns_pb2.RETURN_STATE_VALIDATED: ("save", "validate", "submit"),
    returns_pb2.RETURN_STATE_SUBMITTED: (),
    returns_pb2.RETURN_STATE_ACCEPTED: (),
}
CHECKSUM = "46fcc9a7cdc42eff4ac0af4b44ba033e71a26c3cdb1da5b3f0522127607ab223"
CHANGE = "change:cases-opened"


class QuarterStub:
    """Mixed into the stub of reporting. One return, kept in the world, of whoever asks."""

    world: World

    if TYPE_CHECKING:

        def met(self, method: str, request: object) -> None: ...

    @read
    def ListFigureCases(
        self, request: figures_pb2.ListFigureCasesRequest, _call: Call
    ) -> figures_pb2.ListFigureCasesResponse:
        self.met("ListFigureCases", request)
        if request.indicator.startswith("requests-"):
            ids = [each.request_id for each in self.world.requests]
            return figures_pb2.ListFigureCasesResponse(request_ids=ids, value=len(ids))
        return figures_pb2.ListFigureCasesResponse(
            case_ids=[*(case.case_id for case in self.world.cases), number_id(999)], value=3, next_page_token="more"
        )

    @read
    def ListReturns(self, request: returns_pb2.ListReturnsRequest, _call: Call) -> returns_pb2.ListReturnsResponse:
        self.met("ListReturns", request)
        return returns_pb2.ListReturnsResponse(returns=[self._filed("2026-Q1")])

    @read
    def GetReturn(self, request: returns_pb2.GetReturnRequest, _call: Call) -> returns_pb2.GetReturnResponse:
        self.met("GetReturn", request)
        filed = self._filed(request.quarter)
        answer = returns_pb2.GetReturnResponse(
            provider_return=filed,
            figures=self.world.figures,
            breakdowns=self.world.breakdowns,
            previous=[figures_pb2.Figure(indicator="cases-opened", value=9, rule_version=1)],
        )
        if filed.number:
            answer.frozen = '{"quarter":"2026-Q1"}'
            answer.differences.add(
                indicator="minutes",
                frozen=figures_pb2.Figure(indicator="minutes", value=60),
                present=figures_pb2.Figure(indicator="minutes", value=90),
            )
            answer.versions.add(
                number=1,
                submitted_by=self.world.people["lead"].person_id,
                submitted_at=self.world.moment(-1),
                sha256=CHECKSUM,
            )
        return answer

    @read
    def SaveReturn(self, request: returns_pb2.SaveReturnRequest, _call: Call) -> returns_pb2.SaveReturnResponse:
        self.met("SaveReturn", request)
        filed = self.world.filed
        if request.expected_version not in (0, filed.version):
            raise ConflictError("stale-version", "changed")
        del filed.comments[:], filed.explanations[:]
        filed.comments.extend(each for each in request.comments if each.text)
        filed.explanations.extend(request.explanations)
        filed.version += 1
        return returns_pb2.SaveReturnResponse(provider_return=self._filed(request.quarter))

    @read
    def ValidateReturn(
        self, request: returns_pb2.ValidateReturnRequest, _call: Call
    ) -> returns_pb2.ValidateReturnResponse:
        self.met("ValidateReturn", request)
        filed = self.world.filed
        is_explained = CHANGE in {each.code for each in filed.explanations}
        del filed.findings[:]
        filed.findings.add(code=CHANGE, explained=is_explained, value=3, compared=9)
        filed.state = returns_pb2.RETURN_STATE_VALIDATED if is_explained else returns_pb2.RETURN_STATE_DRAFT
        return returns_pb2.ValidateReturnResponse(provider_return=self._filed(request.quarter))

    @read
    def SubmitReturn(self, request: returns_pb2.SubmitReturnRequest, _call: Call) -> returns_pb2.SubmitReturnResponse:
        self.met("SubmitReturn", request)
        self._submit()
        return returns_pb2.SubmitReturnResponse(provider_return=self._filed(request.quarter))

    @read
    def ListProviderReturns(
        self, request: returns_pb2.ListProviderReturnsRequest, call: Call
    ) -> returns_pb2.ListProviderReturnsResponse:
        self.met("ListProviderReturns", request)
        filed = self._filed(request.quarter)
        filed.provider_id = number_id(1)
        is_there = filed.state == returns_pb2.RETURN_STATE_SUBMITTED and call.actor.may("returns:accept")
        filed.allowed_actions[:] = ["accept", "reopen"] if is_there else []
        waiting = returns_pb2.Return(
            provider_id=number_id(5),
            quarter=request.quarter,
            state=returns_pb2.RETURN_STATE_DRAFT,
            due_on=self.world.day(-3),
            overdue=True,
        )
        return returns_pb2.ListProviderReturnsResponse(returns=[filed, waiting])

    @read
    def AcceptReturn(self, request: returns_pb2.AcceptReturnRequest, _call: Call) -> returns_pb2.AcceptReturnResponse:
        self.met("AcceptReturn", request)
        self.world.filed.state = returns_pb2.RETURN_STATE_ACCEPTED
        return returns_pb2.AcceptReturnResponse(provider_return=self._filed(request.quarter))

    @read
    def ReopenReturn(self, request: returns_pb2.ReopenReturnRequest, _call: Call) -> returns_pb2.ReopenReturnResponse:
        self.met("ReopenReturn", request)
        filed = self.world.filed
        filed.state, filed.number, filed.reopened_reason = returns_pb2.RETURN_STATE_DRAFT, 0, request.reason
        filed.ClearField("submitted_at")
        return returns_pb2.ReopenReturnResponse(provider_return=self._filed(request.quarter))

    def _submit(self) -> None:
        filed = self.world.filed
        filed.state, filed.number, filed.sha256 = returns_pb2.RETURN_STATE_SUBMITTED, 1, CHECKSUM
        filed.submitted_at.CopyFrom(self.world.moment(-1))
        filed.submitted_by = self.world.people["lead"].person_id

    def _filed(self, quarter: str) -> returns_pb2.Return:
        filed = returns_pb2.Return()
        filed.CopyFrom(self.world.filed)
        filed.quarter = quarter
        filed.opens_on, filed.due_on = self.world.day(-1), self.world.day(9)
        filed.allowed_actions[:] = _ACTIONS[filed.state]
        return filed


class SomeCasesStub:
    """Mixed into the stub of cases: cases by id."""

    world: World

    if TYPE_CHECKING:

        def met(self, method: str, request: object) -> None: ...

    @read
    def BatchGetCases(self, request: cases_pb2.BatchGetCasesRequest, _call: Call) -> cases_pb2.BatchGetCasesResponse:
        self.met("BatchGetCases", request)
        return cases_pb2.BatchGetCasesResponse(
            cases=[
                cases_pb2.CaseSummary(
                    case_id=case.case_id,
                    number=case.number,
                    state=cases_pb2.CASE_STATE_ACTIVE,
                    student_name=case.student.given_names,
                    year_level=case.student.year_level,
                    school_id=case.school_id,
                    case_manager_id=case.case_manager_id,
                )
                for case in self.world.cases
                if case.case_id in request.case_ids
            ]
        )
