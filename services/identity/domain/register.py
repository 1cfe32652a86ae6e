"""The register of organisations and catchments: what may change in it, and how two of it differ.

A school lies in one catchment on any day, and a catchment has one provider on any day. Each verb takes a whole register
and returns another one, so that these hold by construction whoever changes it: a page, a program or a file.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from kit.errors import AlreadyExistsError, FailedPreconditionError, InvalidArgumentError, NotFoundError, Violation
from services.identity.domain import REGIONS, Catchment, CatchmentSchool, Organisation, OrganisationKind, Period

FIRST_ROLES = {OrganisationKind.PROVIDER: "delegated_authoriser", OrganisationKind.SCHOOL: "attendance_lead"}
"""The role that the ministry may invite someone to where nobody holds it yet: whoever has it brings in the others."""
_DAY = timedelta(days=1)
Item = TypeVar("Item")


class SuspensionReason(StrEnum):
    """Why an organisation is suspended."""

    CONTRACT_ENDED = "contract-ended"
    CLOSED = "closed"
    SECURITY = "security"
    REQUESTED = "requested"
    REGISTER_FILE = "register-file"


@dataclass(frozen=True, slots=True)
class Register:
    """Every organisation and catchment there is."""

    organisations: Sequence[Organisation]
    catchments: Sequence[Catchment]
    schools: Sequence[CatchmentSchool]

    @property
    def keeper_id(self) -> UUID:
        """The ministry: the register's changes are audited and told as its."""
        return next(item.id for item in self.organisations if item.kind is OrganisationKind.MINISTRY)

    @property
    def version(self) -> int:
        """A digest of all of it."""
        by_id = sorted(self.organisations, key=lambda item: item.id)
        return version_of(*by_id, *sorted(map(repr, self.catchments)), *sorted(map(repr, self.schools)))

    def organisation(self, organisation_id: UUID) -> Organisation:
        """One organisation; NotFoundError without it."""
        for item in self.organisations:
            if item.id == organisation_id:
                return item
        raise NotFoundError("organisation")

    def periods(self, code: str) -> list[Catchment]:
        """A catchment's periods, the earliest first; NotFoundError without any."""
        found = sorted((item for item in self.catchments if item.code == code), key=lambda item: item.period.starts_on)
        if not found:
            raise NotFoundError("catchment")
        return found

    def with_organisation(self, item: Organisation) -> "Register":
        """The same with this organisation, new or in place of its former self."""
        others = [other for other in self.organisations if other.id != item.id]
        return replace(self, organisations=[*others, item])


def version_of(*values: object) -> int:
    """A digest of values as a positive 52-bit number: the same again has the same version, wherever it was written."""
    made = hashlib.sha256("\n".join(map(_canonical, values)).encode()).digest()
    return int.from_bytes(made[:8]) >> 12 | 1


def _canonical(value: object) -> str:
    if isinstance(value, Organisation):
        # When and why it was suspended are facts about the change, not of the register.
        return repr(replace(value, suspended_at=None, suspension_reason=""))
    return repr(value)


# ---- organisations


def add_organisation(register: Register, item: Organisation) -> Register:
    """A new organisation.

    Raises:
        InvalidArgumentError: its parts do not fit each other.
        AlreadyExistsError: another school has the number.
    """
    if item.kind is OrganisationKind.MINISTRY:
        raise InvalidArgumentError.of(Violation("kind", "not-allowed", "there is one ministry only"))
    _judge(register, item)
    return register.with_organisation(item)


def change_organisation(register: Register, item: Organisation) -> Register:
    """Another name, number or region for an organisation.

    Raises:
        NotFoundError, InvalidArgumentError, AlreadyExistsError: as `add_organisation`.
    """
    register.organisation(item.id)
    _judge(register, item)
    return register.with_organisation(item)


