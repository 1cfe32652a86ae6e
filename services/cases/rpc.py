"""The gRPC door: decode, one call, encode. Reads of lists go straight to the store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

from ascms.cases.v1 import cases_pb2, cases_pb2_grpc

from kit.clock import local_date
from kit.errors import NotFoundError
from kit.paging import DEFAULT_SIZE, PageTokens
from kit.rpc.server import Call, Servicer, read, write
from services.cases import commands, domain, importing, wire
from services.cases.commands import TIMELINE_SIZE, Deps, Happening, ImportedRow, Page
from services.cases.domain import CaseState, Entry, Request, RequestState, SeenRecord, Visibility
from services.cases.store import cases, counts, requests

Row = TypeVar("Row")


def _submit_response(request: Request) -> cases_pb2.SubmitRequestResponse:
    return cases_pb2.SubmitRequestResponse(request=_for_school(request, local_date(request.submitted_at)))


def _import_response(rows: list[ImportedRow]) -> cases_pb2.ImportRequestsResponse:
    encoded = [_imported_row(row) for row in rows]
    results = [row.result for row in encoded]
    return cases_pb2.ImportRequestsResponse(
        rows=encoded,
        submitted=results.count(cases_pb2.ROW_RESULT_SUBMITTED),
        already_open=results.count(cases_pb2.ROW_RESULT_ALREADY_OPEN),
        refused=results.count(cases_pb2.ROW_RESULT_REFUSED),
    )


def _open_response(seen: SeenRecord) -> cases_pb2.OpenCaseResponse:
    return cases_pb2.OpenCaseResponse(case=wire.case_message(seen))


def _assign_response(seen: SeenRecord) -> cases_pb2.AssignCaseResponse:
    return cases_pb2.AssignCaseResponse(case=wire.case_message(seen))


def _record_response(recorded: tuple[Entry, int]) -> cases_pb2.RecordEventResponse:
    entry, version = recorded
    return cases_pb2.RecordEventResponse(entry=wire.entry_message(entry), version=version)


@dataclass(eq=False)
class CasesServicer(cases_pb2_grpc.CasesServiceServicer):
    """Every method of the contract."""

    deps: Deps
    page_tokens: PageTokens

    @write(_submit_response)
    def SubmitRequest(self, request: cases_pb2.SubmitRequestRequest, call: Call) -> Request:
        """See the contract."""
        return commands.submit_request(self.deps, call.actor, draft=wire.draft_of(request), token=call.token)

    @write(_import_response)
    def ImportRequests(self, request: cases_pb2.ImportRequestsRequest, call: Call) -> list[ImportedRow]:
        """See the contract."""
        rows = importing.read_file(request.content)
        return commands.import_requests(self.deps, call.actor, rows=rows, token=call.token)

    @read
    def ListSubmittedRequests(
        self, request: cases_pb2.ListSubmittedRequestsRequest, call: Call
    ) -> cases_pb2.ListSubmittedRequestsResponse:
        """See the contract."""
        today = self._today()
        state = wire.REQUEST_STATE.find(request.state)
        scope = (call.actor.tenant_id, "submitted", request.state)
        size, position = self._page(request, scope)
        after = (datetime.fromisoformat(position[0]), UUID(position[1])) if position else None
        with self.deps.database.tenant(call.actor) as tx:
            found = requests.list_submitted(tx, state=state, after=after, most=size + 1)
            counted = counts.count_requests(tx)
        shown, more = _cut(found, size)
        return cases_pb2.ListSubmittedRequestsResponse(
            requests=[_for_school(each, today) for each in shown],
            next_page_token=self._token([shown[-1].submitted_at.isoformat(), str(shown[-1].id)], scope) if more else "",
            counts=_counts(counted, RequestState),
        )

    @read
    def GetSubmittedRequest(
        self, request: cases_pb2.GetSubmittedRequestRequest, call: Call
    ) -> cases_pb2.GetSubmittedRequestResponse:
        """See the contract."""
        with self.deps.database.tenant(call.actor) as tx:
            found = requests.find_request(tx, UUID(request.request_id))
        if found is None:
            raise NotFoundError("request")
        return cases_pb2.GetSubmittedRequestResponse(request=_for_school(found, self._today()))

    @read
    def ListIncomingRequests(
        self, request: cases_pb2.ListIncomingRequestsRequest, call: Call
    ) -> cases_pb2.ListIncomingRequestsResponse:
        """See the contract."""
        today = self._today()
        wanted = requests.IncomingFilter(
            state=wire.REQUEST_STATE.find(request.state), overdue_on=today if request.overdue else None
        )
        scope = (call.actor.tenant_id, "incoming", request.state, request.overdue)
        size, position = self._page(request, scope)
        after = (date.fromisoformat(position[0]), UUID(position[1])) if position else None
        with self.deps.database.guest(call.actor) as tx:
            found = requests.list_incoming(tx, wanted, after=after, most=size + 1)
            counted = counts.count_requests(tx)
            overdue = requests.count_overdue(tx, today)
        shown, more = _cut(found, size)
        return cases_pb2.ListIncomingRequestsResponse(
            requests=[wire.request_message(each, today=today, case_id=each.case_id) for each in shown],
            next_page_token=self._token([shown[-1].answer_due_on.isoformat(), str(shown[-1].id)], scope)
            if more
            else "",
            counts=[
                *_counts(counted, RequestState),
                cases_pb2.FilterCount(filter="overdue", count=overdue),
            ],
        )

    @read
    def GetIncomingRequest(
        self, request: cases_pb2.GetIncomingRequestRequest, call: Call
    ) -> cases_pb2.GetIncomingRequestResponse:
        """See the contract."""
        found = commands.open_incoming_request(self.deps, call.actor, request_id=UUID(request.request_id))
        message = wire.request_message(found, today=self._today(), case_id=found.case_id)
        return cases_pb2.GetIncomingRequestResponse(request=message)

    @write(_open_response)
    def OpenCase(self, request: cases_pb2.OpenCaseRequest, call: Call) -> SeenRecord:
        """See the contract."""
        return commands.open_case(
            self.deps,
            call.actor,
            request_id=UUID(request.request_id),
            case_manager_id=_id(request.case_manager_id),
            expected_version=request.expected_version,
            token=call.token,
        )

    @write(_assign_response)
    def AssignCase(self, request: cases_pb2.AssignCaseRequest, call: Call) -> SeenRecord:
        """See the contract."""
        return commands.assign_case(
            self.deps,
            call.actor,
            case_id=UUID(request.case_id),
            case_manager_id=UUID(request.case_manager_id),
            expected_version=request.expected_version,
            token=call.token,
        )

    @write(_record_response)
    def RecordEvent(self, request: cases_pb2.RecordEventRequest, call: Call) -> tuple[Entry, int]:
        """See the contract."""
        happening = Happening(
            kind=wire.EVENT_KIND.value(request.kind),
            happened_on=date.fromisoformat(request.happened_on),
            outcome=wire.OUTCOME.value(request.outcome),
            minutes=request.minutes,
            note=request.note,
            visibility=wire.VISIBILITY.find(request.visibility) or Visibility.PROVIDER,
        )
        return commands.record_event(
            self.deps,
            call.actor,
            case_id=UUID(request.case_id),
            happening=happening,
            expected_version=request.expected_version,
        )

    @read
    def GetCase(self, request: cases_pb2.GetCaseRequest, call: Call) -> cases_pb2.GetCaseResponse:
        """See the contract."""
        opened = commands.open_record(self.deps, call.actor, case_id=UUID(request.case_id), page=Page())
        shown, token = self._timeline(opened.entries, TIMELINE_SIZE, _timeline_scope(call, request.case_id, 0))
        return cases_pb2.GetCaseResponse(
            case=wire.case_message(opened.seen),
            entries=[wire.entry_message(each) for each in shown],
            next_page_token=token,
        )

    @read
    def ListCases(self, request: cases_pb2.ListCasesRequest, call: Call) -> cases_pb2.ListCasesResponse:
        """See the contract."""
        scope = (call.actor.tenant_id, "cases", call.actor.person_id, request.state, request.case_manager_id)
        size, position = self._page(request, scope)
        after = (datetime.fromisoformat(position[0]), UUID(position[1])) if position else None
        wanted = _id(request.case_manager_id)
        whose = wanted if domain.sees_every_case(call.actor) else call.actor.person_id
        if wanted not in (None, whose):
            # Someone else's cases, asked for by who sees only their own: there are none.
            return cases_pb2.ListCasesResponse(counts=_counts({}, CaseState))
        with self.deps.database.tenant(call.actor) as tx:
            state = wire.CASE_STATE.find(request.state)
            found = cases.list_cases(tx, state=state, case_manager_id=whose, after=after, most=size + 1)
            counted = counts.count_cases(tx, whose)
        shown, more = _cut(found, size)
        return cases_pb2.ListCasesResponse(
            cases=[wire.summary_message(each) for each in shown],
            next_page_token=self._token([shown[-1].opened_at.isoformat(), str(shown[-1].id)], scope) if more else "",
            counts=_counts(counted, CaseState),
        )

    @read
    def ListEvents(self, request: cases_pb2.ListEventsRequest, call: Call) -> cases_pb2.ListEventsResponse:
        """See the contract."""
        scope = _timeline_scope(call, request.case_id, request.kind)
        size, position = self._page(request, scope)
        after = _entry_position(position) if position else None
        opened = commands.open_record(
            self.deps,
            call.actor,
            case_id=UUID(request.case_id),
            page=Page(size, after),
            kind=wire.EVENT_KIND.find(request.kind),
        )
        shown, token = self._timeline(opened.entries, size, scope)
        return cases_pb2.ListEventsResponse(entries=[wire.entry_message(each) for each in shown], next_page_token=token)

    @read
    def CheckCase(self, request: cases_pb2.CheckCaseRequest, call: Call) -> cases_pb2.CheckCaseResponse:
        """See the contract."""
        with self.deps.database.tenant(call.actor) as tx:
            case = domain.check_visible(cases.find_case(tx, UUID(request.case_id)), call.actor)
        return cases_pb2.CheckCaseResponse(number=case.number)

    def _today(self) -> date:
        return local_date(self.deps.clock.now())

    def _page(self, request: Any, scope: Sequence[object]) -> tuple[int, list[str] | None]:
        return request.page_size or DEFAULT_SIZE, self.page_tokens.decode(request.page_token, scope=scope)

    def _token(self, position: Sequence[str], scope: Sequence[object]) -> str:
        return self.page_tokens.encode(position, scope=scope)

    def _timeline(self, found: list[Entry], size: int, scope: Sequence[object]) -> tuple[list[Entry], str]:
        shown, more = _cut(found, size)
        if not more:
            return shown, ""
        last = shown[-1]
        position = [last.happened_on.isoformat(), last.recorded_at.isoformat(), str(last.id)]
        return shown, self._token(position, scope)


def servicer(deps: Deps, page_tokens: PageTokens) -> Servicer:
    """The service, ready to be served."""
    return Servicer(
        CasesServicer(deps, page_tokens),
        cases_pb2_grpc.add_CasesServiceServicer_to_server,
        cases_pb2.DESCRIPTOR.services_by_name["CasesService"],
    )


def _for_school(request: Request, today: date) -> cases_pb2.RequestForSupport:
    """A request as its school sees it: which case it became is the provider's matter."""
    return wire.request_message(request, today=today, case_id=None)


