"""The directory in memory and the one that asks identity agree."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from ascms.identity.v1 import identity_pb2, identity_pb2_grpc

from kit.errors import NotFoundError, UnavailableError
from kit.rpc.client import Backend, Channels
from kit.rpc.server import Call, Servicer, read, serve
from services.cases.directory import Directory, IdentityDirectory, Provider
from tests.service.cases.conftest import ATTENDANCE_LEAD, LEAD, MANAGER, OTHER_SCHOOL, PROVIDER, SCHOOL, UNTRAINED
from tests.service.cases.directory import FakeDirectory
from tests.support.tokens import token_for, verifier


@dataclass
class SmallIdentity(identity_pb2_grpc.IdentityServiceServicer):
    """Identity, as far as cases asks it."""

    callers: list[UUID] = field(default_factory=list)

    @read
    def FindProvider(self, request: identity_pb2.FindProviderRequest, call: Call) -> identity_pb2.FindProviderResponse:
        self.callers.append(call.actor.person_id)
        if request.school_id != str(SCHOOL):
            raise NotFoundError("provider")
        provider = identity_pb2.Organisation(organisation_id=str(PROVIDER), region="02")
        return identity_pb2.FindProviderResponse(provider=provider)

    @read
    def BatchGetOrganisations(
        self, request: identity_pb2.BatchGetOrganisationsRequest, call: Call
    ) -> identity_pb2.BatchGetOrganisationsResponse:
        self.callers.append(call.actor.person_id)
        known = [identity_pb2.Organisation(organisation_id=str(SCHOOL), school_number="0417")]
        found = [each for each in known if each.organisation_id in request.organisation_ids]
        return identity_pb2.BatchGetOrganisationsResponse(organisations=found)

    @read
    def ListSchoolContacts(
        self, request: identity_pb2.ListSchoolContactsRequest, call: Call
    ) -> identity_pb2.ListSchoolContactsResponse:
        self.callers.append(call.actor.person_id)
        if request.school_id != str(SCHOOL):
            raise NotFoundError("school")
        return identity_pb2.ListSchoolContactsResponse(
            people=[identity_pb2.Person(person_id=str(ATTENDANCE_LEAD.person_id))]
        )

    @read
    def BatchGetPeople(
        self, request: identity_pb2.BatchGetPeopleRequest, call: Call
    ) -> identity_pb2.BatchGetPeopleResponse:
        self.callers.append(call.actor.person_id)
        grants = {
            MANAGER: [identity_pb2.RoleGrant(role="case_manager", works=True)],
            UNTRAINED: [identity_pb2.RoleGrant(role="case_manager", works=False, missing="training")],
            LEAD: [identity_pb2.RoleGrant(role="workflow_lead", works=True)],
        }
        people = [
            identity_pb2.Person(person_id=str(who.person_id), roles=roles)
            for who, roles in grants.items()
            if str(who.person_id) in request.person_ids
        ]
        return identity_pb2.BatchGetPeopleResponse(people=people)


@pytest.fixture
def identity() -> SmallIdentity:
    return SmallIdentity()  # type: ignore[abstract]  # the rest answers "not implemented"


@pytest.fixture(params=["in memory", "identity"])
def directory(request: pytest.FixtureRequest, identity: SmallIdentity) -> Iterator[Directory]:
    servicer = Servicer(
        identity,
        identity_pb2_grpc.add_IdentityServiceServicer_to_server,
        identity_pb2.DESCRIPTOR.services_by_name["IdentityService"],
    )
    server = serve(address="127.0.0.1:0", servicers=[servicer], verifier=verifier())
    backend = Backend(Channels(f"127.0.0.1:{server.port}", count=1), identity_pb2_grpc.IdentityServiceStub)
    known: dict[str, Directory] = {
        "in memory": FakeDirectory(
            {SCHOOL: Provider(PROVIDER, "02")},
            {SCHOOL: "0417"},
            {MANAGER.person_id},
            {LEAD.person_id},
            {SCHOOL: {ATTENDANCE_LEAD.person_id}},
        ),
        "identity": IdentityDirectory(backend),
    }
    yield known[request.param]
    backend.close()
    server.stop(0)


def test_a_school_has_the_provider_of_its_catchment(directory: Directory) -> None:
    assert directory.find_provider(school_id=SCHOOL, token=token_for(LEAD)) == Provider(PROVIDER, "02")


def test_a_school_without_catchment_has_none(directory: Directory) -> None:
    assert directory.find_provider(school_id=OTHER_SCHOOL, token=token_for(LEAD)) is None


def test_a_school_has_a_number_and_others_have_none(directory: Directory) -> None:
    assert directory.school_number(school_id=SCHOOL, token=token_for(LEAD)) == "0417"
    assert directory.school_number(school_id=PROVIDER, token=token_for(LEAD)) == ""


def test_a_case_manager_works_once_nothing_is_missing(directory: Directory) -> None:
    works = {
        who: directory.is_working_case_manager(person_id=who.person_id, token=token_for(LEAD))
        for who in (MANAGER, UNTRAINED, LEAD)
    }
    assert works == {MANAGER: True, UNTRAINED: False, LEAD: False}
    assert not directory.is_working_case_manager(person_id=UUID(int=404), token=token_for(LEAD))


def test_a_case_manager_and_a_lead_work_on_cases_once_nothing_is_missing(directory: Directory) -> None:
    works = {
        who: directory.is_working_on_cases(person_id=who.person_id, token=token_for(LEAD))
        for who in (MANAGER, UNTRAINED, LEAD)
    }
    assert works == {MANAGER: True, UNTRAINED: False, LEAD: True}


def test_a_school_of_the_catchment_has_its_contacts(directory: Directory) -> None:
    asked = [(ATTENDANCE_LEAD, SCHOOL), (MANAGER, SCHOOL), (ATTENDANCE_LEAD, OTHER_SCHOOL)]
    found = [
        directory.is_school_contact(person_id=who.person_id, school_id=school, token=token_for(LEAD))
        for who, school in asked
    ]
    assert found == [True, False, False]


@pytest.mark.parametrize("directory", ["identity"], indirect=True)
def test_identity_is_asked_as_the_caller(directory: Directory, identity: SmallIdentity) -> None:
    directory.find_provider(school_id=SCHOOL, token=token_for(LEAD))
    assert identity.callers == [LEAD.person_id]


def test_when_identity_is_away_both_say_so() -> None:
    backend = Backend(Channels("127.0.0.1:1", count=1), identity_pb2_grpc.IdentityServiceStub)
    for away in (FakeDirectory(is_away=True), IdentityDirectory(backend)):
        with pytest.raises(UnavailableError):
            away.find_provider(school_id=SCHOOL, token=token_for(LEAD))
    backend.close()