def suspend_organisation(
    register: Register, organisation_id: UUID, *, reason: SuspensionReason, now: datetime
) -> Register:
    """An organisation whose people are out. One that is suspended stays so, since then and for that reason.

    Raises:
        FailedPreconditionError: it is the ministry, which keeps the register.
    """
    item = register.organisation(organisation_id)
    if item.kind is OrganisationKind.MINISTRY:
        raise FailedPreconditionError("ministry", "The ministry keeps the register and cannot be suspended.")
    if item.is_suspended:
        return register
    return register.with_organisation(
        replace(item, is_suspended=True, suspended_at=now, suspension_reason=reason.value)
    )


def resume_organisation(register: Register, organisation_id: UUID) -> Register:
    """An organisation whose people are in again."""
    item = register.organisation(organisation_id)
    return register.with_organisation(replace(item, is_suspended=False, suspended_at=None, suspension_reason=""))


def _judge(register: Register, item: Organisation) -> None:
    violations = []
    if item.region not in REGIONS:
        violations.append(Violation("region", "unknown-value", "must be a region code of Stats NZ: two digits"))
    if item.kind is OrganisationKind.SCHOOL and not item.school_number:
        violations.append(Violation("school_number", "required", "a school has a number"))
    if item.kind is not OrganisationKind.SCHOOL and item.school_number:
        violations.append(Violation("school_number", "not-allowed", "only a school has a number"))
    if violations:
        raise InvalidArgumentError.of(*violations)
    for other in register.organisations:
        if item.school_number and other.school_number == item.school_number and other.id != item.id:
            raise AlreadyExistsError(
                "school-number-taken",
                "Another school has this number.",
                metadata={"organisation_id": str(other.id)},
            )


# ---- catchments


def add_catchment(register: Register, item: Catchment) -> Register:
    """A new catchment, without schools yet.

    Raises:
        AlreadyExistsError: there is, or was, one with this code.
        InvalidArgumentError: its provider is none.
    """
    if any(other.code == item.code for other in register.catchments):
        raise AlreadyExistsError("catchment-exists", "There is a catchment with this code already.")
    _require_provider(register, item.provider_id)
    return replace(register, catchments=[*register.catchments, item])


def rename_catchment(register: Register, code: str, name: str) -> Register:
    """Another name for a catchment, in all of its periods."""
    register.periods(code)
    return replace(
        register,
        catchments=[replace(item, name=name) if item.code == code else item for item in register.catchments],
    )


def change_provider(register: Register, code: str, *, provider_id: UUID, from_on: date) -> Register:
    """Another provider for a catchment from a day to the end of the period that the day lies in.

    What was before that day stays as it was; the schools stay in the catchment.

    Raises:
        InvalidArgumentError: the catchment is not in effect on the day, or the provider is none.
    """
    _require_provider(register, provider_id)
    found = _period_on(register, code, from_on, field="provider_from")
    if found.provider_id == provider_id:
        return register
    if found.period.starts_on == from_on:
        changed = replace(found, provider_id=provider_id)
        return replace(register, catchments=[changed if item == found else item for item in register.catchments])
    before = replace(found, period=Period(found.period.starts_on, from_on - _DAY))
    after = replace(found, provider_id=provider_id, period=Period(from_on, found.period.ends_on))
    schools: list[CatchmentSchool] = []
    for place in register.schools:
        is_here = (place.catchment_code, place.catchment_starts_on) == (code, found.period.starts_on)
        if not is_here:
            schools.append(place)
            continue
        schools += _cut(place, before.period, catchment_starts_on=before.period.starts_on)
        schools += _cut(place, after.period, catchment_starts_on=from_on)
    others = [item for item in register.catchments if item != found]
    return replace(register, catchments=[*others, before, after], schools=schools)


