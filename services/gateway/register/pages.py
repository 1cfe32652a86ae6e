"""What the register's pages show."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from ascms.identity.v1 import identity_pb2
from ascms.identity.v1 import register_pb2 as pb
from wtforms import SelectChoice

from services.gateway.organisations.pages import organisation_names
from services.gateway.register.wording import (
    ACTIONS,
    FIELDS,
    REASON_OF,
    REASONS,
    SUBJECTS,
    fault_words,
    region_name,
)
from services.gateway.staff.pages import InvitationLine, present_invitation
from services.gateway.wording import ORGANISATION_KINDS, day_of, moment_of, role_name

CATCHMENT_STATES = {
    "current": pb.CATCHMENT_STATE_CURRENT,
    "future": pb.CATCHMENT_STATE_FUTURE,
    "ended": pb.CATCHMENT_STATE_ENDED,
}
_STATE_NAMES = {number: name for name, number in CATCHMENT_STATES.items()}


@dataclass(frozen=True, slots=True)
class PlacementLine:
    """A school in a catchment, or a catchment of a provider, for some days."""

    catchment: str
    name: str
    provider_id: str
    provider: str
    school_id: str
    school: str
    starts_on: date
    ends_on: date | None
    is_current: bool


@dataclass(frozen=True, slots=True)
class OrganisationPage:
    """One organisation."""

    organisation_id: str
    kind: str
    kind_name: str
    name: str
    school_number: str
    region: str
    is_suspended: bool
    suspended_at: datetime | None
    suspension_reason: str
    placements: Sequence[PlacementLine]
    people: Sequence[tuple[str, int, int]]
    pending_invitations: int
    allowed: frozenset[str]
    first_invitations: Sequence[InvitationLine]


def present_organisation(answer: pb.GetOrganisationResponse, *, today: date) -> OrganisationPage:
    """An organisation with what hangs on it."""
    item = answer.organisation
    return OrganisationPage(
        organisation_id=item.organisation_id,
        kind=pb.RegisteredKind.Name(item.kind).removeprefix("REGISTERED_KIND_").lower(),
        kind_name=str(ORGANISATION_KINDS.get(item.kind, "")),
        name=item.name,
        school_number=item.school_number,
        region=region_name(item.region),
        is_suspended=item.state == pb.ORGANISATION_STATE_SUSPENDED,
        suspended_at=moment_of(item.suspended_at),
        suspension_reason=str(REASONS.get(REASON_OF.get(item.suspension_reason, ""), "")),
        placements=present_placements(answer.placements, today=today),
        people=[(role_name(one.role), one.working, one.waiting) for one in answer.people],
        pending_invitations=answer.pending_invitations,
        allowed=frozenset(answer.allowed_actions),
        first_invitations=[present_invitation(one) for one in answer.first_invitations],
    )


def present_placements(placements: Iterable[pb.Placement], *, today: date) -> list[PlacementLine]:
    """Placements with the names of whom they are about, in the order they came."""
    found = list(placements)
    names = organisation_names({id_ for one in found for id_ in (one.provider_id, one.school_id)})
    return [
        PlacementLine(
            catchment=one.catchment,
            name=one.catchment_name,
            provider_id=one.provider_id,
            provider=names.get(one.provider_id, ""),
            school_id=one.school_id,
            school=names.get(one.school_id, ""),
            starts_on=date.fromisoformat(one.starts_on),
            ends_on=day_of(one.ends_on),
            is_current=one.starts_on <= today.isoformat() and (not one.ends_on or today.isoformat() <= one.ends_on),
        )
        for one in found
    ]


@dataclass(frozen=True, slots=True)
class CatchmentLine:
    """A catchment in a list."""

    code: str
    name: str
    state: str
    provider: str
    schools: int
    starts_on: date
    ends_on: date | None


def present_catchments(catchments: Iterable[pb.CatchmentSummary]) -> list[CatchmentLine]:
    """Catchments in the order they came."""
    found = list(catchments)
    names = organisation_names({one.provider_id for one in found})
    return [
        CatchmentLine(
            code=one.code,
            name=one.name,
            state=_STATE_NAMES.get(one.state, ""),
            provider=names.get(one.provider_id, ""),
            schools=one.schools,
            starts_on=date.fromisoformat(one.starts_on),
            ends_on=day_of(one.ends_on),
        )
        for one in found
    ]


@dataclass(frozen=True, slots=True)
class PeriodPage:
    """Days on which a catchment has one provider."""

    provider_id: str
    provider: str
    starts_on: date
    ends_on: date | None
    state: str
    schools: Sequence[PlacementLine]


def present_periods(catchment: pb.Catchment, *, today: date) -> list[PeriodPage]:
    """A catchment's periods, the latest first."""
    names = organisation_names(
        {one.provider_id for one in catchment.periods}
        | {place.school_id for one in catchment.periods for place in one.schools}
    )
    day = today.isoformat()
    return [
        PeriodPage(
            provider_id=one.provider_id,
            provider=names.get(one.provider_id, ""),
            starts_on=date.fromisoformat(one.starts_on),
            ends_on=day_of(one.ends_on),
            state="future" if one.starts_on > day else "ended" if one.ends_on and one.ends_on < day else "current",
            schools=sorted(present_placements(one.schools, today=today), key=lambda place: place.school),
        )
        for one in catchment.periods
    ]


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """One difference between the register and a file."""

    action: str
    subject: str
    name: str
    line: int
    fields: Sequence[tuple[str, str, str]]


def present_changes(changes: Iterable[pb.RegisterChange]) -> list[ChangeLine]:
    """Differences, in the order of the file."""
    return [
        ChangeLine(
            action=ACTIONS.get(one.action, ""),
            subject=str(SUBJECTS.get(one.subject, "")),
            name=one.name,
            line=one.line,
            fields=[(str(FIELDS.get(field.field, field.field)), field.before, field.after) for field in one.fields],
        )
        for one in changes
    ]


def present_faults(faults: Iterable[pb.RegisterFault]) -> list[tuple[int, str, str]]:
    """(line, path, words) of each fault."""
    return [(one.line, one.path, fault_words(one.rule, one.message)) for one in faults]


def choices_of(organisations: Iterable[identity_pb2.Organisation], *, first: SelectChoice) -> list[SelectChoice]:
    """Organisations as the choices of a field, after a first one."""
    return [first, *(SelectChoice(one.organisation_id, one.name) for one in organisations)]
