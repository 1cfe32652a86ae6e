"""The register's organisations and catchments: decode, one call, encode."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from uuid import UUID

from ascms.identity.v1 import register_pb2 as pb

from kit.actor import Actor
from kit.db import Transaction
from kit.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError, Violation
from kit.paging import DEFAULT_SIZE
from kit.rpc.server import Call, read, write
from services.identity import commands
from services.identity.domain import (
    Catchment,
    CatchmentSchool,
    HeldRole,
    Organisation,
    OrganisationKind,
    Period,
    sort_name,
)
from services.identity.domain.invitations import Invitation, Sighting
from services.identity.domain.register import Register, SuspensionReason, version_of
from services.identity.roles import missing_of
from services.identity.rpc.base import Methods, encode_moment
from services.identity.rpc.invitations import encode_invitation, encode_new
from services.identity.store import invitations, organisations
from services.identity.store.headcount import held_grants

REASONS = {
    SuspensionReason.CONTRACT_ENDED: pb.SUSPENSION_REASON_CONTRACT_ENDED,
    SuspensionReason.CLOSED: pb.SUSPENSION_REASON_CLOSED,
    SuspensionReason.SECURITY: pb.SUSPENSION_REASON_SECURITY,
    SuspensionReason.REQUESTED: pb.SUSPENSION_REASON_REQUESTED,
    SuspensionReason.REGISTER_FILE: pb.SUSPENSION_REASON_REGISTER_FILE,
}
_FIRST_INVITATIONS = 20
_KINDS = {
    OrganisationKind.PROVIDER: pb.REGISTERED_KIND_PROVIDER,
    OrganisationKind.SCHOOL: pb.REGISTERED_KIND_SCHOOL,
    OrganisationKind.MINISTRY: pb.REGISTERED_KIND_MINISTRY,
}
_KIND_OF = {number: kind for kind, number in _KINDS.items()}
_REASON_OF = {number: reason for reason, number in REASONS.items()}
_STATE_NAMES = {
    pb.CATCHMENT_STATE_CURRENT: "current",
    pb.CATCHMENT_STATE_FUTURE: "future",
    pb.CATCHMENT_STATE_ENDED: "ended",
}


class RegisterMethods(Methods):
    """Organisations and catchments, for those who keep the register."""

    @read
    def GetOrganisation(self, request: pb.GetOrganisationRequest, call: Call) -> pb.GetOrganisationResponse:
        """An organisation with what hangs on it."""
        organisation_id, today = UUID(request.organisation_id), self.local_today()
        with self.deps.database.tenant(call.actor) as tx:
            item = organisations.find_organisation(tx, organisation_id)
            if item is None:
                raise NotFoundError("organisation")
            catchments, schools = organisations.all_catchments(tx)
            with tx.enter_tenant(organisation_id, reason="count-people"):
                held = held_grants(tx, today=today)
                pending = invitations.count_pending(tx, now=self.deps.clock.now())
                may_invite = _may_invite(tx, item, today=today)
                first = invitations.list_first(tx, most=_FIRST_INVITATIONS)
        roles = [HeldRole(grant.role, missing_of(grant, kind=item.kind, today=today)) for _person, grant in held]
        return pb.GetOrganisationResponse(
            organisation=encode_record(item),
            placements=_placements_of(item, Register([], catchments, schools)),
            people=_people_counts(roles),
            pending_invitations=pending,
            first_invitations=[encode_invitation(each, self.deps.clock.now()) for each in first],
            allowed_actions=_allowed(item, call.actor, may_invite=may_invite),
        )

    @write(lambda item: pb.AddOrganisationResponse(organisation=encode_record(item)))
    def AddOrganisation(self, request: pb.AddOrganisationRequest, call: Call) -> Organisation:
        """Add a provider or a school."""
        if not request.kind:
            raise InvalidArgumentError.of(Violation("kind", "required", "is needed"))
        facts = commands.OrganisationFacts(
            name=request.name.strip(), school_number=request.school_number, region=request.region
        )
        item = commands.new_organisation(self.deps, kind=_KIND_OF[request.kind], facts=facts)
        return commands.add_organisation(self.deps, call.actor, item=item)

    @write(lambda item: pb.ChangeOrganisationResponse(organisation=encode_record(item)))
    def ChangeOrganisation(self, request: pb.ChangeOrganisationRequest, call: Call) -> Organisation:
        """Change the facts of an organisation."""
        return commands.change_organisation(
            self.deps,
            call.actor,
            organisation_id=UUID(request.organisation_id),
            facts=commands.OrganisationFacts(
                name=request.name.strip(), school_number=request.school_number, region=request.region
            ),
            expected_version=request.expected_version,
        )

    @write(lambda item: pb.SuspendOrganisationResponse(organisation=encode_record(item)))
    def SuspendOrganisation(self, request: pb.SuspendOrganisationRequest, call: Call) -> Organisation:
        """Shut everyone of an organisation out."""
        reason = _REASON_OF.get(request.reason)
        if reason is None or reason is SuspensionReason.REGISTER_FILE:
            raise InvalidArgumentError.of(Violation("reason", "required", "is needed"))
        organisation_id = UUID(request.organisation_id)
        return commands.suspend_organisation(self.deps, call.actor, organisation_id=organisation_id, reason=reason)

    @write(lambda item: pb.ResumeOrganisationResponse(organisation=encode_record(item)))
    def ResumeOrganisation(self, request: pb.ResumeOrganisationRequest, call: Call) -> Organisation:
        """Let everyone of an organisation in again."""
        return commands.resume_organisation(self.deps, call.actor, organisation_id=UUID(request.organisation_id))

    @write(lambda item: pb.InviteFirstPersonResponse(invitation=encode_new(item), role=item.first_role))
    def InviteFirstPerson(self, request: pb.InviteFirstPersonRequest, call: Call) -> Invitation:
        """Invite the first person of an organisation."""
        sighted = request.identity_sighted
        wanted = commands.NewInvitation(
            name=request.name,
            email=request.email,
            language=request.language or "en",
            sighting=Sighting(sighted.primary_document, sighted.supporting_document),
        )
        organisation_id = UUID(request.organisation_id)
        return commands.invite_first_person(self.deps, call.actor, organisation_id=organisation_id, wanted=wanted)

    @write(lambda item: pb.ResendFirstInvitationResponse(invitation=encode_new(item)))
    def ResendFirstInvitation(self, request: pb.ResendFirstInvitationRequest, call: Call) -> Invitation:
        """Send the invitation of a first person again."""
        organisation_id, invitation_id = UUID(request.organisation_id), UUID(request.invitation_id)
        return commands.resend_first_invitation(
            self.deps, call.actor, organisation_id=organisation_id, invitation_id=invitation_id, email=request.email
        )

    @write(lambda item: pb.WithdrawFirstInvitationResponse(invitation=encode_new(item)))
    def WithdrawFirstInvitation(self, request: pb.WithdrawFirstInvitationRequest, call: Call) -> Invitation:
        """Take the invitation of a first person back."""
        organisation_id, invitation_id = UUID(request.organisation_id), UUID(request.invitation_id)
        return commands.withdraw_first_invitation(
            self.deps, call.actor, organisation_id=organisation_id, invitation_id=invitation_id
        )

    @read
    def ListCatchments(self, request: pb.ListCatchmentsRequest, call: Call) -> pb.ListCatchmentsResponse:
        """Catchments, by code. There are a few dozen: they are read whole, so that their counts agree with the rows."""
        scope, size = (
            ("catchments", call.actor.tenant_id, request.search, request.state),
            request.page_size or DEFAULT_SIZE,
        )
        after = self.pages.decode(request.page_token, scope=scope)
        with self.deps.database.tenant(call.actor) as tx:
            catchments, schools = organisations.all_catchments(tx)
        wanted = sort_name(request.search)
        lines = [
            line
            for line in _summaries(Register([], catchments, schools), today=self.local_today())
            if wanted in sort_name(line.name) or wanted in line.code
        ]
        counts = Counter(_STATE_NAMES[line.state] for line in lines)
        chosen = [line for line in lines if request.state in (0, line.state) and (not after or line.code > after[0])]
        shown = chosen[:size]
        return pb.ListCatchmentsResponse(
            catchments=shown,
            next_page_token=self.pages.encode([shown[-1].code], scope=scope) if len(chosen) > size else "",
            counts=[
                pb.RegisterCount(filter="all", count=len(lines)),
                *(pb.RegisterCount(filter=name, count=counts[name]) for name in _STATE_NAMES.values()),
            ],
        )

    @read
    def GetCatchment(self, request: pb.GetCatchmentRequest, call: Call) -> pb.GetCatchmentResponse:
        """A catchment, all of its time."""
        with self.deps.database.tenant(call.actor) as tx:
            register = Register([], *organisations.all_catchments(tx))
        return pb.GetCatchmentResponse(catchment=_catchment(register, request.code))

    @write(lambda done: pb.AddCatchmentResponse(catchment=_catchment(*done)))
    def AddCatchment(self, request: pb.AddCatchmentRequest, call: Call) -> tuple[Register, str]:
        """Add a catchment."""
        item = commands.new_catchment(
            code=request.code,
            name=request.name.strip(),
            provider_id=UUID(request.provider_id),
            starts_on=date.fromisoformat(request.starts_on),
        )
        return commands.add_catchment(self.deps, call.actor, item=item)

    @write(lambda done: pb.ChangeCatchmentResponse(catchment=_catchment(*done)))
    def ChangeCatchment(self, request: pb.ChangeCatchmentRequest, call: Call) -> tuple[Register, str]:
        """Rename a catchment, give it another provider, or end it."""
        facts = commands.CatchmentFacts(
            name=request.name.strip(),
            provider_id=UUID(request.provider_id) if request.provider_id else None,
            provider_from=_day(request.provider_from),
            ends_on=_day(request.ends_on),
        )
        return commands.change_catchment(
            self.deps, call.actor, code=request.code, facts=facts, expected_version=request.expected_version
        )

    @write(lambda done: pb.PlaceSchoolResponse(placements=_placements_of_school(*done)))
    def PlaceSchool(self, request: pb.PlaceSchoolRequest, call: Call) -> tuple[Register, UUID]:
        """Put a school into a catchment, or into none."""
        return commands.place_school(
            self.deps,
            call.actor,
            school_id=UUID(request.school_id),
            code=request.catchment,
            starts_on=date.fromisoformat(request.starts_on),
        )


def encode_record(item: Organisation) -> pb.OrganisationRecord:
    """An organisation as those who keep the register see it."""
    return pb.OrganisationRecord(
        organisation_id=str(item.id),
        kind=_KINDS[item.kind],
        name=item.name,
        school_number=item.school_number,
        region=item.region,
        state=pb.ORGANISATION_STATE_SUSPENDED if item.is_suspended else pb.ORGANISATION_STATE_ACTIVE,
        suspended_at=encode_moment(item.suspended_at),
        suspension_reason=REASONS[SuspensionReason(item.suspension_reason)]
        if item.suspension_reason
        else pb.SUSPENSION_REASON_UNSPECIFIED,
        version=version_of(item),
    )


def _may_invite(tx: Transaction, item: Organisation, *, today: date) -> bool:
    try:
        commands.first_role(tx, item, today=today)
    except FailedPreconditionError:
        return False
    return True


def _allowed(item: Organisation, actor: Actor, *, may_invite: bool) -> list[str]:
    if not actor.may("organisations:manage"):
        return []
    is_school, is_ministry = item.kind is OrganisationKind.SCHOOL, item.kind is OrganisationKind.MINISTRY
    found = {
        "change": True,
        "suspend": not is_ministry and not item.is_suspended,
        "resume": item.is_suspended,
        "place": is_school,
        "invite-first": may_invite,
    }
    return [action for action, is_allowed in found.items() if is_allowed]


def _people_counts(roles: Sequence[HeldRole]) -> Iterator[pb.PeopleCount]:
    for code in sorted({held.role for held in roles}):
        working = sum(held.works for held in roles if held.role == code)
        waiting = sum(not held.works for held in roles if held.role == code)
        yield pb.PeopleCount(role=code, working=working, waiting=waiting)


def _placements_of(item: Organisation, register: Register) -> list[pb.Placement]:
    if item.kind is OrganisationKind.SCHOOL:
        return _placements_of_school(register, item.id)
    own = [one for one in register.catchments if one.provider_id == item.id]
    own.sort(key=lambda one: (one.period.starts_on, one.code), reverse=True)
    return [_placement(one, one.period) for one in own]


def _placements_of_school(register: Register, school_id: UUID) -> list[pb.Placement]:
    catchments = {(one.code, one.period.starts_on): one for one in register.catchments}
    own = [place for place in register.schools if place.school_id == school_id]
    own.sort(key=lambda place: place.period.starts_on, reverse=True)
    return [
        _placement(catchments[place.catchment_code, place.catchment_starts_on], place.period, place.school_id)
        for place in own
    ]


def _placement(one: Catchment, period: Period, school_id: UUID | None = None) -> pb.Placement:
    return pb.Placement(
        catchment=one.code,
        catchment_name=one.name,
        provider_id=str(one.provider_id),
        school_id=str(school_id or ""),
        starts_on=period.starts_on.isoformat(),
        ends_on=period.ends_on.isoformat() if period.ends_on is not None else "",
    )


def _catchment(register: Register, code: str) -> pb.Catchment:
    periods = register.periods(code)
    return pb.Catchment(
        code=code,
        name=periods[-1].name,
        periods=[
            pb.CatchmentPeriod(
                provider_id=str(one.provider_id),
                starts_on=one.period.starts_on.isoformat(),
                ends_on=one.period.ends_on.isoformat() if one.period.ends_on is not None else "",
                schools=[_placement(one, place.period, place.school_id) for place in _places_in(register, one)],
            )
            for one in reversed(periods)
        ],
        version=commands.catchment_version(register, code),
    )


def _places_in(register: Register, one: Catchment) -> list[CatchmentSchool]:
    own = (one.code, one.period.starts_on)
    return [place for place in register.schools if (place.catchment_code, place.catchment_starts_on) == own]


def _summaries(register: Register, *, today: date) -> Iterator[pb.CatchmentSummary]:
    """Each catchment as it is today; else as it will begin; else as it ended."""
    by_code: dict[str, list[Catchment]] = {}
    for one in sorted(register.catchments, key=lambda one: (one.code, one.period.starts_on)):
        by_code.setdefault(one.code, []).append(one)
    for code, periods in by_code.items():
        current = [one for one in periods if one.period.includes(today)]
        future = [one for one in periods if one.period.starts_on > today]
        shown = (current or future or periods[-1:])[0]
        day = today if current else shown.period.starts_on if future else shown.period.ends_on
        schools = [place for place in _places_in(register, shown) if day is None or place.period.includes(day)]
        state = (
            pb.CATCHMENT_STATE_CURRENT if current else pb.CATCHMENT_STATE_FUTURE if future else pb.CATCHMENT_STATE_ENDED
        )
        yield pb.CatchmentSummary(
            code=code,
            name=shown.name,
            state=state,
            provider_id=str(shown.provider_id),
            starts_on=shown.period.starts_on.isoformat(),
            ends_on=shown.period.ends_on.isoformat() if shown.period.ends_on is not None else "",
            schools=len(schools),
        )


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
