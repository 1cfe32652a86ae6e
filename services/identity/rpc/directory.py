"""Tokens, the caller, people and organisations: decode, one call, encode."""

import json
from collections.abc import Sequence
from uuid import UUID

from ascms.identity.v1 import identity_pb2 as pb
from ascms.identity.v1 import register_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from kit.actor import ActorKind
from kit.clock import local_date
from kit.errors import InvalidArgumentError, NotFoundError, Violation
from kit.paging import DEFAULT_SIZE
from kit.rpc.server import Call, read
from services.identity.domain import HeldRole, OrganisationKind
from services.identity.keys import INTERNAL
from services.identity.roles import CONTACT_ROLES, ROLES, held_roles
from services.identity.rpc.base import KIND_OF, Methods, encode_organisation, encode_person, ids, kind_of
from services.identity.store import machines, organisations, people
from services.identity.store.organisations import OrganisationFilter
from services.identity.store.people import Member, MemberFilter
from services.identity.tokens import Exchanged, Minted

_MOST_SCHOOLS = 20
_MOST_CONTACTS = 100
_STATES = {register_pb2.ORGANISATION_STATE_ACTIVE: "active", register_pb2.ORGANISATION_STATE_SUSPENDED: "suspended"}


class DirectoryMethods(Methods):
    """Tokens, the caller, people and organisations."""

    @read
    def ExchangeToken(self, request: pb.ExchangeTokenRequest, _call: Call) -> pb.ExchangeTokenResponse:
        """An internal token for the holder of an access token."""
        wanted = UUID(request.organisation_id) if request.organisation_id else None
        return _exchanged(self.office.exchange(request.access_token, organisation_id=wanted))

    @read
    def MintServiceToken(self, request: pb.MintServiceTokenRequest, _call: Call) -> pb.MintServiceTokenResponse:
        """An internal token for a service."""
        minted = self.office.mint_for_service(
            service=request.service,
            credential=request.credential,
            tenant_id=UUID(request.tenant_id),
            purpose=request.purpose,
        )
        return pb.MintServiceTokenResponse(token=minted.token, expires_at=_expires_at(minted))

    @read
    def GetSigningKeys(self, _request: pb.GetSigningKeysRequest, _call: Call) -> pb.GetSigningKeysResponse:
        """The public keys of internal tokens."""
        return pb.GetSigningKeysResponse(jwks=json.dumps(self.office.keys.public_keys(INTERNAL)))

    @read
    def GetCaller(self, _request: pb.GetCallerRequest, call: Call) -> pb.GetCallerResponse:
        """Who is calling."""
        actor = call.actor
        with self.deps.database.tenant(actor) as tx:
            organisation = organisations.find_organisation(tx, actor.tenant_id)
            if organisation is None:
                raise NotFoundError("organisation")
            if actor.kind is ActorKind.MACHINE:
                machine = machines.find_machine(tx, actor.person_id)
                name = machine.name if machine is not None else ""
                roles = [HeldRole(role) for role in sorted(machine.roles)] if machine is not None else []
            else:
                found = people.get_members(tx, [actor.person_id])
                name = found[0].name if found else ""
                grants = people.grants_of_members(tx, [actor.person_id])[actor.person_id]
                roles = held_roles(grants, kind=organisation.kind, today=local_date(self.deps.clock.now()))
        return pb.GetCallerResponse(
            person=encode_person(actor.person_id, name, roles),
            organisation=encode_organisation(organisation),
            permissions=sorted(actor.permissions),
        )

    @read
    def BatchGetPeople(self, request: pb.BatchGetPeopleRequest, call: Call) -> pb.BatchGetPeopleResponse:
        """People whom the caller's organisation knows, also those who left: their work still bears their names."""
        with self.deps.database.tenant(call.actor) as tx:
            found = people.get_members(tx, ids(request.person_ids))
            grants = people.grants_of_members(tx, [member.person_id for member in found])
        roles = {
            person: held_roles(given, kind=kind_of(call.actor), today=local_date(self.deps.clock.now()))
            for person, given in grants.items()
        }
        return pb.BatchGetPeopleResponse(
            people=[encode_person(member.person_id, member.name, roles[member.person_id]) for member in found]
        )

    @read
    def BatchGetContacts(self, request: pb.BatchGetContactsRequest, call: Call) -> pb.BatchGetContactsResponse:
        """Where to reach people who have a role at the token's organisation; one that works, unless told."""
        today = local_date(self.deps.clock.now())
        with self.deps.database.tenant(call.actor) as tx:
            found = people.get_members(tx, ids(request.person_ids))
            grants = people.grants_of_members(tx, [member.person_id for member in found])
        working = {
            person
            for person, given in grants.items()
            if any(
                role.works or request.with_inert_roles
                for role in held_roles(given, kind=kind_of(call.actor), today=today)
            )
        }
        return pb.BatchGetContactsResponse(
            contacts=[
                pb.Contact(
                    person_id=str(member.person_id), name=member.name, email=member.email, language=member.language
                )
                for member in found
                if member.person_id in working
            ]
        )

    @read
    def ListPeople(self, request: pb.ListPeopleRequest, call: Call) -> pb.ListPeopleResponse:
        """People with a role at the caller's organisation, by name."""
        actor, role = call.actor, request.working_role
        if role and role not in ROLES:
            raise InvalidArgumentError.of(Violation("working_role", "unknown-value", "is not a role"))
        if role and request.without_role:
            raise InvalidArgumentError.of(Violation("without_role", "not-allowed", "asks for the opposite of a role"))
        scope = ("people", actor.tenant_id, role, request.without_role)
        size = request.page_size or DEFAULT_SIZE
        today = local_date(self.deps.clock.now())
        wanted = MemberFilter(
            today, role, needs_training=not role or ROLES[role].needs_training, is_without=request.without_role
        )
        after = self.after(request.page_token, scope)
        # A role of another kind of organisation works for nobody here, whatever the rows say.
        is_possible = not role or ROLES[role].kind is kind_of(actor)
        with self.deps.database.tenant(actor) as tx:
            found = people.list_members(tx, wanted, after=after, most=size + 1) if is_possible else []
            shown: Sequence[Member] = found[:size]
            grants = people.grants_of_members(tx, [member.person_id for member in shown])
        return pb.ListPeopleResponse(
            people=[
                encode_person(
                    member.person_id,
                    member.name,
                    held_roles(grants[member.person_id], kind=kind_of(actor), today=today),
                )
                for member in shown
            ],
            next_page_token=self.pages.encode([str(shown[-1].person_id)], scope=scope) if len(found) > size else "",
        )

    @read
    def ListSchoolContacts(self, request: pb.ListSchoolContactsRequest, call: Call) -> pb.ListSchoolContactsResponse:
        """People of a school in the caller's catchment who can be the contact for a case."""
        school_id, today = UUID(request.school_id), local_date(self.deps.clock.now())
        with self.deps.database.tenant(call.actor) as tx:
            provider = organisations.find_provider(tx, school_id=school_id, today=today)
            if provider is None or provider[0].id != call.actor.tenant_id:
                raise NotFoundError("school")
            with tx.enter_tenant(school_id, reason="list-school-contacts"):
                found = {
                    member.person_id: member
                    for role in CONTACT_ROLES
                    for member in people.list_members(
                        tx, MemberFilter(today, role, needs_training=False), after=None, most=_MOST_CONTACTS
                    )
                }
                grants = people.grants_of_members(tx, list(found))
        shown = sorted(found.values(), key=lambda member: member.name)[:_MOST_CONTACTS]
        return pb.ListSchoolContactsResponse(
            people=[
                encode_person(
                    member.person_id,
                    member.name,
                    held_roles(grants[member.person_id], kind=OrganisationKind.SCHOOL, today=today),
                )
                for member in shown
            ]
        )

    @read
    def FindSchools(self, request: pb.FindSchoolsRequest, call: Call) -> pb.FindSchoolsResponse:
        """Schools of the caller's catchments."""
        today = local_date(self.deps.clock.now())
        with self.deps.database.tenant(call.actor) as tx:
            found = organisations.find_schools(
                tx, provider_id=call.actor.tenant_id, search=request.search, today=today, most=_MOST_SCHOOLS + 1
            )
        return pb.FindSchoolsResponse(
            schools=[encode_organisation(item) for item in found[:_MOST_SCHOOLS]], has_more=len(found) > _MOST_SCHOOLS
        )

    @read
    def BatchGetOrganisations(
        self, request: pb.BatchGetOrganisationsRequest, call: Call
    ) -> pb.BatchGetOrganisationsResponse:
        """Organisations by id."""
        with self.deps.database.tenant(call.actor) as tx:
            found = organisations.get_organisations(tx, ids(request.organisation_ids))
        return pb.BatchGetOrganisationsResponse(organisations=[encode_organisation(item) for item in found])

    @read
    def ListOrganisations(self, request: pb.ListOrganisationsRequest, call: Call) -> pb.ListOrganisationsResponse:
        """All organisations, by name."""
        wanted = OrganisationFilter(
            kind=KIND_OF[request.kind].value if request.kind else "",
            search=request.search,
            state=_STATES.get(request.state, ""),
        )
        scope = ("organisations", call.actor.tenant_id, wanted)
        size = request.page_size or DEFAULT_SIZE
        after = self.after(request.page_token, scope)
        with self.deps.database.tenant(call.actor) as tx:
            found = organisations.list_organisations(tx, wanted, after=after, most=size + 1)
            counts = organisations.count_organisations(tx, wanted)
        shown = found[:size]
        return pb.ListOrganisationsResponse(
            organisations=[encode_organisation(item) for item in shown],
            next_page_token=self.pages.encode([str(shown[-1].id)], scope=scope) if len(found) > size else "",
            counts=[register_pb2.RegisterCount(filter=name, count=many) for name, many in counts.items()],
        )

    @read
    def FindProvider(self, request: pb.FindProviderRequest, call: Call) -> pb.FindProviderResponse:
        """The provider for a school today."""
        today = local_date(self.deps.clock.now())
        with self.deps.database.tenant(call.actor) as tx:
            found = organisations.find_provider(tx, school_id=UUID(request.school_id), today=today)
        if found is None:
            raise NotFoundError("provider")
        return pb.FindProviderResponse(provider=encode_organisation(found[0]), catchment=found[1])


def _exchanged(result: Exchanged) -> pb.ExchangeTokenResponse:
    return pb.ExchangeTokenResponse(
        token=result.minted.token,
        expires_at=_expires_at(result.minted),
        person=encode_person(result.actor.person_id, result.name, result.roles),
        organisation=encode_organisation(result.organisation),
        organisations=[encode_organisation(item) for item in result.organisations],
        permissions=sorted(result.actor.permissions),
    )


def _expires_at(minted: Minted) -> Timestamp:
    return Timestamp(seconds=int(minted.expires_at.timestamp()))
