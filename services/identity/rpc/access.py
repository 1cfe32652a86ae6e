"""Roles, training and the end of access: decode, one call, encode."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from uuid import UUID

from ascms.identity.v1 import access_pb2 as pb

from kit.actor import Actor
from kit.clock import local_date
from kit.db import Transaction
from kit.errors import InvalidArgumentError, NotFoundError, Violation
from kit.rpc.server import Call, read, write
from services.identity import commands
from services.identity.commands import Access
from services.identity.domain import OrganisationKind, Period, RoleGrant
from services.identity.domain.access import (
    AUTHORISER,
    AccessEvent,
    AccessEventKind,
    AccessState,
    EndReason,
    Training,
    judge_actions,
    judge_attesting,
    state_of,
)
from services.identity.domain.attesting import AccessRules
from services.identity.domain.invitations import PRIMARY, SUPPORTING, IdentityDocument, Invitation
from services.identity.roles import ATTESTED_KINDS, COURSES, ROLES, ceiling_of, held_roles, missing_of
from services.identity.rpc.base import Methods, encode_document, encode_moment, kind_of
from services.identity.store import access, attesting, invitations, organisations, people, staff
from services.identity.training import invite_at

_HISTORY = 100
STATES = MappingProxyType(
    {
        AccessState.WORKS: pb.ACCESS_STATE_WORKS,
        AccessState.WAITS: pb.ACCESS_STATE_WAITS,
        AccessState.NO_ROLE: pb.ACCESS_STATE_NO_ROLE,
        AccessState.ENDED: pb.ACCESS_STATE_ENDED,
    }
)
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
        AccessEventKind.TRAINING_LAPSED: pb.ACCESS_EVENT_KIND_TRAINING_LAPSED,
        AccessEventKind.ATTESTED: pb.ACCESS_EVENT_KIND_ATTESTED,
        AccessEventKind.RESTED: pb.ACCESS_EVENT_KIND_RESTED,
        AccessEventKind.WOKEN: pb.ACCESS_EVENT_KIND_WOKEN,
    }
)


class AccessMethods(Methods):
    """What a delegated authoriser does with the access of people, and what the training system says."""

    @read
    def GetPerson(self, request: pb.GetPersonRequest, call: Call) -> pb.GetPersonResponse:
        """One person of the caller's organisation, with what happened to their access."""
        person_id, today = UUID(request.person_id), self.local_today()
        with self.deps.database.tenant(call.actor) as tx:
            organisation = organisations.find_organisation(tx, call.actor.tenant_id)
            found = people.get_members(tx, [person_id])
            grants = people.grants_of_members(tx, [person_id, call.actor.person_id])
            history = access.list_history(tx, person_id, most=_HISTORY)
            invitation = invitations.find_accepted(tx, person_id)
            documents = invitations.list_documents(tx, today=None) if invitation is not None else []
            attestation = attestation_of(tx, [person_id], kind_of(call.actor), today)
            authorisers = staff.count_working(tx, AUTHORISER, rules_of(call.actor, today), except_for=person_id)
        if not found or organisation is None:
            raise NotFoundError("person")
        person = Access(found[0], organisation.kind, tuple(grants[person_id]), today)
        ceiling = ceiling_of(held_roles(grants[call.actor.person_id], kind=organisation.kind, today=today))
        held, is_own = [grant for grant in person.grants if grant.is_held(today)], person_id == call.actor.actor_id
        roles = [grant.role for grant in held]
        judged = judge_actions(roles, ceiling=ceiling, is_own=is_own, has_other_authoriser=authorisers > 0)
        judged += judge_attesting(
            roles,
            ceiling=ceiling,
            is_own=is_own,
            is_asked=attestation is not None,
            rests=any(grant.rested_at is not None for grant in held),
        )
        return pb.GetPersonResponse(
            person=encode_access(person, history=history, region=organisation.region, attestation=attestation),
            history=map(_event, history),
            actions=[
                pb.AccessAction(action=each.action, role=each.role, allowed=not each.reason, reason=each.reason)
                for each in judged
            ],
            identity_seen=encode_seen(invitation, documents) if invitation is not None else None,
        )

    @write(lambda found: pb.AssignRoleResponse(person=encode_access(found)))
    def AssignRole(self, request: pb.AssignRoleRequest, call: Call) -> Access:
        """Give a role."""
        starts_on = _day(request.starts_on) or local_date(self.deps.clock.now())
        period = Period(starts_on, _day(request.ends_on))
        person_id = UUID(request.person_id)
        return commands.assign_role(self.deps, call.actor, person_id=person_id, role=request.role, period=period)

    @write(lambda found: pb.RemoveRoleResponse(person=encode_access(found)))
    def RemoveRole(self, request: pb.RemoveRoleRequest, call: Call) -> Access:
        """Take a role away."""
        person_id, reason = UUID(request.person_id), _reason(request.reason)
        return commands.remove_role(self.deps, call.actor, person_id=person_id, role=request.role, reason=reason)

    @write(lambda found: pb.AttestAccessResponse(person=encode_access(found)))
    def AttestAccess(self, request: pb.AttestAccessRequest, call: Call) -> Access:
        """Say that someone still needs their access."""
        return commands.attest_access(self.deps, call.actor, person_id=UUID(request.person_id))

    @write(lambda found: pb.WakeAccessResponse(person=encode_access(found)))
    def WakeAccess(self, request: pb.WakeAccessRequest, call: Call) -> Access:
        """Wake what rests."""
        return commands.wake_access(self.deps, call.actor, person_id=UUID(request.person_id))

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


