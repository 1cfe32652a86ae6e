"""Onboarding by RPC: who is added, changed, suspended, and what each side's audit says."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from ascms.identity.v1 import identity_pb2, invitations_pb2
from ascms.identity.v1 import register_pb2 as pb

from kit.clock import FixedClock
from kit.errors import (
    AlreadyExistsError,
    ConflictError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from kit.tokens import Verifier
from services.identity.commands import Deps
from tests.service.identity.client import OpenIdClient
from tests.service.identity.conftest import Call
from tests.service.identity.test_accepting import accept, newest_key
from tests.service.identity.test_directory import token_of
from tests.service.identity.test_exchange import access_token, exchange
from tests.service.identity.world import (
    ADMINISTRATOR,
    ANALYST,
    AUTHORISER,
    BOTH,
    MANAGER,
    MINISTRY,
    OTHER_PROVIDER,
    PROVIDER,
    SCHOOL,
    Demo,
)

__all__ = ["exchange", "token_of"]
SIGHTED = invitations_pb2.IdentitySighted(
    primary_document="nz_birth_certificate", supporting_document="nz_driver_licence"
)


@pytest.fixture
def do(call: Call, token_of: Call) -> Call:
    """`do("AddOrganisation", kind=…)` as the ministry's administrator."""

    def do(method: str, key: str = "", **fields: Any) -> Any:
        request = getattr(pb, f"{method}Request")(**fields)
        return call(method, request, token=token_of(ADMINISTRATOR), idempotency_key=key)

    return do


def add_school(do: Call, **changes: Any) -> Any:
    usual = {"kind": pb.REGISTERED_KIND_SCHOOL, "name": "Kōhanga Demo School", "school_number": "0007", "region": "08"}
    return do("AddOrganisation", **(usual | changes))


def test_a_school_is_added_with_its_zeros_audited_and_told(do: Call, rows: Call) -> None:
    answer = add_school(do)
    made = answer.organisation
    assert (made.name, made.school_number, made.state) == (
        "Kōhanga Demo School",
        "0007",
        pb.ORGANISATION_STATE_ACTIVE,
    )
    audited = rows("SELECT actor_id, tenant_id, subject_id FROM audit WHERE action = 'add-organisation'")
    assert audited == [{"actor_id": ADMINISTRATOR.id, "tenant_id": MINISTRY, "subject_id": UUID(made.organisation_id)}]
    told = rows("SELECT type, tenant_id FROM outbox WHERE id = %s", answer.position)
    assert told == [{"type": "ascms.identity.v1.OrganisationsChanged", "tenant_id": MINISTRY}]


