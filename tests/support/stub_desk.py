"""What the service desk asks of identity, over the stub world's people: an address is "<key>@people.example"."""

from typing import Any

from ascms.identity.v1 import access_pb2, servicedesk_pb2

from kit.rpc.server import Call, read


class DeskStub:
    """Finds someone by the whole address."""

    world: Any

    @read
    def FindAccess(self, request: servicedesk_pb2.FindAccessRequest, _call: Call) -> servicedesk_pb2.FindAccessResponse:
        self.met("FindAccess", request)  # type: ignore[attr-defined]
        person = self.world.people.get(request.email.removesuffix("@people.example"))
        if person is None:
            return servicedesk_pb2.FindAccessResponse()
        roles = [access_pb2.RoleDetail(role=one.role, works=one.works, missing=one.missing) for one in person.roles]
        return servicedesk_pb2.FindAccessResponse(
            is_known=True,
            name=person.name,
            places=[
                servicedesk_pb2.AccessPlace(
                    organisation_id=one, organisation=self.world.organisations[one].name, roles=roles
                )
                for one in person.organisations
            ],
        )
