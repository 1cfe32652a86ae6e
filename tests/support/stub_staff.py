"""The part of identity that authorisers' pages talk to, over the stub world."""

from dataclasses import dataclass, field
from typing import Any

from ascms.cases.v1 import leavers_pb2 as w
from ascms.identity.v1 import access_pb2 as a
from ascms.identity.v1 import invitations_pb2 as v
from ascms.identity.v1 import staff_pb2 as s

from kit.errors import AlreadyExistsError, InvalidArgumentError, NotFoundError, Violation
from kit.rpc.server import Call, read

DOCUMENTS = {
    "primary": [("nz_passport", "New Zealand passport", "Uruwhenua o Aotearoa", True),
                ("nz_birth_certificate", "New Zealand full birth certificate", "Tiwhikete whānautanga", False)],
    "supporting": [("nz_driver_licence", "New Zealand driver licence", "Raihana taraiwa o Aotearoa", True),
                   ("bank_statement", "Bank statement", "Pūrongo pēke", False)],
}  # fmt: skip
INVITATIONS = (
    (701, "Demo Kahu Pending", v.INVITATION_STATE_PENDING),
    (702, "Demo Moana Expired", v.INVITATION_STATE_EXPIRED),
    (703, "Demo Rangi Withdrawn", v.INVITATION_STATE_WITHDRAWN),
    (704, "Demo Hine Accepted", v.INVITATION_STATE_USED),
)


@dataclass
class StaffWorld:
    """What the authoriser's pages show: people with roles, invitations, open work."""

    staff: dict[str, a.PersonAccess] = field(default_factory=dict)
    history: dict[str, list[a.AccessEvent]] = field(default_factory=dict)
    invitations: dict[str, v.Invitation] = field(default_factory=dict)
    actions: dict[str, list[a.AccessAction]] = field(default_factory=dict)
    work: tuple[int, int] = (3, 2)


def document(row: tuple[str, str, str, bool]) -> v.IdentityDocument:
    """A kind of document."""
    return v.IdentityDocument(code=row[0], label=row[1], label_mi=row[2], has_photo=row[3])


def settle(world: Any, number_id: Any) -> StaffWorld:
    """Staff of the first provider, one in each state, and an invitation in each."""
    made = StaffWorld()
    trained = {"works": True, "starts_on": world.day(-400), "trained_on": world.day(-390)}
    waits = {"missing": "training", "starts_on": world.day(), "invites_at": world.moment(1)}
    for key, state, role in (
        ("manager", a.ACCESS_STATE_WORKS, a.RoleDetail(role="case_manager", training_ends_on=world.day(20), **trained)),
        ("newcomer", a.ACCESS_STATE_WAITS, a.RoleDetail(role="case_manager", **waits)),
        ("authoriser", a.ACCESS_STATE_WORKS, a.RoleDetail(role="delegated_authoriser", **trained)),
    ):
        known = world.people[key]
        made.staff[known.person_id] = a.PersonAccess(
            person_id=known.person_id, name=known.name, email=f"{key}@tui.example", roles=[role], state=state,
            attested_on=world.day(-350), attest_by=world.day(15), attestation_due=True,
        )  # fmt: skip
    for number, name, state in (
        (751, "Demo Aria Norole", a.ACCESS_STATE_NO_ROLE),
        (752, "Demo Tui Ended", a.ACCESS_STATE_ENDED),
    ):
        made.staff[number_id(number)] = a.PersonAccess(
            person_id=number_id(number), name=name, email="x@tui.example", state=state
        )
    made.staff[number_id(753)] = a.PersonAccess(
        person_id=number_id(753), name="Demo Wai Resting", email="x@tui.example", state=a.ACCESS_STATE_WAITS,
        roles=[a.RoleDetail(role="case_manager", missing="resting", starts_on=world.day(-500))],
        attested_on=world.day(-400), attest_by=world.day(-35), attestation_due=True,
    )  # fmt: skip
    me = world.people["authoriser"].person_id
    given = a.ACCESS_EVENT_KIND_ROLE_ASSIGNED
    for person_id, one in made.staff.items():
        made.history[person_id] = [
            a.AccessEvent(kind=given, role="case_manager", actor_id=me, occurred_at=world.moment(-1)),
            a.AccessEvent(kind=a.ACCESS_EVENT_KIND_JOINED, actor_id=person_id, occurred_at=world.moment(-2)),
        ]
        made.actions[person_id] = _actions(one, is_own=person_id == me)
    for number, name, stands in INVITATIONS:
        made.invitations[number_id(number)] = v.Invitation(
            invitation_id=number_id(number),
            name=name,
            email=f"{number}@tui.example",
            language="mi",
            state=stands,
            identity_sighted=v.IdentitySighted(primary_document="nz_passport", supporting_document="bank_statement"),
            invited_by=me,
            invited_at=world.moment(-3),
            sent_at=world.moment(-3),
            expires_at=world.moment(11),
            person_id=number_id(751) if stands == v.INVITATION_STATE_USED else "",
        )
    return made


