"""Roles given and taken, training from its system alone, and the end of someone's access."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from ascms.identity.v1 import access_pb2 as pb
from ascms.identity.v1 import identity_pb2

from kit.clock import FixedClock
from kit.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from services.identity import commands
from services.identity.app import make_sweep
from services.identity.commands import Deps
from tests.service.identity.conftest import Call
from tests.service.identity.test_directory import mint, token_of
from tests.service.identity.test_exchange import access_token
from tests.service.identity.world import (
    AUTHORISER,
    BOTH,
    COLLEAGUE,
    LEAD,
    MACHINE,
    MANAGER,
    OTHER_AUTHORISER,
    PROVIDER,
    TRAINING_SYSTEM,
    UNTRAINED,
    Demo,
)

__all__ = ["token_of"]

LEFT = pb.ACCESS_END_REASON_LEFT


@pytest.fixture
def as_authoriser(call: Call, token_of: Call) -> Call:
    """`as_authoriser("AssignRole", request)` at the first provider."""

    def ask(method: str, request: Any, key: str = "") -> Any:
        return call(method, request, token=token_of(AUTHORISER), idempotency_key=key)

    return ask


@pytest.fixture
def as_machine(deps: Deps, call: Call) -> Call:
    """`as_machine("RecordTraining", request)` as the training system, or as another machine."""

    def ask(method: str, request: Any, machine_id: UUID = TRAINING_SYSTEM, key: str = "") -> Any:
        machine = commands.find_machine(deps, str(machine_id))
        assert machine is not None
        secret = deps.new_secret()
        commands.give_machine_token(deps, machine, access_token=secret)
        token = call("ExchangeToken", identity_pb2.ExchangeTokenRequest(access_token=secret)).token
        return call(method, request, token=token, idempotency_key=key)

    return ask


def assign(person: Demo, role: str = "workflow_lead", **days: str) -> pb.AssignRoleRequest:
    return pb.AssignRoleRequest(person_id=str(person.id), role=role, **days)


def remove(person: Demo, role: str) -> pb.RemoveRoleRequest:
    return pb.RemoveRoleRequest(person_id=str(person.id), role=role, reason=pb.ACCESS_END_REASON_CHANGED_WORK)


def end(person: Demo) -> pb.EndAccessRequest:
    return pb.EndAccessRequest(person_id=str(person.id), reason=LEFT)


def trained(person: Demo, **changes: str) -> pb.RecordTrainingRequest:
    usual = {"course": "attendance-service", "completed_on": "2026-03-04", "expires_on": "2028-03-04"} | changes
    return pb.RecordTrainingRequest(person_id=str(person.id), **usual)


def types(rows: Call) -> list[str]:
    return [row["type"].rpartition(".")[2] for row in rows("SELECT type FROM outbox ORDER BY id")]


def test_a_role_is_there_with_what_it_lacks_and_its_training_counts_from_the_next_exchange(
    *, as_authoriser: Call, as_machine: Call, deps: Deps, call: Call, rows: Call
) -> None:
    # Given someone at work whose role waits for training
    token = access_token(deps, UNTRAINED)
    exchange = identity_pb2.ExchangeTokenRequest(access_token=token)
    before = as_authoriser("GetPerson", pb.GetPersonRequest(person_id=str(UNTRAINED.id))).person
    assert [(role.role, role.works, role.missing) for role in before.roles] == [("case_manager", False, "training")]
    assert list(call("ExchangeToken", exchange).permissions) == []
    # When the training system says that it is completed
    answer = as_machine("RecordTraining", trained(UNTRAINED))
    # Then the same session may work, and the history says why
    assert answer.roles_changed == 1
    assert "cases:record" in call("ExchangeToken", exchange).permissions
    after = as_authoriser("GetPerson", pb.GetPersonRequest(person_id=str(UNTRAINED.id)))
    assert (after.person.roles[0].trained_on, after.person.roles[0].training_ends_on) == ("2026-03-04", "2028-03-04")
    assert [(each.kind, each.role, each.actor_id) for each in after.history] == [
        (pb.ACCESS_EVENT_KIND_TRAINING_RECORDED, "case_manager", str(TRAINING_SYSTEM))
    ]
    told = rows("SELECT id, type, tenant_id FROM outbox ORDER BY id DESC LIMIT 2")
    assert told[0]["id"] == answer.position
    assert (told[0]["type"], told[1]["type"]) == (
        "ascms.identity.v1.TrainingRecorded",
        "ascms.identity.v1.RoleChanged",
    )
    assert told[1]["tenant_id"] == PROVIDER
    assert len(rows("SELECT 1 FROM audit WHERE action = 'record-training'")) == 2, "on both sides"


def test_training_is_said_by_its_system_alone(
    as_authoriser: Call, as_machine: Call, call: Call, token_of: Call
) -> None:
    with pytest.raises(PermissionDeniedError):
        as_authoriser("RecordTraining", trained(UNTRAINED))
    with pytest.raises(PermissionDeniedError):
        call("RecordTraining", trained(UNTRAINED), token=token_of(UNTRAINED))
    with pytest.raises(PermissionDeniedError):
        as_machine("RecordTraining", trained(UNTRAINED), MACHINE)
    with pytest.raises(PermissionDeniedError):
        as_machine("AssignRole", assign(UNTRAINED))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"course": "knitting"}, "course"),
        ({"completed_on": "2026-03-05"}, "completed_on"),
        ({"completed_on": "soon"}, "completed_on"),
        ({"expires_on": "2020-01-01"}, "expires_on"),
    ],
)
def test_impossible_training_names_the_field(as_machine: Call, changes: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        as_machine("RecordTraining", trained(UNTRAINED, **changes))
    assert refused.value.violations[0].field == field


def test_training_recorded_again_changes_nothing_more(as_machine: Call, rows: Call) -> None:
    first = as_machine("RecordTraining", trained(UNTRAINED), key="one")
    assert as_machine("RecordTraining", trained(UNTRAINED), key="one") == first
    assert as_machine("RecordTraining", trained(UNTRAINED)).roles_changed == 0
    assert len(rows("SELECT 1 FROM training")) == 1
    assert as_machine("RecordTraining", trained(MANAGER, expires_on="2026-12-31")).roles_changed == 0, (
        "has a longer one"
    )
    nobody = Demo(UUID(int=5), "", "")
    with pytest.raises(NotFoundError):
        as_machine("RecordTraining", trained(nobody))


def test_training_completed_before_counts_for_a_role_given_later(as_authoriser: Call, rows: Call) -> None:
    answer = as_authoriser("AssignRole", assign(MANAGER))
    assert [(role.role, role.works) for role in answer.person.roles] == [
        ("case_manager", True),
        ("workflow_lead", True),
    ]
    assert types(rows)[-2:] == ["RoleChanged", "RoleAssigned"]
    assert rows("SELECT 1 FROM deadline WHERE kind = 'invite-to-training'") == []


def test_without_training_the_invitation_to_it_goes_out_once_within_a_working_day(
    *, as_authoriser: Call, deps: Deps, rows: Call, clock: FixedClock
) -> None:
    # Given roles that wait for training, given on a Saturday before an anniversary day
    clock.moment += timedelta(days=3)
    as_authoriser("AssignRole", assign(UNTRAINED))
    as_authoriser("AssignRole", assign(UNTRAINED, "delegated_authoriser", ends_on="2026-12-31"))
    sweep = make_sweep(deps)
    # When the weekend and the holiday pass, nothing goes out
    clock.moment += timedelta(days=2)
    assert sweep.sweep_once() == 0
    # Then on Tuesday morning it does, once
    clock.moment += timedelta(days=1)
    assert sweep.sweep_once() == 1
    assert sweep.sweep_once() == 0
    assert types(rows).count("TrainingInvited") == 1
    (invited,) = rows("SELECT tenant_id, key FROM outbox WHERE type LIKE '%%TrainingInvited'")
    assert invited == {"tenant_id": PROVIDER, "key": str(UNTRAINED.id)}
    history = as_authoriser("GetPerson", pb.GetPersonRequest(person_id=str(UNTRAINED.id))).history
    assert history[0].kind == pb.ACCESS_EVENT_KIND_TRAINING_INVITED


def test_who_completed_the_training_meanwhile_is_not_invited_to_it(
    *, as_authoriser: Call, as_machine: Call, deps: Deps, rows: Call
) -> None:
    as_authoriser("AssignRole", assign(UNTRAINED))
    as_machine("RecordTraining", trained(UNTRAINED))
    assert make_sweep(deps).sweep_once() == 1
    assert "TrainingInvited" not in types(rows)
    assert rows("SELECT 1 FROM deadline WHERE kind = 'invite-to-training'") == []


def test_the_contact_of_the_untrained_is_given_where_it_is_asked_for(call: Call) -> None:
    request = identity_pb2.BatchGetContactsRequest(person_ids=[str(UNTRAINED.id)], with_inert_roles=True)
    answer = call("BatchGetContacts", request, token=mint(call, "notifications", "send-notices"))
    assert [contact.email for contact in answer.contacts] == [UNTRAINED.email]


def test_giving_a_role_again_is_nothing_and_the_same_key_gives_it_once(as_authoriser: Call, rows: Call) -> None:
    first = as_authoriser("AssignRole", assign(MANAGER), key="one")
    again = as_authoriser("AssignRole", assign(MANAGER), key="one")
    count = len(types(rows))
    as_authoriser("AssignRole", assign(MANAGER))
    assert again == first
    assert len(types(rows)) == count


@pytest.mark.parametrize("role", ["ministry_admin", "attendance_lead", "training_system", "king"])
def test_a_role_above_the_ceiling_is_refused(as_authoriser: Call, rows: Call, role: str) -> None:
    with pytest.raises(PermissionDeniedError) as refused:
        as_authoriser("AssignRole", assign(MANAGER, role))
    assert refused.value.reason == "above-ceiling"
    assert rows("SELECT 1 FROM role_grant WHERE role = %s AND person_id = %s", role, MANAGER.id) == []


def test_nobody_gives_themself_a_role_and_authority_has_a_last_day(as_authoriser: Call) -> None:
    with pytest.raises(FailedPreconditionError) as own:
        as_authoriser("AssignRole", assign(AUTHORISER))
    assert own.value.reason == "own-role"
    with pytest.raises(InvalidArgumentError) as endless:
        as_authoriser("AssignRole", assign(MANAGER, "delegated_authoriser"))
    assert endless.value.violations[0].field == "ends_on"


def test_the_authority_is_read_now_and_not_from_the_token(*, call: Call, token_of: Call, as_authoriser: Call) -> None:
    # Given two authorisers, of whom one has just lost the role
    as_authoriser("AssignRole", assign(MANAGER, "delegated_authoriser", ends_on="2026-12-31"))
    token = token_of(MANAGER)
    as_authoriser("RemoveRole", remove(MANAGER, "delegated_authoriser"))
    # When they use the token they still have
    with pytest.raises(PermissionDeniedError) as refused:
        call("AssignRole", assign(COLLEAGUE), token=token)
    # Then it is of no use
    assert refused.value.reason == "above-ceiling"


def test_another_organisations_people_are_not_found(call: Call, token_of: Call) -> None:
    stranger = token_of(OTHER_AUTHORISER)
    for method, request in (
        ("GetPerson", pb.GetPersonRequest(person_id=str(MANAGER.id))),
        ("AssignRole", assign(MANAGER)),
        ("RemoveRole", remove(MANAGER, "case_manager")),
        ("EndAccess", end(MANAGER)),
    ):
        with pytest.raises(NotFoundError):
            call(method, request, token=stranger)
    for method, request in (("GetPerson", pb.GetPersonRequest(person_id=str(MANAGER.id))), ("EndAccess", end(MANAGER))):
        with pytest.raises(PermissionDeniedError):
            call(method, request, token=token_of(LEAD))


def test_a_removed_role_is_gone_at_the_next_exchange_and_stays_in_the_history(
    *, as_authoriser: Call, deps: Deps, call: Call, rows: Call
) -> None:
    token = access_token(deps, MANAGER)
    answer = as_authoriser("RemoveRole", remove(MANAGER, "case_manager"))
    assert list(answer.person.roles) == []
    with pytest.raises(PermissionDeniedError):
        call("ExchangeToken", identity_pb2.ExchangeTokenRequest(access_token=token))
    count = len(types(rows))
    as_authoriser("RemoveRole", remove(MANAGER, "case_manager"))
    assert len(types(rows)) == count, "taking it again is nothing"
    assert types(rows)[-2:] == ["RoleChanged", "RoleRemoved"]
    (happened,) = as_authoriser("GetPerson", pb.GetPersonRequest(person_id=str(MANAGER.id))).history
    assert (happened.kind, happened.reason, happened.actor_id) == (
        pb.ACCESS_EVENT_KIND_ROLE_REMOVED,
        pb.ACCESS_END_REASON_CHANGED_WORK,
        str(AUTHORISER.id),
    )
    with pytest.raises(NotFoundError):
        as_authoriser("RemoveRole", remove(MANAGER, "workflow_lead"))


def test_the_last_authoriser_stays(as_authoriser: Call) -> None:
    for method, request in (
        ("RemoveRole", remove(AUTHORISER, "delegated_authoriser")),
        ("EndAccess", end(AUTHORISER)),
    ):
        with pytest.raises(FailedPreconditionError) as refused:
            as_authoriser(method, request)
        assert refused.value.reason == "last-authoriser"
    # One who is not trained cannot take over; one who is can.
    as_authoriser("AssignRole", assign(UNTRAINED, "delegated_authoriser", ends_on="2026-12-31"))
    with pytest.raises(FailedPreconditionError):
        as_authoriser("RemoveRole", remove(AUTHORISER, "delegated_authoriser"))
    as_authoriser("AssignRole", assign(MANAGER, "delegated_authoriser", ends_on="2026-12-31"))
    as_authoriser("RemoveRole", remove(AUTHORISER, "delegated_authoriser"))


def test_a_leaver_is_out_in_one_step(as_authoriser: Call, deps: Deps, call: Call, rows: Call) -> None:
    # Given someone signed in twice
    tokens = [access_token(deps, MANAGER), access_token(deps, MANAGER)]
    # When their access ends
    answer = as_authoriser("EndAccess", end(MANAGER), key="one")
    # Then both sessions and the role are gone, and others can move the work
    assert (answer.roles_ended, answer.sessions_ended) == (1, 2)
    for token in tokens:
        with pytest.raises(UnauthenticatedError):
            call("ExchangeToken", identity_pb2.ExchangeTokenRequest(access_token=token))
    (told,) = rows("SELECT id, tenant_id, key FROM outbox WHERE type = 'ascms.identity.v1.AccessEnded'")
    assert told == {"id": answer.position, "tenant_id": PROVIDER, "key": str(MANAGER.id)}
    assert rows("SELECT reason FROM audit WHERE action = 'end-access'") == [{"reason": "left"}]
    # And again is nothing
    assert as_authoriser("EndAccess", end(MANAGER), key="one") == answer
    again = as_authoriser("EndAccess", end(MANAGER))
    assert (again.roles_ended, again.sessions_ended) == (0, 0)
    assert types(rows).count("AccessEnded") == 1


def test_who_leaves_one_of_two_places_keeps_the_other(as_authoriser: Call, deps: Deps, call: Call) -> None:
    as_authoriser("EndAccess", end(BOTH))
    request = identity_pb2.ExchangeTokenRequest(access_token=access_token(deps, BOTH))
    assert [item.organisation_id for item in call("ExchangeToken", request).organisations] != [str(PROVIDER)]


def test_an_end_needs_its_reason(as_authoriser: Call) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        as_authoriser("EndAccess", pb.EndAccessRequest(person_id=str(MANAGER.id)))
    assert refused.value.violations[0].field == "reason"


def test_who_has_no_role_stands_on_a_list_of_their_own(as_authoriser: Call) -> None:
    as_authoriser("EndAccess", end(MANAGER))
    without = as_authoriser("ListPeople", identity_pb2.ListPeopleRequest(without_role=True)).people
    assert [(person.name, list(person.roles)) for person in without] == [("Demo Hēmi Walker", [])]
    everyone = as_authoriser("ListPeople", identity_pb2.ListPeopleRequest()).people
    assert str(MANAGER.id) not in {person.person_id for person in everyone}
    with pytest.raises(InvalidArgumentError):
        as_authoriser("ListPeople", identity_pb2.ListPeopleRequest(without_role=True, working_role="case_manager"))
