"""What the service desk asks: decode, one call, encode."""

from ascms.identity.v1 import servicedesk_pb2 as pb

from kit.rpc.server import Call, write
from services.identity import commands
from services.identity.commands import FoundAccess
from services.identity.rpc.access import encode_access
from services.identity.rpc.base import Methods


def _found(found: FoundAccess) -> pb.FindAccessResponse:
    if found.profile is None:
        return pb.FindAccessResponse()
    return pb.FindAccessResponse(
        is_known=True,
        name=found.profile.name,
        is_disabled=found.profile.is_disabled,
        places=[
            pb.AccessPlace(
                organisation_id=str(organisation.id),
                organisation=organisation.name,
                is_suspended=organisation.is_suspended,
                roles=encode_access(access).roles,
            )
            for organisation, access in sorted(found.places, key=lambda place: place[0].name)
        ],
    )


class DeskMethods(Methods):
    """Someone who cannot get in."""

    @write(_found)
    def FindAccess(self, request: pb.FindAccessRequest, call: Call) -> FoundAccess:
        """See the contract."""
        return commands.find_access(self.deps, call.actor, email=request.email, call_number=request.call_number)
