"""Identity's gRPC methods: decode, one call, encode."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from ascms.identity.v1 import identity_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from kit.actor import Actor, ActorKind
from kit.clock import local_date
from kit.errors import InvalidArgumentError, NotFoundError, Violation
from kit.paging import DEFAULT_SIZE, PageTokens
from kit.rpc.server import Call, read
from services.identity.commands.deps import Deps
from services.identity.domain import HeldRole, Organisation, OrganisationKind
from services.identity.keys import INTERNAL
from services.identity.roles import ROLES, held_roles
from services.identity.store import machines, organisations, people
from services.identity.store.people import Member, MemberFilter
from services.identity.tokens import Exchanged, Minted, TokenOffice

_KINDS = {
    OrganisationKind.PROVIDER: pb.ORGANISATION_KIND_PROVIDER,
    OrganisationKind.SCHOOL: pb.ORGANISATION_KIND_SCHOOL,
    OrganisationKind.MINISTRY: pb.ORGANISATION_KIND_MINISTRY,
}
_KIND_OF = {number: kind for kind, number in _KINDS.items()}


@dataclass(frozen=True)
class IdentityServicer:
    """ascms.identity.v1.IdentityService."""

    deps: Deps
    office: TokenOffice
    pages: PageTokens

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
            person=_person(actor.person_id, name, roles),
            organisation=_organisation(organisation),
            permissions=sorted(actor.permissions),
        )

    @read
    def BatchGetPeople(self, request: pb.BatchGetPeopleRequest, call: Call) -> pb.BatchGetPeopleResponse:
        """People whom the caller's organisation knows, also those who left: their work still bears their names."""
        with self.deps.database.tenant(call.actor) as tx:
            found = people.get_members(tx, _ids(request.person_ids))
            grants = people.grants_of_members(tx, [member.person_id for member in found])
        roles = {
            person: held_roles(given, kind=_kind(call.actor), today=local_date(self.deps.clock.now()))
            for person, given in grants.items()
        }
        return pb.BatchGetPeopleResponse(
            people=[_person(member.person_id, member.name, roles[member.person_id]) for member in found]
        )

    @read
    def BatchGetContacts(self, request: pb.BatchGetContactsRequest, call: Call) -> pb.BatchGetContactsResponse:
        """Where to reach people who work at the token's organisation."""
        today = local_date(self.deps.clock.now())
        with self.deps.database.tenant(call.actor) as tx:
            found = people.get_members(tx, _ids(request.person_ids))
            grants = people.grants_of_members(tx, [member.person_id for member in found])
        working = {
            person
            for person, given in grants.items()
            if any(role.works for role in held_roles(given, kind=_kind(call.actor), today=today))
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
        scope = ("people", actor.tenant_id, role)
        size = request.page_size or DEFAULT_SIZE
        today = local_date(self.deps.clock.now())
        wanted = MemberFilter(today, role, needs_training=not role or ROLES[role].needs_training)
        after = self._after(request.page_token, scope)
        # A role of another kind of organisation works for nobody here, whatever the rows say.
        is_possible = not role or ROLES[role].kind is _kind(actor)
        with self.deps.database.tenant(actor) as tx:
            found = people.list_members(tx, wanted, after=after, most=size + 1) if is_possible else []
            shown: Sequence[Member] = found[:size]
            grants = people.grants_of_members(tx, [member.person_id for member in shown])
        return pb.ListPeopleResponse(
            people=[
                _person(
                    member.person_id,
                    member.name,
                    held_roles(grants[member.person_id], kind=_kind(actor), today=today),
                )
                for member in shown
            ],
            next_page_token=self.pages.encode([str(shown[-1].person_id)], scope=scope) if len(found) > size else "",
        )

    @read
    def BatchGetOrganisations(
        self, request: pb.BatchGetOrganisationsRequest, call: Call
    ) -> pb.BatchGetOrganisationsResponse:
        """Organisations by id."""
        with self.deps.database.tenant(call.actor) as tx:
            found = organisations.get_organisations(tx, _ids(request.organisation_ids))
        return pb.BatchGetOrganisationsResponse(organisations=[_organisation(item) for item in found])

    @read
    def ListOrganisations(self, request: pb.ListOrganisationsRequest, call: Call) -> pb.ListOrganisationsResponse:
        """All organisations, by name."""
        kind = _KIND_OF[request.kind].value if request.kind else ""
        scope = ("organisations", call.actor.tenant_id, kind)
        size = request.page_size or DEFAULT_SIZE
        after = self._after(request.page_token, scope)
        with self.deps.database.tenant(call.actor) as tx:
            found = organisations.list_organisations(tx, kind=kind, after=after, most=size + 1)
        shown = found[:size]
        return pb.ListOrganisationsResponse(
            organisations=[_organisation(item) for item in shown],
            next_page_token=self.pages.encode([str(shown[-1].id)], scope=scope) if len(found) > size else "",
        )

    @read
    def FindProvider(self, request: pb.FindProviderRequest, call: Call) -> pb.FindProviderResponse:
        """The provider for a school today."""
        today = local_date(self.deps.clock.now())
        with self.deps.database.tenant(call.actor) as tx:
            found = organisations.find_provider(tx, school_id=UUID(request.school_id), today=today)
        if found is None:
            raise NotFoundError("provider")
        return pb.FindProviderResponse(provider=_organisation(found[0]), catchment=found[1])

    def _after(self, token: str, scope: Sequence[object]) -> UUID | None:
        # The id alone: where it stands in the order is looked up, since a name may be longer than a token.
        position = self.pages.decode(token, scope=scope)
        return UUID(position[0]) if position is not None else None


def _ids(texts: Iterable[str]) -> list[UUID]:
    return [UUID(text) for text in dict.fromkeys(texts)]


def _kind(actor: Actor) -> OrganisationKind:
    return OrganisationKind(actor.tenant_kind)


def _exchanged(result: Exchanged) -> pb.ExchangeTokenResponse:
    return pb.ExchangeTokenResponse(
        token=result.minted.token,
        expires_at=_expires_at(result.minted),
        person=_person(result.actor.person_id, result.name, result.roles),
        organisation=_organisation(result.organisation),
        organisations=[_organisation(item) for item in result.organisations],
        permissions=sorted(result.actor.permissions),
    )


def _expires_at(minted: Minted) -> Timestamp:
    return Timestamp(seconds=int(minted.expires_at.timestamp()))


def _person(person_id: UUID, name: str, roles: Iterable[HeldRole]) -> pb.Person:
    return pb.Person(
        person_id=str(person_id),
        name=name,
        roles=[pb.RoleGrant(role=held.role, works=held.works, missing=held.missing) for held in roles],
    )


def _organisation(item: Organisation) -> pb.Organisation:
    return pb.Organisation(
        organisation_id=str(item.id),
        kind=_KINDS[item.kind],
        name=item.name,
        school_number=item.school_number,
        region=item.region,
    )
