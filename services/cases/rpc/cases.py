"""Cases through the gRPC door."""

from datetime import datetime
from uuid import UUID

from ascms.cases.v1 import cases_pb2

from kit.rpc.server import Call, read, write
from services.cases import commands, domain, wire
from services.cases.commands.cases import TIMELINE_SIZE, Page
from services.cases.domain.cases import CaseState, SeenRecord
from services.cases.rpc.base import Methods, cut, filter_counts, optional_id, timeline_scope
from services.cases.store import cases, counts


def _open_response(seen: SeenRecord) -> cases_pb2.OpenCaseResponse:
    return cases_pb2.OpenCaseResponse(case=wire.cases.case_message(seen))


def _assign_response(seen: SeenRecord) -> cases_pb2.AssignCaseResponse:
    return cases_pb2.AssignCaseResponse(case=wire.cases.case_message(seen))


class CaseMethods(Methods):
    """Cases."""

    @write(_open_response)
    def OpenCase(self, request: cases_pb2.OpenCaseRequest, call: Call) -> SeenRecord:
        """See the contract."""
        return commands.cases.open_case(
            self.deps,
            call.actor,
            request_id=UUID(request.request_id),
            case_manager_id=optional_id(request.case_manager_id),
            expected_version=request.expected_version,
            token=call.token,
        )

    @write(_assign_response)
    def AssignCase(self, request: cases_pb2.AssignCaseRequest, call: Call) -> SeenRecord:
        """See the contract."""
        return commands.cases.assign_case(
            self.deps,
            call.actor,
            case_id=UUID(request.case_id),
            case_manager_id=UUID(request.case_manager_id),
            expected_version=request.expected_version,
            token=call.token,
        )

    @read
    def GetCase(self, request: cases_pb2.GetCaseRequest, call: Call) -> cases_pb2.GetCaseResponse:
        """See the contract."""
        opened = commands.cases.open_record(self.deps, call.actor, case_id=UUID(request.case_id), page=Page())
        shown, token = self.timeline(opened.entries, TIMELINE_SIZE, timeline_scope(call, request.case_id, 0))
        return cases_pb2.GetCaseResponse(
            case=wire.cases.case_message(opened.seen),
            entries=[wire.entries.entry_message(each) for each in shown],
            next_page_token=token,
        )

    @read
    def ListCases(self, request: cases_pb2.ListCasesRequest, call: Call) -> cases_pb2.ListCasesResponse:
        """See the contract."""
        scope = (call.actor.tenant_id, "cases", call.actor.person_id, request.state, request.case_manager_id)
        size, position = self.page(request, scope)
        after = (datetime.fromisoformat(position[0]), UUID(position[1])) if position else None
        wanted = optional_id(request.case_manager_id)
        whose = wanted if domain.cases.sees_every_case(call.actor) else call.actor.person_id
        if wanted not in (None, whose):
            # Someone else's cases, asked for by who sees only their own: there are none.
            return cases_pb2.ListCasesResponse(counts=filter_counts({}, CaseState))
        with self.deps.database.tenant(call.actor) as tx:
            state = wire.enums.CASE_STATE.find(request.state)
            found = cases.list_cases(tx, state=state, case_manager_id=whose, after=after, most=size + 1)
            counted = counts.count_cases(tx, whose)
        shown, more = cut(found, size)
        return cases_pb2.ListCasesResponse(
            cases=[wire.cases.summary_message(each) for each in shown],
            next_page_token=self.token([shown[-1].opened_at.isoformat(), str(shown[-1].id)], scope) if more else "",
            counts=filter_counts(counted, CaseState),
        )

    @read
    def CheckCase(self, request: cases_pb2.CheckCaseRequest, call: Call) -> cases_pb2.CheckCaseResponse:
        """See the contract."""
        with self.deps.database.tenant(call.actor) as tx:
            case = domain.cases.check_visible(cases.find_case(tx, UUID(request.case_id)), call.actor)
        return cases_pb2.CheckCaseResponse(number=case.number)
