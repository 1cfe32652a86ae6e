"""Looking for students before anything is created, and opening a provider's own cases, through the gRPC door."""

from collections.abc import Sequence
from typing import Any

from ascms.cases.v1 import cases_pb2, requests_pb2

from kit.actor import Actor
from kit.db import Transaction
from kit.rpc.server import Call, read, write
from services.cases import commands, domain, wire
from services.cases.commands.own_work import OwnWork
from services.cases.domain.cases import SeenRecord
from services.cases.domain.searching import MOST_FOUND, Found, Query
from services.cases.domain.shared import optional_id
from services.cases.rpc.base import Methods
from services.cases.store import searching


def _open_response(seen: SeenRecord) -> cases_pb2.OpenOwnCaseResponse:
    return cases_pb2.OpenOwnCaseResponse(case=wire.cases.case_message(seen))


class SearchMethods(Methods):
    """Students that the caller may know of."""

    @read
    def SearchStudents(
        self, request: requests_pb2.SearchStudentsRequest, call: Call
    ) -> requests_pb2.SearchStudentsResponse:
        """See the contract."""
        query = domain.searching.read_query(request.query, call.actor)
        with self.deps.database.tenant(call.actor) as tx:
            found = _find(tx, call.actor, query)
        shown = found[:MOST_FOUND]
        alike = domain.searching.likenesses(shown)
        return requests_pb2.SearchStudentsResponse(
            students=[wire.requests.found_message(each, alike[each.id]) for each in shown],
            has_more=len(found) > MOST_FOUND,
        )

    @write(_open_response)
    def OpenOwnCase(self, request: cases_pb2.OpenOwnCaseRequest, call: Call) -> SeenRecord:
        """See the contract."""
        work = OwnWork(
            wire.requests.own_work_of(request),
            school_id=optional_id(request.school_id),
            case_manager_id=optional_id(request.case_manager_id),
            is_another_student=request.is_another_student,
        )
        return commands.own_work.open_own_case(self.deps, call.actor, work=work, token=call.token)


def _find(tx: Transaction, actor: Actor, query: Query) -> list[Found]:
    """What the caller may know of: a lead the provider's, a school its own, others only what is theirs."""
    most = MOST_FOUND + 1
    found: list[Found] = []
    if actor.may("cases:read"):
        whose = None if domain.cases.sees_every_case(actor) else actor.person_id
        found += searching.find_cases(tx, query, case_manager_id=whose, most=most)
    if actor.may("requests:answer"):
        with tx.as_guest():
            found += searching.find_requests(tx, query, is_guest=True, most=most)
    if actor.may("requests:submit"):
        mine = domain.requests.whose_requests(actor)
        found += searching.find_requests(tx, query, is_guest=False, most=most, whose=mine)
        found += _drafts(searching.find_draft_rows(tx, query, most=most, whose=mine), query)
    return found


def _drafts(rows: Sequence[Any], query: Query) -> list[Found]:
    found = []
    for row in rows:
        said = cases_pb2.SubmitRequestRequest.FromString(row.content).student
        student = wire.students.begun_student(said)
        found.append(
            Found(
                kind="draft",
                id=row.id,
                student_name=row.student_name,
                full_name="",
                key=student.key if said.date_of_birth else "",
                nsn=student.nsn,
                date_of_birth=student.date_of_birth if said.date_of_birth else None,
                year_level=student.year_level,
                school_id=row.tenant_id,
                state="draft",
                matched=domain.searching.matched(query, student),
            )
        )
    return found
