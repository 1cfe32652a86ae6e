"""People and organisations as other services and pages ask for them, and tokens for services."""

import json
from uuid import UUID

import pytest
from ascms.identity.v1 import identity_pb2 as pb
from ascms.identity.v1.contacts_pb2 import GetProviderContactsRequest

from kit.actor import Actor, ActorKind, system_actor
from kit.clock import FixedClock
from kit.errors import InvalidArgumentError, NotFoundError, PermissionDeniedError, UnauthenticatedError
from kit.tokens import Verifier
from services.identity import commands
from services.identity.commands import Deps
from services.identity.keys import INTERNAL, OPENID, KeyRing
from services.identity.roles import SERVICE_PURPOSES
from services.identity.secrets import service_credential
from services.identity.tokens import TokenOffice
from tests.service.identity.conftest import Call
from tests.service.identity.test_exchange import access_token
from tests.service.identity.world import (
    ADMINISTRATOR,
    ATTENDANCE_LEAD,
    BOTH,
    COLLEAGUE,
    LEAD,
    MANAGER,
    MINISTRY,
    OTHER_AUTHORISER,
    OTHER_PROVIDER,
    OTHER_SCHOOL,
    PROVIDER,
    SCHOOL,
    SERVICE_SECRET,
    UNTRAINED,
    Demo,
)


@pytest.fixture
def token_of(deps: Deps, call: Call) -> Call:
    """An internal token for one of the demonstration's people, by the real way."""

    def token_of(person: Demo, organisation: UUID | None = None) -> str:
        wanted = str(organisation) if organisation else ""
        request = pb.ExchangeTokenRequest(access_token=access_token(deps, person), organisation_id=wanted)
        token: str = call("ExchangeToken", request).token
        return token

    return token_of


def mint(call: Call, service: str, purpose: str, tenant: UUID = PROVIDER, credential: str = "") -> str:
    """A service's token, by its real credential unless told."""
    request = pb.MintServiceTokenRequest(
        service=service,
        credential=credential or service_credential(SERVICE_SECRET, service),
        tenant_id=str(tenant),
        purpose=purpose,
    )
    token: str = call("MintServiceToken", request).token
    return token


def test_the_caller_sees_themself(call: Call, token_of: Call) -> None:
    answer = call("GetCaller", pb.GetCallerRequest(), token=token_of(MANAGER))
    assert answer.person.name == "Demo Hēmi Walker"
    assert answer.organisation.name == "Te Pūtahi Tauira (demo provider)"
    assert list(answer.permissions) == ["cases:close", "cases:read", "cases:record", "students:search"]


def test_without_a_token_nothing_is_told(call: Call) -> None:
    with pytest.raises(UnauthenticatedError):
        call("GetCaller", pb.GetCallerRequest())


def test_names_are_told_of_people_the_organisation_knows_and_of_no_others(call: Call, token_of: Call) -> None:
    request = pb.BatchGetPeopleRequest(person_ids=[str(MANAGER.id), str(ATTENDANCE_LEAD.id), str(UUID(int=9))])
    answer = call("BatchGetPeople", request, token=token_of(LEAD))
    assert [person.name for person in answer.people] == ["Demo Hēmi Walker"]
    answer = call("BatchGetPeople", request, token=token_of(BOTH, OTHER_PROVIDER))
    assert list(answer.people) == []


def test_who_left_keeps_a_name_and_has_no_role(deps: Deps, call: Call, token_of: Call) -> None:
    commands.end_role(
        deps, system_actor("identity", PROVIDER), person_id=MANAGER.id, role="case_manager", reason="left"
    )
    answer = call("BatchGetPeople", pb.BatchGetPeopleRequest(person_ids=[str(MANAGER.id)]), token=token_of(LEAD))
    assert [(person.name, list(person.roles)) for person in answer.people] == [("Demo Hēmi Walker", [])]
    listed = call("ListPeople", pb.ListPeopleRequest(), token=token_of(LEAD))
    assert str(MANAGER.id) not in {person.person_id for person in listed.people}


