"""The work of people whose access ended falls to nobody within a minute, and stands where a lead hands it out."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from ascms.cases.v1 import cases_pb2, events_pb2, leavers_pb2
from ascms.common.v1.envelope_pb2 import Envelope
from ascms.identity.v1 import events_pb2 as identity_events
from google.protobuf.message import Message

from kit.actor import system_actor
from kit.clock import FixedClock
from kit.errors import InvalidArgumentError, PermissionDeniedError, UnavailableError
from kit.sweeps import Sweep
from services.cases import commands
from services.cases.app import _SWEEP_SECONDS
from services.cases.commands.deadlines import OWNERS_DEADLINE
from services.cases.commands.deps import Deps
from services.cases.commands.leavers import CHECK_EVERY
from services.cases.consumers import handlers
from tests.service.cases.conftest import COLLEAGUE, LEAD, MANAGER, OTHER_PROVIDER, PROVIDER
from tests.service.cases.test_pause_and_close import closing
from tests.service.cases.test_tasks import adding
from tests.support.rpc import Caller
from tests.support.tokens import person

Make = Callable[..., Any]
AUTHORISER = person(41, "people:read", "people:authorise", tenant=PROVIDER)
OTHER_AUTHORISER = person(42, "people:read", "people:authorise", tenant=OTHER_PROVIDER)


@dataclass
class FakeOwners:
    """Whose roles work; away when told."""

    roles: dict[UUID, frozenset[str]] = field(default_factory=dict)
    is_away: bool = False

    def working_roles(self, tenant_id: UUID, people: Collection[UUID]) -> Mapping[UUID, frozenset[str]]:
        assert tenant_id == PROVIDER
        if self.is_away:
            raise UnavailableError("away", "identity is away")
        return {each: self.roles[each] for each in people if each in self.roles}


@pytest.fixture
def owners() -> FakeOwners:
    return FakeOwners(
        {
            MANAGER.person_id: frozenset({"case_manager"}),
            COLLEAGUE.person_id: frozenset({"case_manager"}),
            LEAD.person_id: frozenset({"workflow_lead"}),
        }
    )


@pytest.fixture
def sweep(deps: Deps, owners: FakeOwners) -> Sweep:
    def check(actor: Any, provider_id: UUID) -> None:
        commands.leavers.release_work(deps, owners, actor, provider_id)

    return Sweep(deps.database, deps.clock, {OWNERS_DEADLINE: check})


@pytest.fixture
def tell(deps: Deps) -> Make:
    """What the consumer does with an event of identity, in the provider's tenant."""

    def tell(message: Message) -> None:
        handler = handlers(deps.clock)[message.DESCRIPTOR.full_name]
        with deps.database.tenant(system_actor("cases", PROVIDER)) as tx:
            handler(tx, Envelope(), message)

    return tell


def ended(*roles: str) -> identity_events.AccessEnded:
    return identity_events.AccessEnded(person_id=str(MANAGER.person_id), roles=roles, reason="left")


def owned(call: Caller, **filters: Any) -> list[tuple[str, str]]:
    listed = call("ListCases", cases_pb2.ListCasesRequest(**filters), as_=LEAD).cases
    return [(case.case_id, case.case_manager_id) for case in listed]


def test_cases_and_tasks_of_a_leaver_fall_to_nobody_each_told_and_audited(
    *, call: Caller, opened: Make, visit: Make, sweep: Sweep, owners: FakeOwners, tell: Make, rows: Make
) -> None:
    # Given a case that was worked on, with a task of its case manager and one of a colleague
    case = opened()
    call("RecordEvent", visit(case.case_id), as_=MANAGER)
    theirs = call("AddTask", adding(case.case_id), as_=LEAD).task
    other = call("AddTask", adding(case.case_id, owner_id=str(COLLEAGUE.person_id)), as_=LEAD).task
    sweep.sweep_once()
    assert owned(call) == [(case.case_id, str(MANAGER.person_id))]
    # When the case manager's access ends, and cases hears of it
    del owners.roles[MANAGER.person_id]
    tell(ended("case_manager"))
    sweep.sweep_once()
    # Then nobody has the case, it stands in the lead's queue, and so does the task
    assert owned(call, state=cases_pb2.CASE_STATE_NEW) == [(case.case_id, "")]
    unowned = call("ListTasks", cases_pb2.ListTasksRequest(unowned=True), as_=LEAD)
    assert [(task.task_id, task.owner_id) for task in unowned.tasks] == [(theirs.task_id, "")]
    assert [count.count for count in unowned.counts] == [1, 0, 0]
    # And each was told, and audited, without a person behind it
    told = rows("SELECT type, payload, actor_id FROM outbox WHERE type LIKE '%%Released' ORDER BY id")
    assert events_pb2.CaseReleased.FromString(told[0]["payload"]) == events_pb2.CaseReleased(
        case_id=case.case_id, previous_case_manager_id=str(MANAGER.person_id), released_on="2026-03-04"
    )
    assert events_pb2.TaskReleased.FromString(told[1]["payload"]).task_id == theirs.task_id
    assert [row["actor_id"] for row in told] == [None, None]
    audited = rows(
        "SELECT action, subject_id::text FROM audit WHERE action IN ('release-case', 'release-task') ORDER BY id"
    )
    assert audited == [
        {"action": "release-case", "subject_id": case.case_id},
        {"action": "release-task", "subject_id": theirs.task_id},
    ]
    assert rows("SELECT owner_id FROM task WHERE id::text = %s", other.task_id) == [{"owner_id": COLLEAGUE.person_id}]


