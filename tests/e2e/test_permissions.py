"""Every RPC is tried with every role in every state, by the real tokens of a running system, against the table that
people read: `docs/permissions.md`.

Each call is an empty request, so that what is decided is whether it may be made, not what it would do.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import pytest
import yaml
from ascms.identity.v1 import identity_pb2
from google.protobuf.message_factory import GetMessageClass

from kit.actor import system_actor
from kit.clock import SystemClock
from kit.db import Database
from kit.errors import FailedPreconditionError
from kit.ids import uuid7
from kit.rpc.contract import Method
from services.identity import commands
from services.identity.cli import apply_people_file
from services.identity.commands import Attempt, CodeRequest, Deps
from services.identity.domain import OrganisationKind
from services.identity.domain.register import SuspensionReason
from services.identity.permissions import FULL, NEVER, NOTHING, SIGNED_IN, STATES, read
from services.identity.roles import ROLES, SERVICE_PURPOSES
from services.identity.secrets import MasterSecret, Passphrases, service_credential
from services.identity.web.clients import SCOPES
from tests.support.postgres import ROOT
from tests.support.system import System
from tests.support.world import Asker, Outcome, World, all_methods, environment_of

WORTHS, ALLOWED = read((ROOT / "docs" / "permissions.md").read_text(encoding="utf-8"))
MINISTRY = UUID("0190a000-0000-7000-8000-000000000001")
PLACES = {
    OrganisationKind.PROVIDER: UUID("0190a000-0000-7000-8000-000000000012"),
    OrganisationKind.SCHOOL: UUID("0190a000-0000-7000-8000-000000000022"),
    OrganisationKind.MINISTRY: MINISTRY,
}
TRAINING = {
    STATES[0]: {"training": {"completed_on": date(2025, 1, 12), "ends_on": date(2098, 12, 31)}},
    STATES[1]: {},
    STATES[2]: {"training": {"completed_on": date(2025, 1, 12), "ends_on": date(2025, 12, 31)}},
}
DENIED = ("permission-missing", "purpose-needed")


@dataclass(frozen=True)
class Someone:
    """Who calls: a role in a state, or a service for a purpose."""

    role: str
    state: str
    asker: Asker


@dataclass(frozen=True)
class Tried:
    """What a call came to."""

    method: Method
    outcome: Outcome

    @property
    def is_allowed(self) -> bool:
        """Whether it was not refused for who called."""
        assert self.outcome.code != "UNAUTHENTICATED", self.outcome
        return not (self.outcome.code == "PERMISSION_DENIED" and any(one in self.outcome.text for one in DENIED))


@pytest.fixture(scope="module")
def world(system: System) -> Iterator[World]:
    world = World(system)
    yield world
    world.close()


@pytest.fixture(scope="module")
def deps(system: System) -> Iterator[Deps]:
    """Identity's commands over the running system's own database and secret; passphrases that cost little."""
    environment = environment_of(system, "identity")
    database = Database(environment["ASCMS_DATABASE_URL"], "identity", pool_size=2)
    passphrases = Passphrases(memory_kib=64, passes=1)
    yield Deps(database, SystemClock(), uuid7, MasterSecret(environment["ASCMS_SECRET"]), passphrases)
    database.close()


@pytest.fixture(scope="module")
def people(deps: Deps, world: World) -> list[Someone]:
    """Someone of every role in every state of training, and the machines."""
    wanted = [(role, state) for role, rule in ROLES.items() if not rule.is_for_machines for state in TRAINING]
    entries = {pair: _entry(number, *pair) for number, pair in enumerate(wanted)}
    apply_people_file(deps, yaml.safe_dump({"people": list(entries.values())}).encode())
    found = [
        Someone(role, state, Asker(f"{role}, {state}", _access_token(deps, entries[role, state])))
        for role, state in wanted
    ]
    machines = {"training_system": world.machine(1), "enrolment_register": world.machine(2)}
    return [*found, *(Someone(role, STATES[0], asker) for role, asker in machines.items())]


def _entry(number: int, role: str, state: str) -> dict[str, Any]:
    since = {"organisation": str(PLACES[ROLES[role].kind]), "role": role, "starts_on": date(2025, 1, 5)}
    return {
        "id": f"0190b000-0000-7000-8000-00000000a0{number:02}",
        "name": f"Demo {role} {number}",
        "email": f"table.{number}@nowhere.example",
        "passphrase": f"a table of {number} rows",
        # A copy: YAML would write what stands twice as an alias.
        "roles": [since | deepcopy(TRAINING[state])],
    }


def _access_token(deps: Deps, entry: dict[str, Any]) -> str:
    signed_in = commands.sign_in(deps, Attempt(entry["email"], entry["passphrase"], place="192.0.2.1"))
    wanted = CodeRequest("gateway", "http://127.0.0.1/", " ".join(SCOPES), "nonce", "challenge")
    code, token = deps.new_secret(), deps.new_secret()
    commands.give_code(deps, signed_in.session, request=wanted, code=code)
    claim = commands.claim_code(deps, code, client_id="gateway")
    assert claim is not None
    commands.give_tokens(deps, claim, access_token=token, refresh_token="")
    return token


def try_each(world: World, asker: Asker) -> list[Tried]:
    """Every RPC that is not open, with an empty request."""
    found = []
    for method in all_methods():
        if not method.access.is_open:
            empty = GetMessageClass(method.descriptor.input_type)()
            sent = [empty] if method.descriptor.client_streaming else empty
            found.append(Tried(method, world.rpc(asker, method, sent)))
    return found


@pytest.mark.timeout(120)
def test_the_system_decides_as_the_table_says(world: World, people: list[Someone]) -> None:
    wrong = []
    for someone in people:
        is_worth = dict(zip(STATES, WORTHS[someone.role], strict=True))[someone.state]
        assert is_worth in (FULL, SIGNED_IN)
        for tried in try_each(world, someone.asker):
            access, name = tried.method.access, tried.method.descriptor.name
            said = ALLOWED[name, someone.role] if is_worth == FULL else access.is_signed_in
            if said is not tried.is_allowed:
                wrong.append(f"{name}: {someone.asker.words}: the table says {said}, the system {tried.outcome}")
    assert wrong == []


def test_a_services_token_opens_what_its_purpose_names(world: World) -> None:
    environment = environment_of(world.system, "identity")
    wrong = []
    for (service, purpose), permissions in SERVICE_PURPOSES.items():
        minted = world.rpc(
            Asker("nobody", ""),
            world.method("MintServiceToken"),
            identity_pb2.MintServiceTokenRequest(
                service=service,
                credential=service_credential(environment["ASCMS_SERVICE_SECRET"], service),
                tenant_id=str(MINISTRY),
                purpose=purpose,
            ),
        )
        assert isinstance(minted.response, identity_pb2.MintServiceTokenResponse), minted
        asker = world.known(f"{service} to {purpose}", minted.response.token)
        for tried in try_each(world, asker):
            access = tried.method.access
            said = access.is_signed_in or access.purpose == purpose or access.permission in permissions
            if said is not tried.is_allowed:
                wrong.append(f"{tried.method.path}: {asker.words}: {tried.outcome}")
    assert wrong == []


def test_without_a_token_nothing_but_what_is_open_answers(world: World) -> None:
    answered = {
        method.descriptor.name
        for method in all_methods()
        if not method.descriptor.client_streaming
        and world.rpc(Asker("nobody", ""), method, GetMessageClass(method.descriptor.input_type)()).code
        != "UNAUTHENTICATED"
    }
    assert answered <= {method.descriptor.name for method in all_methods() if method.access.is_open}


@pytest.fixture
def suspended(deps: Deps) -> Iterator[None]:
    """The provider and the school, suspended for the length of a test."""
    ministry = system_actor("identity", MINISTRY)
    places = [PLACES[kind] for kind in (OrganisationKind.PROVIDER, OrganisationKind.SCHOOL)]
    for place in places:
        commands.suspend_organisation(deps, ministry, organisation_id=place, reason=SuspensionReason.REQUESTED)
    yield
    for place in places:
        commands.resume_organisation(deps, ministry, organisation_id=place)


@pytest.mark.usefixtures("suspended")
def test_who_is_at_a_suspended_organisation_gets_no_token(world: World, people: list[Someone]) -> None:
    shut_out = [someone for someone in people if ROLES[someone.role].kind is not OrganisationKind.MINISTRY]
    assert len(shut_out) == len(TRAINING) * 6
    for someone in shut_out:
        request = identity_pb2.ExchangeTokenRequest(access_token=someone.asker.access_token)
        got = world.rpc(Asker("nobody", ""), world.method("ExchangeToken"), request)
        assert (got.code, got.response) == ("PERMISSION_DENIED", None), someone.asker.words
        assert WORTHS[someone.role][-1] == NOTHING


def test_the_ministry_is_never_suspended(deps: Deps) -> None:
    ministry = system_actor("identity", MINISTRY)
    with pytest.raises(FailedPreconditionError):
        commands.suspend_organisation(deps, ministry, organisation_id=MINISTRY, reason=SuspensionReason.REQUESTED)
    of_ministry = {role for role, rule in ROLES.items() if rule.kind is OrganisationKind.MINISTRY}
    assert {WORTHS[role][-1] for role in of_ministry} == {NEVER}
