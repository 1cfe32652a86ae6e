"""Cases through the gRPC door."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from ascms.cases.v1 import cases_pb2

from kit.actor import Actor
from kit.clock import local_date
from kit.db import Transaction
from kit.rpc.server import Call, read, write
from services.cases import commands, domain, wire
from services.cases.commands.cases import TIMELINE_SIZE, BulkAssigned, Page
from services.cases.domain.cases import CaseState, SeenRecord, Summary
from services.cases.domain.health import Health
from services.cases.domain.shared import optional_id
from services.cases.rpc.base import Methods, cut, filter_counts, timeline_scope
from services.cases.rpc.tasks import listed_message
from services.cases.store import cases, counts, tasks
from services.cases.store.cases import EVER, CaseFilter
from services.cases.store.tasks import TaskFilter


def _open_response(seen: SeenRecord) -> cases_pb2.OpenCaseResponse:
    return cases_pb2.OpenCaseResponse(case=wire.cases.case_message(seen))


def _assign_response(seen: SeenRecord) -> cases_pb2.AssignCaseResponse:
    return cases_pb2.AssignCaseResponse(case=wire.cases.case_message(seen))


def _contact_response(seen: SeenRecord) -> cases_pb2.SetPrimaryContactResponse:
    return cases_pb2.SetPrimaryContactResponse(case=wire.cases.case_message(seen))


def _bulk_response(result: BulkAssigned) -> cases_pb2.BulkAssignCasesResponse:
    return cases_pb2.BulkAssignCasesResponse(
        assigned_case_ids=[str(case_id) for case_id in result.assigned],
        not_assigned=[cases_pb2.NotAssigned(case_id=str(case_id), reason=reason) for case_id, reason in result.refused],
    )


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

    @write(_bulk_response)
    def BulkAssignCases(self, request: cases_pb2.BulkAssignCasesRequest, call: Call) -> BulkAssigned:
        """See the contract."""
        return commands.cases.bulk_assign_cases(
            self.deps,
            call.actor,
            case_ids=[UUID(case_id) for case_id in request.case_ids],
            case_manager_id=UUID(request.case_manager_id),
            token=call.token,
        )

    @write(_contact_response)
    def SetPrimaryContact(self, request: cases_pb2.SetPrimaryContactRequest, call: Call) -> SeenRecord:
        """See the contract."""
        return commands.cases.set_primary_contact(
            self.deps,
            call.actor,
            case_id=UUID(request.case_id),
            person_id=optional_id(request.person_id),
            expected_version=request.expected_version,
            token=call.token,
        )

    @read
    def GetCase(self, request: cases_pb2.GetCaseRequest, call: Call) -> cases_pb2.GetCaseResponse:
        """See the contract."""
        opened = commands.cases.open_record(self.deps, call.actor, case_id=UUID(request.case_id), page=Page())
        case, today = opened.seen.record.case, self.local_today()
        shown, token = self.timeline(opened.entries, TIMELINE_SIZE, timeline_scope(call, request.case_id, 0))
        return cases_pb2.GetCaseResponse(
            case=wire.cases.case_message(opened.seen),
            entries=[wire.entries.timeline_message(each) for each in shown],
            next_page_token=token,
            open_tasks=[
                wire.tasks.task_message(each, today=today, case_number=case.number) for each in opened.open_tasks
            ],
            pauses=[wire.cases.pause_message(each) for each in opened.pauses],
            paused_days=domain.pauses.paused_days(opened.pauses, since=local_date(case.opened_at), until=today),
            closings=[wire.cases.closing_message(each) for each in opened.closings],
            time_spent=[
                cases_pb2.KindTime(
                    kind=wire.enums.EVENT_KIND.number(each.kind), minutes=each.minutes, entries=each.entries
                )
                for each in opened.time_spent
            ],
        )

    @read
    def ListCases(self, request: cases_pb2.ListCasesRequest, call: Call) -> cases_pb2.ListCasesResponse:
        """See the contract."""
        filters = (request.state, request.case_manager_id, request.health, request.overdue)
        scope = (call.actor.tenant_id, "cases", call.actor.person_id, *filters)
        size, position = self.page(request, scope)
        wanted = optional_id(request.case_manager_id)
        whose = wanted if domain.cases.sees_every_case(call.actor) else call.actor.person_id
        if wanted not in (None, whose):
            # Someone else's cases, asked for by who sees only their own: there are none.
            return cases_pb2.ListCasesResponse(counts=[*filter_counts({}, CaseState), *_health_counts({})])
        today = self.local_today()
        health = wire.enums.HEALTH.find(request.health)
        state = wire.enums.CASE_STATE.find(request.state)
        chosen = CaseFilter(state, whose, domain.health.due_days(health, today=today) if health else EVER)
        with self.deps.database.tenant(call.actor) as tx:
            if request.overdue:
                found = cases.list_by_due(tx, chosen, before=today, after=_day_and_id(position), most=size + 1)
            elif health is not None:
                found = cases.list_by_health(tx, chosen, after=_day_and_id(position), most=size + 1)
            else:
                after = (datetime.fromisoformat(position[0]), UUID(position[1])) if position else None
                found = cases.list_cases(tx, state=state, case_manager_id=whose, after=after, most=size + 1)
            own = _own_tasks(tx, call.actor, most=request.own_tasks, today=today)
            counted = counts.count_cases(tx, whose)
            standing = counts.count_health(tx, whose, today=today)
            overdue = cases.count_by_due(tx, whose, before=today)
        shown, more = cut(found, size)
        return cases_pb2.ListCasesResponse(
            cases=[wire.cases.summary_message(each, today=today) for each in shown],
            next_page_token=self.token(_position(shown[-1], request, health), scope) if more else "",
            counts=[
                *filter_counts(counted, CaseState),
                cases_pb2.FilterCount(filter="overdue", count=overdue),
                *_health_counts(standing),
                *own.counts,
            ],
            own_tasks=own.tasks,
        )

    @read
    def BatchGetCases(self, request: cases_pb2.BatchGetCasesRequest, call: Call) -> cases_pb2.BatchGetCasesResponse:
        """See the contract."""
        whose = None if domain.cases.sees_every_case(call.actor) else call.actor.person_id
        with self.deps.database.tenant(call.actor) as tx:
            found = cases.list_some_cases(tx, [UUID(each) for each in request.case_ids], case_manager_id=whose)
        today = self.local_today()
        return cases_pb2.BatchGetCasesResponse(cases=[wire.cases.summary_message(each, today=today) for each in found])

    @read
    def CheckCase(self, request: cases_pb2.CheckCaseRequest, call: Call) -> cases_pb2.CheckCaseResponse:
        """See the contract."""
        with self.deps.database.tenant(call.actor) as tx:
            case = domain.cases.check_visible(cases.find_case(tx, UUID(request.case_id)), call.actor)
        return cases_pb2.CheckCaseResponse(
            number=case.number, school_id=str(case.school_id) if case.school_id is not None else ""
        )


class _OwnTasks(NamedTuple):
    tasks: list[cases_pb2.Task]
    counts: list[cases_pb2.FilterCount]


def _own_tasks(tx: Transaction, actor: Actor, *, most: int, today: date) -> _OwnTasks:
    if not most:
        return _OwnTasks([], [])
    wanted = TaskFilter(owner_id=actor.person_id)
    found = tasks.list_tasks(tx, wanted, most=most)
    named = zip(("", "-overdue", "-due-today"), tasks.count_open(tx, wanted, today=today), strict=True)
    return _OwnTasks(
        [listed_message(each, actor, today) for each in found],
        [cases_pb2.FilterCount(filter=f"own-tasks{name}", count=count) for name, count in named],
    )


def _day_and_id(position: list[str] | None) -> tuple[date, UUID] | None:
    return (date.fromisoformat(position[0]), UUID(position[1])) if position else None


def _position(last: Summary, request: cases_pb2.ListCasesRequest, health: Health | None) -> list[str]:
    by_day = last.next_due_on if request.overdue else last.health_due_on
    at = by_day if request.overdue or health else last.opened_at
    assert at is not None, "what is listed by a day has one"
    return [at.isoformat(), str(last.id)]


def _health_counts(counted: Mapping[Health, int]) -> list[cases_pb2.FilterCount]:
    return [cases_pb2.FilterCount(filter=f"health-{each.value}", count=counted.get(each, 0)) for each in Health]
