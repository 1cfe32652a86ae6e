"""People made up for the gateway's tests, by the first part of their access tokens."""

from dataclasses import dataclass
from uuid import UUID

from ascms.identity.v1 import identity_pb2

KOWHAI = identity_pb2.Organisation(
    organisation_id=str(UUID(int=0x50000000000000000000000000000001)),
    kind=identity_pb2.ORGANISATION_KIND_PROVIDER,
    name="Kōwhai Attendance",
)
RIMU = identity_pb2.Organisation(
    organisation_id=str(UUID(int=0x50000000000000000000000000000002)),
    kind=identity_pb2.ORGANISATION_KIND_PROVIDER,
    name="Rimu Support",
)
SCHOOL = identity_pb2.Organisation(
    organisation_id=str(UUID(int=0x50000000000000000000000000000003)),
    kind=identity_pb2.ORGANISATION_KIND_SCHOOL,
    name="Te Kura o Tāwhai",
)


@dataclass(frozen=True)
class Person:
    key: str
    number: int
    name: str
    organisations: tuple[identity_pb2.Organisation, ...]
    roles: tuple[str, ...]
    permissions: tuple[str, ...]

    @property
    def access_token(self) -> str:
        """What the OpenID provider would have given: see FakeProvider, whose tokens begin with the subject."""
        return f"{self.key}.token"

    @property
    def person_id(self) -> UUID:
        return UUID(int=0x70000000000000000000000000000000 + self.number)

    def tenant_of(self, organisation: identity_pb2.Organisation) -> UUID:
        return UUID(organisation.organisation_id)


LEAD = Person(
    key="lead",
    number=1,
    name="Hēmi Made-Up",
    organisations=(KOWHAI, RIMU),
    roles=("workflow_lead",),
    permissions=(
        "cases:assign",
        "cases:open",
        "cases:read",
        "cases:read-all",
        "cases:record",
        "figures:provider",
        "returns:submit",
        "people:read",
        "requests:answer",
    ),
)
MANAGER = Person(
    key="manager",
    number=2,
    name="Ana Made-Up",
    organisations=(KOWHAI,),
    roles=("case_manager",),
    permissions=("cases:read", "cases:record"),
)
ATTENDANCE_LEAD = Person(
    key="attendance",
    number=3,
    name="Sione Made-Up",
    organisations=(SCHOOL,),
    roles=("attendance_lead",),
    permissions=("requests:submit",),
)
PEOPLE = {person.key: person for person in (LEAD, MANAGER, ATTENDANCE_LEAD)}
