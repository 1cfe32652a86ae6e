"""The register as the gateway meets it: organisations of the world, one catchment, a plan of two differences."""

from typing import Any

from ascms.identity.v1 import invitations_pb2 as v
from ascms.identity.v1 import register_pb2 as r

from kit.errors import FailedPreconditionError, NotFoundError, StaleVersionError
from kit.rpc.server import Call, read
from tests.support.stub_world import World, number_id

PLAN, STALE_PLAN = number_id(900), number_id(901)
CODE = "tui-central"


class RegisterStub:
    """What IdentityService does for those who keep the register."""

    world: World

    def met(self, method: str, request: Any) -> None:
        """Note a call, and fail where the test says so."""
        raise NotImplementedError

    def record(self, organisation_id: str) -> r.OrganisationRecord:
        """An organisation of the world."""
        one = self.world.organisations.get(organisation_id)
        if one is None:
            raise NotFoundError("organisation")
        return r.OrganisationRecord(
            organisation_id=one.organisation_id,
            kind=r.RegisteredKind.ValueType(one.kind),
            name=one.name,
            school_number=one.school_number,
            region=one.region or "07",
            state=r.ORGANISATION_STATE_SUSPENDED if one.suspended else r.ORGANISATION_STATE_ACTIVE,
            suspended_at=self.world.moment(-1) if one.suspended else None,
            suspension_reason=r.SUSPENSION_REASON_CLOSED if one.suspended else r.SUSPENSION_REASON_UNSPECIFIED,
            version=7,
        )

    @read
    def GetOrganisation(self, request: r.GetOrganisationRequest, _call: Call) -> r.GetOrganisationResponse:
        self.met("GetOrganisation", request)
        item = self.record(request.organisation_id)
        is_school, is_suspended = item.kind == r.REGISTERED_KIND_SCHOOL, item.state == r.ORGANISATION_STATE_SUSPENDED
        place = r.Placement(
            catchment=CODE,
            catchment_name="Tūī central",
            provider_id=number_id(1),
            school_id=item.organisation_id if is_school else "",
            starts_on="2024-01-01",
        )
        actions = {"change": True, "resume": is_suspended, "suspend": not is_suspended, "place": is_school}
        return r.GetOrganisationResponse(
            organisation=item,
            placements=[place],
            people=[r.PeopleCount(role="case_manager", working=3, waiting=1)],
            pending_invitations=1,
            first_invitations=list(self.world.first_invitations.values()),
            allowed_actions=[*(name for name, may in actions.items() if may), "invite-first"],
        )

    @read
    def AddOrganisation(self, request: r.AddOrganisationRequest, _call: Call) -> r.AddOrganisationResponse:
        self.met("AddOrganisation", request)
        made = number_id(60)
        known = self.world.organisations
        known[made] = type(known[number_id(1)])(
            organisation_id=made,
            kind=request.kind,  # type: ignore[arg-type]  # the same numbers
            name=request.name,
            school_number=request.school_number,
            region=request.region,
        )
        return r.AddOrganisationResponse(organisation=self.record(made), position=self.world.next_position())

    @read
    def ChangeOrganisation(self, request: r.ChangeOrganisationRequest, _call: Call) -> r.ChangeOrganisationResponse:
        self.met("ChangeOrganisation", request)
        if request.expected_version not in (0, 7):
            raise StaleVersionError(expected=request.expected_version, actual=7)
        self.record(request.organisation_id)
        self.world.organisations[request.organisation_id].name = request.name
        item = self.record(request.organisation_id)
        return r.ChangeOrganisationResponse(organisation=item, position=self.world.next_position())

    @read
    def SuspendOrganisation(self, request: r.SuspendOrganisationRequest, _call: Call) -> r.SuspendOrganisationResponse:
        self.met("SuspendOrganisation", request)
        self.world.organisations[request.organisation_id].suspended = True
        item = self.record(request.organisation_id)
        return r.SuspendOrganisationResponse(organisation=item, position=self.world.next_position())

    @read
    def ResumeOrganisation(self, request: r.ResumeOrganisationRequest, _call: Call) -> r.ResumeOrganisationResponse:
        self.met("ResumeOrganisation", request)
        self.world.organisations[request.organisation_id].suspended = False
        item = self.record(request.organisation_id)
        return r.ResumeOrganisationResponse(organisation=item, position=self.world.next_position())

    @read
    def ListIdentityDocuments(
        self, request: v.ListIdentityDocumentsRequest, _call: Call
    ) -> v.ListIdentityDocumentsResponse:
        self.met("ListIdentityDocuments", request)
        passport = v.IdentityDocument(code="nz_passport", label="Passport", label_mi="Uruwhenua", has_photo=True)
        licence = v.IdentityDocument(code="nz_driver_licence", label="Licence", label_mi="Raihana", has_photo=True)
        return v.ListIdentityDocumentsResponse(primary=[passport], supporting=[licence])

    @read
    def InviteFirstPerson(self, request: r.InviteFirstPersonRequest, _call: Call) -> r.InviteFirstPersonResponse:
        self.met("InviteFirstPerson", request)
        return r.InviteFirstPersonResponse(role="delegated_authoriser", position=self.world.next_position())

    @read
    def ResendFirstInvitation(
        self, request: r.ResendFirstInvitationRequest, _call: Call
    ) -> r.ResendFirstInvitationResponse:
        self.met("ResendFirstInvitation", request)
        one = self.world.first_invitations[request.invitation_id]
        one.email = request.email or one.email
        return r.ResendFirstInvitationResponse(invitation=one, position=self.world.next_position())

    @read
    def WithdrawFirstInvitation(
        self, request: r.WithdrawFirstInvitationRequest, _call: Call
    ) -> r.WithdrawFirstInvitationResponse:
        self.met("WithdrawFirstInvitation", request)
        one = self.world.first_invitations[request.invitation_id]
        one.state = v.INVITATION_STATE_WITHDRAWN
        return r.WithdrawFirstInvitationResponse(invitation=one, position=self.world.next_position())

    @read
    def ListCatchments(self, request: r.ListCatchmentsRequest, _call: Call) -> r.ListCatchmentsResponse:
        self.met("ListCatchments", request)
        line = r.CatchmentSummary(
            code=CODE,
            name="Tūī central",
            state=r.CATCHMENT_STATE_CURRENT,
            provider_id=number_id(1),
            starts_on="2024-01-01",
            schools=2,
        )
        found = [line] if request.search in "tui-central" and request.state in (0, line.state) else []
        counts = [r.RegisterCount(filter=name, count=1) for name in ("all", "current")]
        return r.ListCatchmentsResponse(catchments=found, counts=counts)

    def catchment(self, code: str) -> r.Catchment:
        """The one there is."""
        if code != CODE:
            raise NotFoundError("catchment")
        place = r.Placement(catchment=CODE, school_id=number_id(2), provider_id=number_id(1), starts_on="2024-01-01")
        period = r.CatchmentPeriod(provider_id=number_id(1), starts_on="2024-01-01", schools=[place])
        return r.Catchment(code=CODE, name="Tūī central", periods=[period], version=7)

    @read
    def GetCatchment(self, request: r.GetCatchmentRequest, _call: Call) -> r.GetCatchmentResponse:
        self.met("GetCatchment", request)
        return r.GetCatchmentResponse(catchment=self.catchment(request.code))

    @read
    def AddCatchment(self, request: r.AddCatchmentRequest, _call: Call) -> r.AddCatchmentResponse:
        self.met("AddCatchment", request)
        return r.AddCatchmentResponse(catchment=self.catchment(CODE), position=self.world.next_position())

    @read
    def ChangeCatchment(self, request: r.ChangeCatchmentRequest, _call: Call) -> r.ChangeCatchmentResponse:
        self.met("ChangeCatchment", request)
        return r.ChangeCatchmentResponse(catchment=self.catchment(request.code), position=self.world.next_position())

    @read
    def PlaceSchool(self, request: r.PlaceSchoolRequest, _call: Call) -> r.PlaceSchoolResponse:
        self.met("PlaceSchool", request)
        return r.PlaceSchoolResponse(position=self.world.next_position())

    @read
    def PlanRegister(self, request: r.PlanRegisterRequest, _call: Call) -> r.PlanRegisterResponse:
        self.met("PlanRegister", request)
        if b"bad" in request.content:
            fault = r.RegisterFault(line=3, path="organisations[0].region", rule="unknown-region", message="must be …")
            return r.PlanRegisterResponse(faults=[fault], fault_count=1)
        return r.PlanRegisterResponse(plan_id=PLAN)

    @read
    def GetRegisterPlan(self, request: r.GetRegisterPlanRequest, _call: Call) -> r.GetRegisterPlanResponse:
        self.met("GetRegisterPlan", request)
        if request.plan_id not in {PLAN, STALE_PLAN}:
            raise NotFoundError("plan")
        changes = [
            r.RegisterChange(
                action=r.REGISTER_ACTION_CHANGED,
                subject=r.REGISTER_SUBJECT_ORGANISATION,
                key=number_id(3),
                name="Made-up Central School",
                fields=[r.FieldChange(field="name", before="Made-up School", after="Made-up Central School")],
                line=12,
            ),
            r.RegisterChange(
                action=r.REGISTER_ACTION_SUSPENDED,
                subject=r.REGISTER_SUBJECT_ORGANISATION,
                key=number_id(5),
                name="Kererū Attendance Service",
                line=17,
            ),
            r.RegisterChange(
                action=r.REGISTER_ACTION_REMOVED,
                subject=r.REGISTER_SUBJECT_PLACEMENT,
                key=number_id(2),
                name="Te Kura o Whakaaro",
                fields=[r.FieldChange(field="catchment", before=CODE)],
            ),
        ]
        return r.GetRegisterPlanResponse(
            plan_id=request.plan_id,
            changes=changes,
            change_count=3,
            stale=request.plan_id == STALE_PLAN,
            applied_at=self.world.moment() if PLAN in self.world.answers and request.plan_id == PLAN else None,
            planned_at=self.world.moment(hours=-1),
        )

    @read
    def ApplyRegister(self, request: r.ApplyRegisterRequest, _call: Call) -> r.ApplyRegisterResponse:
        self.met("ApplyRegister", request)
        if request.plan_id == STALE_PLAN:
            raise FailedPreconditionError("register-changed", "The register changed since this file was looked at.")
        self.world.answers[PLAN] = True
        return r.ApplyRegisterResponse(change_count=3, position=self.world.next_position())

    @read
    def GetRegisterFile(self, request: r.GetRegisterFileRequest, _call: Call) -> r.GetRegisterFileResponse:
        self.met("GetRegisterFile", request)
        return r.GetRegisterFileResponse(content=b"organisations: []\n")
