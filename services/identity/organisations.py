"""The register's YAML file: its shape, and the rules that hold between its parts."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from typing import Annotated

import yaml
from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from services.identity.domain import (
    REGIONS,
    Catchment,
    CatchmentSchool,
    Organisation,
    OrganisationKind,
    Period,
)
from services.identity.domain.register import Register, place_of
from services.identity.yamlfile import Day, Entry, Fault, FileFaultsError, Id, Source, Text, read


def _kind(value: str) -> str:
    if value not in set(OrganisationKind):
        raise PydanticCustomError("unknown-kind", "must be provider, school or ministry")
    return value


def _region(value: str) -> str:
    if value not in REGIONS:
        raise PydanticCustomError("unknown-region", "must be a region code of Stats NZ: two digits, in quotes")
    return value


Strict = StringConstraints(strict=True)
SchoolNumber = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9]{1,4}$")]
Code = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]


class OrganisationEntry(Entry):
    """One organisation."""

    id: Id
    kind: Annotated[str, Strict, AfterValidator(_kind)]
    name: Text
    region: Annotated[str, Strict, AfterValidator(_region)]
    school_number: SchoolNumber | None = None
    suspended: bool = False


class SchoolEntry(Entry):
    """A school in a catchment; without dates for as long as the catchment."""

    school: Id
    starts_on: Day | None = None
    ends_on: Day | None = None


class CatchmentEntry(Entry):
    """A catchment with one provider, for a period."""

    code: Code
    name: Text
    provider: Id
    starts_on: Day
    ends_on: Day | None = None
    schools: list[SchoolEntry]

    @property
    def period(self) -> Period:
        """When it is in effect."""
        return Period(self.starts_on, self.ends_on)

    def period_of(self, school: SchoolEntry) -> Period:
        """When a school lies in it."""
        return Period(school.starts_on or self.starts_on, school.ends_on or self.ends_on)


class RegisterFile(Entry):
    """The whole file."""

    organisations: list[OrganisationEntry]
    catchments: list[CatchmentEntry]


@dataclass(frozen=True)
class RegisterSource:
    """The register that a file describes, and the line of each part of it."""

    register: Register
    lines: Mapping[tuple[str, ...], int]
    source: Source

    def line(self, place: tuple[str, ...]) -> int:
        """The line of a part by its name (`place_of`); 0 for what is not in the file."""
        return self.lines.get(place, 0)


def read_register(content: bytes) -> Register:
    """The register that a file describes; raises as `read_register_file`."""
    return read_register_file(content).register


def read_register_file(content: bytes) -> RegisterSource:
    """The register that a file describes, with its lines.

    Raises:
        FileFaultsError: with every fault. Rules between parts are checked when each part is well formed by itself.
    """
    file, source = read(content, RegisterFile)
    faults = [*_organisation_faults(file, source), *_catchment_faults(file, source), *_overlap_faults(file, source)]
    if faults:
        raise FileFaultsError(faults)
    lines: dict[tuple[str, ...], int] = {}
    organisations, catchments, schools = [], [], []
    for i, entry in enumerate(file.organisations):
        organisation = Organisation(
            entry.id, OrganisationKind(entry.kind), entry.name, entry.school_number or "", entry.region, entry.suspended
        )
        lines[place_of(organisation)] = source.line(f"organisations[{i}]")
        organisations.append(organisation)
    for i, item in enumerate(file.catchments):
        catchment = Catchment(item.code, item.name, item.provider, item.period)
        lines[place_of(catchment)] = source.line(f"catchments[{i}]")
        catchments.append(catchment)
        for j, school in enumerate(item.schools):
            placed = CatchmentSchool(school.school, item.code, item.starts_on, item.period_of(school))
            lines[place_of(placed)] = source.line(f"catchments[{i}].schools[{j}]")
            schools.append(placed)
    return RegisterSource(Register(organisations, catchments, schools), lines, source)


class _Quoted(str):
    """Digits that are text: always in quotes, so that nobody's editor takes 0417 for a number."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, _data: object) -> bool:
        """Write everything out: the reader takes no aliases."""
        return True


_Dumper.add_representer(_Quoted, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))


