"""The authoriser's pages: what is missing, what happens next, and what follows before something is ended."""

from collections.abc import Callable

import pytest
from ascms.identity.v1 import access_pb2, invitations_pb2

from kit.errors import FailedPreconditionError, UnavailableError
from tests.gateway.pages.conftest import Browser
from tests.support.stub_world import World, number_id

As = Callable[..., Browser]
PENDING, EXPIRED, USED = (f"/staff/invitations/{number_id(number)}" for number in (701, 702, 704))
NOBODY_YET = f"/staff/{number_id(751)}"
WANTED = {
    "name": "Demo Māia Newcomer",
    "email": "maia@tui.example",
    "language": "mi",
    "primary_document": "nz_passport",
    "supporting_document": "bank_statement",
}


def sent(world: World, method: str) -> list[object]:
    """What was asked of identity by a method."""
    return [request for name, request in world.calls if name == method]


def path_of(world: World, key: str) -> str:
    """The page of one of the world's people."""
    return f"/staff/{world.people[key].person_id}"


def test_the_list_shows_each_state_its_count_and_what_is_missing(as_: As) -> None:
    page = as_("authoriser").text("/staff")
    for words in ("Tama Notyet", "The training for this role is not finished.", "No role yet", "Access ended"):
        assert words in page
    assert "Demo Aria Norole" not in as_("authoriser").text("/staff?show=ended")
    assert "We found nobody" in as_("authoriser").text("/staff?search=zebra")


def test_a_person_says_when_the_invitation_to_the_training_goes_out(as_: As, world: World) -> None:
    page = as_("authoriser").text(path_of(world, "newcomer"))
    assert "The invitation to it goes out tomorrow at" in page
    assert "New Zealand passport, Bank statement" in page
    assert "Accepted the invitation" in page


@pytest.mark.parametrize(
    ("role", "words"),
    [
        ({"missing": "training"}, "as soon as the training system says"),
        ({"missing": "training-lapsed", "training_ends_on": "2026-03-01"}, "It counted until Sun 1 March"),
        ({"missing": "start", "starts_on": "2026-03-09"}, "It begins Mon 9 March"),
        ({"missing": "organisation"}, "or call the service desk"),
    ],
)
def test_whatever_is_missing_is_said_with_what_happens_next(
    as_: As, world: World, role: dict[str, str], words: str
) -> None:
    person = world.access.staff[world.people["newcomer"].person_id]
    del person.roles[:]
    person.roles.append(access_pb2.RoleDetail(role="case_manager", **role))  # type: ignore[arg-type]  # texts all
    assert words in as_("authoriser").text(path_of(world, "newcomer"))


def test_inviting_sends_what_was_seen_and_leads_to_the_invitation(as_: As, world: World) -> None:
    answer = as_("authoriser").send("/staff/invite", **WANTED)
    assert (answer.status_code, answer.location) == (303, f"{PENDING}?done=sent")
    (asked,) = sent(world, "InvitePerson")
    assert asked == invitations_pb2.InvitePersonRequest(
        name="Demo Māia Newcomer",
        email="maia@tui.example",
        language="mi",
        identity_sighted=invitations_pb2.IdentitySighted(
            primary_document="nz_passport", supporting_document="bank_statement"
        ),
    )
    assert "The invitation is on its way." in as_("authoriser").text(answer.location)


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"name": ""}, 422, "Write their name as it stands on the documents."),
        ({"email": ""}, 422, "Write the address that the invitation goes to."),
        ({"primary_document": "nz_birth_certificate"}, 422, "One of the two documents must show a photo."),
        ({"email": "701@tui.example"}, 409, "An invitation to this address waits to be accepted."),
    ],
)
def test_a_refused_invitation_names_the_rule_and_keeps_what_was_typed(
    as_: As, changes: dict[str, str], status: int, words: str
) -> None:
    answer = as_("authoriser").send("/staff/invite", **(WANTED | changes))
    assert answer.status_code == status
    assert words in answer.text
    assert 'value="nz_driver_licence"' in answer.text, "the choices are there again"
    assert 'value="bank_statement" checked' in answer.text


