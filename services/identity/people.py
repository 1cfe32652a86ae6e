"""The YAML file of people to provision: demonstrations and first set-ups. In real use people are invited."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from services.identity.domain import Organisation, Period, Profile, RoleGrant, email_key
from services.identity.roles import ROLES
from services.identity.secrets import digest
from services.identity.store.machines import Machine
from services.identity.yamlfile import Day, Entry, Fault, FileFaultsError, Id, Source, Text, read


def _role(value: str) -> str:
    if value not in ROLES:
        raise PydanticCustomError("unknown-role", "is not a role")
    return value


Role = Annotated[str, StringConstraints(strict=True), AfterValidator(_role)]
Email = Annotated[str, StringConstraints(strict=True, pattern=r"^[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+$", max_length=200)]
Passphrase = Annotated[str, StringConstraints(strict=True, min_length=12, max_length=200)]
ClientSecret = Annotated[str, StringConstraints(strict=True, pattern=r"^[\x21-\x7e]{32,200}$")]


class TrainingEntry(Entry):
    """Training completed, and the last day it counts; without end when that is left out."""

    completed_on: Day
    ends_on: Day | None = None


class GrantEntry(Entry):
    """A role at an organisation."""

    organisation: Id
    role: Role
    starts_on: Day
    ends_on: Day | None = None
    training: TrainingEntry | None = None


class PersonEntry(Entry):
    """A person with their roles."""

    id: Id
    name: Text
    email: Email
    passphrase: Passphrase
    language: Literal["en", "mi"] = "en"
    disabled: bool = False
    roles: list[GrantEntry]


class MachineEntry(Entry):
    """A program of an organisation. Its id is the client_id."""

    id: Id
    name: Text
    organisation: Id
    secret: ClientSecret
    roles: list[Role]


class PeopleFile(Entry):
    """The whole file."""

    people: list[PersonEntry]
    machines: list[MachineEntry] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ProvisionedPerson:
    """A person as the file has them."""

    profile: Profile
    passphrase: str
    grants: Mapping[UUID, Sequence[RoleGrant]]


def read_people(content: bytes, organisations: Sequence[Organisation]) -> tuple[list[ProvisionedPerson], list[Machine]]:
    """The people and machine clients that a file describes, for the organisations there are.

    Raises:
        FileFaultsError: with every fault, as in `organisations.read_register`.
    """
    file, source = read(content, PeopleFile)
    faults = [*_people_faults(file, source, organisations), *_machine_faults(file, source, organisations)]
    if faults:
        raise FileFaultsError(faults)
    return (
        [ProvisionedPerson(_profile(item), item.passphrase, _grants(item)) for item in file.people],
        [
            Machine(item.organisation, item.id, item.name, digest(item.secret), tuple(item.roles))
            for item in file.machines
        ],
    )


def _profile(item: PersonEntry) -> Profile:
    return Profile(item.id, item.name, item.email, item.language, is_disabled=item.disabled)


def _grants(item: PersonEntry) -> dict[UUID, list[RoleGrant]]:
    grants: dict[UUID, list[RoleGrant]] = {}
    for entry in item.roles:
        training = entry.training
        grant = RoleGrant(
            role=entry.role,
            period=Period(entry.starts_on, entry.ends_on),
            trained_on=training.completed_on if training else None,
            training_ends_on=training.ends_on if training else None,
        )
        grants.setdefault(entry.organisation, []).append(grant)
    return grants


def _people_faults(file: PeopleFile, source: Source, organisations: Sequence[Organisation]) -> Iterator[Fault]:
    kinds = {item.id: item.kind for item in organisations}
    ids: set[UUID] = set()
    addresses: set[str] = set()
    for i, item in enumerate(file.people):
        path = f"people[{i}]"
        if item.id in ids:
            yield source.fault(f"{path}.id", "duplicate", "stands in this file already")
        if email_key(item.email) in addresses:
            yield source.fault(f"{path}.email", "duplicate", "stands in this file already")
        ids.add(item.id)
        addresses.add(email_key(item.email))
        held: set[tuple[UUID, str]] = set()
        for j, grant in enumerate(item.roles):
            here = f"{path}.roles[{j}]"
            if grant.organisation not in kinds:
                yield source.fault(f"{here}.organisation", "unknown-organisation", "does not exist")
            elif ROLES[grant.role].is_for_machines:
                yield source.fault(f"{here}.role", "for-machines", "is a role of machine clients only")
            elif ROLES[grant.role].kind is not kinds[grant.organisation]:
                yield source.fault(f"{here}.role", "wrong-kind", f"is not a role of a {kinds[grant.organisation]}")
            if (grant.organisation, grant.role) in held:
                yield source.fault(here, "duplicate", "is given twice")
            if Period(grant.starts_on, grant.ends_on).is_backwards:
                yield source.fault(f"{here}.ends_on", "backwards", "lies before starts_on")
            held.add((grant.organisation, grant.role))


def _machine_faults(file: PeopleFile, source: Source, organisations: Sequence[Organisation]) -> Iterator[Fault]:
    kinds = {item.id: item.kind for item in organisations}
    ids: set[UUID] = set()
    for i, item in enumerate(file.machines):
        path = f"machines[{i}]"
        if item.id in ids:
            yield source.fault(f"{path}.id", "duplicate", "stands in this file already")
        ids.add(item.id)
        if item.organisation not in kinds:
            yield source.fault(f"{path}.organisation", "unknown-organisation", "does not exist")
            continue
        for j, role in enumerate(item.roles):
            if ROLES[role].kind is not kinds[item.organisation]:
                yield source.fault(f"{path}.roles[{j}]", "wrong-kind", f"is not a role of a {kinds[item.organisation]}")