def _actions(one: a.PersonAccess, *, is_own: bool) -> list[a.AccessAction]:
    held = {role.role for role in one.roles}
    own, last = ("own-role", "last-authoriser") if is_own else ("", "")
    giving = [a.AccessAction(action="assign-role", role=role, allowed=not own, reason=own)
              for role in ("case_manager", "workflow_lead", "delegated_authoriser") if role not in held]  # fmt: skip
    taking = [a.AccessAction(action="remove-role", role=role, allowed=not last, reason=last) for role in held]
    end = last or ("" if held else "no-access")
    attest = [a.AccessAction(action="attest", allowed=not own, reason=own)] if held else []
    wake = [a.AccessAction(action="wake", allowed=True)] if any(role.missing == "resting" for role in one.roles) else []
    return [*giving, *taking, *attest, *wake, a.AccessAction(action="end-access", allowed=not end, reason=end)]


class StaffStub:
    """Identity's methods for authorisers."""

    world: Any
    met: Any

    def _person(self, person_id: str, call: Call) -> a.PersonAccess:
        found: a.PersonAccess | None = self.world.access.staff.get(person_id)
        if found is None or str(call.actor.tenant_id) != self.world.people["authoriser"].organisations[0]:
            raise NotFoundError("person")
        return found

    @read
    def ListStaff(self, request: s.ListStaffRequest, _call: Call) -> s.ListStaffResponse:
        self.met("ListStaff", request)
        everyone = sorted(self.world.access.staff.values(), key=lambda one: one.name)
        shown = [
            one
            for one in everyone
            if request.state in (0, one.state)
            and request.search.lower() in one.name.lower()
            and (one.attestation_due or not request.attestation_due)
        ]
        names = {"works": 1, "waits": 2, "no-role": 3, "ended": 4}
        counts = {name: sum(one.state == state for one in everyone) for name, state in names.items()}
        counts |= {"attestation-due": sum(one.attestation_due for one in everyone)}
        counts |= {"all": len(everyone), "invited": 1, "invitation-expired": 1}
        return s.ListStaffResponse(staff=shown, counts=[s.StaffCount(filter=k, count=n) for k, n in counts.items()])

    @read
    def GetPerson(self, request: a.GetPersonRequest, call: Call) -> a.GetPersonResponse:
        self.met("GetPerson", request)
        person = self._person(request.person_id, call)
        return a.GetPersonResponse(
            person=person,
            history=self.world.access.history[person.person_id],
            actions=self.world.access.actions[person.person_id],
            identity_seen=self._seen(),
        )

    def _seen(self) -> a.IdentitySeen:
        return a.IdentitySeen(
            primary=document(DOCUMENTS["primary"][0]),
            supporting=document(DOCUMENTS["supporting"][1]),
            seen_by=self.world.people["authoriser"].person_id,
            seen_at=self.world.moment(-3),
        )

    @read
    def AssignRole(self, request: a.AssignRoleRequest, call: Call) -> a.AssignRoleResponse:
        self.met("AssignRole", request)
        person = self._person(request.person_id, call)
        person.roles.add(role=request.role, missing="training", starts_on=request.starts_on, ends_on=request.ends_on)
        person.state = a.ACCESS_STATE_WAITS
        return a.AssignRoleResponse(person=person, position=self.world.next_position())

    @read
    def RemoveRole(self, request: a.RemoveRoleRequest, call: Call) -> a.RemoveRoleResponse:
        self.met("RemoveRole", request)
        person = self._person(request.person_id, call)
        del person.roles[:]
        person.state = a.ACCESS_STATE_ENDED
        return a.RemoveRoleResponse(person=person, position=self.world.next_position())

    @read
    def AttestAccess(self, request: a.AttestAccessRequest, call: Call) -> a.AttestAccessResponse:
        self.met("AttestAccess", request)
        person = self._person(request.person_id, call)
        person.attestation_due = False
        return a.AttestAccessResponse(person=person, position=self.world.next_position())

    @read
    def WakeAccess(self, request: a.WakeAccessRequest, call: Call) -> a.WakeAccessResponse:
        self.met("WakeAccess", request)
        person = self._person(request.person_id, call)
        return a.WakeAccessResponse(person=person, position=self.world.next_position())

    @read
    def EndAccess(self, request: a.EndAccessRequest, call: Call) -> a.EndAccessResponse:
        self.met("EndAccess", request)
        person = self._person(request.person_id, call)
        ended = len(person.roles)
        del person.roles[:]
        person.state = a.ACCESS_STATE_ENDED
        return a.EndAccessResponse(roles_ended=ended, sessions_ended=1, position=self.world.next_position())

    @read
    def ListIdentityDocuments(
        self, request: v.ListIdentityDocumentsRequest, _call: Call
    ) -> v.ListIdentityDocumentsResponse:
        self.met("ListIdentityDocuments", request)
        kinds = {purpose: [document(row) for row in rows] for purpose, rows in DOCUMENTS.items()}
        return v.ListIdentityDocumentsResponse(**kinds)

    @read
    def ListInvitations(self, request: v.ListInvitationsRequest, _call: Call) -> v.ListInvitationsResponse:
        self.met("ListInvitations", request)
        found = [one for one in self.world.access.invitations.values() if request.state in (0, one.state)]
        return v.ListInvitationsResponse(invitations=found)

    def _invitation(self, invitation_id: str) -> v.Invitation:
        found: v.Invitation | None = self.world.access.invitations.get(invitation_id)
        if found is None:
            raise NotFoundError("invitation")
        return found

    @read
    def GetInvitation(self, request: s.GetInvitationRequest, _call: Call) -> s.GetInvitationResponse:
        self.met("GetInvitation", request)
        return s.GetInvitationResponse(invitation=self._invitation(request.invitation_id), identity_seen=self._seen())

    @read
    def InvitePerson(self, request: v.InvitePersonRequest, _call: Call) -> v.InvitePersonResponse:
        self.met("InvitePerson", request)
        sighted = request.identity_sighted
        if (sighted.primary_document, sighted.supporting_document) == ("nz_birth_certificate", "bank_statement"):
            raise InvalidArgumentError.of(
                Violation("identity_sighted.supporting_document", "photo", "one of the two must show a photo")
            )
        if request.email in {one.email for one in self.world.access.invitations.values()}:
            raise AlreadyExistsError("already-invited", "An invitation to this address waits to be accepted.")
        one = next(iter(self.world.access.invitations.values()))
        return v.InvitePersonResponse(invitation=one, position=self.world.next_position())

    @read
    def ResendInvitation(self, request: v.ResendInvitationRequest, _call: Call) -> v.ResendInvitationResponse:
        self.met("ResendInvitation", request)
        one = self._invitation(request.invitation_id)
        one.email, one.state = request.email or one.email, v.INVITATION_STATE_PENDING
        return v.ResendInvitationResponse(invitation=one, position=self.world.next_position())

    @read
    def WithdrawInvitation(self, request: v.WithdrawInvitationRequest, _call: Call) -> v.WithdrawInvitationResponse:
        self.met("WithdrawInvitation", request)
        one = self._invitation(request.invitation_id)
        one.state = v.INVITATION_STATE_WITHDRAWN
        return v.WithdrawInvitationResponse(invitation=one, position=self.world.next_position())


class LeaversStub:
    """What cases says of someone's open work."""

    world: Any
    met: Any

    @read
    def CountOpenWork(self, request: w.CountOpenWorkRequest, _call: Call) -> w.CountOpenWorkResponse:
        self.met("CountOpenWork", request)
        cases, tasks = self.world.access.work
        return w.CountOpenWorkResponse(open_cases=cases, open_tasks=tasks)