def end_catchment(register: Register, code: str, *, ends_on: date) -> Register:
    """A catchment with a last day: its schools lie in none afterwards.

    Raises:
        InvalidArgumentError: the catchment is not in effect on that day.
    """
    found = _period_on(register, code, ends_on, field="ends_on")
    kept: list[Catchment] = []
    for item in register.catchments:
        if item.code != code or item.period.starts_on < found.period.starts_on:
            kept.append(item)
        elif item == found:
            kept.append(replace(item, period=Period(item.period.starts_on, ends_on)))
    whole = Period(date.min, ends_on)
    schools = [
        cut
        for place in register.schools
        for cut in (
            _cut(place, whole, catchment_starts_on=place.catchment_starts_on)
            if place.catchment_code == code
            else [place]
        )
    ]
    return replace(register, catchments=kept, schools=schools)


def place_school(register: Register, school_id: UUID, *, code: str, starts_on: date) -> Register:
    """A school that lies in a catchment (none: an empty code) from a day on, and until then where it lay.

    Raises:
        NotFoundError: there is no such school or catchment.
        InvalidArgumentError: the catchment is not in effect on that day.
    """
    if register.organisation(school_id).kind is not OrganisationKind.SCHOOL:
        raise NotFoundError("school")
    places = [place for place in register.schools if place.school_id != school_id]
    for place in register.schools:
        if place.school_id == school_id and place.period.starts_on < starts_on:
            places += _cut(place, Period(date.min, starts_on - _DAY), catchment_starts_on=place.catchment_starts_on)
    if code:
        first = _period_on(register, code, starts_on, field="starts_on")
        for item in register.periods(code):
            if item.period.starts_on >= first.period.starts_on:
                period = Period(max(item.period.starts_on, starts_on), item.period.ends_on)
                places.append(CatchmentSchool(school_id, code, item.period.starts_on, period))
    return replace(register, schools=places)


def _period_on(register: Register, code: str, day: date, *, field: str) -> Catchment:
    for item in register.periods(code):
        if item.period.includes(day):
            return item
    raise InvalidArgumentError.of(Violation(field, "not-in-effect", "the catchment is not in effect on this day"))


def _cut(place: CatchmentSchool, to: Period, *, catchment_starts_on: date) -> list[CatchmentSchool]:
    """The part of a placement that lies within a period; nothing where none does."""
    if not place.period.overlaps(to):
        return []
    ends = [end for end in (place.period.ends_on, to.ends_on) if end is not None]
    period = Period(max(place.period.starts_on, to.starts_on), min(ends) if ends else None)
    return [replace(place, catchment_starts_on=catchment_starts_on, period=period)]


def _require_provider(register: Register, provider_id: UUID) -> None:
    kinds = {item.id: item.kind for item in register.organisations}
    if kinds.get(provider_id) is not OrganisationKind.PROVIDER:
        raise InvalidArgumentError.of(Violation("provider_id", "unknown-value", "is not a provider"))


# ---- two registers


class Action(StrEnum):
    """What happens to something."""

    ADDED = "added"
    CHANGED = "changed"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    REMOVED = "removed"


class Subject(StrEnum):
    """What a difference is about."""

    ORGANISATION = "organisation"
    CATCHMENT = "catchment"
    PLACEMENT = "placement"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. `place` names the thing within a register: what a file's lines are found by."""

    action: Action
    subject: Subject
    key: str
    name: str
    place: tuple[str, ...]
    fields: tuple[tuple[str, str, str], ...] = ()

    @property
    def organisation_id(self) -> UUID | None:
        """The organisation it is about; None for a catchment."""
        return None if self.subject is Subject.CATCHMENT else UUID(self.key)


def missing_or_changed_kind(before: Register, after: Register) -> list[tuple[tuple[str, ...], str, str]]:
    """(place, rule, words) of what no change may do: an organisation vanishes, or becomes another kind."""
    kinds = {item.id: item.kind for item in after.organisations}
    gone = [
        (place_of(item), "missing", f"{item.id} is known and must stay; to end its access set suspended: true")
        for item in before.organisations
        if item.id not in kinds
    ]
    turned = [
        (place_of(item), "kind-changed", f"{item.id} is a {item.kind} and cannot become another kind")
        for item in before.organisations
        if item.id in kinds and kinds[item.id] is not item.kind
    ]
    return gone + turned


