"""Requests for support through the gRPC door."""

from datetime import date, datetime
from uuid import UUID

from ascms.cases.v1 import cases_pb2

from kit.rpc.server import Call, read, write
from services.cases import commands, domain, importing, wire
from services.cases.commands.requests import ImportedRow
from services.cases.domain.requests import Request, RequestState, SeenRequest, seen_by
from services.cases.rpc.base import Methods, cut, filter_counts
from services.cases.store import counts, requests


def _submit_response(seen: SeenRequest) -> cases_pb2.SubmitRequestResponse:
    return cases_pb2.SubmitRequestResponse(request=wire.requests.for_school(seen))


def _import_response(rows: list[ImportedRow]) -> cases_pb2.ImportRequestsResponse:
    encoded = [_imported_row(row) for row in rows]
    results = [row.result for row in encoded]
    return cases_pb2.ImportRequestsResponse(
        rows=encoded,
        submitted=results.count(cases_pb2.ROW_RESULT_SUBMITTED),
        already_open=results.count(cases_pb2.ROW_RESULT_ALREADY_OPEN),
        refused=results.count(cases_pb2.ROW_RESULT_REFUSED),
    )


class RequestMethods(Methods):
    """Requests for support."""

    @write(_submit_response)
    def SubmitRequest(self, request: cases_pb2.SubmitRequestRequest, call: Call) -> SeenRequest:
        """See the contract."""
        return commands.requests.submit_request(
            self.deps, call.actor, draft=wire.requests.draft_of(request), token=call.token
        )

    @write(_import_response)
    def ImportRequests(self, request: cases_pb2.ImportRequestsRequest, call: Call) -> list[ImportedRow]:
        """See the contract."""
        rows = importing.read_file(request.content)
        return commands.requests.import_requests(self.deps, call.actor, rows=rows, token=call.token)

    @read
    def ListSubmittedRequests(
        self, request: cases_pb2.ListSubmittedRequestsRequest, call: Call
    ) -> cases_pb2.ListSubmittedRequestsResponse:
        """See the contract."""
        today = self.local_today()
        whose = domain.requests.whose_requests(call.actor)
        wanted = requests.SubmittedFilter(state=wire.enums.REQUEST_STATE.find(request.state), whose=whose)
        scope = (call.actor.tenant_id, "submitted", request.state, whose)
        size, position = self.page(request, scope)
        after = (datetime.fromisoformat(position[0]), UUID(position[1])) if position else None
        with self.deps.database.tenant(call.actor) as tx:
            found = requests.list_submitted(tx, wanted, after=after, most=size + 1)
            counted = requests.count_own(tx, whose) if whose else counts.count_requests(tx)
        shown, more = cut(found, size)
        return cases_pb2.ListSubmittedRequestsResponse(
            requests=[_for_school(each, call, today) for each in shown],
            next_page_token=self.token([shown[-1].submitted_at.isoformat(), str(shown[-1].id)], scope) if more else "",
            counts=filter_counts(counted, RequestState),
        )

    @read
    def GetSubmittedRequest(
        self, request: cases_pb2.GetSubmittedRequestRequest, call: Call
    ) -> cases_pb2.GetSubmittedRequestResponse:
        """See the contract."""
        found = commands.requests.find_submitted_request(self.deps, call.actor, request_id=UUID(request.request_id))
        return cases_pb2.GetSubmittedRequestResponse(request=_for_school(found, call, self.local_today()))

    @read
    def ListIncomingRequests(
        self, request: cases_pb2.ListIncomingRequestsRequest, call: Call
    ) -> cases_pb2.ListIncomingRequestsResponse:
        """See the contract."""
        today = self.local_today()
        wanted = requests.IncomingFilter(
            state=wire.enums.REQUEST_STATE.find(request.state), overdue_on=today if request.overdue else None
        )
        scope = (call.actor.tenant_id, "incoming", request.state, request.overdue)
        size, position = self.page(request, scope)
        after = (date.fromisoformat(position[0]), UUID(position[1])) if position else None
        with self.deps.database.guest(call.actor) as tx:
            if request.request_ids:
                found = requests.list_these(tx, [UUID(each) for each in request.request_ids])
                size = len(found)
            else:
                found = requests.list_incoming(tx, wanted, after=after, most=size + 1)
            counted = counts.count_requests(tx)
            overdue = requests.count_overdue(tx, today)
        shown, more = cut(found, size)
        return cases_pb2.ListIncomingRequestsResponse(
            requests=[_for_provider(each, call, today) for each in shown],
            next_page_token=self.token([shown[-1].answer_due_on.isoformat(), str(shown[-1].id)], scope) if more else "",
            counts=[
                *filter_counts(counted, RequestState),
                cases_pb2.FilterCount(filter="overdue", count=overdue),
            ],
        )

    @read
    def GetIncomingRequest(
        self, request: cases_pb2.GetIncomingRequestRequest, call: Call
    ) -> cases_pb2.GetIncomingRequestResponse:
        """See the contract."""
        found = commands.requests.open_incoming_request(self.deps, call.actor, request_id=UUID(request.request_id))
        return cases_pb2.GetIncomingRequestResponse(request=_for_provider(found, call, self.local_today()))


def _for_school(request: Request, call: Call, today: date) -> cases_pb2.RequestForSupport:
    return wire.requests.for_school(seen_by(call.actor, request, today=today))


def _for_provider(request: Request, call: Call, today: date) -> cases_pb2.RequestForSupport:
    return wire.requests.for_provider(seen_by(call.actor, request, today=today))


def _imported_row(row: ImportedRow) -> cases_pb2.ImportedRow:
    result = cases_pb2.ROW_RESULT_SUBMITTED if row.is_new else cases_pb2.ROW_RESULT_ALREADY_OPEN
    return cases_pb2.ImportedRow(
        line=row.line,
        result=cases_pb2.ROW_RESULT_REFUSED if row.violations else result,
        request_id=str(row.request_id or ""),
        violations=[
            cases_pb2.RowViolation(
                column=importing.column_of(each.field), reason=each.reason, description=each.description
            )
            for each in row.violations
        ],
    )