def test_people_are_listed_by_name_without_regard_to_macrons(call: Call, token_of: Call) -> None:
    answer = call("ListPeople", pb.ListPeopleRequest(), token=token_of(LEAD))
    assert [person.name for person in answer.people] == [
        "Demo Ānahera Rivers",
        "Demo Hēmi Walker",
        "Demo Kāhu Both",
        "Demo Māhina Lead",
        "Demo Tāne Authoriser",
        "Demo Wiremu Pōtae",
    ]


def test_a_list_of_who_can_work_leaves_out_the_untrained(call: Call, token_of: Call) -> None:
    answer = call("ListPeople", pb.ListPeopleRequest(working_role="case_manager"), token=token_of(LEAD))
    listed = {person.person_id for person in answer.people}
    assert listed == {str(MANAGER.id), str(COLLEAGUE.id), str(BOTH.id)}
    assert str(UNTRAINED.id) not in listed
    assert all(role.works for person in answer.people for role in person.roles)


def test_pages_go_on_where_the_last_one_ended(call: Call, token_of: Call) -> None:
    token, seen, page_token = token_of(LEAD), [], ""
    for _ in range(3):
        request = pb.ListPeopleRequest(page_size=2, page_token=page_token)
        answer = call("ListPeople", request, token=token)
        seen += [person.name for person in answer.people]
        page_token = answer.next_page_token
    assert page_token == ""
    assert len(set(seen)) == 6
    assert seen[0] == "Demo Ānahera Rivers"


@pytest.mark.parametrize("change", ["another filter", "another organisation", "made up"])
def test_a_page_token_is_good_for_its_own_list_only(call: Call, token_of: Call, change: str) -> None:
    first = call("ListPeople", pb.ListPeopleRequest(page_size=1), token=token_of(LEAD))
    requests = {
        "another filter": (first.next_page_token, "case_manager", token_of(LEAD)),
        "another organisation": (first.next_page_token, "", token_of(BOTH, OTHER_PROVIDER)),
        "made up": ("A" * 40, "", token_of(LEAD)),
    }
    page_token, role, token = requests[change]
    with pytest.raises(InvalidArgumentError) as refused:
        call("ListPeople", pb.ListPeopleRequest(page_token=page_token, working_role=role), token=token)
    assert refused.value.violations[0].field == "page_token"


def test_an_unknown_role_is_named(call: Call, token_of: Call) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        call("ListPeople", pb.ListPeopleRequest(working_role="king"), token=token_of(LEAD))
    assert refused.value.violations[0].field == "working_role"


def test_listing_people_needs_its_permission(call: Call, token_of: Call) -> None:
    with pytest.raises(PermissionDeniedError):
        call("ListPeople", pb.ListPeopleRequest(), token=token_of(MANAGER))


def test_the_catchment_names_the_provider(call: Call, token_of: Call) -> None:
    token = token_of(ATTENDANCE_LEAD)
    answer = call("FindProvider", pb.FindProviderRequest(school_id=str(SCHOOL)), token=token)
    assert (answer.provider.organisation_id, answer.catchment) == (str(PROVIDER), "taranaki-demo")
    other = call("FindProvider", pb.FindProviderRequest(school_id=str(OTHER_SCHOOL)), token=token)
    assert other.provider.organisation_id == str(OTHER_PROVIDER)


def test_a_provider_sees_who_can_be_the_contact_at_a_school_of_its_catchment(call: Call, token_of: Call) -> None:
    request = pb.ListSchoolContactsRequest(school_id=str(SCHOOL))
    found = call("ListSchoolContacts", request, token=token_of(LEAD)).people
    assert str(ATTENDANCE_LEAD.id) in {person.person_id for person in found}
    assert all({role.role for role in person.roles} & {"primary_contact", "attendance_lead"} for person in found)
    for school in (OTHER_SCHOOL, PROVIDER, UUID(int=5)):
        with pytest.raises(NotFoundError):
            call("ListSchoolContacts", pb.ListSchoolContactsRequest(school_id=str(school)), token=token_of(LEAD))
    with pytest.raises(PermissionDeniedError):
        call("ListSchoolContacts", request, token=token_of(MANAGER))