def differences(before: Register, after: Register) -> list[Difference]:
    """Everything in which two registers differ: organisations, then catchments, then schools' places."""
    names = {item.id: item.name for item in (*before.organisations, *after.organisations)}
    found = [*_organisation_differences(before, after)]
    old = {place_of(item): item for item in before.catchments}
    new = {place_of(item): item for item in after.catchments}
    found += _pairs(
        old,
        new,
        lambda item: (Subject.CATCHMENT, item.code, item.name),
        lambda item: {
            "name": item.name,
            "provider": names.get(item.provider_id, ""),
            "starts_on": _text(item.period.starts_on),
            "ends_on": _text(item.period.ends_on),
        },
    )
    old_places = {place_of(item): item for item in before.schools}
    new_places = {place_of(item): item for item in after.schools}
    found += _pairs(
        old_places,
        new_places,
        lambda item: (Subject.PLACEMENT, str(item.school_id), names.get(item.school_id, "")),
        lambda item: {
            "catchment": item.catchment_code,
            "starts_on": _text(item.period.starts_on),
            "ends_on": _text(item.period.ends_on),
        },
    )
    return found


def place_of(item: Organisation | Catchment | CatchmentSchool) -> tuple[str, ...]:
    """What names a thing within a register."""
    if isinstance(item, Organisation):
        return ("organisation", str(item.id))
    if isinstance(item, Catchment):
        return ("catchment", item.code, item.period.starts_on.isoformat())
    return ("placement", str(item.school_id), item.period.starts_on.isoformat())


def touched(before: Register, after: Register) -> set[UUID]:
    """Organisations that were added or changed, or whose catchments were."""
    old = {item.id: item for item in before.organisations}
    found = {item.id for item in after.organisations if old.get(item.id) != item}
    found |= {item.provider_id for item in set(before.catchments) ^ set(after.catchments)}
    return found | {item.school_id for item in set(before.schools) ^ set(after.schools)}


def _organisation_differences(before: Register, after: Register) -> Iterator[Difference]:
    old = {item.id: item for item in before.organisations}
    for item in after.organisations:
        known, about = old.get(item.id), (Subject.ORGANISATION, str(item.id), item.name, place_of(item))
        facts = _facts(item)
        if known is None:
            new = tuple((name, "", value) for name, value in facts.items() if value)
            yield Difference(Action.ADDED, *about, fields=new)
            if item.is_suspended:
                yield Difference(Action.SUSPENDED, *about)
            continue
        changed = tuple(
            (name, _facts(known)[name], value) for name, value in facts.items() if _facts(known)[name] != value
        )
        if changed:
            yield Difference(Action.CHANGED, *about, fields=changed)
        if known.is_suspended != item.is_suspended:
            yield Difference(Action.SUSPENDED if item.is_suspended else Action.RESUMED, *about)


def _facts(item: Organisation) -> dict[str, str]:
    return {"kind": item.kind.value, "name": item.name, "school_number": item.school_number, "region": item.region}


def _pairs(
    old: Mapping[tuple[str, ...], Item],
    new: Mapping[tuple[str, ...], Item],
    about: Callable[[Item], tuple[Subject, str, str]],
    facts: Callable[[Item], Mapping[str, str]],
) -> Iterator[Difference]:
    """The differences of things that may come and go: what is new or changed, then what is no longer there."""
    for place, item in new.items():
        known = facts(old[place]) if place in old else {}
        changed = tuple(
            (name, known.get(name, ""), value) for name, value in facts(item).items() if known.get(name, "") != value
        )
        if changed:
            yield Difference(Action.CHANGED if known else Action.ADDED, *about(item), place=place, fields=changed)
    for place, item in old.items():
        if place not in new:
            gone = tuple((name, value, "") for name, value in facts(item).items() if value)
            yield Difference(Action.REMOVED, *about(item), place=place, fields=gone)


def _text(day: date | None) -> str:
    return day.isoformat() if day is not None else ""
