"""What a school sees of cases, through the gRPC door."""

from datetime import date, datetime
from uuid import UUID

from ascms.cases.v1 import cases_pb2

from kit.paging import DEFAULT_SIZE
from kit.rpc.server import Call, read
from services.cases import commands, domain, wire
from services.cases.domain.sharing import SharedState
from services.cases.rpc.base import Methods, cut, filter_counts
from services.cases.store import sharing


class SharingMethods(Methods):
    """What a school sees of cases."""

    @read
    def ListSharedCases(
        self, request: cases_pb2.ListSharedCasesRequest, call: Call
    ) -> cases_pb2.ListSharedCasesResponse:
        """See the contract."""
        scope = (call.actor.tenant_id, "shared-cases", call.actor.person_id, request.state)
        size, position = self.page(request, scope)
        after = (datetime.fromisoformat(position[0]), UUID(position[1])) if position else None
        contact = None if domain.sharing.sees_every_shared_case(call.actor) else call.actor.person_id
        with self.deps.database.guest(call.actor) as tx:
            found = sharing.list_cases(
                tx,
                state=wire.enums.SHARED_STATE.find(request.state),
                primary_contact_id=contact,
                after=after,
                most=size + 1,
            )
            counted = sharing.count_cases(tx, contact)
        shown, more = cut(found, size)
        token = self.token([shown[-1].opened_at.isoformat(), str(shown[-1].id)], scope) if more else ""
        return cases_pb2.ListSharedCasesResponse(
            cases=[wire.sharing.case_message(each) for each in shown],
            next_page_token=token,
            counts=filter_counts(counted, SharedState),
        )

    @read
    def GetSharedCase(self, request: cases_pb2.GetSharedCaseRequest, call: Call) -> cases_pb2.GetSharedCaseResponse:
        """See the contract."""
        scope = (call.actor.tenant_id, "shared-entries", call.actor.person_id, request.case_id)
        size, position = request.page_size or DEFAULT_SIZE, self.page_tokens.decode(request.page_token, scope=scope)
        after = None
        if position:
            after = (date.fromisoformat(position[0]), datetime.fromisoformat(position[1]), UUID(position[2]))
        opened = commands.sharing.open_shared_case(
            self.deps, call.actor, case_id=UUID(request.case_id), after=after, most=size + 1
        )
        shown, more = cut(opened.entries, size)
        token = ""
        if more:
            last = shown[-1]
            token = self.token([last.happened_on.isoformat(), last.shared_at.isoformat(), str(last.entry_id)], scope)
        return cases_pb2.GetSharedCaseResponse(
            case=wire.sharing.case_message(opened.case),
            entries=[wire.sharing.entry_message(each) for each in shown],
            next_page_token=token,
        )

    @read
    def CheckSharedCase(
        self, request: cases_pb2.CheckSharedCaseRequest, call: Call
    ) -> cases_pb2.CheckSharedCaseResponse:
        """See the contract."""
        with self.deps.database.guest(call.actor) as tx:
            found = sharing.find_case(tx, UUID(request.case_id))
        case = domain.sharing.check_shared_with(found, call.actor)
        return cases_pb2.CheckSharedCaseResponse(number=case.number)