def _imported_row(row: ImportedRow) -> cases_pb2.ImportedRow:
    result = cases_pb2.ROW_RESULT_SUBMITTED if row.is_new else cases_pb2.ROW_RESULT_ALREADY_OPEN
    return cases_pb2.ImportedRow(
        line=row.line,
        result=result if row.request_id else cases_pb2.ROW_RESULT_REFUSED,
        request_id=str(row.request_id or ""),
        violations=[
            cases_pb2.RowViolation(
                column=importing.column_of(each.field), reason=each.reason, description=each.description
            )
            for each in row.violations
        ],
    )


def _timeline_scope(call: Call, case_id: str, kind: int) -> tuple[object, ...]:
    return (call.actor.tenant_id, "events", case_id, kind)


def _entry_position(position: Sequence[str]) -> tuple[date, datetime, UUID]:
    happened_on, recorded_at, entry_id = position
    return date.fromisoformat(happened_on), datetime.fromisoformat(recorded_at), UUID(entry_id)


def _cut(found: list[Row], size: int) -> tuple[list[Row], bool]:
    """The rows to show, and whether there are more: one more than `size` was asked for."""
    return found[:size], len(found) > size


def _counts(counted: Mapping[Any, int], states: type[RequestState | CaseState]) -> list[cases_pb2.FilterCount]:
    return [
        cases_pb2.FilterCount(filter="all", count=sum(counted.values())),
        *(cases_pb2.FilterCount(filter=state.value, count=counted.get(state, 0)) for state in states),
    ]


def _id(text: str) -> UUID | None:
    return UUID(text) if text else None