def test_sending_again_may_change_the_address_and_withdrawing_asks_first(as_: As, world: World) -> None:
    assert 'value="702@tui.example"' in as_("authoriser").text(f"{EXPIRED}/resend")
    assert as_("authoriser").send(f"{EXPIRED}/resend", email="new@tui.example").status_code == 303
    assert sent(world, "ResendInvitation")[0].email == "new@tui.example"  # type: ignore[attr-defined]  # a request
    page = as_("authoriser").text(f"{EXPIRED}/withdraw")
    assert "At once the link in the mail stops working." in page
    assert as_("authoriser").send(f"{EXPIRED}/withdraw").location == f"{EXPIRED}?done=withdrawn"
    assert "cannot be withdrawn" in as_("authoriser").text(f"{USED}/withdraw")
    assert "cannot be sent again" in as_("authoriser").text(f"{USED}/resend")


def test_only_roles_that_may_be_given_are_offered_and_the_days_go_along(as_: As, world: World) -> None:
    page = as_("authoriser").text(f"{path_of(world, 'manager')}/roles/new")
    assert 'value="workflow_lead"' in page
    assert 'value="case_manager"' not in page
    days = {"starts_on": "2026-03-09", "ends_on": "2026-12-31"}
    answer = as_("authoriser").send(f"{NOBODY_YET}/roles/new", role="case_manager", **days)
    assert answer.location == f"{NOBODY_YET}?done=given"
    (asked,) = sent(world, "AssignRole")
    assert (asked.role, asked.starts_on, asked.ends_on) == ("case_manager", *days.values())  # type: ignore[attr-defined]


def test_authority_without_an_end_is_asked_for_one_before_anything_is_sent(as_: As, world: World) -> None:
    answer = as_("authoriser").send(f"{NOBODY_YET}/roles/new", role="delegated_authoriser")
    assert answer.status_code == 422
    assert "Say until which day." in answer.text
    assert sent(world, "AssignRole") == []


def test_ending_access_says_in_numbers_what_follows_and_shows_no_case(as_: As, world: World) -> None:
    path = path_of(world, "manager")
    page = as_("authoriser").text(f"{path}/end")
    assert "3 open cases, 2 open tasks" in page
    assert "/cases" not in page
    assert as_("authoriser").send(f"{path}/end").status_code == 422
    answer = as_("authoriser").send(f"{path}/end", reason="left")
    assert answer.location == f"{path}?done=ended"
    assert sent(world, "EndAccess")[0].reason == access_pb2.ACCESS_END_REASON_LEFT  # type: ignore[attr-defined]
    assert "Access has ended." in as_("authoriser").text(answer.location)


def test_access_can_be_ended_while_the_number_of_cases_is_not_known(as_: As, world: World) -> None:
    world.failures["CountOpenWork"] = UnavailableError("database-away", "away")
    path = path_of(world, "manager")
    assert "cannot be said just now" in as_("authoriser").text(f"{path}/end")
    assert as_("authoriser").send(f"{path}/end", reason="left").status_code == 303


def test_the_last_authoriser_is_told_why_and_offered_nothing(as_: As, world: World) -> None:
    path = path_of(world, "authoriser")
    page = as_("authoriser").text(path)
    assert "Give that role to someone else first." in page
    assert "End all access" not in page
    assert "Their access cannot be ended now" in as_("authoriser").text(f"{path}/end")
    assert "This is you" in as_("authoriser").text(f"{path}/roles/new")


def test_what_was_refused_meanwhile_stands_at_the_form(as_: As, world: World) -> None:
    refusal = FailedPreconditionError("last-authoriser", "This is the last delegated authoriser here.")
    world.failures["RemoveRole"] = refusal
    path = f"{path_of(world, 'manager')}/roles/case_manager/remove"
    answer = as_("authoriser").send(path, reason="mistake")
    assert answer.status_code == 409
    assert "The last delegated authoriser cannot be taken away." in answer.text
