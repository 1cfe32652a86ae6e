"""Letting cases rest, ending them and taking them up again, through the gRPC door."""

from datetime import date
from uuid import UUID

from ascms.cases.v1 import cases_pb2

from kit.rpc.server import Call, read, write
from services.cases import commands, wire
from services.cases.commands.pauses import Finish, Rest
from services.cases.domain.cases import SeenRecord
from services.cases.rpc.base import Methods


def _pause_response(seen: SeenRecord) -> cases_pb2.PauseCaseResponse:
    return cases_pb2.PauseCaseResponse(case=wire.cases.case_message(seen))


def _resume_response(seen: SeenRecord) -> cases_pb2.ResumeCaseResponse:
    return cases_pb2.ResumeCaseResponse(case=wire.cases.case_message(seen))


def _close_response(seen: SeenRecord) -> cases_pb2.CloseCaseResponse:
    return cases_pb2.CloseCaseResponse(case=wire.cases.case_message(seen))


def _reopen_response(seen: SeenRecord) -> cases_pb2.ReopenCaseResponse:
    return cases_pb2.ReopenCaseResponse(case=wire.cases.case_message(seen))


class PauseMethods(Methods):
    """Rests and ends of cases, and what may be chosen for them."""

    @write(_pause_response)
    def PauseCase(self, request: cases_pb2.PauseCaseRequest, call: Call) -> SeenRecord:
        """See the contract."""
        rest = Rest(
            reason=request.reason,
            wakes_on=date.fromisoformat(request.wakes_on),
            conditions=request.conditions,
            agreed_by=request.agreed_by,
        )
        return commands.pauses.pause_case(
            self.deps,
            call.actor,
            case_id=UUID(request.case_id),
            rest=rest,
            expected_version=request.expected_version,
        )

    @write(_resume_response)
    def ResumeCase(self, request: cases_pb2.ResumeCaseRequest, call: Call) -> SeenRecord:
        """See the contract."""
        return commands.pauses.resume_case(
            self.deps, call.actor, case_id=UUID(request.case_id), expected_version=request.expected_version
        )

    @write(_close_response)
    def CloseCase(self, request: cases_pb2.CloseCaseRequest, call: Call) -> SeenRecord:
        """See the contract."""
        return commands.pauses.close_case(
            self.deps,
            call.actor,
            case_id=UUID(request.case_id),
            how=Finish(reason=request.reason, outcome=request.outcome, summary=request.summary),
            expected_version=request.expected_version,
        )

    @write(_reopen_response)
    def ReopenCase(self, request: cases_pb2.ReopenCaseRequest, call: Call) -> SeenRecord:
        """See the contract."""
        return commands.pauses.reopen_case(
            self.deps,
            call.actor,
            case_id=UUID(request.case_id),
            reason=request.reason,
            expected_version=request.expected_version,
            token=call.token,
        )

    @read
    def ListReferenceItems(
        self, request: cases_pb2.ListReferenceItemsRequest, call: Call
    ) -> cases_pb2.ListReferenceItemsResponse:
        """See the contract."""
        with self.deps.database.tenant(call.actor) as tx:
            holding = self.deps.reference.on(tx, self.deps.clock.now())
        return cases_pb2.ListReferenceItemsResponse(
            items=[
                cases_pb2.ReferenceItem(list=each.list, code=each.code, label=each.label, days=each.days or 0)
                for each in holding.items
                if request.list in ("", each.list)
            ]
        )
