"""Who a school may turn to at its provider: decode, one call, encode."""

from ascms.identity.v1 import contacts_pb2 as pb

from kit.clock import local_date
from kit.errors import NotFoundError
from kit.rpc.server import Call, read
from services.identity.domain import OrganisationKind
from services.identity.roles import held_roles
from services.identity.rpc.base import Methods, ids
from services.identity.store import organisations, people


class ContactMethods(Methods):
    """The people of a school's provider."""

    @read
    def GetProviderContacts(self, request: pb.GetProviderContactsRequest, call: Call) -> pb.GetProviderContactsResponse:
        """Those of the people whom the provider of the caller's school knows; an address for whoever works there."""
        actor, today = call.actor, local_date(self.deps.clock.now())
        with self.deps.database.tenant(actor) as tx:
            provider = organisations.find_provider(tx, school_id=actor.tenant_id, today=today)
            if provider is None:
                raise NotFoundError("provider")
            with tx.enter_tenant(provider[0].id, reason="name-provider-contacts"):
                found = people.get_members(tx, ids(request.person_ids))
                grants = people.grants_of_members(tx, [member.person_id for member in found])
        working = {
            person
            for person, given in grants.items()
            if any(role.works for role in held_roles(given, kind=OrganisationKind.PROVIDER, today=today))
        }
        return pb.GetProviderContactsResponse(
            provider_id=str(provider[0].id),
            provider_name=provider[0].name,
            people=[
                pb.ProviderContact(
                    person_id=str(member.person_id),
                    name=member.name,
                    email=member.email if member.person_id in working else "",
                )
                for member in found
            ],
        )
