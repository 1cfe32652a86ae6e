"""What a lead oversees, through the gRPC door: who has how much, what waits, who opened which record."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from ascms.cases.v1 import access_log_pb2, caseloads_pb2

from kit.rpc.server import Call, read
from services.cases import domain
from services.cases.domain.cases import CaseState
from services.cases.domain.letters import LetterState
from services.cases.rpc.base import Methods, cut
from services.cases.store import access_log, caseloads, cases, letters, tasks
from services.cases.store.tasks import TaskFilter
from services.cases.wire.students import timestamp

MOST_SHOWN = 5
"""How many waiting cases stand on a first page."""


class OverviewMethods(Methods):
    """What a lead oversees."""

    @read
    def ListAccess(self, request: access_log_pb2.ListAccessRequest, call: Call) -> access_log_pb2.ListAccessResponse:
        """See the contract. Reading the log opens no record, so that it adds no line."""
        scope = (call.actor.tenant_id, "access", request.case_id)
        size, position = self.page(request, scope)
        after = (datetime.fromisoformat(position[0]), UUID(position[1])) if position else None
        case_id = UUID(request.case_id)
        with self.deps.database.tenant(call.actor) as tx:
            case = domain.cases.check_visible(cases.find_case(tx, case_id), call.actor)
            found = access_log.list_access(tx, case_id, after=after, most=size + 1)
        shown, more = cut(found, size)
        last = [shown[-1].opened_at.isoformat(), str(shown[-1].id)] if more else []
        return access_log_pb2.ListAccessResponse(
            lines=[
                access_log_pb2.AccessLine(
                    opened_by=str(each.actor_id),
                    opened_at=timestamp(each.opened_at),
                    organisation_id=str(each.organisation_id or call.actor.tenant_id),
                )
                for each in shown
            ],
            next_page_token=self.token(last, scope) if more else "",
            case_number=case.number,
        )

    @read
    def ListCaseloads(
        self, _request: caseloads_pb2.ListCaseloadsRequest, call: Call
    ) -> caseloads_pb2.ListCaseloadsResponse:
        """See the contract."""
        today = self.local_today()
        with self.deps.database.tenant(call.actor) as tx:
            loads, unassigned = caseloads.list_loads(tx, today=today)
            new = caseloads.list_new(tx, most=MOST_SHOWN)
            woken = caseloads.list_woken(tx, today=today, most=MOST_SHOWN)
            to_approve = letters.count_letters(tx, LetterState.AWAITING_APPROVAL)
            _is_open, overdue, _due_today = tasks.count_open(tx, TaskFilter(), today=today)
        return caseloads_pb2.ListCaseloadsResponse(
            caseloads=[
                caseloads_pb2.Caseload(
                    case_manager_id=str(load.case_manager_id),
                    assigned=load.by_state.get(CaseState.ASSIGNED, 0),
                    active=load.by_state.get(CaseState.ACTIVE, 0),
                    paused=load.by_state.get(CaseState.PAUSED, 0),
                    record_stale=load.stale,
                    record_missing=load.missing,
                )
                for load in loads
            ],
            new_cases=_waiting(new),
            new_count=unassigned,
            woken_cases=_waiting(woken),
            overdue_tasks=overdue,
            letters_to_approve=to_approve,
        )


def _waiting(found: Iterable[caseloads.Waiting]) -> list[caseloads_pb2.WaitingCase]:
    return [
        caseloads_pb2.WaitingCase(
            case_id=str(each.id),
            number=each.number,
            student_name=each.student_name,
            year_level=each.year_level,
            school_id=str(each.school_id or ""),
            case_manager_id=str(each.case_manager_id or ""),
        )
        for each in found
    ]