def test_a_school_knows_the_people_of_its_own_provider(call: Call, token_of: Call) -> None:
    others = (COLLEAGUE, UNTRAINED, ATTENDANCE_LEAD, OTHER_AUTHORISER)
    request = GetProviderContactsRequest(person_ids=[str(one.id) for one in (MANAGER, *others)])
    answer = call("GetProviderContacts", request, token=token_of(ATTENDANCE_LEAD))
    assert answer.provider_id == str(PROVIDER)
    found = {person.person_id: person.email for person in answer.people}
    assert found == {
        str(MANAGER.id): MANAGER.email,
        str(COLLEAGUE.id): COLLEAGUE.email,
        str(UNTRAINED.id): "",
    }
    with pytest.raises(PermissionDeniedError):
        call("GetProviderContacts", request, token=token_of(LEAD))


@pytest.mark.parametrize("school", [PROVIDER, UUID(int=5)], ids=["not a school", "nothing"])
def test_no_school_no_provider(call: Call, token_of: Call, school: UUID) -> None:
    with pytest.raises(NotFoundError):
        call("FindProvider", pb.FindProviderRequest(school_id=str(school)), token=token_of(LEAD))


def test_organisations_are_named_to_anyone_signed_in(call: Call, token_of: Call) -> None:
    request = pb.BatchGetOrganisationsRequest(organisation_ids=[str(SCHOOL), str(UUID(int=1)), str(SCHOOL)])
    answer = call("BatchGetOrganisations", request, token=token_of(MANAGER))
    assert [(item.name, item.school_number, item.region) for item in answer.organisations] == [
        ("Te Kura Tauira o Kōwhai (demo school)", "0417", "07")
    ]


def test_the_ministry_lists_organisations_by_name_and_kind(call: Call, token_of: Call) -> None:
    token = token_of(ADMINISTRATOR)
    request = pb.ListOrganisationsRequest(kind=pb.ORGANISATION_KIND_SCHOOL, page_size=2)
    first = call("ListOrganisations", request, token=token)
    request.page_token = first.next_page_token
    second = call("ListOrganisations", request, token=token)
    names = [item.name for item in (*first.organisations, *second.organisations)]
    assert names == ["Pōhutukawa Demo College", "Rātā Demo Primary School", "Te Kura Tauira o Kōwhai (demo school)"]
    assert second.next_page_token == ""
    with pytest.raises(PermissionDeniedError):
        call("ListOrganisations", pb.ListOrganisationsRequest(), token=token_of(LEAD))


def test_services_get_tokens_for_their_purposes(call: Call, verifier: Verifier) -> None:
    for (service, purpose), permissions in SERVICE_PURPOSES.items():
        actor = verifier.verify(mint(call, service, purpose))
        assert (actor.kind, actor.service, actor.purpose) == (ActorKind.SERVICE, service, purpose)
        assert (actor.tenant_id, actor.tenant_kind) == (PROVIDER, "provider")
        assert actor.permissions == permissions