def test_added_twice_with_one_key_it_is_there_once(do: Call, rows: Call) -> None:
    first = do("AddOrganisation", "once", kind=pb.REGISTERED_KIND_PROVIDER, name="Tui (demo)", region="08")
    again = do("AddOrganisation", "once", kind=pb.REGISTERED_KIND_PROVIDER, name="Tui (demo)", region="08")
    assert again == first
    assert len(rows("SELECT 1 FROM organisation WHERE name = 'Tui (demo)'")) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "  "}, "name"),
        ({"school_number": "12345"}, "school_number"),
        ({"school_number": "12a"}, "school_number"),
        ({"school_number": ""}, "school_number"),
        ({"region": "77"}, "region"),
        ({"kind": pb.REGISTERED_KIND_UNSPECIFIED}, "kind"),
        ({"kind": pb.REGISTERED_KIND_PROVIDER}, "school_number"),
        ({"kind": pb.REGISTERED_KIND_MINISTRY, "school_number": ""}, "kind"),
    ],
)
def test_bad_facts_name_their_field(do: Call, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        add_school(do, **changes)
    assert [violation.field for violation in refused.value.violations] == [field]


def test_a_number_is_one_schools(do: Call) -> None:
    with pytest.raises(AlreadyExistsError):
        add_school(do, school_number="0417")


def test_two_who_change_an_organisation_at_once_are_told(do: Call) -> None:
    seen = do("GetOrganisation", organisation_id=str(SCHOOL)).organisation
    facts = {"organisation_id": str(SCHOOL), "school_number": "0417", "region": "07", "expected_version": seen.version}
    changed = do("ChangeOrganisation", name="Te Kura Hou (demo school)", **facts).organisation
    assert changed.name == "Te Kura Hou (demo school)"
    with pytest.raises(ConflictError):
        do("ChangeOrganisation", name="Another", **facts)


def test_suspended_everyone_is_out_within_a_minute_and_told_why(
    do: Call, deps: Deps, exchange: Call, verifier: Verifier, clock: FixedClock, rows: Call
) -> None:
    # Given a case manager at work, with a token of a moment ago
    access = access_token(deps, MANAGER)
    token = exchange(access).token
    # When the ministry suspends their provider
    answer = do("SuspendOrganisation", organisation_id=str(PROVIDER), reason=pb.SUSPENSION_REASON_CONTRACT_ENDED)
    assert answer.organisation.state == pb.ORGANISATION_STATE_SUSPENDED
    # Then no token is given any more, and they are told since when and why
    with pytest.raises(PermissionDeniedError) as refused:
        exchange(access)
    assert refused.value.reason == "organisation-suspended"
    assert refused.value.metadata == {
        "name": "Te Pūtahi Tauira (demo provider)",
        "suspended_at": clock.now().isoformat(),
        "suspension_reason": "contract-ended",
    }
    # And what they had is worth nothing a minute later (and the clocks' leeway)
    verifier.verify(token)
    clock.moment += timedelta(seconds=66)
    with pytest.raises(UnauthenticatedError):
        verifier.verify(token)
    # And both sides' audit trails say who did it
    audited = rows(
        "SELECT tenant_id, actor_id, reason FROM audit WHERE action = 'suspend-organisation' ORDER BY tenant_id"
    )
    assert audited == [
        {"tenant_id": tenant, "actor_id": ADMINISTRATOR.id, "reason": "contract-ended"}
        for tenant in (MINISTRY, PROVIDER)
    ]
    told = {(row["type"].rpartition(".")[2], row["tenant_id"]) for row in rows("SELECT type, tenant_id FROM outbox")}
    assert {("OrganisationSuspended", PROVIDER), ("OrganisationsChanged", MINISTRY)} <= told


def test_resumed_everyone_is_in_again_with_what_they_had(do: Call, deps: Deps, exchange: Call, rows: Call) -> None:
    access = access_token(deps, MANAGER)
    do("SuspendOrganisation", organisation_id=str(PROVIDER), reason=pb.SUSPENSION_REASON_SECURITY)
    answer = do("ResumeOrganisation", organisation_id=str(PROVIDER))
    assert not answer.organisation.HasField("suspended_at")
    assert "cases:read" in exchange(access).permissions
    # Doing it again is nothing.
    many = len(rows("SELECT 1 FROM audit"))
    do("ResumeOrganisation", organisation_id=str(PROVIDER))
    assert len(rows("SELECT 1 FROM audit")) == many


def test_who_works_elsewhere_too_goes_on_there(do: Call, deps: Deps, exchange: Call) -> None:
    access = access_token(deps, BOTH)
    do("SuspendOrganisation", organisation_id=str(PROVIDER), reason=pb.SUSPENSION_REASON_CLOSED)
    assert exchange(access).organisation.organisation_id == str(OTHER_PROVIDER)
    with pytest.raises(PermissionDeniedError) as refused:
        exchange(access, PROVIDER)
    assert refused.value.reason == "organisation-suspended"


def test_others_learn_nothing_of_a_suspension(do: Call, deps: Deps, exchange: Call) -> None:
    do("SuspendOrganisation", organisation_id=str(OTHER_PROVIDER), reason=pb.SUSPENSION_REASON_CLOSED)
    with pytest.raises(PermissionDeniedError) as refused:
        exchange(access_token(deps, MANAGER), OTHER_PROVIDER)
    assert refused.value.reason == "no-access"


def test_the_ministry_stays_and_a_reason_is_needed(do: Call) -> None:
    with pytest.raises(FailedPreconditionError):
        do("SuspendOrganisation", organisation_id=str(MINISTRY), reason=pb.SUSPENSION_REASON_CLOSED)
    with pytest.raises(InvalidArgumentError):
        do("SuspendOrganisation", organisation_id=str(PROVIDER))
    with pytest.raises(NotFoundError):
        do("SuspendOrganisation", organisation_id=str(UUID(int=9)), reason=pb.SUSPENSION_REASON_CLOSED)


def test_only_the_administrator_keeps_the_register(call: Call, token_of: Call) -> None:
    request = pb.SuspendOrganisationRequest(organisation_id=str(PROVIDER), reason=pb.SUSPENSION_REASON_CLOSED)
    for person in (MANAGER, ANALYST):
        with pytest.raises(PermissionDeniedError):
            call("SuspendOrganisation", request, token=token_of(person))


def test_an_organisation_shows_its_places_people_and_what_may_be_done(do: Call) -> None:
    school = do("GetOrganisation", organisation_id=str(SCHOOL))
    assert [(one.catchment, one.starts_on) for one in school.placements] == [("taranaki-demo", "2024-01-01")]
    assert {"change", "suspend", "place"} <= set(school.allowed_actions)
    provider = do("GetOrganisation", organisation_id=str(PROVIDER))
    counts = {one.role: (one.working, one.waiting) for one in provider.people}
    assert counts["workflow_lead"] == (1, 0)
    assert counts["case_manager"][1] == 1
    assert "invite-first" not in provider.allowed_actions


def test_organisations_are_found_without_macrons_by_number_and_state(call: Call, token_of: Call, do: Call) -> None:
    def listed(**fields: Any) -> Any:
        request = identity_pb2.ListOrganisationsRequest(**fields)
        return call("ListOrganisations", request, token=token_of(ADMINISTRATOR))

    assert [one.name for one in listed(search="putahi").organisations] == ["Te Pūtahi Tauira (demo provider)"]
    assert [one.school_number for one in listed(search="009").organisations] == ["0093"]
    assert list(listed(search="%").organisations) == []
    do("SuspendOrganisation", organisation_id=str(PROVIDER), reason=pb.SUSPENSION_REASON_CLOSED)
    suspended = listed(state=pb.ORGANISATION_STATE_SUSPENDED)
    assert [(one.name, one.suspended) for one in suspended.organisations] == [
        ("Te Pūtahi Tauira (demo provider)", True)
    ]
    assert {one.filter: one.count for one in suspended.counts} == {
        "all": 6,
        "provider": 2,
        "school": 3,
        "ministry": 1,
        "suspended": 1,
    }


def test_a_new_catchment_takes_a_school_from_a_day_on(do: Call, call: Call, token_of: Call, clock: FixedClock) -> None:
    made = do(
        "AddCatchment", code="coast-demo", name="Coast (demo)", provider_id=str(OTHER_PROVIDER), starts_on="2026-01-01"
    ).catchment
    assert [one.provider_id for one in made.periods] == [str(OTHER_PROVIDER)]
    placed = do("PlaceSchool", school_id=str(SCHOOL), catchment="coast-demo", starts_on="2026-03-10").placements
    assert [(one.catchment, one.starts_on, one.ends_on) for one in placed] == [
        ("coast-demo", "2026-03-10", ""),
        ("taranaki-demo", "2024-01-01", "2026-03-09"),
    ]
    question = identity_pb2.FindProviderRequest(school_id=str(SCHOOL))
    assert call("FindProvider", question, token=token_of(MANAGER)).catchment == "taranaki-demo"
    clock.moment += timedelta(days=6)
    assert call("FindProvider", question, token=token_of(MANAGER)).catchment == "coast-demo"


def test_a_catchment_gets_another_provider_once_for_two_who_try(do: Call, rows: Call) -> None:
    seen = do("GetCatchment", code="taranaki-demo").catchment
    change = {
        "code": "taranaki-demo",
        "name": "Taranaki (demo)",
        "provider_id": str(OTHER_PROVIDER),
        "provider_from": "2026-07-01",
        "expected_version": seen.version,
    }
    changed = do("ChangeCatchment", **change).catchment
    assert [(one.provider_id, one.starts_on, len(one.schools)) for one in changed.periods] == [
        (str(OTHER_PROVIDER), "2026-07-01", 2),
        (str(PROVIDER), "2024-01-01", 2),
    ]
    with pytest.raises(ConflictError):
        do("ChangeCatchment", **change)
    assert len(rows("SELECT 1 FROM catchment_school")) == 5


def test_catchments_are_listed_with_counts(do: Call) -> None:
    answer = do("ListCatchments", search="manawatu")
    assert [(one.code, one.schools) for one in answer.catchments] == [("manawatu-demo", 1)]
    assert {one.filter: one.count for one in answer.counts} == {"all": 1, "current": 1, "future": 0, "ended": 0}
    first = do("ListCatchments", page_size=1)
    second = do("ListCatchments", page_size=1, page_token=first.next_page_token)
    assert [one.code for one in (*first.catchments, *second.catchments)] == ["manawatu-demo", "taranaki-demo"]
    assert second.next_page_token == ""


PROVIDERS_FIRST = (pb.REGISTERED_KIND_PROVIDER, "", "delegated_authoriser", "training")
SCHOOLS_FIRST = (pb.REGISTERED_KIND_SCHOOL, "0008", "attendance_lead", "")


@pytest.fixture
def join(openid: OpenIdClient, deps: Deps, rows: Call, exchange: Call) -> Call:
    """Accept the newest invitation as someone new, sign in, and return what the exchange then gives."""

    def join(email: str) -> Any:
        accept(openid, newest_key(deps, rows))
        return exchange(access_token(deps, Demo(UUID(int=0), email, "jagged basalt umbrella")))

    return join


@pytest.mark.parametrize(("kind", "number", "role", "missing"), [PROVIDERS_FIRST, SCHOOLS_FIRST])
def test_the_first_person_of_a_new_organisation_gets_its_first_role(  # noqa: PLR0917 - four of them are one case
    do: Call, join: Call, rows: Call, kind: Any, number: str, role: str, missing: str
) -> None:
    # Given an organisation with nobody
    made = do("AddOrganisation", kind=kind, name="Ngā Hoa (demo)", school_number=number, region="08").organisation
    assert "invite-first" in do("GetOrganisation", organisation_id=made.organisation_id).allowed_actions
    # When the ministry invites its first person, and they accept
    whom = {"name": "Demo Hana First", "email": "hana.first@hoa.example", "identity_sighted": SIGHTED}
    invited = do("InviteFirstPerson", organisation_id=made.organisation_id, **whom)
    assert invited.role == role
    answer = join("hana.first@hoa.example")
    # Then they have the role there, and the training is on its way where it needs one
    assert answer.organisation.organisation_id == made.organisation_id
    assert [(one.role, one.missing) for one in answer.person.roles] == [(role, missing)]
    # And nobody else is invited past them
    with pytest.raises(FailedPreconditionError) as refused:
        do("InviteFirstPerson", organisation_id=made.organisation_id, **(whom | {"email": "other@hoa.example"}))
    assert refused.value.reason == "has-first"
    audited = rows("SELECT tenant_id FROM audit WHERE action = 'invite-first-person'")
    assert {row["tenant_id"] for row in audited} == {MINISTRY, UUID(made.organisation_id)}


def test_the_ministry_sends_a_first_invitation_again_to_another_address_and_takes_it_back(
    do: Call, rows: Call, openid: OpenIdClient, deps: Deps
) -> None:
    # Given an invitation that went to a wrong address
    made = do("AddOrganisation", kind=pb.REGISTERED_KIND_PROVIDER, name="Ngā Hoa (demo)", region="08").organisation
    whom = {"name": "Demo Hana First", "email": "hana.first@hoa.example", "identity_sighted": SIGHTED}
    sent = do("InviteFirstPerson", organisation_id=made.organisation_id, **whom).invitation
    old = newest_key(deps, rows)
    names = {"organisation_id": made.organisation_id, "invitation_id": sent.invitation_id}
    # When it is sent again to the right one
    again = do("ResendFirstInvitation", **names, email="hana@hoa.example").invitation
    assert (again.email, again.state) == ("hana@hoa.example", invitations_pb2.INVITATION_STATE_PENDING)
    new = newest_key(deps, rows)
    # Then the first link is dead, and the second one works until it is withdrawn
    assert [openid.browser.get(f"/invitation?key={key}").status_code for key in (old, new)] == [404, 200]
    assert do("WithdrawFirstInvitation", **names).invitation.state == invitations_pb2.INVITATION_STATE_WITHDRAWN
    assert do("WithdrawFirstInvitation", **names).invitation.state == invitations_pb2.INVITATION_STATE_WITHDRAWN
    assert openid.browser.get(f"/invitation?key={new}").status_code == 410
    [listed] = do("GetOrganisation", organisation_id=made.organisation_id).first_invitations
    assert (listed.email, listed.state) == ("hana@hoa.example", invitations_pb2.INVITATION_STATE_WITHDRAWN)
    for action in ("resend-first-invitation", "withdraw-first-invitation"):
        audited = rows("SELECT tenant_id FROM audit WHERE action = %s", action)
        assert {row["tenant_id"] for row in audited} == {MINISTRY, UUID(made.organisation_id)}


def test_an_organisations_own_invitations_and_a_settled_one_are_not_the_ministrys(
    do: Call, join: Call, call: Call, token_of: Call
) -> None:
    own = invitations_pb2.InvitePersonRequest(name="Demo Wiri", email="wiri@putahi.example", identity_sighted=SIGHTED)
    theirs = call("InvitePerson", own, token=token_of(AUTHORISER)).invitation.invitation_id
    for method in ("ResendFirstInvitation", "WithdrawFirstInvitation"):
        with pytest.raises(NotFoundError):
            do(method, organisation_id=str(PROVIDER), invitation_id=theirs)
    assert list(do("GetOrganisation", organisation_id=str(PROVIDER)).first_invitations) == []
    # And once somebody is there, no invitation that waits is sent again past them.
    made = do("AddOrganisation", kind=pb.REGISTERED_KIND_PROVIDER, name="Ngā Hoa (demo)", region="08").organisation
    whom = {"organisation_id": made.organisation_id, "identity_sighted": SIGHTED}
    waits = do("InviteFirstPerson", name="Demo Hana", email="hana@hoa.example", **whom).invitation
    do("InviteFirstPerson", name="Demo Tama", email="tama@hoa.example", **whom)
    join("tama@hoa.example")
    with pytest.raises(FailedPreconditionError) as refused:
        do("ResendFirstInvitation", organisation_id=made.organisation_id, invitation_id=waits.invitation_id)
    assert refused.value.reason == "has-first"