def write_register(register: Register) -> bytes:
    """A register as the file that describes it."""
    organisations = []
    for item in register.organisations:
        entry: dict[str, object] = {"id": str(item.id), "kind": item.kind.value, "name": item.name}
        if item.school_number:
            entry["school_number"] = _Quoted(item.school_number)
        entry["region"] = _Quoted(item.region)
        if item.is_suspended:
            entry["suspended"] = True
        organisations.append(entry)
    catchments = []
    for catchment in register.catchments:
        own = (catchment.code, catchment.period.starts_on)
        catchments.append(
            {
                "code": catchment.code,
                "name": catchment.name,
                "provider": str(catchment.provider_id),
                **_days(catchment.period),
                "schools": [
                    {"school": str(place.school_id), **_days(place.period)}
                    for place in register.schools
                    if (place.catchment_code, place.catchment_starts_on) == own
                ],
            }
        )
    whole = {"organisations": organisations, "catchments": catchments}
    return yaml.dump(whole, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=120).encode()


def _days(period: Period) -> dict[str, date]:
    days = {"starts_on": period.starts_on}
    return days if period.ends_on is None else days | {"ends_on": period.ends_on}


def _organisation_faults(file: RegisterFile, source: Source) -> Iterator[Fault]:
    yield from _repeated(((f"organisations[{i}].id", item.id) for i, item in enumerate(file.organisations)), source)
    numbers = (
        (f"organisations[{i}].school_number", item.school_number)
        for i, item in enumerate(file.organisations)
        if item.school_number
    )
    yield from _repeated(numbers, source)
    for i, item in enumerate(file.organisations):
        path = f"organisations[{i}].school_number"
        if item.kind == OrganisationKind.SCHOOL and item.school_number is None:
            yield source.fault(path, "required", "a school has a number")
        if item.kind != OrganisationKind.SCHOOL and item.school_number is not None:
            yield source.fault(path, "not-allowed", "only a school has a number")
    ministries = [i for i, item in enumerate(file.organisations) if item.kind == OrganisationKind.MINISTRY]
    if not ministries:
        yield source.fault("organisations", "ministry", "must have the ministry among them")
    for i, item in enumerate(file.organisations):
        if item.kind == OrganisationKind.MINISTRY and item.suspended:
            yield source.fault(f"organisations[{i}].suspended", "ministry", "the ministry cannot be suspended")
    for i in ministries[1:]:
        yield source.fault(f"organisations[{i}].kind", "ministry", "there is one ministry only")


def _catchment_faults(file: RegisterFile, source: Source) -> Iterator[Fault]:
    kinds = {item.id: item.kind for item in file.organisations}
    for i, item in enumerate(file.catchments):
        path = f"catchments[{i}]"
        if kinds.get(item.provider) != OrganisationKind.PROVIDER:
            yield source.fault(f"{path}.provider", "unknown-provider", "is not a provider of this file")
        if item.period.is_backwards:
            yield source.fault(f"{path}.ends_on", "backwards", "lies before starts_on")
        for j, school in enumerate(item.schools):
            here = f"{path}.schools[{j}]"
            if kinds.get(school.school) != OrganisationKind.SCHOOL:
                yield source.fault(f"{here}.school", "unknown-school", "is not a school of this file")
            if item.period_of(school).is_backwards:
                yield source.fault(f"{here}.ends_on", "backwards", "lies before starts_on")
            elif not item.period_of(school).lies_within(item.period):
                yield source.fault(here, "outside-catchment", "reaches beyond the catchment's own dates")


def _overlap_faults(file: RegisterFile, source: Source) -> Iterator[Fault]:
    catchments = [(f"catchments[{i}].code", item.code, item.period) for i, item in enumerate(file.catchments)]
    for (_, code, period), (path, other_code, other) in combinations(catchments, 2):
        if code == other_code and period.overlaps(other):
            yield source.fault(path, "duplicate", f"{other_code} stands here twice for the same days")
    schools = [
        (f"catchments[{i}].schools[{j}].school", school.school, item.period_of(school), item.code)
        for i, item in enumerate(file.catchments)
        for j, school in enumerate(item.schools)
    ]
    by_school: dict[object, list[tuple[str, Period, str]]] = {}
    for path, school_id, period, code in schools:
        for _, other, other_code in by_school.get(school_id, ()):
            if period.overlaps(other):
                yield source.fault(path, "two-catchments", f"lies in {other_code} already on some of these days")
                break
        by_school.setdefault(school_id, []).append((path, period, code))


def _repeated(items: Iterable[tuple[str, object]], source: Source) -> Iterator[Fault]:
    first: dict[object, str] = {}
    for path, value in items:
        if value in first:
            yield source.fault(path, "duplicate", f"stands at line {source.line(first[value])} already")
        else:
            first[value] = path