def test_what_fell_to_nobody_is_handed_out_and_goes_on_where_it_stood(
    *, call: Caller, opened: Make, visit: Make, sweep: Sweep, owners: FakeOwners, tell: Make
) -> None:
    case = opened()
    call("RecordEvent", visit(case.case_id), as_=MANAGER)
    task = call("AddTask", adding(case.case_id), as_=LEAD).task
    del owners.roles[MANAGER.person_id]
    tell(ended("case_manager"))
    sweep.sweep_once()

    mine = str(COLLEAGUE.person_id)
    given = call(
        "BulkAssignCases", cases_pb2.BulkAssignCasesRequest(case_ids=[case.case_id], case_manager_id=mine), as_=LEAD
    )
    assert list(given.assigned_case_ids) == [case.case_id]
    call("ReassignTask", cases_pb2.ReassignTaskRequest(task_id=task.task_id, owner_id=mine), as_=LEAD)
    seen = call("GetCase", cases_pb2.GetCaseRequest(case_id=case.case_id), as_=COLLEAGUE)
    assert (seen.case.state, seen.open_tasks[0].owner_id) == (cases_pb2.CASE_STATE_ACTIVE, mine)
    assert list(call("ListTasks", cases_pb2.ListTasksRequest(unowned=True), as_=LEAD).tasks) == []


def test_no_case_stays_with_a_leaver_for_longer_than_a_minute_though_no_event_comes(
    *, call: Caller, opened: Make, sweep: Sweep, owners: FakeOwners, clock: FixedClock
) -> None:
    """The sweep alone keeps it: whatever was missed, and whoever was given a case in the moment they left."""
    opened()
    sweep.sweep_once()
    del owners.roles[MANAGER.person_id]
    longest = CHECK_EVERY + timedelta(seconds=_SWEEP_SECONDS)
    assert longest < timedelta(minutes=1)
    clock.moment += longest
    sweep.sweep_once()
    assert [manager for _case, manager in owned(call)] == [""]
    # A repeated sweep finds nothing more to do.
    clock.moment += longest
    sweep.sweep_once()
    assert [manager for _case, manager in owned(call)] == [""]


def test_while_identity_is_away_nothing_is_taken_from_anyone_and_it_is_tried_again(
    *, call: Caller, opened: Make, sweep: Sweep, owners: FakeOwners, rows: Make
) -> None:
    opened()
    owners.is_away = True
    assert sweep.sweep_once() == 0
    assert [manager for _case, manager in owned(call)] == [str(MANAGER.person_id)]
    assert len(rows("SELECT 1 FROM deadline WHERE kind = 'check-owners' AND tenant_id = %s", PROVIDER)) == 1
    owners.is_away = False
    assert sweep.sweep_once() == 1


def test_a_case_manager_who_became_a_lead_keeps_their_tasks_and_no_case(
    *, call: Caller, opened: Make, sweep: Sweep, owners: FakeOwners, tell: Make
) -> None:
    case = opened()
    call("AddTask", adding(case.case_id), as_=LEAD)
    owners.roles[MANAGER.person_id] = frozenset({"workflow_lead"})
    tell(identity_events.RoleChanged(person_id=str(MANAGER.person_id), role="case_manager", works=False))
    sweep.sweep_once()
    assert [manager for _case, manager in owned(call)] == [""]
    assert list(call("ListTasks", cases_pb2.ListTasksRequest(unowned=True), as_=LEAD).tasks) == []


def test_closed_cases_keep_the_name_of_who_worked_on_them(
    *, call: Caller, opened: Make, visit: Make, sweep: Sweep, owners: FakeOwners, tell: Make
) -> None:
    case = opened()
    call("RecordEvent", visit(case.case_id), as_=MANAGER)
    call("CloseCase", closing(case.case_id), as_=LEAD)
    del owners.roles[MANAGER.person_id]
    tell(ended("case_manager"))
    sweep.sweep_once()
    assert [manager for _case, manager in owned(call)] == [str(MANAGER.person_id)]


def test_events_about_people_without_work_here_set_nothing_going(tell: Make, rows: Make) -> None:
    tell(ended("delegated_authoriser"))
    tell(identity_events.RoleChanged(person_id=str(MANAGER.person_id), role="case_manager", works=True))
    assert rows("SELECT * FROM deadline") == []


def test_who_gives_access_learns_numbers_and_of_their_own_people_only(call: Caller, opened: Make) -> None:
    case = opened()
    opened(manager=COLLEAGUE)
    call("AddTask", adding(case.case_id), as_=LEAD)
    question = leavers_pb2.CountOpenWorkRequest(person_id=str(MANAGER.person_id))

    answer = call("CountOpenWork", question, as_=AUTHORISER)
    assert (answer.open_cases, answer.open_tasks) == (1, 1)
    elsewhere = call("CountOpenWork", question, as_=OTHER_AUTHORISER)
    assert (elsewhere.open_cases, elsewhere.open_tasks) == (0, 0)
    with pytest.raises(PermissionDeniedError):
        call("CountOpenWork", question, as_=MANAGER)
    with pytest.raises(PermissionDeniedError):
        call("ListCases", cases_pb2.ListCasesRequest(), as_=AUTHORISER)


def test_a_list_of_unowned_tasks_has_no_owner(call: Caller) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        call("ListTasks", cases_pb2.ListTasksRequest(unowned=True, owner_id=str(MANAGER.person_id)), as_=LEAD)
    assert [each.field for each in raised.value.violations] == ["unowned"]