@dataclass(frozen=True, slots=True)
class Attestation:
    """When the access of people was last attested, and the rules of today."""

    rules: AccessRules
    attested_on: Mapping[UUID, date]


def attestation_of(tx: Transaction, people_: Sequence[UUID], kind: OrganisationKind, today: date) -> Attestation | None:
    """What is known of the attestation of people of the present organisation; None where access is not attested."""
    if kind not in ATTESTED_KINDS:
        return None
    return Attestation(attesting.find_rules(tx, today=today), attesting.attested_on(tx, people_))


def encode_access(
    found: Access,
    *,
    history: Sequence[AccessEvent] = (),
    region: str = "",
    attestation: Attestation | None = None,
) -> pb.PersonAccess:
    """A person as their authoriser sees them; with `history`, also when they are invited to the training."""
    answer = _encode_access(found, history, region)
    attested_on = attestation.attested_on.get(found.member.person_id) if attestation is not None else None
    if attestation is not None and attested_on is not None and answer.roles:
        answer.attested_on = attested_on.isoformat()
        answer.attest_by = attestation.rules.attest_by(attested_on).isoformat()
        answer.attestation_due = attestation.rules.is_due(attested_on, found.today)
    return answer


def _encode_access(found: Access, history: Sequence[AccessEvent], region: str) -> pb.PersonAccess:
    held = sorted((grant for grant in found.grants if grant.is_held(found.today)), key=lambda grant: grant.role)
    roles = held_roles(held, kind=found.kind, today=found.today)
    return pb.PersonAccess(
        person_id=str(found.member.person_id),
        name=found.member.name,
        email=found.member.email,
        roles=[_detail(grant, found, history, region) for grant in held],
        state=STATES[state_of(roles, was_given_any=bool(found.grants))],
    )


def _detail(grant: RoleGrant, found: Access, history: Sequence[AccessEvent], region: str) -> pb.RoleDetail:
    missing = missing_of(grant, kind=found.kind, today=found.today)
    invites_at, invited_at = _invited(grant.role, history, region) if missing.startswith("training") else (None, None)
    return pb.RoleDetail(
        role=grant.role,
        works=not missing,
        missing=missing,
        starts_on=_text(grant.period.starts_on),
        ends_on=_text(grant.period.ends_on),
        trained_on=_text(grant.trained_on),
        training_ends_on=_text(grant.training_ends_on),
        invites_at=encode_moment(invites_at),
        invited_at=encode_moment(invited_at),
    )


def _invited(role: str, history: Sequence[AccessEvent], region: str) -> tuple[datetime | None, datetime | None]:
    """When the invitation to the training of a role goes out, or went out; neither where a role was provisioned."""
    given = next((item for item in history if item.kind is AccessEventKind.ROLE_ASSIGNED and item.role == role), None)
    sent = next((item for item in history if item.kind is AccessEventKind.TRAINING_INVITED), None)
    if sent is not None and (given is None or sent.occurred_at >= given.occurred_at):
        return None, sent.occurred_at
    return (invite_at(given.occurred_at, region), None) if given is not None else (None, None)


def encode_seen(item: Invitation, documents: Sequence[IdentityDocument]) -> pb.IdentitySeen:
    """What was seen of someone's identity, in the words of the kinds, also of kinds that no longer count."""
    known = {(document.purpose, document.code): document for document in documents}
    return pb.IdentitySeen(
        primary=encode_document(known.get((PRIMARY, item.sighting.primary)), item.sighting.primary),
        supporting=encode_document(known.get((SUPPORTING, item.sighting.supporting)), item.sighting.supporting),
        seen_by=str(item.invited_by),
        seen_at=encode_moment(item.invited_at),
    )


def rules_of(actor: Actor, today: date) -> staff.Rules:
    """What decides whether a role works at the caller's organisation."""
    kind = kind_of(actor)
    possible = tuple(code for code, role in ROLES.items() if role.kind is kind and not role.is_for_machines)
    return staff.Rules(today, possible, needs_training=kind in COURSES)


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
