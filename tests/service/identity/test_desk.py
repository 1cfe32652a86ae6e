"""The service desk sees what keeps someone out, and nothing else; that it looked is written down."""

import pytest
from ascms.identity.v1 import servicedesk_pb2 as pb

from kit.errors import InvalidArgumentError, PermissionDeniedError
from tests.service.identity.conftest import Call
from tests.service.identity.test_directory import token_of
from tests.service.identity.world import BOTH, DESK, LEAD, UNTRAINED

__all__ = ["token_of"]


@pytest.fixture
def find(call: Call, token_of: Call) -> Call:
    def ask(email: str, call_number: str = "CALL-0001") -> pb.FindAccessResponse:
        answer: pb.FindAccessResponse = call(
            "FindAccess", pb.FindAccessRequest(email=email, call_number=call_number), token=token_of(DESK)
        )
        return answer

    return ask


def test_it_sees_what_each_role_lacks(find: Call) -> None:
    found = find(UNTRAINED.email.upper())
    assert (found.is_known, found.name, found.is_disabled) == (True, "Demo Wiremu Pōtae", False)
    assert [(each.role, each.missing) for place in found.places for each in place.roles] == [
        ("case_manager", "training")
    ]


def test_it_sees_every_organisation_of_someone_with_several(find: Call) -> None:
    found = find(BOTH.email)
    assert len(found.places) == 2
    assert all(each.works for place in found.places for each in place.roles)


def test_an_address_that_nobody_has_is_said_to_be_nobodys(find: Call) -> None:
    assert find("nobody@nowhere.example") == pb.FindAccessResponse()


def test_part_of_an_address_finds_nobody(find: Call) -> None:
    with pytest.raises(InvalidArgumentError):
        find("wiremu")


def test_who_looked_at_whom_for_which_call_is_written_down(find: Call, rows: Call) -> None:
    find(UNTRAINED.email, "CALL-0815")
    (entry,) = rows("SELECT actor_id, subject_id, reason FROM audit WHERE action = 'find-access'")
    assert (entry["actor_id"], entry["subject_id"], entry["reason"]) == (DESK.id, UNTRAINED.id, "CALL-0815")


def test_nobody_else_looks(call: Call, token_of: Call) -> None:
    request = pb.FindAccessRequest(email=UNTRAINED.email, call_number="CALL-0001")
    with pytest.raises(PermissionDeniedError):
        call("FindAccess", request, token=token_of(LEAD))
