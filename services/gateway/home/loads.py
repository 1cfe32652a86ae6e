"""How work is spread and what waits, as a lead's first page shows it."""

from collections.abc import Sequence
from dataclasses import dataclass

from ascms.cases.v1 import caseloads_pb2
from flask import url_for

from services.gateway.cases.names import Names
from services.gateway.wording import year_name


@dataclass(frozen=True, slots=True)
class WaitingLine:
    """A case that waits for someone."""

    name: str
    note: str
    href: str
    assign_href: str


@dataclass(frozen=True, slots=True)
class LoadLine:
    """What one case manager has; `needs` counts open cases whose record lacks something or is stale."""

    name: str
    href: str
    assigned: int
    active: int
    paused: int
    needs: int

    @property
    def is_open(self) -> int:
        """How many cases are open."""
        return self.assigned + self.active + self.paused


@dataclass(frozen=True, slots=True)
class Work:
    """What a lead oversees."""

    loads: Sequence[LoadLine]
    new: Sequence[WaitingLine]
    new_count: int
    woken: Sequence[WaitingLine]
    overdue_tasks: int
    letters_to_approve: int


def present_work(answer: caseloads_pb2.ListCaseloadsResponse) -> Work:
    """Caseloads and waiting cases with their names."""
    waiting = [*answer.new_cases, *answer.woken_cases]
    people = {load.case_manager_id for load in answer.caseloads} | {case.case_manager_id for case in waiting}
    names = Names.of(people, {case.school_id for case in waiting})
    return Work(
        loads=[
            LoadLine(
                name=names.person(load.case_manager_id),
                href=url_for("cases.show_list", manager=load.case_manager_id),
                assigned=load.assigned,
                active=load.active,
                paused=load.paused,
                needs=load.record_stale + load.record_missing,
            )
            for load in answer.caseloads
        ],
        new=[_waiting(case, names) for case in answer.new_cases],
        new_count=answer.new_count,
        woken=[_waiting(case, names) for case in answer.woken_cases],
        overdue_tasks=answer.overdue_tasks,
        letters_to_approve=answer.letters_to_approve,
    )


def _waiting(case: caseloads_pb2.WaitingCase, names: Names) -> WaitingLine:
    school = names.organisation(case.school_id)
    who = names.person(case.case_manager_id)
    return WaitingLine(
        name=case.student_name,
        note=", ".join(part for part in (school, year_name(case.year_level), who) if part),
        href=url_for("cases.show", case_id=case.case_id),
        assign_href=url_for("cases.assign", case_id=case.case_id),
    )