@pytest.mark.parametrize(
    ("service", "purpose", "tenant", "credential", "error"),
    [
        ("cases", "check-owners", PROVIDER, "0" * 64, UnauthenticatedError),
        ("cases", "check-owners", PROVIDER, service_credential(SERVICE_SECRET, "reporting"), UnauthenticatedError),
        ("nobody", "check-owners", PROVIDER, "", PermissionDeniedError),
        ("reporting", "send-notices", PROVIDER, "", PermissionDeniedError),
        ("cases", "anything", PROVIDER, "", PermissionDeniedError),
        ("cases", "check-owners", UUID(int=3), "", NotFoundError),
    ],
)
def test_services_get_no_other_tokens(
    call: Call, service: str, purpose: str, tenant: UUID, credential: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        mint(call, service, purpose, tenant, credential)


def test_contacts_are_for_notices_and_of_people_who_work_there(call: Call, token_of: Call) -> None:
    people = [MANAGER, COLLEAGUE, UNTRAINED, ATTENDANCE_LEAD]
    request = pb.BatchGetContactsRequest(person_ids=[str(person.id) for person in people])
    answer = call("BatchGetContacts", request, token=mint(call, "notifications", "send-notices"))
    assert sorted((contact.email, contact.language) for contact in answer.contacts) == [
        (COLLEAGUE.email, "mi"),
        (MANAGER.email, "en"),
    ]
    for token in (token_of(LEAD), mint(call, "cases", "check-owners")):
        with pytest.raises(PermissionDeniedError):
            call("BatchGetContacts", request, token=token)


def test_services_ask_with_their_own_token_who_may_own_a_case(call: Call) -> None:
    request = pb.ListPeopleRequest(working_role="workflow_lead")
    answer = call("ListPeople", request, token=mint(call, "cases", "check-owners"))
    assert [person.person_id for person in answer.people] == [str(LEAD.id)]
    with pytest.raises(PermissionDeniedError):
        call("GetCaller", pb.GetCallerRequest(), token=mint(call, "cases", "check-owners"))


def test_signing_keys_are_public_and_only_those_of_internal_tokens(call: Call, deps: Deps) -> None:
    published = json.loads(call("GetSigningKeys", pb.GetSigningKeysRequest()).jwks)["keys"]
    assert all("d" not in key for key in published)
    keys = KeyRing(deps.database, deps.secret, deps.clock)
    others = keys.public_keys(OPENID)["keys"]
    assert not {key["kid"] for key in published} & {key["kid"] for key in others}


def test_rotation_publishes_first_signs_later_and_keeps_the_old_one_for_its_tokens(
    deps: Deps, clock: FixedClock
) -> None:
    # Given a token signed by the present key
    keys = KeyRing(deps.database, deps.secret, clock)
    office = TokenOffice(deps, keys, SERVICE_SECRET)
    verifier = Verifier(lambda: keys.public_keys(INTERNAL), now=lambda: clock.now().timestamp())
    old = keys.signing_key(INTERNAL).kid
    # When the keys are rotated
    new, _openid = keys.rotate()
    # Then both are published at once, and the old one signs on for a minute
    assert [key["kid"] for key in keys.public_keys(INTERNAL)["keys"]] == [old, new]
    assert keys.signing_key(INTERNAL).kid == old
    clock.moment = clock.moment.replace(minute=1)
    assert keys.signing_key(INTERNAL).kid == new
    minted = office.mint_for_service(
        service="cases",
        credential=service_credential(SERVICE_SECRET, "cases"),
        tenant_id=MINISTRY,
        purpose="check-owners",
    )
    assert verifier.verify(minted.token).tenant_id == MINISTRY
    # And the old one is gone when the last of its tokens has ended
    clock.moment = clock.moment.replace(minute=3)
    assert [key["kid"] for key in KeyRing(deps.database, deps.secret, clock).public_keys(INTERNAL)["keys"]] == [new]


def test_private_keys_are_sealed(deps: Deps, rows: Call) -> None:
    KeyRing(deps.database, deps.secret, deps.clock).signing_key(INTERNAL)
    stored = rows("SELECT private_key FROM signing_key")[0]["private_key"]
    assert b'"d"' not in bytes(stored)


def test_the_database_gives_a_tenant_nothing_of_another(deps: Deps) -> None:
    elsewhere = Actor(kind=ActorKind.SERVICE, tenant_id=OTHER_PROVIDER)
    with deps.database.tenant(elsewhere) as tx:
        found = tx.connection.execute("SELECT count(*) FROM member WHERE tenant_id <> %s", [OTHER_PROVIDER]).fetchone()
    assert found is not None
    assert found[0] == 0


def test_a_provider_finds_the_schools_of_its_catchments(call: Call, token_of: Call) -> None:
    token = token_of(LEAD)

    def found(search: str) -> list[str]:
        answer = call("FindSchools", pb.FindSchoolsRequest(search=search), token=token)
        return [school.organisation_id for school in answer.schools]

    assert found("kowhai") == found("0417") == [str(SCHOOL)]
    assert str(SCHOOL) in found("")
    assert str(OTHER_SCHOOL) not in found("")
    assert found("Rātā") == found("%") == []
