"""The authoriser's list: who is there, what each one lacks, found by any part of a name; what may be done with each."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from ascms.identity.v1 import access_pb2, invitations_pb2, staff_pb2

from kit.clock import FixedClock
from kit.errors import NotFoundError, PermissionDeniedError
from services.identity.app import make_sweep
from services.identity.commands import Deps
from tests.service.identity.conftest import Call
from tests.service.identity.test_access import as_authoriser, as_machine, assign, end, trained, types
from tests.service.identity.test_directory import token_of
from tests.service.identity.test_exchange import access_token
from tests.service.identity.test_invitations import invite
from tests.service.identity.world import AUTHORISER, BOTH, LEAD, MANAGER, OTHER_AUTHORISER, UNTRAINED, Demo

__all__ = ["as_authoriser", "as_machine", "invite", "token_of"]

WORKS, WAITS = access_pb2.ACCESS_STATE_WORKS, access_pb2.ACCESS_STATE_WAITS
ENDED, NO_ROLE = access_pb2.ACCESS_STATE_ENDED, access_pb2.ACCESS_STATE_NO_ROLE


@pytest.fixture
def staff(as_authoriser: Call) -> Call:
    """`staff(search="…")`: the ids found and the counts."""

    def ask(**filters: Any) -> tuple[list[str], dict[str, int]]:
        answer = as_authoriser("ListStaff", staff_pb2.ListStaffRequest(**filters))
        return [each.person_id for each in answer.staff], {each.filter: each.count for each in answer.counts}

    return ask


def look(as_authoriser: Call, someone: Demo) -> access_pb2.GetPersonResponse:
    answer: access_pb2.GetPersonResponse = as_authoriser(
        "GetPerson", access_pb2.GetPersonRequest(person_id=str(someone.id))
    )
    return answer


def test_everyone_stands_in_the_list_with_their_state_and_those_who_left_too(
    *, as_authoriser: Call, staff: Call, invite: Call
) -> None:
    _everyone, before = staff()
    as_authoriser("EndAccess", end(MANAGER))
    invite()
    everyone, counts = staff()
    assert str(MANAGER.id) in everyone
    assert staff(state=ENDED)[0] == [str(MANAGER.id)]
    assert staff(state=WAITS)[0] == [str(UNTRAINED.id)]
    assert str(LEAD.id) in staff(state=WORKS)[0]
    assert counts == before | {"works": before["works"] - 1, "ended": 1, "invited": 1}
    assert counts["all"] == len(everyone)


def test_the_states_of_the_list_are_those_of_the_rules(*, as_authoriser: Call, staff: Call, clock: FixedClock) -> None:
    """The database computes them for paging, the rules for each person: they agree, whatever the roles and the day."""
    as_authoriser("AssignRole", assign(MANAGER, "workflow_lead", starts_on="2026-04-01", ends_on="2026-05-01"))
    as_authoriser("EndAccess", end(LEAD))
    for days in (0, 30, 70, 400):
        clock.moment += timedelta(days=days)
        answer = as_authoriser("ListStaff", staff_pb2.ListStaffRequest())
        for each in answer.staff:
            assert each.person_id in staff(state=each.state)[0]
        assert sum(len(staff(state=state)[0]) for state in (WORKS, WAITS, NO_ROLE, ENDED)) == len(answer.staff)


@pytest.mark.parametrize("words", ["hemi", "HĒMI", "walker hemi", "hemi.walker@", "  wálk  "])
def test_any_part_of_a_name_or_address_finds_someone_whatever_the_macrons(staff: Call, words: str) -> None:
    assert staff(search=words)[0] == [str(MANAGER.id)]


@pytest.mark.parametrize("words", ["%", "_", "\\", "zebra", "hemi zebra"])
def test_letters_that_mean_something_to_a_database_mean_nothing(staff: Call, words: str) -> None:
    assert staff(search=words)[0] == []


def test_pages_follow_each_other_without_gap(as_authoriser: Call, staff: Call) -> None:
    whole, token, found = staff()[0], "", []
    for _page in whole:
        answer = as_authoriser("ListStaff", staff_pb2.ListStaffRequest(page_size=1, page_token=token))
        token = answer.next_page_token
        found += [each.person_id for each in answer.staff]
    assert (found, token) == (whole, "")


def test_staff_is_for_who_gives_access_and_of_their_own_organisation(call: Call, token_of: Call, staff: Call) -> None:
    with pytest.raises(PermissionDeniedError):
        call("ListStaff", staff_pb2.ListStaffRequest(), token=token_of(LEAD))
    elsewhere = call("ListStaff", staff_pb2.ListStaffRequest(), token=token_of(OTHER_AUTHORISER))
    assert {each.person_id for each in elsewhere.staff} & set(staff()[0]) == {str(BOTH.id)}


def test_what_may_be_done_with_someone_is_said_with_its_reason(as_authoriser: Call) -> None:
    def may(someone: Demo) -> dict[tuple[str, str], str]:
        return {(each.action, each.role): each.reason for each in look(as_authoriser, someone).actions}

    assert may(MANAGER) == {
        ("assign-role", "delegated_authoriser"): "",
        ("assign-role", "workflow_lead"): "",
        ("remove-role", "case_manager"): "",
        ("end-access", ""): "",
        ("attest", ""): "",
    }
    own = may(AUTHORISER)
    assert own["assign-role", "case_manager"] == "own-role"
    assert own["end-access", ""] == own["remove-role", "delegated_authoriser"] == "last-authoriser"
    as_authoriser("EndAccess", end(MANAGER))
    assert may(MANAGER)["end-access", ""] == "no-access"


def test_a_person_says_when_the_training_invitation_goes_out_and_when_it_went(
    *, as_authoriser: Call, deps: Deps, clock: FixedClock
) -> None:
    clock.moment += timedelta(days=3)  # a Saturday, before an anniversary day
    as_authoriser("AssignRole", assign(UNTRAINED))
    role = {each.role: each for each in look(as_authoriser, UNTRAINED).person.roles}["workflow_lead"]
    assert role.invites_at.ToJsonString() == "2026-03-09T19:00:00Z", "Tuesday at eight"
    assert not role.HasField("invited_at")
    clock.moment += timedelta(days=3)
    make_sweep(deps).sweep_once()
    role = {each.role: each for each in look(as_authoriser, UNTRAINED).person.roles}["workflow_lead"]
    assert not role.HasField("invites_at")
    assert role.invited_at.ToDatetime() == clock.moment.replace(tzinfo=None)


def test_one_invitation_shows_what_was_seen_in_words(call: Call, invite: Call, token_of: Call) -> None:
    made = invite().invitation
    question = staff_pb2.GetInvitationRequest(invitation_id=made.invitation_id)
    answer = call("GetInvitation", question, token=token_of(AUTHORISER))
    assert answer.invitation == made
    assert answer.identity_seen.primary.label == "New Zealand full birth certificate"
    assert answer.identity_seen.supporting.has_photo
    assert answer.identity_seen.seen_by == str(AUTHORISER.id)
    assert made.state == invitations_pb2.INVITATION_STATE_PENDING
    with pytest.raises(NotFoundError):
        call("GetInvitation", question, token=token_of(OTHER_AUTHORISER))
    nobody = staff_pb2.GetInvitationRequest(invitation_id=str(UUID(int=7)))
    with pytest.raises(NotFoundError):
        call("GetInvitation", nobody, token=token_of(AUTHORISER))


def test_training_that_ends_is_told_30_and_7_days_before_and_when_it_is_over(
    *, as_machine: Call, as_authoriser: Call, deps: Deps, rows: Call, clock: FixedClock
) -> None:
    as_machine("RecordTraining", trained(UNTRAINED, expires_on="2026-06-30"))
    sweep = make_sweep(deps)

    def told_after(days: int) -> list[str]:
        clock.moment += timedelta(days=days)
        sweep.sweep_once()
        return [each for each in types(rows) if each in {"TrainingEnding", "TrainingLapsed"}]

    # The day is 4 March: 30 days before is 31 May, 7 days before 23 June.
    assert told_after(87) == []
    access_token(deps, UNTRAINED)  # their role would rest otherwise
    assert told_after(1) == ["TrainingEnding"]
    assert told_after(1) == ["TrainingEnding"]
    assert told_after(22) == ["TrainingEnding"] * 2
    assert told_after(7) == ["TrainingEnding"] * 2, "the last day still counts"
    assert told_after(1) == ["TrainingEnding", "TrainingEnding", "TrainingLapsed"]
    seen = look(as_authoriser, UNTRAINED)
    assert [(role.works, role.missing) for role in seen.person.roles] == [(False, "training-lapsed")]
    assert seen.history[0].kind == access_pb2.ACCESS_EVENT_KIND_TRAINING_LAPSED
    assert types(rows)[-2:] == ["RoleChanged", "TrainingLapsed"]


def test_training_done_again_in_time_takes_the_warnings_back(
    *, as_machine: Call, deps: Deps, rows: Call, clock: FixedClock
) -> None:
    as_machine("RecordTraining", trained(UNTRAINED, expires_on="2026-06-30"))
    as_machine("RecordTraining", trained(UNTRAINED, expires_on="2029-06-30"))
    clock.moment += timedelta(days=200)
    make_sweep(deps).sweep_once()
    assert "TrainingEnding" not in types(rows)
