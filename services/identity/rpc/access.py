"""Roles, training and the end of access: decode, one call, encode."""

from datetime import date
from types import MappingProxyType
from uuid import UUID

from ascms.identity.v1 import access_pb2 as pb

from kit.clock import local_date
from kit.errors import InvalidArgumentError, NotFoundError, Violation
from kit.rpc.server import Call, read, write
from services.identity import commands
from services.identity.commands import Access
from services.identity.domain import Period, RoleGrant
from services.identity.domain.access import AccessEvent, AccessEventKind, EndReason, Training
from services.identity.roles import missing_of
from services.identity.rpc.base import Methods, encode_moment, kind_of
from services.identity.store import access, people

_HISTORY = 100
_REASONS = MappingProxyType(
    {
        EndReason.LEFT: pb.ACCESS_END_REASON_LEFT,
        EndReason.CHANGED_WORK: pb.ACCESS_END_REASON_CHANGED_WORK,
        EndReason.ON_LEAVE: pb.ACCESS_END_REASON_ON_LEAVE,
        EndReason.MISTAKE: pb.ACCESS_END_REASON_MISTAKE,
        EndReason.SECURITY: pb.ACCESS_END_REASON_SECURITY,
    }
)
_REASON_OF = {number: reason for reason, number in _REASONS.items()}
_KINDS = MappingProxyType(
    {
        AccessEventKind.JOINED: pb.ACCESS_EVENT_KIND_JOINED,
        AccessEventKind.ROLE_ASSIGNED: pb.ACCESS_EVENT_KIND_ROLE_ASSIGNED,
        AccessEventKind.ROLE_REMOVED: pb.ACCESS_EVENT_KIND_ROLE_REMOVED,
        AccessEventKind.TRAINING_INVITED: pb.ACCESS_EVENT_KIND_TRAINING_INVITED,
        AccessEventKind.TRAINING_RECORDED: pb.ACCESS_EVENT_KIND_TRAINING_RECORDED,
        AccessEventKind.ENDED: pb.ACCESS_EVENT_KIND_ENDED,
    }
)


class AccessMethods(Methods):
    """What a delegated authoriser does with the access of people, and what the training system says."""

    @read
    def GetPerson(self, request: pb.GetPersonRequest, call: Call) -> pb.GetPersonResponse:
        """One person of the caller's organisation, with what happened to their access."""
        person_id = UUID(request.person_id)
        with self.deps.database.tenant(call.actor) as tx:
            found = people.get_members(tx, [person_id])
            grants = people.grants_of_members(tx, [person_id])[person_id]
            history = access.list_history(tx, person_id, most=_HISTORY)
        if not found:
            raise NotFoundError("person")
        person = Access(found[0], kind_of(call.actor), tuple(grants), self.local_today())
        return pb.GetPersonResponse(person=_encode(person), history=map(_event, history))

    @write(lambda found: pb.AssignRoleResponse(person=_encode(found)))
    def AssignRole(self, request: pb.AssignRoleRequest, call: Call) -> Access:
        """Give a role."""
        starts_on = _day(request.starts_on) or local_date(self.deps.clock.now())
        period = Period(starts_on, _day(request.ends_on))
        person_id = UUID(request.person_id)
        return commands.assign_role(self.deps, call.actor, person_id=person_id, role=request.role, period=period)

    @write(lambda found: pb.RemoveRoleResponse(person=_encode(found)))
    def RemoveRole(self, request: pb.RemoveRoleRequest, call: Call) -> Access:
        """Take a role away."""
        person_id, reason = UUID(request.person_id), _reason(request.reason)
        return commands.remove_role(self.deps, call.actor, person_id=person_id, role=request.role, reason=reason)

    @write(lambda ended: pb.EndAccessResponse(roles_ended=ended.roles, sessions_ended=ended.sessions))
    def EndAccess(self, request: pb.EndAccessRequest, call: Call) -> commands.Ended:
        """End someone's access."""
        person_id, reason = UUID(request.person_id), _reason(request.reason)
        return commands.end_access(self.deps, call.actor, person_id=person_id, reason=reason)

    @write(lambda changed: pb.RecordTrainingResponse(roles_changed=changed))
    def RecordTraining(self, request: pb.RecordTrainingRequest, call: Call) -> int:
        """Write down a completed training."""
        completed_on = _day(request.completed_on)
        assert completed_on is not None, "required by the contract"
        training = Training(request.course, completed_on, _day(request.expires_on))
        return commands.record_training(self.deps, call.actor, person_id=UUID(request.person_id), training=training)


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _reason(number: pb.AccessEndReason.ValueType) -> EndReason:
    if number not in _REASON_OF:
        raise InvalidArgumentError.of(Violation("reason", "required", "is needed"))
    return _REASON_OF[number]


def _encode(found: Access) -> pb.PersonAccess:
    held = sorted((grant for grant in found.grants if grant.is_held(found.today)), key=lambda grant: grant.role)
    return pb.PersonAccess(
        person_id=str(found.member.person_id),
        name=found.member.name,
        email=found.member.email,
        roles=[_detail(grant, found) for grant in held],
    )


def _detail(grant: RoleGrant, found: Access) -> pb.RoleDetail:
    missing = missing_of(grant, kind=found.kind, today=found.today)
    return pb.RoleDetail(
        role=grant.role,
        works=not missing,
        missing=missing,
        starts_on=_text(grant.period.starts_on),
        ends_on=_text(grant.period.ends_on),
        trained_on=_text(grant.trained_on),
        training_ends_on=_text(grant.training_ends_on),
    )


def _event(item: AccessEvent) -> pb.AccessEvent:
    return pb.AccessEvent(
        kind=_KINDS[item.kind],
        role=item.role,
        reason=_REASONS[EndReason(item.reason)] if item.reason else pb.ACCESS_END_REASON_UNSPECIFIED,
        actor_id=str(item.actor_id) if item.actor_id is not None else "",
        occurred_at=encode_moment(item.occurred_at),
    )


def _text(day: date | None) -> str:
    return day.isoformat() if day is not None else ""
