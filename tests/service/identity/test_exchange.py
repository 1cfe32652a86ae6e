"""ExchangeToken: what an access token is worth is decided at each exchange, from facts read then."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from ascms.identity.v1 import identity_pb2 as pb

from kit.actor import ActorKind, system_actor
from kit.clock import FixedClock
from kit.errors import InvalidArgumentError, PermissionDeniedError, UnauthenticatedError
from kit.tokens import Verifier
from services.identity import commands
from services.identity.cli import apply_organisations_file, apply_people_file
from services.identity.commands import Attempt, CodeRequest, Deps
from services.identity.roles import ROLES
from services.identity.store import machines
from services.identity.web.clients import SCOPES
from tests.service.identity.conftest import Call
from tests.service.identity.world import (
    ATTENDANCE_LEAD,
    BOTH,
    LEAD,
    MACHINE,
    MANAGER,
    MINISTRY,
    ORGANISATIONS,
    OTHER_PROVIDER,
    PEOPLE,
    PROVIDER,
    SCHOOL,
    UNTRAINED,
    Demo,
)


def access_token(deps: Deps, person: Demo) -> str:
    """Sign someone in and give a client an access token, by the commands that the provider uses."""
    signed_in = commands.sign_in(deps, Attempt(person.email, person.passphrase, place="192.0.2.1"))
    wanted = CodeRequest("gateway", "http://127.0.0.1/", " ".join(SCOPES), "nonce", "challenge")
    code, token = deps.new_secret(), deps.new_secret()
    commands.give_code(deps, signed_in.session, request=wanted, code=code)
    claim = commands.claim_code(deps, code, client_id="gateway")
    assert claim is not None
    commands.give_tokens(deps, claim, access_token=token, refresh_token="")
    return token


@pytest.fixture
def exchange(call: Call) -> Call:
    """`exchange(token)` or `exchange(token, organisation_id)`."""

    def exchange(token: str, organisation: UUID | None = None) -> Any:
        wanted = str(organisation) if organisation else ""
        return call("ExchangeToken", pb.ExchangeTokenRequest(access_token=token, organisation_id=wanted))

    return exchange


def test_the_token_carries_person_tenant_and_permissions_for_a_minute(
    deps: Deps, exchange: Call, verifier: Verifier, clock: FixedClock
) -> None:
    answer = exchange(access_token(deps, LEAD))
    actor = verifier.verify(answer.token)
    assert (actor.kind, actor.actor_id, actor.tenant_id) == (ActorKind.PERSON, LEAD.id, PROVIDER)
    assert actor.tenant_kind == "provider"
    assert actor.permissions == ROLES["workflow_lead"].permissions == set(answer.permissions)
    assert answer.expires_at.seconds - clock.now().timestamp() == 60
    assert answer.person.name == "Demo Māhina Lead"
    assert [(role.role, role.works) for role in answer.person.roles] == [("workflow_lead", True)]
    assert [item.organisation_id for item in answer.organisations] == [str(PROVIDER)]
    clock.moment += timedelta(seconds=66)
    with pytest.raises(UnauthenticatedError):
        verifier.verify(answer.token)


def test_untrained_roles_are_shown_and_permit_nothing(deps: Deps, exchange: Call, verifier: Verifier) -> None:
    answer = exchange(access_token(deps, UNTRAINED))
    role = answer.person.roles[0]
    assert (role.role, role.works, role.missing) == ("case_manager", False, "training")
    assert verifier.verify(answer.token).permissions == frozenset()


def test_training_that_lapses_takes_the_permissions_away(deps: Deps, exchange: Call, clock: FixedClock) -> None:
    lapsing = PEOPLE.replace(b"ends_on: 2030-12-31", b"ends_on: 2026-03-04")
    apply_people_file(deps, lapsing)
    clock.moment += timedelta(hours=13)
    assert list(exchange(access_token(deps, MANAGER)).permissions) == [
        "cases:close",
        "cases:read",
        "cases:record",
        "students:search",
    ]
    clock.moment += timedelta(hours=2)
    answer = exchange(access_token(deps, MANAGER))
    assert list(answer.permissions) == []
    assert answer.person.roles[0].missing == "training-lapsed"


def test_a_removed_role_is_refused_by_the_very_next_exchange(deps: Deps, exchange: Call, rows: Call) -> None:
    # Given a case manager at work
    token = access_token(deps, MANAGER)
    exchange(token)
    # When the role is taken away
    actor = system_actor("identity", PROVIDER)
    commands.end_role(deps, actor, person_id=MANAGER.id, role="case_manager", reason="left")
    # Then the same token is worth nothing, and others are told
    with pytest.raises(PermissionDeniedError) as refused:
        exchange(token)
    assert refused.value.reason == "no-access"
    told = rows("SELECT type, key, tenant_id FROM outbox ORDER BY id DESC LIMIT 1")[0]
    assert told == {"type": "ascms.identity.v1.RoleChanged", "key": str(MANAGER.id), "tenant_id": PROVIDER}
    assert rows("SELECT reason FROM audit WHERE action = 'end-role'") == [{"reason": "left"}]


def test_an_ended_session_is_refused_by_the_very_next_exchange(deps: Deps, exchange: Call) -> None:
    token = access_token(deps, MANAGER)
    exchange(token)
    assert commands.end_sessions(deps, person_id=MANAGER.id, reason="left") == 1
    with pytest.raises(UnauthenticatedError) as refused:
        exchange(token)
    assert refused.value.reason == "session-ended"


def test_a_disabled_account_is_refused_by_the_very_next_exchange(deps: Deps, exchange: Call) -> None:
    token = access_token(deps, MANAGER)
    disabled = PEOPLE.replace(
        b"    passphrase: quiet river stones\n", b"    passphrase: quiet river stones\n    disabled: true\n"
    )
    apply_people_file(deps, disabled)
    with pytest.raises(UnauthenticatedError):
        exchange(token)
    with pytest.raises(PermissionDeniedError) as refused:
        access_token(deps, MANAGER)
    assert refused.value.reason == "account-disabled"


def test_a_suspended_organisation_is_no_place_to_work(deps: Deps, exchange: Call) -> None:
    token = access_token(deps, BOTH)
    exchange(token, PROVIDER)
    suspended = ORGANISATIONS.replace(b"    name: Te P\xc5\xabtahi", b"    suspended: true\n    name: Te P\xc5\xabtahi")
    apply_organisations_file(deps, suspended)
    assert exchange(token).organisation.organisation_id == str(OTHER_PROVIDER)
    with pytest.raises(PermissionDeniedError):
        exchange(token, PROVIDER)


def test_an_access_token_ends_after_ten_minutes(deps: Deps, exchange: Call, clock: FixedClock) -> None:
    token = access_token(deps, LEAD)
    clock.moment += timedelta(minutes=10)
    with pytest.raises(UnauthenticatedError):
        exchange(token)


def test_who_works_at_two_places_chooses_and_is_remembered(deps: Deps, exchange: Call) -> None:
    token = access_token(deps, BOTH)
    first = exchange(token)
    assert sorted(item.organisation_id for item in first.organisations) == [str(PROVIDER), str(OTHER_PROVIDER)]
    assert exchange(token, PROVIDER).organisation.organisation_id == str(PROVIDER)
    assert set(exchange(token).permissions) == ROLES["case_manager"].permissions
    assert set(exchange(token, OTHER_PROVIDER).permissions) == ROLES["workflow_lead"].permissions
    assert exchange(access_token(deps, BOTH)).organisation.organisation_id == str(OTHER_PROVIDER)


@pytest.mark.parametrize("organisation", [OTHER_PROVIDER, MINISTRY, UUID(int=7)], ids=["other", "ministry", "none"])
def test_elsewhere_and_nowhere_look_the_same(deps: Deps, exchange: Call, organisation: UUID) -> None:
    with pytest.raises(PermissionDeniedError) as refused:
        exchange(access_token(deps, LEAD), organisation)
    assert (refused.value.reason, refused.value.message) == ("no-access", "You have no role there.")


@pytest.mark.parametrize("token", ["unknown", "x" * 512])
def test_unknown_tokens_are_refused(exchange: Call, token: str) -> None:
    with pytest.raises(UnauthenticatedError):
        exchange(token)


@pytest.mark.parametrize(
    ("token", "organisation", "field"),
    [
        ("", "", "access_token"),
        ("a b", "", "access_token"),
        ("nul\0", "", "access_token"),
        ("x", "no", "organisation_id"),
    ],
)
def test_malformed_requests_name_the_field(call: Call, token: str, organisation: str, field: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        call("ExchangeToken", pb.ExchangeTokenRequest(access_token=token, organisation_id=organisation))
    assert [violation.field for violation in refused.value.violations] == [field]


def test_school_roles_need_no_training(deps: Deps, exchange: Call) -> None:
    answer = exchange(access_token(deps, ATTENDANCE_LEAD))
    assert answer.organisation.organisation_id == str(SCHOOL)
    assert list(answer.permissions) == [
        "cases:read-shared",
        "cases:read-shared-all",
        "requests:read-all",
        "requests:submit",
        "students:search",
    ]


def test_a_machine_that_was_ended_gets_nothing(deps: Deps, exchange: Call, clock: FixedClock) -> None:
    machine = commands.find_machine(deps, str(MACHINE))
    assert machine is not None
    token = deps.new_secret()
    commands.give_machine_token(deps, machine, access_token=token)
    assert exchange(token).person.name == "Demo student management system"
    ended = machines.Machine(
        machine.tenant_id, machine.id, machine.name, machine.secret_digest, machine.roles, clock.now()
    )
    commands.put_machine(deps, ended)
    with pytest.raises(UnauthenticatedError):
        exchange(token)
    assert commands.find_machine(deps, str(MACHINE)) is None


def test_a_machine_acts_for_its_own_organisation_only(deps: Deps, exchange: Call, clock: FixedClock) -> None:
    machine = commands.find_machine(deps, str(MACHINE))
    assert machine is not None
    token = deps.new_secret()
    commands.give_machine_token(deps, machine, access_token=token)
    assert exchange(token, SCHOOL).organisation.organisation_id == str(SCHOOL)
    with pytest.raises(PermissionDeniedError):
        exchange(token, PROVIDER)
    clock.moment += timedelta(minutes=30)
    with pytest.raises(UnauthenticatedError):
        exchange(token)
